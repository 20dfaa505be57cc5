"""Makes samples: draws a batch of cases, solves it, recomputes the residual, estimates the error of the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.data.answers import Answerer
from pdekit.data.recipe import Recipe
from pdekit.data.reference_error import ReferenceErrors
from pdekit.registry import build_solver, read_card
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw_parameter

FALSE_CONVERGENCE_FACTOR = 10.0  # a recomputed residual above this many rtol contradicts CONVERGED


@dataclass(frozen=True)
class Batch:
    """Samples solved together: fields and outputs in float64, the record, and where the time went.

    arrays   {variable: (n, [t], *x)} of fields, outputs, diagnostics and parameters drawn per sample, on the stored points
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
        stored = recipe.stored_grid_for(split)
        extras = tuple(recipe.storage.extras or ())
        start = None if recipe.time is None else recipe.time.start
        self.answerer = Answerer(self.problem, self.solver, start=start, grid=stored, extras=extras)
        self.errors = ReferenceErrors(recipe, self.problem, self.solver, self._solver, stored.points)

    def _solver(self, changes: Mapping[str, Any]) -> Any:
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
        answer = self.answerer.answer(cases)
        solution = answer.solution
        solved = perf_counter()
        own = cases.times is not None or getattr(self.solver, "discretisation", "grid") == "spectral"
        residual = solution.true_residual if own else self.problem.residual(cases, solution.values)
        status = [
            self._judged(s, r, _finite(solution.values, i))
            for i, (s, r) in enumerate(zip(solution.statuses, residual, strict=True))
        ]
        judged = perf_counter()
        errors = self.errors.of(answer.asked, solution.values, indices, status)
        seeds = [seed_sequence(self.recipe.seed, self.number, i).generate_state(1, np.uint64)[0] for i in indices]
        n = len(indices)
        record = {
            "solver_status": np.array([int(s) for s in status], dtype=np.uint8),
            "solver_steps": _per_sample(solution.steps, n).astype(np.int32),
            "solver_residual": np.asarray(residual, dtype=np.float64),
            "solver_seconds": (_per_sample(solution.seconds, n) + _per_sample(solution.setup_seconds, n)).astype(
                np.float32
            ),
            "sample_seed": np.array(seeds, dtype=np.uint64),
            **errors,
            **({"lost_at": solution.info["lost_at"]} if "lost_at" in solution.info else {}),
            **solution.info.get("telemetry", {}),
        }
        seconds = {
            "draw": drawn - started,
            "solve": solved - drawn,
            "residual": judged - solved,
            "reference_error": perf_counter() - judged,
        }
        return Batch({**answer.stored, **cases.parameters, **solution.values}, record, seconds)

    def _judged(self, status: Status, residual: float, finite: bool) -> Status:
        """The solver's status, unless the values or the recomputed residual contradict it.

        EVALUATED claims no residual, so it has none to be held to: finite values are all that is asked of it.
        """
        if status.failed:
            return status
        if not finite or (status is not Status.EVALUATED and not math.isfinite(residual)):
            return Status.NONFINITE
        if status is Status.CONVERGED and self.rtol and residual > FALSE_CONVERGENCE_FACTOR * self.rtol:
            return Status.FALSE_CONVERGENCE
        return status


def _finite(values: Mapping[str, np.ndarray], i: int) -> bool:
    return all(np.isfinite(array[i]).all() for array in values.values())


def _per_sample(value: Any, n: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value), (n,))
