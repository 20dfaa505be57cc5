"""Checks a data set: form, completeness, checksums, NaN, statuses, the equation itself, duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.data.differ import differences
from pdekit.data.format import SAMPLE_HASH, STATISTICS, content_hash, sample_hashes
from pdekit.data.read import DataFile, open_file, plain
from pdekit.data.statistics import combine, moments
from pdekit.data.verify import TESTS, discrepancies
from pdekit.errors import BadInput, FormatError
from pdekit.problems.problem import Elliptic, Problem
from pdekit.solution import Status
from pdekit.solver import Instances

STRIP_BYTES = 32 * 2**20
ASSUMED_RESIDUAL = 1e-6  # for data that do not say what residual their solver reached
LARGEST_RESIDUAL = 1e-3  # a recorded residual above this does not excuse a violated equation
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Finding:
    """One fault: which test found it, where (split, variable, samples), and what it is, in words."""

    test: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.test}: {self.where}: {self.text}"


@dataclass(frozen=True)
class Report:
    """What `check` found. `verified` and `unverified` say, in words, what was and what could not be looked at."""

    path: str
    findings: tuple[Finding, ...]
    verified: tuple[str, ...]
    unverified: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True where nothing was found."""
        return not self.findings

    def lines(self) -> list[str]:
        """The report as text, one line per fact."""
        out = [f"fault      {finding}" for finding in self.findings]
        out += [f"verified   {text}" for text in self.verified]
        out += [f"unverified {text}" for text in self.unverified]
        return [*out, f"{self.path}: " + ("passed" if self.passed else f"{len(self.findings)} fault(s)")]


@dataclass
class _Notes:
    """Faults gathered by (test, where, text) with the samples that show them."""

    samples: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    whole: list[Finding] = field(default_factory=list)

    def sample(self, test: str, where: str, text: str, i: int) -> None:
        self.samples.setdefault((test, where, text), []).append(i)

    def file(self, test: str, where: str, text: str) -> None:
        self.whole.append(Finding(test, where, text))

    def findings(self) -> tuple[Finding, ...]:
        out = list(self.whole)
        for (test, where, text), numbers in self.samples.items():
            first = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
            plural = f"samples {first} ({len(numbers)} in all)" if len(numbers) > 1 else f"sample {first}"
            out.append(Finding(test, f"{where}, {plural}", text))
        return tuple(out)


def check(path: str | Path, against: str | Path | None = None, progress: Progress | None = None) -> Report:
    """Check a data set, and where `against` is given compare it with that one within rounding.

    Damaged and foreign files are findings too. Raises BadInput where a path is missing.
    """
    path = Path(path)
    try:
        file = open_file(path)
    except FormatError as error:
        return Report(
            str(path), (Finding("form", str(path), str(error)),), (), ("anything else: the file was not read",)
        )
    notes, unverified = _Notes(), []
    with file:
        problem = _problem(file, notes, unverified)
        _form(file, notes)
        _completeness(file, notes, unverified)
        seen: dict[bytes, tuple[str, int]] = {}
        hashes = {}
        total, done = sum(file.size(s) for s in file.splits), 0
        for split in file.splits:
            checker = _SplitCheck(file, split, notes, seen)
            own = _own_problem(file, split, problem)
            for strip in checker.strips():
                checker.look(strip, own)
                done += strip.stop - strip.start
                if progress:
                    progress(done, total, f"checking {split}")
            checker.statistics()
            hashes[split] = file.record(split).get(SAMPLE_HASH.name, np.zeros(0, dtype=np.uint64))
        if content_hash(hashes[s] for s in file.splits) != file.content_hash:
            notes.file("checksums", "/", "content_hash is not that of the sample hashes")
        verified = _verified(file, problem)
        if against is not None:
            with open_file(against) as other:
                for where, text in differences(file, other, progress):
                    notes.file("against", where, text)
                verified.append(f"against: compared with {str(against)!r} within rounding")
    return Report(str(path), notes.findings(), tuple(verified), tuple(unverified))


def _problem(file: DataFile, notes: _Notes, unverified: list[str]) -> Problem | None:
    try:
        problem = file.problem
    except FormatError as error:
        notes.file("form", "/", str(error))
        problem = None
    if not isinstance(problem, Elliptic):
        reason = "no problem in the file" if problem is None else f"no such test for problem {problem.name!r} yet"
        unverified.append(f"the equation, boundary values and conservation: {reason}")
    return problem


def _own_problem(file: DataFile, split: str, problem: Problem | None) -> Problem | None:
    return None if problem is None else file.problem_for(split)


