"""When an iteration ends: one rule for every method."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pdekit.errors import BadInput

STEP_LIMIT = 20_000
NORMS = ("residual", "preconditioned", "natural")


@dataclass(frozen=True)
class Stop:
    """Stop when norm <= max(rtol * scale, atol), scale = |b| (or the first norm, relative_to = "r0").

    rtol, atol    relative, dimensionless, and absolute, in the units of b; both >= 0, not both 0 unless steps are wanted
    max_steps     None: min(10 n, 20000); scipy's 10 n is useless for a PDE
    relative_to   "b": a good start pays off; "r0": for reproducing others
    norm          "residual" |r|; "preconditioned" |M r|; "natural" sqrt(r . M r), which estimates the energy norm of the
                  error; the last two are relative to the same norm of b
    """

    rtol: float = 1e-8
    atol: float = 0.0
    max_steps: int | None = None
    relative_to: str = "b"
    norm: str = "residual"

    def __post_init__(self) -> None:
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
                raise BadInput.of(f"{name} of a solver cannot be used.", found=repr(value), allowed="a number >= 0")
        if self.rtol >= 1:
            raise BadInput.of("rtol of a solver is met by the zero vector.", found=repr(self.rtol), allowed="below 1")
        steps = self.max_steps
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 0):
            raise BadInput.of("max_steps of a solver.", found=repr(steps), allowed="an integer >= 0, or none")
        if self.relative_to not in ("b", "r0"):
            raise BadInput.of("relative_to of a solver.", found=repr(self.relative_to), allowed='"b", "r0"')
        if self.norm not in NORMS:
            raise BadInput.of("norm of a solver.", found=repr(self.norm), allowed=", ".join(NORMS))

    def limit(self, unknowns: int) -> int:
        """Largest number of steps for a system of this size."""
        return min(10 * unknowns, STEP_LIMIT) if self.max_steps is None else self.max_steps
