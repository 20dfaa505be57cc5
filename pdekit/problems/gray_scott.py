"""The model of Gray and Scott: a substance that feeds on another, in spots, stripes and worms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Semilinear, channels, per_sample
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class GrayScott(Semilinear):
    """u_t = diffusion_u Laplace u - u v^2 + feed (1 - u), v_t = diffusion_v Laplace v + u v^2 - (feed + kill) v.

    What one sees: by (feed, kill), after t of thousands: spots that divide (.028, .056), stripes (.04, .06), worms
                   (.052, .063), chaos (.024, .056) and (.02, .046). Many a start and pair dies: u = 1, v = 0 everywhere, for
                   ever. Once max v < feed + kill with u <= 1 nothing can save it (v_t <= diffusion + v (v - feed - kill)):
                   "largest v" is watched; a data set should count such samples, not hide them.
    Resolve it:    length 2.5 with N = 256: walls are ~ sqrt(diffusion_v/(feed + kill)) wide, 3 spacings at the least.
    Units:         u and v are numbers, diffusions in L^2/T, feed and kill in 1/T.
    Boundary:      periodic, on 1 to 3 axes.
    Exact:         none; without diffusion each point is its own system of two ordinary equations.
    Source:        Gray & Scott 1984, doi:10.1016/0009-2509(84)87017-7; Pearson 1993, doi:10.1126/science.261.5118.189
    """

    diffusion_u: int | float = 2e-5
    diffusion_v: int | float = 1e-5
    feed: int | float = 0.04
    kill: int | float = 0.06

    name: ClassVar[str] = "gray-scott"
    equation: ClassVar[str] = (
        "d(u, v)/dt = (diffusion_u Laplace u - u v^2 + feed (1 - u), diffusion_v Laplace v + u v^2 - (feed + kill) v), "
        "from initial_u, initial_v"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("initial_u", "input", "1", "food at the start"),
        FieldSpec("initial_v", "input", "1", "feeder at the start"),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("u", "output", "1", "food"),
        FieldSpec("v", "output", "1", "feeder"),
    )
    degree: ClassVar[int] = 3

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("diffusion_u", "diffusion_v", "feed", "kill"))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-diffusion_u |k|^2 - feed, -diffusion_v |k|^2 - feed - kill."""
        laplace = space.laplacian()
        food = self.diffusion_u * laplace - self.feed
        return channels(space, food, self.diffusion_v * laplace - self.feed - self.kill)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """(feed - u v^2, u v^2)."""
        u = space.backward(v)
        eaten = u[:, :1] * u[:, 1:] ** 2
        return space.forward(array_namespace(v).concat([self.feed - eaten, eaten], axis=1))

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Means of u and v, and the largest v, which tells the living from the dead."""
        xp, feeder = array_namespace(v), space.backward(v[:, 1])
        peak = xp.max(xp.reshape(feeder, (v.shape[0], -1)), axis=1)
        return {"mean u": space.mean(v[:, 0]), "mean v": space.mean(v[:, 1]), "largest v": peak}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """feed (1 - u) - u v^2, and u v^2 - (feed + kill) v."""
        xp, u = array_namespace(v), space.backward(v)
        eaten = xp.mean(xp.reshape(u[:, 0] * u[:, 1] ** 2, (v.shape[0], -1)), axis=1)
        feed, kill = per_sample(self.feed), per_sample(self.kill)
        return {
            "mean u": feed * (1 - space.mean(v[:, 0])) - eaten,
            "mean v": eaten - (feed + kill) * space.mean(v[:, 1]),
        }

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x."""
        return mirrors(grid)