def _verified(file: DataFile, problem: Problem | None) -> list[str]:
    n = sum(file.size(s) for s in file.splits)
    out = [
        f"form: {len(file.splits)} splits, dimensions, coordinates, units",
        f"checksums: every value of {n} samples read, Fletcher-32 and sample hashes recomputed",
        "values: every one looked at for NaN and infinity; statistics of the training split recomputed",
        "duplicates: inputs of all samples compared byte by byte, within and across splits",
    ]
    if isinstance(problem, Elliptic):
        out.append(
            f"equation: {problem.equation}, at points, over blocks, over the box (conservation) and as energy, "
            "to the rounding of storage"
        )
    return out


def _form(file: DataFile, notes: _Notes) -> None:
    for name in ("Conventions", "title", "content_hash"):
        if not file.attrs.get(name):
            notes.file("form", "/", f"attribute {name} is missing")
    for split in file.splits:
        try:
            grid = file.grid(split)
        except FormatError as error:
            notes.file("form", f"/{split}", str(error))
            continue
        for name, data in file.variables(split).items():
            dims = tuple(scale.label or (scale[0].name.rsplit("/", 1)[-1] if len(scale) else "") for scale in data.dims)
            face = name.removeprefix("boundary_") if file.role(split, name) == "boundary" else ""
            expected = tuple(a for a in grid.axes if not face.startswith(a + "_"))
            space = tuple(d for d in dims if d in grid.axes)
            if dims[:1] != ("sample",) or (data.ndim > 1 and space != expected):
                notes.file(
                    "form",
                    f"/{split}/{name}",
                    f"dimensions are ({', '.join(dims)}), not (sample, ..., {', '.join(expected)})",
                )
            if "units" not in data.attrs:
                notes.file("form", f"/{split}/{name}", "attribute units is missing")
        if SAMPLE_HASH.name not in file.record(split, slice(0, 1)):
            notes.file("form", f"/{split}", "sample_hash is missing")


def _completeness(file: DataFile, notes: _Notes, unverified: list[str]) -> None:
    try:
        recipe = file.recipe
    except FormatError as error:
        notes.file("form", "/@recipe", str(error))
        return
    if recipe is None:
        unverified.append("completeness: no recipe in the file says how many samples there should be")
        return
    if recipe.sha256() != file.attrs.get("recipe_sha256"):
        notes.file("form", "/@recipe", "the recipe does not match recipe_sha256")
    for name, split in recipe.splits.items():
        if name not in file.splits:
            notes.file("completeness", f"/{name}", "this split of the recipe is missing")
            continue
        dropped = np.asarray(file.group(name).attrs.get("dropped", []), dtype=np.int64)
        expected = np.setdiff1d(np.arange(split.samples), dropped)
        if not np.array_equal(file.index(name), expected):
            notes.file(
                "completeness",
                f"/{name}",
                f"{file.size(name)} samples; the recipe and the dropped ones give {len(expected)}",
            )
        if dropped.size:
            unverified.append(f"{name}: {dropped.size} samples whose solver failed were dropped when it was made")


class _SplitCheck:
    """The tests of one split that read values."""

    def __init__(self, file: DataFile, split: str, notes: _Notes, seen: dict[bytes, tuple[str, int]]) -> None:
        self.file, self.split, self.notes, self.seen = file, split, notes, seen
        self.names = sorted(file.variables(split))
        self.inputs = file.names(split, "input", "boundary", "geometry", "parameter") or self.names
        self.parts: dict[str, list[np.ndarray]] = {name: [] for name in self.names}
        self.counts: dict[str, int] = {}
        self.damaged = False

    def strips(self) -> Iterator[slice]:
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
        record = self.file.record(self.split, strip)
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
        if isinstance(problem, Elliptic):
            self._equation(problem, whole, record, strip, np.flatnonzero(sound))

    def _read(self, name: str, strip: slice) -> np.ndarray | None:
        """Values of a strip; where a checksum fails the samples are read one by one and the bad ones noted."""
        try:
            return self.file.read(self.split, name, strip)
        except FormatError:
            for i in range(strip.start, strip.stop):
                try:
                    self.file.read(self.split, name, slice(i, i + 1))
                except FormatError:
                    self.notes.sample(
                        "checksums", f"/{self.split}/{name}", "the stored bytes fail their Fletcher-32 checksum", i
                    )
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
        values: dict[str, np.ndarray],
        record: dict[str, np.ndarray],
        strip: slice,
        sound: np.ndarray,
    ) -> None:
        grid = self.file.grid(self.split)
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


def as_dict(report: Report) -> dict[str, Any]:
    """The report as plain values, for `--json`."""
    return {
        "path": report.path,
        "passed": report.passed,
        "findings": [{"test": f.test, "where": f.where, "text": f.text} for f in report.findings],
        "verified": list(report.verified),
        "unverified": list(report.unverified),
    }
