"""The test of steady answers that no difference equation describes: the recipe's own solver answers the stored inputs again.

A spectral answer satisfies the differential equation, so the equations of the grid say nothing about it. That the method
resolves the case is not tested by it (`reference_error` says that); that the values are the answer to these inputs is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.data.recipe import Recipe
from pdekit.problems.problem import Elliptic
from pdekit.registry import build_solver, read_card, solver_class
from pdekit.solver import Instances

ROUNDINGS = 64.0  # of the largest value: stored inputs are rounded too, and interpolation amplifies that


def is_spectral(recipe: Recipe | None) -> bool:
    """Whether a recipe's solver answers the differential equation and not the equations of the grid."""
    return (
        recipe is not None and getattr(solver_class(read_card(recipe.solver)), "discretisation", "grid") == "spectral"
    )


class AnswerCheck:
    """Answers cases of one split again."""

    def __init__(self, problem: Elliptic, recipe: Recipe) -> None:
        card = read_card(recipe.solver)
        solver: Any = build_solver(card.model_copy(update={"settings": recipe.settings()}), recipe.solver)
        self.solver, self.output, self.name = solver.prepare(problem), problem.outputs[0].name, recipe.solver

    def faults(self, cases: Instances, stored: np.ndarray) -> dict[int, str]:
        """{row: what is wrong} of stored answers (n, *x), in the type they are stored in."""
        wide = {name: np.asarray(field, dtype=np.float64) for name, field in cases.fields.items()}
        again = self.solver.solve(Instances(cases.grid, wide, cases.parameters))
        eps = float(np.finfo(stored.dtype).eps)
        found = {}
        for i, (own, told, status) in enumerate(
            zip(again.values[self.output], np.asarray(stored, np.float64), again.statuses, strict=True)
        ):
            gap, size = float(np.abs(own - told).max()), float(np.abs(told).max())
            if status.failed or not gap <= ROUNDINGS * eps * size:
                found[i] = f"not what {self.name!r} answers to these inputs" + (
                    f": {status.name}" if status.failed else f": off by {gap / size if size else np.inf:.2g}"
                )
        return found
