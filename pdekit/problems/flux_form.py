"""What Darcy, Poisson and their kin share: -div(a grad u) + c u = f on a box, boundary values constant or as fields on the
faces."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.problem import Elliptic, Symmetry
from pdekit.solver import Instances
from pdekit.space.diffusion import boundary_source, control_volumes, diffusion
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw, face_grid
from pdekit.space.transfer import coarsen, refine


class FluxForm(Elliptic):
    """-div(a grad u) + c u = f, finite volumes of `space/diffusion.py`; subclasses say what a and its mean at faces are,
    and c where there is one."""

    @property
    @abstractmethod
    def mean(self) -> str:
        """'arithmetic' | 'harmonic': the mean of the two coefficients that share a face."""

    @abstractmethod
    def coefficient(self, case: Instances) -> Any:
        """a of a batch of one at the stored points, or one number."""

    def reaction(self, case: Instances) -> float | None:
        """c of a batch of one, in units of a/length^2; None where the equation has no such term."""
        return None

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the input fields that are coefficients (averaged by `mean` on coarser grids)."""
        return tuple(spec.name for spec in self.inputs if spec.positive)

    def sample(
        self, grid: Grid, rng: np.random.Generator, laws: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, np.ndarray]:
        """Draw one case, fields in the order of the laws: {field: (*points)}; boundary fields have their face's points."""
        out = {}
        for name, law in laws.items():
            on = face_grid(grid, name.removeprefix("boundary_")) if name.startswith("boundary_") else grid
            out[name] = draw(law, on, rng)
        return out

    def assemble(self, case: Instances) -> tuple[Any, np.ndarray]:
        """StencilOperator and right-hand side of a batch of one, shape of the unknowns."""
        grid, c = case.grid, self.reaction(case)
        shift = None if c is None else np.full(control_volumes(grid).shape, c)
        operator, walls = diffusion(grid, self.coefficient(case), mean=self.mean, shift=shift)
        source = np.asarray(case.fields["source"][0], dtype=np.float64)[grid.unknown]
        b = source * control_volumes(grid) if grid.location == "vertex" else source
        faces = {name[9:]: a[0].astype(np.float64) for name, a in case.fields.items() if name.startswith("boundary_")}
        if faces or any(v != 0 for pair in grid.boundary_value for v in pair):
            b = b + boundary_source(grid, walls, faces)
        return operator, np.ascontiguousarray(b)

    def embed(self, case: Instances, x: np.ndarray) -> np.ndarray:
        """u on all stored points: the unknowns and the known Dirichlet ends of vertex axes."""
        grid = case.grid
        if x.shape == grid.points:
            return x
        out = np.zeros(grid.points, dtype=x.dtype)
        out[grid.unknown] = x
        if grid.location == "cell":
            return out
        for face in grid.faces:
            if grid.kind(face) == "dirichlet":
                axis, end = grid.axes.index(face[0]), 0 if face.endswith("low") else -1
                field = case.fields.get(f"boundary_{face}")
                out[(*(slice(None),) * axis, end)] = grid.value(face) if field is None else field[0]
        return out

    def regrid(self, instances: Instances, factor: int | float) -> Instances:
        """The same cases on `factor` times the intervals. Finer: each cell's values on its parts. Coarser: means over the
        cells that become one, of the coefficient by `mean`, of all else arithmetic."""
        grid = instances.grid
        fields = {}
        for name, array in instances.fields.items():
            on = face_grid(grid, name[9:]) if name.startswith("boundary_") else grid
            if on is None or factor == 1:
                fields[name] = array
            elif factor > 1:
                fields[name] = refine(array, on, round(factor))
            else:
                mean = "harmonic" if name in self.coefficients and self.mean == "harmonic" else "arithmetic"
                fields[name] = coarsen(array, on, round(1 / factor), mean)
        return replace(instances, grid=grid.scaled(factor), fields=fields)

    def symmetries(self, grid: Grid) -> tuple[Symmetry, ...]:
        """Permutations and reflections of the axes that leave box, points and boundary as they are, identity first.

        A law of the inputs need not share them: an augmented sample is a solution, not always a likely one.
        """
        found = []
        for axes in permutations(range(grid.dim)):
            for flips in product((False, True), repeat=grid.dim):
                if _same(grid, axes, flips):
                    found.append(Symmetry(_name(grid, axes, flips), _Motion(grid, axes, flips)))
        return tuple(found)


class _Motion:
    """Applies a permutation, then reflections, to the trailing space axes of an array or tensor."""

    def __init__(self, grid: Grid, axes: tuple[int, ...], flips: tuple[bool, ...]) -> None:
        self.axes, self.dim = axes, grid.dim
        self.flipped = tuple(k - grid.dim for k, f in enumerate(flips) if f)
        on_vertices = grid.location == "vertex"
        self.rolled = tuple(k for k in self.flipped if on_vertices and grid.periodic[k])

    def __call__(self, name: str, array: Any) -> Any:
        xp = array_namespace(array)
        lead = array.ndim - self.dim
        out = xp.permute_dims(array, (*range(lead), *(lead + a for a in self.axes)))
        if self.flipped:
            out = xp.flip(out, axis=self.flipped)
        for axis in self.rolled:
            out = xp.roll(out, 1, axis=axis)
        return out


def _same(grid: Grid, axes: tuple[int, ...], flips: tuple[bool, ...]) -> bool:
    """True where axis `new` of the moved box has the points, length and faces that it had before."""

    def faces(axis: int) -> list[Any]:
        return list(zip(grid.boundary[axis], grid.boundary_value[axis], grid.robin[axis], strict=True))

    for new, (old, flip) in enumerate(zip(axes, flips, strict=True)):
        if (grid.points[new], grid.length[new]) != (grid.points[old], grid.length[old]):
            return False
        if faces(new) != (faces(old)[::-1] if flip else faces(old)):
            return False
    return True


def _name(grid: Grid, axes: tuple[int, ...], flips: tuple[bool, ...]) -> str:
    if axes == tuple(range(grid.dim)) and not any(flips):
        return "identity"
    turned = "" if axes == tuple(range(grid.dim)) else "transpose " + "".join(grid.axes[a] for a in axes)
    flipped = "".join(grid.axes[k] for k, f in enumerate(flips) if f)
    return " ".join(part for part in (turned, f"flip {flipped}" if flipped else "") if part)
