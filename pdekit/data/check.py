"""Checks a data set: form, completeness, checksums, NaN, statuses, the equation itself, duplicates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pdekit.data.check_answers import is_spectral
from pdekit.data.check_form import check_completeness, check_form
from pdekit.data.check_values import SplitCheck
from pdekit.data.differ import differences
from pdekit.data.format import SAMPLE_HASH, content_hash
from pdekit.data.read import DataFile, open_file
from pdekit.data.report import Finding, Notes, Report
from pdekit.errors import FormatError
from pdekit.problems.evolution import Evolution
from pdekit.problems.problem import Elliptic, Problem
from pdekit.problems.semilinear import Semilinear

Progress = Callable[[int, int, str], None]


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
    notes, unverified = Notes(), []
    with file:
        problem = _problem(file, notes, unverified)
        check_form(file, notes)
        check_completeness(file, notes, unverified)
        seen: dict[bytes, tuple[str, int]] = {}
        hashes, along = {}, []
        total, done = sum(file.size(s) for s in file.splits), 0
        for split in file.splits:
            checker = SplitCheck(file, split, notes, seen)
            own = _own_problem(file, split, problem)
            for strip in checker.strips():
                checker.look(strip, own)
                done += strip.stop - strip.start
                if progress:
                    progress(done, total, f"checking {split}")
            checker.statistics()
            if checker.trajectories is not None:
                along.append(checker.trajectories.sentence())
                unverified += checker.trajectories.unverified()
            hashes[split] = checker.record.get(SAMPLE_HASH.name, np.zeros(0, dtype=np.uint64))
        if content_hash(hashes[s] for s in file.splits) != file.content_hash:
            notes.file("checksums", "/", "content_hash is not that of the sample hashes")
        verified = [*_verified(file, problem), *filter(None, along)]
        if against is not None:
            with open_file(against) as other:
                for where, text in differences(file, other, progress):
                    notes.file("against", where, text)
                verified.append(f"against: compared with {str(against)!r} within rounding")
    return Report(str(path), notes.findings(), tuple(verified), tuple(unverified))


def _problem(file: DataFile, notes: Notes, unverified: list[str]) -> Problem | None:
    try:
        problem = file.problem
    except FormatError as error:
        notes.file("form", "/", str(error))
        problem = None
    known = isinstance(problem, Elliptic | Semilinear) or (isinstance(problem, Evolution) and file.attrs.get("recipe"))
    if not known:
        reason = "no problem in the file" if problem is None else "no recipe in the file says by what solver"
        unverified.append(f"the equation, boundary values and conservation: {reason}")
    return problem


def _own_problem(file: DataFile, split: str, problem: Problem | None) -> Problem | None:
    if problem is None or (file.recipe is not None and split not in file.recipe.splits):
        return None  # the second: `check_completeness` says so
    return file.problem_for(split)


def _verified(file: DataFile, problem: Problem | None) -> list[str]:
    n = sum(file.size(s) for s in file.splits)
    out = [
        f"form: {len(file.splits)} splits, dimensions, coordinates, units",
        f"checksums: every value of {n} samples read, {_guarded(file)}sample hashes recomputed",
        "values: every one looked at for NaN and infinity"
        + ("; statistics of the training split recomputed" if "train" in file.splits else ""),
        "duplicates: inputs of all samples compared byte by byte, within and across splits",
    ]
    if isinstance(problem, Elliptic) and is_spectral(file.recipe):
        out.append(
            f"equation: {problem.equation}, answered again from the stored inputs by the recipe's spectral solver, to the "
            "rounding of storage"
        )
    elif isinstance(problem, Elliptic):
        out.append(
            f"equation: {problem.equation}, at points, over blocks, over the box (conservation) and as energy, "
            "to the rounding of storage"
        )
    return out


def _guarded(file: DataFile) -> str:
    """What is said of checksums: the HDF5 library compares them, where the file has any."""
    held = [bool(data.fletcher32) for split in file.splits for data in file.variables(split).values()]
    if all(held):
        return "Fletcher-32 and "
    return "Fletcher-32 of those that have it and " if any(held) else "no Fletcher-32 in the file; "
