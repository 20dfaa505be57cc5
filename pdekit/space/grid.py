"""A box, its points, and what holds on each of its faces.

Points (formats rule 10; `points` counts stored values):
    cell                     x_j = (j + 1/2) L/N
    vertex, periodic axis    x_j = j L/N, the right end left out
    vertex, other axes       x_j = j L/(N - 1), both ends stored, known boundary values included
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.space.grid_checks import (
    AXES,
    by_face,
    check_kinds,
    check_robin,
    check_sizes,
    check_values,
    dimension,
    per_axis,
)

LOCATIONS = ("cell", "vertex")
Pair = tuple[float, float]


@dataclass(frozen=True)
class Grid:
    """A uniform grid on the box [0, L_x] x [0, L_y] x [0, L_z], 1 to 3 axes.

    points          stored values per axis
    length          L per axis, in units of `unit`
    location        "cell" | "vertex", one for all axes
    boundary        (low, high) per axis: "periodic" | "dirichlet" | "neumann" | "robin"
    boundary_value  (low, high) per axis: u (dirichlet), outward flux a du/dn (neumann), g (robin); 0 on periodic axes;
                    a face whose value varies has a field `boundary_<face>` in the Instances instead
    robin           (low, high) per axis of (alpha, beta) in alpha u + beta a du/dn = g; used on robin faces only
    unit            unit of length, "1" = dimensionless

    Build it with `Grid.make`, which takes one word or number for all axes and checks everything.
    """

    points: tuple[int, ...]
    length: tuple[float, ...]
    location: str = "cell"
    boundary: tuple[tuple[str, str], ...] = ()
    boundary_value: tuple[Pair, ...] = ()
    robin: tuple[tuple[Pair, Pair], ...] = ()
    unit: str = "1"

    @classmethod
    def make(
        cls,
        points: int | Sequence[int],
        length: float | Sequence[float] = 1.0,
        *,
        location: str = "cell",
        boundary: str | Mapping[str, str] = "periodic",
        boundary_value: float | Mapping[str, float] = 0.0,
        robin: Mapping[str, Pair] | None = None,
        unit: str = "1",
    ) -> Grid:
        """Build a checked grid; one number in `points` beside a sequence in `length` (or the reverse) stands for all axes.

        `boundary` and `boundary_value` are one word (number) for every face, or a mapping {"x_low": ...} that names
        every face whose value is not the default ("dirichlet" for kinds that are not named, 0.0 for values). One number
        in `boundary_value` is that of the faces that are not periodic; `robin` names robin faces only.
        Raises BadInput, also on values that would have no effect.
        """
        dim = dimension(points, length)
        n = per_axis(points, dim)
        ell = per_axis(length, dim)
        check_sizes(n, ell)
        if location not in LOCATIONS:
            raise unknown_name("grid location", str(location), LOCATIONS)
        kinds = by_face("boundary", boundary, dim, "dirichlet")
        values = by_face("boundary_value", boundary_value, dim, 0.0)
        pairs = by_face("robin", robin or {}, dim, (1.0, 1.0))
        check_kinds(kinds)
        values = check_values(values, kinds, boundary_value)
        check_robin(pairs, kinds, robin or {})
        return cls(
            points=tuple(int(v) for v in n),
            length=tuple(float(v) for v in ell),
            location=location,
            boundary=kinds,
            boundary_value=tuple((float(low), float(high)) for low, high in values),
            robin=tuple(((float(a), float(b)), (float(c), float(d))) for (a, b), (c, d) in pairs),
            unit=unit,
        )

    @property
    def dim(self) -> int:
        """Number of axes, 1 to 3."""
        return len(self.points)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes: "x", "y", "z"."""
        return AXES[: self.dim]

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Which axes are periodic."""
        return tuple(low == "periodic" for low, _ in self.boundary)

    @property
    def faces(self) -> tuple[str, ...]:
        """Names of the faces that carry a boundary condition: "x_low", "x_high", ...; none on periodic axes."""
        return tuple(
            f"{a}_{s}" for a, p in zip(self.axes, self.periodic, strict=True) if not p for s in ("low", "high")
        )

    @property
    def intervals(self) -> tuple[int, ...]:
        """Mesh intervals per axis: L / h."""
        ends = self.location == "vertex"
        return tuple(n - 1 if ends and not p else n for n, p in zip(self.points, self.periodic, strict=True))

    @property
    def spacing(self) -> tuple[float, ...]:
        """Mesh width h per axis, in `unit`."""
        return tuple(ell / n for ell, n in zip(self.length, self.intervals, strict=True))

    @property
    def volume(self) -> float:
        """Volume of the box, in unit^dim."""
        return math.prod(self.length)

    @cached_property
    def coordinates(self) -> tuple[np.ndarray, ...]:
        """Positions per axis, float64, in `unit`."""
        shift = 0.5 if self.location == "cell" else 0.0
        return tuple((np.arange(n) + shift) * h for n, h in zip(self.points, self.spacing, strict=True))

    @cached_property
    def mesh(self) -> tuple[np.ndarray, ...]:
        """Coordinates in `ij` order, each broadcastable to `points`."""
        return tuple(np.meshgrid(*self.coordinates, indexing="ij", sparse=True))

    @cached_property
    def axis_weights(self) -> tuple[np.ndarray, ...]:
        """Quadrature weights per axis: h, and h/2 at the two stored ends of a vertex axis. Sum: L."""
        weights = []
        for n, h, p in zip(self.points, self.spacing, self.periodic, strict=True):
            w = np.full(n, h)
            if self.location == "vertex" and not p:
                w[[0, -1]] *= 0.5
            weights.append(w)
        return tuple(weights)

    @cached_property
    def weights(self) -> np.ndarray:
        """Quadrature weights, shape `points`, in unit^dim; their sum is `volume`."""
        out = np.ones(())
        for w in self.axis_weights:
            out = np.multiply.outer(out, w)
        return out

    @property
    def unknown(self) -> tuple[slice, ...]:
        """The points that a solver solves for: all but the stored Dirichlet ends of vertex axes."""
        if self.location == "cell":
            return (slice(None),) * self.dim
        return tuple(
            slice(1 if low == "dirichlet" else 0, -1 if high == "dirichlet" else None) for low, high in self.boundary
        )

    def kind(self, face: str) -> str:
        """Boundary type of a face, by name: "x_low"."""
        axis, side = self._face(face)
        return self.boundary[axis][side]

    def value(self, face: str) -> float:
        """Constant boundary value of a face, by name."""
        axis, side = self._face(face)
        return self.boundary_value[axis][side]

    def face_shape(self, face: str) -> tuple[int, ...]:
        """Shape of a field that lives on a face: the stored points of the other axes."""
        axis, _ = self._face(face)
        return self.points[:axis] + self.points[axis + 1 :]

    def _face(self, face: str) -> tuple[int, int]:
        axis, _, side = face.partition("_")
        if axis not in self.axes or side not in ("low", "high"):
            raise unknown_name("face", face, [f"{a}_{s}" for a in self.axes for s in ("low", "high")])
        return self.axes.index(axis), ("low", "high").index(side)

    def with_intervals(self, intervals: Sequence[int]) -> Grid:
        """The same box and boundary with other numbers of intervals."""
        ends = self.location == "vertex"
        points = tuple(n + 1 if ends and not p else n for n, p in zip(intervals, self.periodic, strict=True))
        if any(n < 2 for n in points):
            raise BadInput.of("a grid would have fewer than 2 points along an axis.", found=str(points))
        return replace(self, points=points)

    def scaled(self, factor: int | float) -> Grid:
        """The same box with `factor` times the intervals; every product must be a whole number."""
        products = [n * factor for n in self.intervals]
        if any(abs(p - round(p)) > 1e-9 or round(p) < 1 for p in products):
            raise BadInput.of(
                f"this grid cannot be scaled by {factor}.",
                found=f"{self.intervals} intervals",
                allowed="factors that leave a whole number of intervals on every axis",
            )
        return self.with_intervals([round(p) for p in products])
