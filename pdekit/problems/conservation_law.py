"""u_t + div f(u) = nu Laplace u on cells: what a conservation law gives, and the solvers of `volumes` advance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput, unknown_name
from pdekit.problems.evolution import Evolution
from pdekit.problems.problem import Symmetry
from pdekit.problems.symmetry import shifts
from pdekit.solver import Instances
from pdekit.space.cell_means import rescale
from pdekit.space.grid import Grid

FEWEST = 4  # cells along an axis: a stencil of five must not meet itself


class ConservationLaw(Evolution):
    """A law for the means of one or more fields over cells; values in files are cell means, not values at centres.

    A state u (c, *x) holds the outputs in their order, one sample at a time; input i is the start of output i. Functions of
    states take any trailing shape: cells, or faces with a state on either side.

    dims      numbers of axes that the law is defined on
    fluxes    names that `riemann` knows, the one to take by default first
    ghosts    what lies behind a face of each boundary type: "wrap", "copy" (what comes out leaves), "hold" (the boundary
              value), "mirror" (a wall); types that are not named are refused
    compiled  name of the law among the compiled kernels of `volumes`, "" for laws that have none
    """

    dims: ClassVar[tuple[int, ...]] = (1, 2)
    fluxes: ClassVar[tuple[str, ...]] = ("llf",)
    ghosts: ClassVar[Mapping[str, str]] = {"periodic": "wrap", "neumann": "copy", "dirichlet": "hold"}
    compiled: ClassVar[str] = ""

    @abstractmethod
    def flux(self, u: np.ndarray, axis: int) -> np.ndarray:
        """f(u) along an axis, (c, *x), in units of u times L/T."""

    @abstractmethod
    def speed(self, u: np.ndarray, axis: int) -> np.ndarray:
        """(*x) the largest speed, |eigenvalue of f'(u)|, at which anything travels along an axis, L/T."""

    @property
    def viscosity(self) -> float:
        """nu, the same for all fields, L^2/T; 0 in laws without it."""
        return 0.0

    def constants(self) -> tuple[float, ...]:
        """What the compiled kernels of this law read besides the viscosity."""
        return ()

    def riemann(self, name: str, left: np.ndarray, right: np.ndarray, axis: int) -> np.ndarray:
        """The flux (c, *faces) through faces between two states, by one of `fluxes`.

        "llf": local Lax-Friedrichs, f = (f(l) + f(r))/2 - s (r - l)/2, s the larger speed of the two (Rusanov 1961).
        """
        if name != "llf":
            raise unknown_name(f"flux of problem {self.name!r}", name, self.fluxes)
        s = np.maximum(self.speed(left, axis), self.speed(right, axis))
        return 0.5 * (self.flux(left, axis) + self.flux(right, axis)) - 0.5 * s * (right - left)

    def limit(self, wide: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values at the low and the high face of m cells, (c, ..., m), brought back to what is admissible.

        wide   (c, ..., m + 2) means of these cells and of one more at either end
        """
        return low, high

    def settle(self, u: np.ndarray) -> np.ndarray:
        """A state with what rounding did put right; what is truly inadmissible stays, for `admissible` to see."""
        return u

    def admissible(self, u: np.ndarray) -> bool:
        """Whether the law is defined on a state, NaN aside."""
        return True

    def scale(self, u: np.ndarray) -> np.ndarray:
        """(c,) how large the fields are: 0 where they vanish. Below 1e-3 of it WENO weighs differences as smooth."""
        return np.abs(u).reshape(len(u), -1).max(axis=1)

    def mirror(self, axis: int) -> np.ndarray:
        """(c,) sign that each field takes in a mirror across an axis."""
        return np.ones(len(self.outputs))

    def of(self, case: Instances) -> ConservationLaw:
        """This law with the parameters that a case replaces."""
        own = {name: float(values[0]) for name, values in case.parameters.items()}
        return replace(self, **own) if own else self  # pyright: ignore[reportArgumentType]

    def start(self, case: Instances) -> np.ndarray:
        """(c, *x) cell means at the first of the times of a batch of one, float64."""
        first = [case.fields[spec.name][0] for spec in self.inputs[: len(self.outputs)]]
        return np.stack([np.asarray(u, dtype=np.float64) for u in first])

    def check_grid(self, grid: Grid) -> None:
        """Raise BadInput where points are no cells, or axes, cells or boundary types are none that the law knows."""
        if grid.location != "cell":
            raise BadInput.of(
                f"problem {self.name!r} is a law for means over cells.",
                found=f"location {grid.location!r}",
                allowed='location = "cell"',
            )
        if grid.dim not in self.dims:
            raise BadInput.of(
                f"problem {self.name!r} is not defined on {grid.dim} axes.",
                allowed=", ".join(map(str, self.dims)),
                hint="grid.points and grid.length hold one number per axis",
            )
        if min(grid.points) < FEWEST:
            raise BadInput.of(
                f"problem {self.name!r} needs more cells.", found=str(grid.points), allowed=f"{FEWEST} or more per axis"
            )
        for face in grid.faces:
            self._check_face(face, grid.kind(face), grid.value(face))

    def _check_face(self, face: str, kind: str, value: float) -> None:
        behind = self.ghosts.get(kind)
        if behind is None or (behind != "hold" and value != 0.0):
            names = {"copy": "outflow", "hold": "a state held at boundary_value", "mirror": "a wall"}
            kinds = (f'"{k}" ({names[v]})' for k, v in self.ghosts.items() if v != "wrap")
            raise BadInput.of(
                f"problem {self.name!r} cannot hold what is asked of face {face}.",
                found=f"boundary {kind!r}, value {value}",
                allowed=", ".join(kinds) + "; values of outflow and walls are 0",
            )

    def sample(
        self, grid: Grid, rng: np.random.Generator, laws: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, np.ndarray]:
        """Draw one case: {field: (*points)}, in the order of the laws."""
        from pdekit.space.random_fields import draw

        return {name: draw(law, grid, rng) for name, law in laws.items()}

    def regrid(self, instances: Instances, factor: int | float) -> Instances:
        """The same cases on `factor` times the cells, a power of two: linear parts of cells, or means of whole ones."""
        grid = instances.grid
        moved = {name: rescale(np.asarray(a, np.float64), grid, factor) for name, a in instances.fields.items()}
        return replace(instances, grid=grid.scaled(factor), fields=moved)

    def symmetries(self, grid: Grid) -> tuple[Symmetry, ...]:
        """Identity, shifts along periodic axes, and those of `mirrors` that take the boundary to itself."""
        found = [*super().symmetries(grid)]
        if any(grid.periodic):
            found.append(shifts(grid))
        for name, axes, signs in self.mirrors(grid):
            alike = all(grid.boundary[a][0] == grid.boundary[a][1] for a in axes)
            if alike and not any(v for pair in grid.boundary_value for v in pair):
                found.append(Symmetry(name, _Mirror(tuple(a - grid.dim for a in axes), signs)))
        return tuple(found)

    def mirrors(self, grid: Grid) -> tuple[tuple[str, tuple[int, ...], Mapping[str, float]], ...]:
        """(name, axes turned around, {field: sign}) of mirrors that take solutions to solutions."""
        return ()


class _Mirror:
    """Turns a field around along some of its trailing axes, and changes its sign where asked."""

    def __init__(self, axes: tuple[int, ...], signs: Mapping[str, float]) -> None:
        self.axes, self.signs = axes, signs

    def __call__(self, name: str, array: Any) -> Any:
        return self.signs[name] * array_namespace(array).flip(array, axis=self.axes)
