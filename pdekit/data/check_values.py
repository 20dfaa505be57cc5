"""Tests of a file that read every value of a split: checksums, NaN, duplicates, statuses, the equation, statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pdekit.data.format import RECORD_NAMES, SAMPLE_HASH, STATISTICS, sample_hashes
from pdekit.data.hdf5 import plain
from pdekit.data.read import DataFile
from pdekit.data.report import Notes
from pdekit.data.statistics import combine, moments
from pdekit.data.verify import TESTS, discrepancies
from pdekit.errors import BadInput, FormatError
from pdekit.problems.problem import Elliptic, Problem
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

STRIP_BYTES = 32 * 2**20
ASSUMED_RESIDUAL = 1e-6  # for data that do not say what residual their solver reached
BROKEN = "the stored bytes fail their Fletcher-32 checksum"
LARGEST_RESIDUAL = 1e-3  # a recorded residual above this does not excuse a violated equation


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
        self.record = self._record()

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
        if isinstance(problem, Elliptic) and self.grid is not None:
            self._equation(problem, self.grid, whole, record, strip, np.flatnonzero(sound))

    def _record(self) -> dict[str, np.ndarray]:
        """The record of the whole split, without what is damaged."""
        record: dict[str, np.ndarray] = {}
        for name in RECORD_NAMES:
            try:
                record |= self.file.record(self.split, names=(name,))
            except FormatError:
                self.notes.file("checksums", f"/{self.split}/{name}", BROKEN)
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
        kind = values[output].dtype
        rounding = float(np.finfo(kind).eps) / 2 if kind.kind == "f" else 0.0
        reached = record.get("solver_residual")
        for i in sound:
            residual = ASSUMED_RESIDUAL if reached is None or not np.isfinite(reached[i]) else float(reached[i])
            case = instances.case(int(i))
            try:
                problem.check(case)
            except BadInput as error:
                self.notes.sample("values", f"/{self.split}", str(error).replace("\n", ";"), strip.start + int(i))
                continue
            ratios = discrepancies(problem, case, values[output][i : i + 1], rounding, min(residual, LARGEST_RESIDUAL))
            for test, ratio in ratios.items():
                if not ratio <= 1:
                    self.notes.sample("equation", f"/{self.split}/{output}", TESTS[test], strip.start + int(i))

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
