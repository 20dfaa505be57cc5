"""What a batch of Instances tells a spectral solver of -a Laplace u + c u = f, on a grid between dirichlet and neumann faces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.spectral_basis import KINDS
from pdekit.solver import Instances
from pdekit.space.grid import Grid

BALANCED = 1e-12  # of |f| in float64: the share of a source with mean that its own rounding explains
ROUNDED = 4.0  # times eps of a stored field: the same of fields stored in a shorter type


@dataclass(frozen=True)
class Cases:
    """n cases, float64.

    a, c         (n,) diffusivity and reaction
    source       (n, *points)
    faces        {"x_low": (n, *face points)} u, or the outward flux a du/dn, on every face
    imbalance    (n,) |what is fed in + what flows in| over |f|, by the grid's own sums; the scheme's solvability
    rounding     share of |f| that the type of the stored fields leaves unbalanced
    """

    grid: Grid
    a: np.ndarray
    c: np.ndarray
    source: np.ndarray
    faces: dict[str, np.ndarray]
    imbalance: np.ndarray
    rounding: float

    @property
    def finite(self) -> np.ndarray:
        """(n,) bool."""
        arrays = (self.a, self.c, self.source, *self.faces.values())
        return np.all([np.isfinite(v.reshape(len(v), -1)).all(axis=1) for v in arrays], axis=0)

    def __getitem__(self, index: np.ndarray) -> Cases:
        """The chosen cases; index (m,)."""
        faces = {name: v[index] for name, v in self.faces.items()}
        parts = {name: getattr(self, name)[index] for name in ("a", "c", "source", "imbalance")}
        return replace(self, faces=faces, **parts)


def cases_of(problem: Any, instances: Instances) -> Cases:
    """Read a batch: coefficients of each sample, source, faces from fields or from the grid's constants."""
    grid, n = instances.grid, len(instances)
    a = np.array([float(problem.coefficient(case)) for case in instances.cases()])
    c = np.array([float(problem.reaction(case) or 0.0) for case in instances.cases()])
    source = np.asarray(instances.fields["source"], np.float64)
    faces = {}
    for face in grid.faces:
        field = instances.fields.get(f"boundary_{face}")
        shape = (n, *grid.face_shape(face))
        faces[face] = np.full(shape, grid.value(face)) if field is None else np.asarray(field, np.float64)
    eps = max((float(np.finfo(v.dtype).eps) for v in instances.fields.values() if v.dtype.kind == "f"), default=0.0)
    return Cases(grid, a, c, source, faces, _imbalance(grid, source, faces), max(ROUNDED * eps, BALANCED))


def check_faces(grid: Grid, name: str, kinds: tuple[str, ...] = KINDS) -> None:
    """Raise BadInput where a grid has faces that solver `name` does not know."""
    if not all(kind in kinds for pair in grid.boundary for kind in pair):
        raise BadInput.of(
            f"solver {name!r} needs polynomials between two ends.",
            found=f"boundary {grid.boundary}",
            allowed=", ".join(kinds),
            hint="fast-poisson serves periodic axes, direct serves robin faces",
        )


def _imbalance(grid: Grid, source: np.ndarray, faces: dict[str, np.ndarray]) -> np.ndarray:
    axes = tuple(range(1, 1 + grid.dim))
    with np.errstate(invalid="ignore", over="ignore"):  # samples that are not finite are answered so, not summed
        total = (source * grid.weights).sum(axis=axes)
        size = np.sqrt((source**2 * grid.weights).sum(axis=axes) * grid.volume)
        for face, flux in faces.items():
            w = np.ones(())
            for axis, part in zip(grid.axes, grid.axis_weights, strict=True):
                w = w if axis == face[0] else np.multiply.outer(w, part)
            over = tuple(range(1, grid.dim))
            total = total + (flux * w).sum(axis=over)
            size = np.maximum(size, np.abs(flux * w).sum(axis=over))
    return np.abs(total) / np.where(size > 0, size, 1.0)
