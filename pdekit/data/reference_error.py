"""The error that a stored solution is given: its distance to a better answer of the same solver to the same case."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pdekit.data.recipe import Recipe
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.transfer import coarsen
from pdekit.steppers.reference import estimate
from pdekit.steppers.spectral import PseudoSpectral


class ReferenceErrors:
    """Estimates the errors of answers of `solver`, by the method of the recipe.

    again   makes a solver, prepared, with some settings changed
    points  those of the answers
    """

    def __init__(
        self,
        recipe: Recipe,
        problem: Any,
        solver: Any,
        again: Callable[[Mapping[str, Any]], Any],
        points: tuple[int, ...],
    ) -> None:
        self.asked, self.settings = recipe.reference_error, recipe.settings()
        self.problem, self.solver, self.again, self.points = problem, solver, again, points
        self._better: Any = None

    def of(
        self, cases: Instances, values: Mapping[str, np.ndarray], indices: range, status: list[Status]
    ) -> dict[str, np.ndarray]:
        """{"reference_error": (n,)} relative L2, and for trajectories of the pseudo-spectral solver {"frame_error": (n, t)}.

        NaN where it is not asked, where the solver or the better one failed.
        """
        n = len(cases)
        out: dict[str, np.ndarray] = {"reference_error": np.full(n, np.nan)}
        spectral = isinstance(self.solver, PseudoSpectral)
        if spectral:
            assert cases.times is not None
            out["frame_error"] = np.full((n, len(cases.times)), np.nan)
        chosen = [j for j, i in enumerate(indices) if self.asked.covers(i) and not status[j].failed]
        if not chosen:
            return out
        whole = len(chosen) == n
        some, answers = (cases, values) if whole else (cases[chosen], {k: v[chosen] for k, v in values.items()})
        if spectral:
            found = estimate(self.solver, some, answers, self.asked.method, self.points)
            out["reference_error"][chosen], out["frame_error"][chosen] = found.whole, found.frames
        else:
            out["reference_error"][chosen] = self._of_others(some, answers)
        return out

    def _of_others(self, cases: Instances, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Over all outputs together: rtol / 100, half the step (without a factor for its order), or the same on finer cells;
        of spectral solvers by polynomials of twice the degree: what reading their data off the grid costs is not in it."""
        finer = self.asked.method == "refine" and not self._by_degree
        if self._better is None:
            self._better = self.again(self._sharper())
        better = self._better.solve(self.problem.regrid(cases, 2) if finer else cases)
        out = np.full(len(cases), np.nan)
        for k in range(len(cases)):
            if better.statuses[k].failed:
                continue
            square, total = 0.0, 0.0
            for name, array in better.values.items():
                reference = coarsen(array[k], cases.grid.scaled(2), 2) if finer else array[k]
                square += float((cases.grid.weights * (values[name][k] - reference) ** 2).sum())
                total += float((cases.grid.weights * reference**2).sum())
            out[k] = math.sqrt(square / total) if total > 0 else math.nan
        return out

    @property
    def _by_degree(self) -> bool:
        return getattr(self.solver, "discretisation", "grid") == "spectral"

    def _sharper(self) -> dict[str, Any]:
        if self.asked.method == "refine" and self._by_degree:
            return {"degree_factor": 2 * self.settings.get("degree_factor", 1.0)}
        if self.asked.method == "tighten" and self.settings.get("rtol"):
            return {"rtol": self.settings["rtol"] / 100}
        return {"dt": self.settings["dt"] / 2} if self.asked.method == "step" else {}
