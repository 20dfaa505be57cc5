"""Makes samples: draws a batch of cases, solves it, recomputes the residual, estimates the error of the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.data.recipe import Recipe
from pdekit.registry import build_solver, read_card
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw_parameter
from pdekit.space.transfer import coarsen

FALSE_CONVERGENCE_FACTOR = 10.0  # a recomputed residual above this many rtol contradicts CONVERGED


@dataclass(frozen=True)
class Batch:
    """Samples solved together: fields and outputs in float64, the record, and where the time went.

    arrays   {variable: (n, *x)} of fields, outputs and parameters drawn per sample
    record   {name of format.RECORD: (n,)}, and the solver's telemetry {name: (n, step, ...)}
    seconds  {"draw", "solve", "residual", "reference_error": seconds of the batch}
    """

    arrays: dict[str, np.ndarray]
    record: dict[str, np.ndarray]
    seconds: dict[str, float]


def seed_sequence(seed: int, split_number: int, index: int) -> np.random.SeedSequence:
    """The stream of one sample (formats rule 1)."""
    return np.random.SeedSequence(seed, spawn_key=(split_number, index))


class SampleMaker:
    """Makes the samples of one split of a recipe; the solvers are prepared once, when it is built."""

    def __init__(self, recipe: Recipe, split: str) -> None:
        self.recipe = recipe
        self.number = recipe.split_number(split)
        self.grid: Grid = recipe.grid_for(split)
        self.problem: Any = recipe.problem_for(split)
        self.laws, self.parameter_laws = recipe.laws_for(split)
        self.rtol = recipe.settings().get("rtol")
        self.times = None if recipe.time is None else recipe.time.instants
        self.solver = self._solver({})
        self._reference: Any = None

    def _solver(self, changes: dict[str, Any]) -> Any:
        card = read_card(self.recipe.solver)
        settings = {**card.settings, **self.recipe.solver_settings, **changes}
        solver = build_solver(card.model_copy(update={"settings": settings}), self.recipe.solver)
        return solver.prepare(self.problem)

    def draw(self, indices: range) -> Instances:
        """The cases of these indices; parameters are drawn before fields, each in the order of the recipe."""
        fields: dict[str, list[np.ndarray]] = {}
        parameters: dict[str, list[float]] = {}
        for index in indices:
            rng = np.random.Generator(np.random.PCG64(seed_sequence(self.recipe.seed, self.number, index)))
            for name, law in self.parameter_laws.items():
                parameters.setdefault(name, []).append(draw_parameter(law, rng))
            for name, array in self.problem.sample(self.grid, rng, self.laws).items():
                fields.setdefault(name, []).append(array)
        return Instances(
            self.grid,
            {k: np.stack(v) for k, v in fields.items()},
            {k: np.array(v, dtype=np.float64) for k, v in parameters.items()},
            self.times,
        )

    def make(self, indices: range) -> Batch:
        """Draw, solve and judge one batch. A failed solve is a status in the record, never an exception."""
        started = perf_counter()
        cases = self.draw(indices)
        drawn = perf_counter()
        solution = self.solver.solve(cases)
        solved = perf_counter()
        residual = self.problem.residual(cases, solution.values) if cases.times is None else solution.true_residual
        status = [self._judged(s, r) for s, r in zip(solution.statuses, residual, strict=True)]
        judged = perf_counter()
        error = self._reference_error(cases, solution.values, indices, status)
        seeds = [seed_sequence(self.recipe.seed, self.number, i).generate_state(1, np.uint64)[0] for i in indices]
        n = len(indices)
        record = {
            "solver_status": np.array([int(s) for s in status], dtype=np.uint8),
            "solver_steps": _per_sample(solution.steps, n).astype(np.int32),
            "solver_residual": np.asarray(residual, dtype=np.float64),
            "solver_seconds": (_per_sample(solution.seconds, n) + _per_sample(solution.setup_seconds, n)).astype(
                np.float32
            ),
            "reference_error": error,
            "sample_seed": np.array(seeds, dtype=np.uint64),
            **solution.info.get("telemetry", {}),
        }
        seconds = {
            "draw": drawn - started,
            "solve": solved - drawn,
            "residual": judged - solved,
            "reference_error": perf_counter() - judged,
        }
        return Batch({**cases.fields, **cases.parameters, **solution.values}, record, seconds)

    def _judged(self, status: Status, residual: float) -> Status:
        """The solver's status, unless the recomputed residual contradicts it."""
        if status.failed:
            return status
        if not math.isfinite(residual):
            return Status.NONFINITE
        if status is Status.CONVERGED and self.rtol and residual > FALSE_CONVERGENCE_FACTOR * self.rtol:
            return Status.FALSE_CONVERGENCE
        return status

    def _sharper(self) -> dict[str, Any]:
        """Settings of the solver whose answer serves as the truth: rtol / 100, half the step, or the same on finer cells."""
        settings, method = self.recipe.settings(), self.recipe.reference_error.method
        if method == "tighten" and self.rtol:
            return {"rtol": self.rtol / 100}
        return {"dt": settings["dt"] / 2} if method == "step" else {}

    def _reference_error(
        self, cases: Instances, values: dict[str, np.ndarray], indices: range, status: list[Status]
    ) -> np.ndarray:
        """(n,) relative L2 distance to a better solution, over all outputs together; NaN where not asked or failed."""
        out = np.full(len(cases), np.nan)
        asked = self.recipe.reference_error
        chosen = [j for j, i in enumerate(indices) if i < asked.samples and not status[j].failed]
        if not chosen:
            return out
        if self._reference is None:
            self._reference = self._solver(self._sharper())
        some = cases[chosen]
        better = self._reference.solve(self.problem.regrid(some, 2) if asked.method == "refine" else some)
        for k, j in enumerate(chosen):
            if better.statuses[k].failed:
                continue
            square, total = 0.0, 0.0
            for name, array in better.values.items():
                reference = coarsen(array[k], _fine(self.grid), 2) if asked.method == "refine" else array[k]
                square += float((self.grid.weights * (values[name][j] - reference) ** 2).sum())
                total += float((self.grid.weights * reference**2).sum())
            out[j] = math.sqrt(square / total) if total > 0 else math.nan
        return out


def _fine(grid: Grid) -> Grid:
    return grid.scaled(2)


def _per_sample(value: Any, n: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value), (n,))
