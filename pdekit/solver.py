"""Everything that answers a problem is a Solver; what it is given is a batch of Instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pdekit.errors import BadInput
from pdekit.solution import Solution
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Instances:
    """n cases of one problem on one grid: what a split of a file holds, less the outputs.

    grid        shared by all cases
    fields      {name: (n, [t], *x)}, NumPy, or torch tensors for solvers written for both; a boundary field
                `boundary_x_low` has the axes of its face. The start of an evolution, `initial` (n, *x), is its state
                at the first of `times`; it may hold a history instead, (n, k, *x): the states at the first k of
                `times`. A learned solver with a memory asks for that (`solver.history` = k,
                `solver.given(instances, outputs)` puts it there), gives those frames back as they are, and is never
                scored on them; other solvers are given the start alone
    parameters  {name: (n,)}; replaces the problem's own value of that name
    times       (t,) instants that an evolution is asked for, the first is the start; None for steady problems
    """

    grid: Grid
    fields: Mapping[str, Any] = field(default_factory=lambda: {})
    parameters: Mapping[str, np.ndarray] = field(default_factory=lambda: {})
    times: np.ndarray | None = None

    def __post_init__(self) -> None:
        sizes = {name: len(a) for name, a in {**self.fields, **self.parameters}.items()}
        if len(set(sizes.values())) > 1:
            raise BadInput.of("fields of one batch hold different numbers of samples.", found=str(sizes))
        for name, array in self.fields.items():
            shape = self.grid.face_shape(name[9:]) if name.startswith("boundary_") else self.grid.points
            if tuple(array.shape[-len(shape) :] if shape else ()) != shape:
                raise BadInput.of(
                    f"field {name!r} does not lie on the grid.",
                    found=f"shape {tuple(array.shape)}",
                    allowed=f"(n, [t], {', '.join(map(str, shape))})",
                )
        if self.times is not None and not (
            self.times.ndim == 1 and self.times.size and (np.diff(self.times) > 0).all()
        ):
            raise BadInput.of(
                "the times of a batch cannot be used.", found=str(self.times), allowed="one number or more, increasing"
            )

    def __len__(self) -> int:
        for array in (*self.fields.values(), *self.parameters.values()):
            return len(array)
        return 0

    def __getitem__(self, index: slice | list[int] | np.ndarray) -> Instances:
        """A batch of the chosen samples (a slice or a list; a single number would lose the axis n)."""
        return replace(
            self,
            fields={k: v[index] for k, v in self.fields.items()},
            parameters={k: v[index] for k, v in self.parameters.items()},
        )

    def case(self, i: int) -> Instances:
        """Sample i alone, still with its axis n of length 1."""
        return self[i : i + 1]

    def cases(self) -> Iterator[Instances]:
        """The samples one by one."""
        return (self.case(i) for i in range(len(self)))


@runtime_checkable
class Solver(Protocol):
    """What generation, evaluation and comparison ask of anything that answers a problem, classical or learned.

    `prepare` does what depends on the problem only; what depends on the instance (assembly, hierarchy) is done inside
    `solve` and reported as `setup_seconds`. A failed solve is a Status, never an exception and never silently a number.
    """

    name: str

    def prepare(self, problem: Any) -> Solver:
        """Return a solver ready for `problem`; raises BadInput where it cannot serve it."""
        ...

    def solve(self, instances: Instances) -> Solution:
        """Answer all instances; `Solution.values` is {output name: (n, [t], *x)}."""
        ...
