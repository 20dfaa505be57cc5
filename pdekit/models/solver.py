"""What turns a fitted map of scaled arrays into a Solver: channels and units, checks, timing, the bundle."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, ValidationError

from pdekit.errors import BadInput, FormatError, unknown_name
from pdekit.models.bundle import read_bundle, write_bundle
from pdekit.models.channels import Channels
from pdekit.models.clock import Clock
from pdekit.problems import PROBLEMS
from pdekit.problems.problem import Problem
from pdekit.settings import Settings
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

FORMAT = 1  # of the bundle's JSON text


class Facts(Settings):
    """The JSON text of a bundle: all that is needed, beside the arrays, to answer a case."""

    format: int = FORMAT
    code: str
    config: dict[str, Any]
    channels: Channels
    grid: Grid
    problem: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    clock: Clock | None = None


class LearnedSolver(ABC):
    """A map from input channels to output channels that was fitted to data.

    config      the card's [model]
    channels    which fields it is given and gives back, with their scaling
    grid        the grid it was trained on; answers on another number of points are up to `predict`
    problem     what the data solve; None where the file named no problem
    clock       of a solver of trajectories, what it knows of time; None for maps from fields to fields
    batch       samples per call of `predict`; bounds the memory of a large batch of instances
    """

    Config: ClassVar[type[Settings]]
    closed_form: ClassVar[bool] = False

    def __init__(
        self, config: Any, channels: Channels, grid: Grid, problem: Problem | None = None, clock: Clock | None = None
    ) -> None:
        self.config = config
        self.clock = clock
        self.channels = channels
        self.grid = grid
        self.problem = problem
        self.name = type(self).__name__
        self.run: Path | None = None
        self.batch = 64

    @classmethod
    def load(cls, run: Path) -> LearnedSolver:
        """A ready solver from a run folder: the best weights by its validation split.

        Raises BadInput where nothing was saved yet, FormatError where the files are not ours.
        """
        path = Path(run) / "best.safetensors"
        arrays, text = read_bundle(path)
        facts = _facts(path, text)
        if facts.format != FORMAT:
            raise FormatError.of(
                f"{str(path)!r} was written in a form that this version does not read.",
                found=f"format = {facts.format}",
                allowed=f"format = {FORMAT}",
                hint="use the version of pdekit that trained it, or train it anew",
            )
        if facts.code != cls.code():
            raise FormatError.of(
                f"{str(path)!r} belongs to another solver than its card.", found=facts.code, allowed=cls.code()
            )
        problem = _problem(facts, str(path))
        try:
            config = cls.Config.model_validate(facts.config)
        except ValidationError as error:
            raise _unreadable(path, error) from None
        solver = cls(config, facts.channels, facts.grid, problem, facts.clock)
        try:
            solver.restore(arrays)
        except (KeyError, RuntimeError, ValueError) as error:
            raise FormatError.of(f"the arrays in {str(path)!r} do not fit their network.", found=str(error)) from None
        solver.name, solver.run = Path(run).name, Path(run)
        return solver

    @classmethod
    def code(cls) -> str:
        """What a card's first line says for this class."""
        return f"{cls.__module__}:{cls.__qualname__}"

    def facts(self) -> Facts:
        """What the bundle says beside the arrays."""
        return Facts(
            code=self.code(),
            config=self.config.model_dump(),
            channels=self.channels,
            grid=self.grid,
            problem=self.problem.name if self.problem else "",
            parameters=asdict(self.problem) if self.problem else {},  # pyright: ignore[reportArgumentType]
            clock=self.clock,
        )

    @property
    def history(self) -> int:
        """Leading frames of a trajectory that are given to it, returned as they are and never scored; 0 for steady solvers."""
        return 0 if self.clock is None else self.clock.history

    def given(self, instances: Instances, outputs: Mapping[str, np.ndarray]) -> Instances:
        """The cases with the first `history` frames of stored outputs as their starts, where more than one is needed."""
        if self.clock is None or self.history < 2:
            return instances
        pairs = zip(self.clock.starts, self.channels.outputs, strict=True)
        starts = {start: np.asarray(outputs[c.name])[:, : self.history] for start, c in pairs}
        return replace(instances, fields={**instances.fields, **starts})

    def save(self, path: Path) -> None:
        """Write the bundle. Raises StorageError."""
        write_bundle(path, self.arrays(), self.facts().model_dump_json())

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """Everything fitted, by name."""

    @abstractmethod
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `arrays` gave; raises KeyError, RuntimeError or ValueError where it does not fit."""

    @abstractmethod
    def predict(self, x: np.ndarray, grid: Grid) -> np.ndarray:
        """Scaled outputs (b, c_out, *points) of scaled inputs (b, c_in, *points)."""

    def count(self) -> dict[str, int]:
        """Fitted numbers: `parameters` counts a complex one once, `degrees_of_freedom` twice."""
        arrays = self.arrays().values()
        return {
            "parameters": sum(a.size for a in arrays),
            "degrees_of_freedom": sum(a.size * (2 if np.iscomplexobj(a) else 1) for a in arrays),
        }

    def prepare(self, problem: Any) -> LearnedSolver:
        """Return self; raises BadInput where it was trained for another problem, or for one of other parameters.

        Those that it is given per sample may differ.
        """
        if self.problem is not None and problem is not None and problem.name != self.problem.name:
            raise BadInput.of(
                f"the learned solver {self.name!r} cannot serve the problem {problem.name!r}.",
                allowed=repr(self.problem.name),
                hint="train it on data of this problem",
            )
        if self.problem is not None and problem is not None:
            known, asked = asdict(self.problem), asdict(problem)  # pyright: ignore[reportArgumentType]
            given = {*(c.name for c in self.channels.inputs), *self.channels.constants}
            differ = [name for name in known if name not in given and known[name] != asked.get(name)]
            if differ:
                raise BadInput.of(
                    f"the learned solver {self.name!r} was trained for other parameters of {problem.name!r}.",
                    found=", ".join(f"{name} = {asked.get(name)!r}" for name in differ),
                    allowed=", ".join(f"{name} = {known[name]!r}" for name in differ),
                    hint="train it on data of these parameters, or draw them per sample so that they are an input",
                )
        return self

    def solve(self, instances: Instances) -> Solution:
        """Answer all instances. `seconds` holds scaling and copies to the device and back, shared evenly by a batch.

        Status EVALUATED: no test was asked, none is claimed; NONFINITE(_INPUT) where NaN or infinity came out (went
        in). Raises BadInput where the cases are not of the kind it was trained on.
        """
        self._check_grid(instances.grid)
        n = len(instances)
        values = {c.name: np.empty((n, *instances.grid.points), dtype=np.float32) for c in self.channels.outputs}
        seconds = np.zeros(n)
        status = [Status.EVALUATED] * n
        for start in range(0, n, self.batch):
            part = slice(start, min(start + self.batch, n))
            begin = time.perf_counter()
            x = self.channels.encode(instances[part])
            answer = self.channels.decode(self.predict(x, instances.grid))
            seconds[part] = (time.perf_counter() - begin) / len(x)
            for name, array in answer.items():
                values[name][part] = array
            for i in range(len(x)):
                if not np.isfinite(x[i]).all():
                    status[start + i] = Status.NONFINITE_INPUT
                elif not all(np.isfinite(a[i]).all() for a in answer.values()):
                    status[start + i] = Status.NONFINITE
        return self._solution(values, status, seconds)

    def _solution(self, values: dict[str, np.ndarray], status: list[Status], seconds: np.ndarray) -> Solution:
        n = len(status)
        zeros = np.zeros(n, dtype=int)
        return Solution(
            values,
            status,
            steps=zeros,
            residuals=[np.zeros(0)] * n,
            true_residual=np.full(n, np.nan),
            seconds=seconds,
            setup_seconds=np.zeros(n),
            n_matvec=zeros,
            n_precond=zeros,
            info={"method": self.name, **self.count()},
        )

    def _check_grid(self, grid: Grid) -> None:
        known = self.grid
        for what in ("dim", "location", "length", "boundary", "boundary_value", "robin"):
            if getattr(grid, what) != getattr(known, what):
                raise BadInput.of(
                    f"the learned solver {self.name!r} was trained on a grid of another {what.replace('_', ' ')}.",
                    found=str(getattr(grid, what)),
                    allowed=f"{getattr(known, what)}; only the number of points may differ",
                )


def _facts(path: Path, text: str) -> Facts:
    try:
        return Facts.model_validate(json.loads(text))
    except (ValidationError, json.JSONDecodeError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> FormatError:
    return FormatError.of(f"the header of {str(path)!r} cannot be understood.", found=str(error))


def _problem(facts: Facts, where: str) -> Problem | None:
    if not facts.problem:
        return None
    if facts.problem not in PROBLEMS:
        raise FormatError(str(unknown_name("problem", facts.problem, PROBLEMS, where=where)))
    return PROBLEMS[facts.problem].make(facts.parameters, where=where)
