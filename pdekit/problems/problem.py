"""What every problem offers: fields, checks, residual, symmetries; `Elliptic` adds the operator and right-hand side."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator


@dataclass(frozen=True)
class FieldSpec:
    """One field: name, role ("input" | "output" | "boundary"), unit, what it is, and whether it must be > 0, >= 0, or 0 or 1."""

    name: str
    role: str
    unit: str
    long_name: str
    positive: bool = False
    mask: bool = False
    nonnegative: bool = False


@dataclass(frozen=True)
class Symmetry:
    """A map that takes solutions to solutions: `apply(name, array)` acts on the trailing space axes of a field (*, *x).

    Works on NumPy arrays and torch tensors. Drawn at random as augmentation, tested as an invariant.
    """

    name: str
    apply: Callable[[str, Any], Any]


class Problem(ABC):
    """A frozen dataclass of physical parameters that knows its mathematics and no solver.

    Class facts: name; equation (one line); traits ("elliptic", "spd", ...), which cards name in `solves`;
    inputs and outputs (tuples of FieldSpec).
    """

    name: ClassVar[str]
    equation: ClassVar[str]
    traits: ClassVar[frozenset[str]]
    inputs: ClassVar[tuple[FieldSpec, ...]]
    outputs: ClassVar[tuple[FieldSpec, ...]]

    @classmethod
    def make(cls, parameters: Mapping[str, Any], *, where: str = "") -> Problem:
        """Build the problem from a recipe's [parameters]. Raises BadInput on unknown names or wrong values."""
        known = [f.name for f in fields(cls)]  # pyright: ignore[reportArgumentType]
        for key in parameters:
            if key not in known:
                raise unknown_name(f"parameter of problem {cls.name!r}", key, known, where=where)
        return cls(**parameters)

    @abstractmethod
    def check_grid(self, grid: Grid) -> None:
        """Raise BadInput where the problem is not defined on this grid (dimension, boundary types)."""

    @abstractmethod
    def residual(self, instances: Instances, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) relative residual |b - A u| / |b| of given outputs, float64, dimensionless; NaN where u is not finite."""

    def symmetries(self, grid: Grid) -> tuple[Symmetry, ...]:
        """The maps that take solutions on this grid to solutions, identity first; none but that by default."""
        return (Symmetry("identity", lambda name, array: array),)

    def check(self, instances: Instances) -> None:
        """Raise BadInput where inputs are missing, not finite, or not positive where they must be, and where a parameter
        per sample is not one of the problem's or has a value that the problem itself would refuse."""
        self.check_grid(instances.grid)
        self._check_parameters(instances.parameters)
        for spec in self.inputs:
            if spec.name not in instances.fields:
                raise BadInput.of(
                    f"problem {self.name!r} needs the input field {spec.name!r}.",
                    found=", ".join(instances.fields) or "no fields",
                )
        for name, array in instances.fields.items():
            bad = ~np.isfinite(np.asarray(array)).reshape(len(array), -1).all(axis=1)
            if bad.any():
                raise BadInput.of(
                    f"input field {name!r} of problem {self.name!r} is not finite.",
                    found=f"NaN or infinity in sample {int(np.flatnonzero(bad)[0])} ({int(bad.sum())} samples in all)",
                )
        for spec in self.inputs:
            if spec.mask:
                _check_mask(spec.name, self.name, np.asarray(instances.fields[spec.name]))
            if not (spec.positive or spec.nonnegative):
                continue
            low = np.asarray(instances.fields[spec.name]).reshape(len(instances), -1).min(axis=1)
            bad = low <= 0 if spec.positive else low < 0
            if bad.any():
                i = int(np.flatnonzero(bad)[0])
                must = "be positive" if spec.positive else "not be negative"
                raise BadInput.of(
                    f"input field {spec.name!r} of problem {self.name!r} must {must}.",
                    found=f"{low[i]:.6g} in sample {i}",
                    hint="check the law of this field, or the units of the imported data",
                )

    def _check_parameters(self, parameters: Mapping[str, np.ndarray]) -> None:
        known = [f.name for f in fields(self)]  # pyright: ignore[reportArgumentType]
        for name in parameters:
            if name not in known:
                raise unknown_name(f"parameter of problem {self.name!r}", name, known)
        columns = {name: np.asarray(array) for name, array in parameters.items()}
        names = ", ".join(map(repr, columns))
        for i in range(max(map(len, columns.values()), default=0)):
            own = {name: column[i].item() for name, column in columns.items()}
            try:
                replace(self, **own)  # pyright: ignore[reportArgumentType]
            except BadInput as error:
                which = f"parameter {names}" if len(own) == 1 else f"the parameters {names}"
                raise BadInput(f"{error}\n  in {which} of sample {i}") from error


