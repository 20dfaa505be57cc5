"""Heat in a plate whose conductivity swings between strong and weak, warmed by a lamp on a circle."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.problems.evolution import LinearEvolution
from pdekit.problems.problem import FieldSpec
from pdekit.solver import Instances
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.random_fields import bump
from pdekit.space.stencils import StencilOperator


@dataclass(frozen=True)
class Heat(LinearEvolution):
    """u_t = kappa(t) Laplace u + f(x, t), u = 0 on the walls, 1 to 3 axes.

    kappa(t) = max(weak s, -strong s), s = sin(2 pi (t + phase) / period): half a period weak, half a period strong.
    f(x, t) = power * bump of radius `lamp_radius` (in units of the first side) whose centre runs around the middle, at a
    quarter of the sides, `turns` times per unit of time.

    What one sees: in the strong half-periods the plate is flat but for the lamp's spot, in the weak ones the spot draws a
                   warm ring.
    Resolve it:    the bump with 4 points per radius at least; time steps well below 1/(turns * 8).
    Units:         u in [u], lengths in L, times in T; weak, strong in L^2/T, power in [u]/T, turns in 1/T.
    Boundary:      every wall is held at 0.
    Exact:         without the lamp, modes of the box decay by exp(-lambda integral of kappa): `decay`.
    Source:        the time-varying heat equation of Khodak, Chow, Balcan & Talwalkar 2024, arXiv:2310.02246, sec. 4.2.
    """

    weak: int | float = 0.1
    strong: int | float = 10.0
    period: int | float = 1.0
    phase: int | float = 0.0
    power: int | float = 32.0
    lamp_radius: int | float = 0.125
    turns: int | float = 8.0

    name: ClassVar[str] = "heat"
    equation: ClassVar[str] = "d temperature/dt = kappa(t) Laplace temperature + f(x, t), from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "linear", "spd", "scalar", "diffusion"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "temperature at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("temperature", "output", "1", "temperature"),)

    def __post_init__(self) -> None:
        for f in fields(self):
            v = getattr(self, f.name)
            free = f.name in ("phase", "power", "turns")
            if not isinstance(v, int | float) or isinstance(v, bool) or not math.isfinite(v) or (v <= 0 and not free):
                raise BadInput.of(f"{f.name} of Heat.", found=repr(v), allowed="a number" + ("" if free else " > 0"))

    def check_grid(self, grid: Grid) -> None:
        """Raise BadInput where a wall is not held at 0."""
        held = all(kind == "dirichlet" for pair in grid.boundary for kind in pair)
        if not held or any(v != 0 for pair in grid.boundary_value for v in pair):
            raise BadInput.of(
                f"problem {self.name!r} holds all walls at 0.",
                found=f"boundary {grid.boundary}, values {grid.boundary_value}",
                allowed='boundary = "dirichlet", boundary_value = 0.0',
            )

    def of(self, case: Instances) -> Heat:
        """This problem with the parameters that a case replaces."""
        own = {name: float(values[0]) for name, values in case.parameters.items()}
        return Heat(**{**{f.name: getattr(self, f.name) for f in fields(self)}, **own}) if own else self

    def kappa(self, t: float) -> float:
        """The conductivity at a time, L^2/T."""
        s = math.sin(2.0 * math.pi * (t + self.phase) / self.period)
        return max(self.weak * s, -self.strong * s)

    def operator(self, case: Instances, t: float) -> StencilOperator:
        """-kappa(t) Laplace, second order."""
        kappa = self.of(case).kappa(t)
        laplace = _laplace(case.grid)
        return StencilOperator(tuple(kappa * e for e in laplace.edges), case.grid)

    def forcing(self, case: Instances, t: float) -> np.ndarray:
        """f(., t) at the unknowns."""
        own, grid = self.of(case), case.grid
        angle = 2.0 * math.pi * own.turns * t
        centre = [0.5 * length for length in grid.length]
        for axis, part in zip(range(min(grid.dim, 2)), (math.cos(angle), math.sin(angle)), strict=False):
            centre[axis] += 0.25 * grid.length[axis] * part
        return own.power * bump(grid, centre, own.lamp_radius * grid.length[0])[grid.unknown]

    def initial(self, case: Instances) -> np.ndarray:
        """The stored start at the unknowns."""
        return np.ascontiguousarray(np.asarray(case.fields["initial"][0], np.float64)[case.grid.unknown])

    def embed(self, case: Instances, x: np.ndarray) -> np.ndarray:
        """u on all stored points, 0 on stored walls."""
        u = np.zeros(case.grid.points)
        u[case.grid.unknown] = x
        return u

    def context(self, case: Instances, t: float) -> float:
        """log kappa at t, clipped to four decades below `strong`: a step is a shift by 2/(kappa dt), which log kappa spreads
        evenly and 1/kappa does not."""
        own = self.of(case)
        return math.log(max(own.kappa(t), 1e-4 * own.strong))

    def context_range(self, case: Instances) -> tuple[float, float]:
        """Four decades below `strong`."""
        top = math.log(self.of(case).strong)
        return top + math.log(1e-4), top

    def decay(self, t0: float, t1: float, steps: int = 20_000) -> float:
        """Integral of kappa from t0 to t1, L^2, by the midpoint rule."""
        h = (t1 - t0) / steps
        return h * sum(self.kappa(t0 + (k + 0.5) * h) for k in range(steps))


@lru_cache(maxsize=4)
def _laplace(grid: Grid) -> StencilOperator:
    """-Laplace of a grid; made once per grid, not once per step."""
    return diffusion(grid, 1.0)[0]
