"""`literal.Method` with its `advance` by the kernels, for the laws that have them."""

from __future__ import annotations

import numpy as np

from pdekit.problems.conservation_law import ConservationLaw
from pdekit.volumes.advance_kernels import advance
from pdekit.volumes.flux_kernels import BURGERS, SHALLOW_WATER
from pdekit.volumes.ghosts import codes
from pdekit.volumes.literal import Method
from pdekit.volumes.reconstruction import RECONSTRUCTIONS

LAWS = {"burgers": BURGERS, "shallow-water": SHALLOW_WATER}
MATHEMATICS = ("flux", "speed", "riemann", "limit", "settle", "admissible", "mirror")


def has_kernels(law: ConservationLaw) -> bool:
    """Whether the kernels know a law, and it has not changed the mathematics of the class that names them."""
    kind = type(law)
    owner = next(base for base in kind.__mro__ if "compiled" in base.__dict__)
    return law.compiled in LAWS and all(getattr(kind, name) is getattr(owner, name) for name in MATHEMATICS)


class Compiled(Method):
    """A method whose `advance` is compiled; everything else is the literal one."""

    def advance(self, u: np.ndarray, span: float) -> tuple[np.ndarray, int, int, int, float]:
        """As `Method.advance`."""
        law, grid = self.law, self.grid
        flat = grid.dim == 1
        pad = ((0, 0), (0, 0))
        kinds, values = codes(law, grid), np.array(grid.boundary_value, dtype=np.float64)
        spread = np.array([1.0 / h for h in grid.spacing])
        if flat:
            kinds, values = np.vstack([np.zeros_like(kinds), kinds]), np.vstack([np.array(pad[:1], float), values])
            spread = np.concatenate([[0.0], spread])
        state = u.reshape(len(u), 1, -1).copy() if flat else u.copy()
        constants = (*law.constants(), 0.0, 0.0)[:2]
        numbers = np.array([*constants, law.viscosity])
        method = (list(RECONSTRUCTIONS).index(self.reconstruction), law.fluxes.index(self.flux))
        why, steps, again, gone = advance(
            LAWS[law.compiled], method, state, span, self.cfl, self.dt, kinds, values, spread, self.eps, numbers
        )
        return state.reshape(u.shape), int(why), int(steps), int(again), float(gone)