class Elliptic(Problem):
    """A steady linear problem that turns one case into A x = b.

    The unknowns are `grid.unknown`: all points but the stored Dirichlet ends of vertex axes. A approximates the
    operator per volume (rows at a Neumann or Robin vertex carry the half control volume, so that A stays symmetric),
    and b holds the source times the same control volume plus the known boundary values.
    """

    @abstractmethod
    def assemble(self, case: Instances) -> tuple[Any, np.ndarray]:
        """Operator and right-hand side (shape of the unknowns, float64) of a batch of one.

        The operator is a StencilOperator where its 3, 5 or 7 points are symmetric, else a sparse array over the unknowns in
        C order.
        """

    @abstractmethod
    def embed(self, case: Instances, x: np.ndarray) -> np.ndarray:
        """The output field on all stored points, shape `grid.points`: unknowns plus known Dirichlet ends."""

    @abstractmethod
    def regrid(self, instances: Instances, factor: int | float) -> Instances:
        """The same cases with `factor` times the intervals: 2, 4 keep each cell's coefficient on its parts; 1/2, 1/4 average."""

    def residual(self, instances: Instances, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) |b - A u| / |b|; |A u| / (|A| |u|), with |A| bounded by its row sums, where b = 0.

        Stored Dirichlet ends count as rows e (u - known), e the mean coupling of the unknown nearest to them: no row of A
        sees them. NaN where u is not finite at any stored point.
        """
        out = np.full(len(instances), np.nan)
        name, unknown = self.outputs[0].name, instances.grid.unknown
        for i, case in enumerate(instances.cases()):
            stored = np.asarray(values[name][i], dtype=np.float64)
            if not np.isfinite(stored).all():
                continue
            u = stored[unknown]
            operator, b = self.assemble(case)
            product, diagonal, coupling = _rows(operator, u)
            r = float(np.linalg.norm((b - product).ravel()))
            if u.shape != stored.shape:
                edge = np.pad(coupling, _ends(instances.grid), mode="edge") / (2 * u.ndim)
                r = math.hypot(r, float(np.linalg.norm((edge * (stored - self.embed(case, u))).ravel())))
            scale = float(np.linalg.norm(b.ravel()))
            if scale == 0.0:
                scale = float((np.abs(diagonal) + coupling).max()) * float(np.linalg.norm(stored.ravel()))
            out[i] = r / scale if scale > 0 else 0.0
        return out


def _rows(operator: Any, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A u, the diagonal, and how strongly each row couples: by the sum of its edges; of a matrix, by its diagonal or the sum
    of the other entries, whichever is larger."""
    if isinstance(operator, StencilOperator):
        diagonal = operator.diagonal()
        return operator @ u, diagonal, diagonal if operator.shift is None else diagonal - operator.shift
    diagonal = operator.diagonal()
    size = np.abs(diagonal)
    coupling = np.maximum(np.asarray(abs(operator).sum(axis=1)).ravel() - size, size)
    return (operator @ u.ravel()).reshape(u.shape), diagonal.reshape(u.shape), coupling.reshape(u.shape)


def _check_mask(name: str, problem: str, mask: np.ndarray) -> None:
    """Raise BadInput where a mask holds other numbers than 0 and 1, or nothing but 1."""
    flat = mask.reshape(len(mask), -1)
    wrong = (flat != 0) & (flat != 1)
    if wrong.any():
        i = int(np.flatnonzero(wrong.any(axis=1))[0])
        raise BadInput.of(
            f"input field {name!r} of problem {problem!r} must hold 0 and 1 only.",
            found=f"{flat[i][wrong[i]][0]:.6g} in sample {i}",
        )
    if flat.all(axis=1).any():
        raise BadInput.of(
            f"input field {name!r} of problem {problem!r} leaves nothing to solve for.",
            found=f"1 everywhere in sample {int(np.flatnonzero(flat.all(axis=1))[0])}",
        )


def _ends(grid: Grid) -> list[tuple[int, int]]:
    """Stored points before and after the unknowns, per axis."""
    spans = (range(n)[s] for n, s in zip(grid.points, grid.unknown, strict=True))
    return [(span.start, n - span.stop) for n, span in zip(grid.points, spans, strict=True)]
