"""Tests of a file that read every value of a split: checksums, NaN, duplicates, statuses, the equation, statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pdekit.data.check_answers import AnswerCheck, is_spectral
from pdekit.data.check_steps import StepCheck
from pdekit.data.check_trajectories import TrajectoryCheck, check_of
from pdekit.data.format import RECORD_NAMES, SAMPLE_HASH, STATISTICS, sample_hashes
from pdekit.data.hdf5 import plain
from pdekit.data.read import DataFile
from pdekit.data.recipe import Recipe
from pdekit.data.report import Notes
from pdekit.data.samples import FALSE_CONVERGENCE_FACTOR, seed_sequence
from pdekit.data.statistics import combine, moments
from pdekit.data.verify import TESTS, discrepancies
from pdekit.errors import BadInput, FormatError
from pdekit.problems.evolution import Evolution
from pdekit.problems.problem import Elliptic, Problem
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

STRIP_BYTES = 32 * 2**20
ASSUMED_RESIDUAL = 1e-6  # for data that do not say what residual their solver reached
BROKEN = "the stored bytes fail their Fletcher-32 checksum"
LARGEST_RESIDUAL = 1e-3  # a recorded residual above this does not excuse a violated equation


def _recipe_of(file: DataFile, split: str) -> Recipe | None:
    """The recipe that made a split; None for imported and own data, and where it cannot be read (`check_form`)."""
    try:
        recipe = file.recipe
    except FormatError:
        return None
    return recipe if recipe is not None and split in recipe.splits else None


class SplitCheck:
    """The tests of one split that read values."""

    def __init__(self, file: DataFile, split: str, notes: Notes, seen: dict[bytes, tuple[str, int]]) -> None:
        self.file, self.split, self.notes, self.seen = file, split, notes, seen
        self.names = sorted(file.variables(split))
        self.inputs = file.names(split, "input", "boundary", "geometry", "parameter") or self.names
        self.parts: dict[str, list[np.ndarray]] = {name: [] for name in self.names}
        self.counts: dict[str, int] = {}
        self.damaged = False
        try:
            self.grid: Grid | None = file.grid(split)
        except FormatError:  # `check_form` says so
            self.grid = None
        self.recipe = _recipe_of(file, split)
        self.rtol = self.recipe.settings().get("rtol") if self.recipe is not None else None
        self.record = self._record()
        self.trajectories: TrajectoryCheck | StepCheck | None = None
        self.answers: AnswerCheck | None = None

    def strips(self) -> Iterator[slice]:
        """Ranges of samples that are read at once, of about STRIP_BYTES."""
        variables = self.file.variables(self.split).values()
        each = sum(v.dtype.itemsize * int(np.prod(v.shape[1:], dtype=np.int64)) for v in variables)
        size, n = max(1, STRIP_BYTES // max(1, each)), self.file.size(self.split)
        return (slice(i, min(i + size, n)) for i in range(0, n, size))

    def look(self, strip: slice, problem: Problem | None) -> None:
        """Read a strip and run every test on it."""
        values = {name: self._read(name, strip) for name in self.names}
        whole = {name: array for name, array in values.items() if array is not None}
        if len(whole) < len(values):
            self.damaged = True
            return
        record = {name: values[strip] for name, values in self.record.items()}
        sound = np.ones(strip.stop - strip.start, dtype=bool)
        for name, array in whole.items():
            finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
            sound &= finite
            for i in np.flatnonzero(~finite):
                self.notes.sample("values", f"/{self.split}/{name}", "NaN or infinity", strip.start + int(i))
            self.parts[name].append(moments(array))
            self.counts[name] = int(array[0].size)
        if SAMPLE_HASH.name in record:
            for i in np.flatnonzero(sample_hashes(whole) != record[SAMPLE_HASH.name]):
                self.notes.sample(
                    "checksums", f"/{self.split}", "stored values are not those that were hashed", strip.start + int(i)
                )
        self._duplicates(whole, strip)
        self._statuses(record, strip)
        self._origin(record, strip)
        if isinstance(problem, Evolution):
            self._trajectories(problem, whole, strip, np.flatnonzero(sound))
        if isinstance(problem, Elliptic) and self.grid is not None:
            self._equation(problem, self.grid, whole, record, strip, np.flatnonzero(sound))

    def _record(self) -> dict[str, np.ndarray]:
        """The record of the whole split, without what is damaged."""
        record: dict[str, np.ndarray] = {}
        for name in RECORD_NAMES:
            try:
                found = self.file.record(self.split, names=(name,))
            except FormatError:
                self.notes.file("checksums", f"/{self.split}/{name}", BROKEN)
                continue
            if not found and self.recipe is not None and name != SAMPLE_HASH.name:  # `check_form` looks at the last
                self.notes.file("form", f"/{self.split}/{name}", "generated data record this, and it is missing")
            record |= found
        return record

    def _read(self, name: str, strip: slice) -> np.ndarray | None:
        """Values of a strip; where a checksum fails the samples are read one by one and the bad ones noted."""
        try:
            return self.file.read(self.split, name, strip)
        except FormatError:
            for i in range(strip.start, strip.stop):
                try:
                    self.file.read(self.split, name, slice(i, i + 1))
                except FormatError:
                    self.notes.sample("checksums", f"/{self.split}/{name}", BROKEN, i)
            return None

    def _duplicates(self, values: dict[str, np.ndarray], strip: slice) -> None:
        for i in range(strip.stop - strip.start):
            key = sample_hashes({n: values[n][i : i + 1] for n in self.inputs})[0].tobytes()
            here = (self.split, strip.start + i)
            if key in self.seen:
                split, j = self.seen[key]
                self.notes.sample("duplicates", f"/{self.split}", f"the same inputs as {split} sample {j}", here[1])
            else:
                self.seen[key] = here

    def _statuses(self, record: dict[str, np.ndarray], strip: slice) -> None:
        known = {int(s) for s in Status}
        for i, number in enumerate(record.get("solver_status", [])):
            status = Status(int(number)) if int(number) in known else None
            if status is None or status.failed:
                text = f"{status.name}: {status.sentence}" if status else f"status {int(number)} is not known"
                self.notes.sample("solver", f"/{self.split}", text, strip.start + i)

    def _origin(self, record: dict[str, np.ndarray], strip: slice) -> None:
        """What the record of generated data must say: a residual within CONVERGED, the seed that the recipe gives."""
        if self.recipe is None:
            return
        if self.rtol and "solver_residual" in record and "solver_status" in record:
            limit = FALSE_CONVERGENCE_FACTOR * self.rtol
            told = record["solver_status"] == int(Status.CONVERGED)
            for i in np.flatnonzero(told & ~(record["solver_residual"] <= limit)):
                text = f"CONVERGED with a recorded residual above {limit:.3g}, or none"
                self.notes.sample("solver", f"/{self.split}", text, strip.start + int(i))
        if "sample_seed" in record:
            number = self.recipe.split_number(self.split)
            for i, index in enumerate(self.file.index(self.split)[strip]):
                own = seed_sequence(self.recipe.seed, number, int(index)).generate_state(1, np.uint64)[0]
                if record["sample_seed"][i] != own:
                    text = "sample_seed is not what the recipe's seed gives"
                    self.notes.sample("form", f"/{self.split}", text, strip.start + i)

    def _excuse(self, record: dict[str, np.ndarray], i: int) -> float:
        """The residual that a stored solution may have: what was recorded, as far as that can be believed."""
        if "solver_residual" not in record or not np.isfinite(record["solver_residual"][i]):
            return ASSUMED_RESIDUAL
        converged = "solver_status" not in record or int(record["solver_status"][i]) == int(Status.CONVERGED)
        most = FALSE_CONVERGENCE_FACTOR * self.rtol if self.rtol and converged else LARGEST_RESIDUAL
        return min(float(record["solver_residual"][i]), most, LARGEST_RESIDUAL)

    def _equation(
        self,
        problem: Elliptic,
        grid: Grid,
        values: dict[str, np.ndarray],
        record: dict[str, np.ndarray],
        strip: slice,
        sound: np.ndarray,
    ) -> None:
        parameters = self.file.names(self.split, "parameter")
        fields = self.file.names(self.split, "input", "boundary", "geometry")
        instances = Instances(grid, {n: values[n] for n in fields}, {n: values[n] for n in parameters})
        output = problem.outputs[0].name
        if output not in values:
            self.notes.sample("equation", f"/{self.split}", f"the output {output!r} is missing", strip.start)
            return
        if self.recipe is not None and is_spectral(self.recipe):
            self._answers(problem, self.recipe, instances, values[output], strip, sound)
            return
        kind = values[output].dtype
        rounding = float(np.finfo(kind).eps) / 2 if kind.kind == "f" else 0.0
        for i in sound:
            case = instances.case(int(i))
            try:
                problem.check(case)
            except BadInput as error:
                self.notes.sample("values", f"/{self.split}", str(error).replace("\n", ";"), strip.start + int(i))
                continue
            ratios = discrepancies(problem, case, values[output][i : i + 1], rounding, self._excuse(record, int(i)))
            for test, ratio in ratios.items():
                if not ratio <= 1:
                    self.notes.sample("equation", f"/{self.split}/{output}", TESTS[test], strip.start + int(i))

    def _answers(
        self,
        problem: Elliptic,
        recipe: Recipe,
        instances: Instances,
        stored: np.ndarray,
        strip: slice,
        sound: np.ndarray,
    ) -> None:
        if not sound.size:
            return
        self.answers = self.answers or AnswerCheck(problem, recipe)
        for i, text in self.answers.faults(instances[sound], stored[sound]).items():
            self.notes.sample("equation", f"/{self.split}/{problem.outputs[0].name}", text, strip.start + int(sound[i]))

    def _trajectories(self, problem: Evolution, values: dict[str, np.ndarray], strip: slice, sound: np.ndarray) -> None:
        missing = [spec.name for spec in (*problem.inputs, *problem.outputs) if spec.name not in values]
        if missing:
            self.notes.sample(
                "equation", f"/{self.split}", f"{', '.join(missing)} of the problem is missing", strip.start
            )
            return
        if self.trajectories is None:
            time = self.file.time(self.split)
            self.trajectories = check_of(problem, self.grid, time, self.recipe, self.split, self.notes)
        if self.trajectories is not None and sound.size:
            some = values if len(sound) == strip.stop - strip.start else {k: v[sound] for k, v in values.items()}
            self.trajectories.look(some, self.file.names(self.split, "parameter"), strip.start + sound)

    def statistics(self) -> None:
        """Compare the stored statistics of the training split with those of the values that were read."""
        if self.split != "train" or self.damaged:
            return
        for name, parts in self.parts.items():
            attributes = self.file.variables(self.split)[name].attrs
            found = combine(np.concatenate(parts), self.counts[name])
            for key in STATISTICS:
                stored = float(plain(attributes[key])) if key in attributes else np.nan
                scale = max(abs(found["min"]), abs(found["max"]))
                if not abs(stored - found[key]) <= 1e-9 * scale:
                    self.notes.file(
                        "statistics",
                        f"/{self.split}/{name}",
                        f"{key} is {stored:.9g}, the values give {found[key]:.9g}",
                    )
