"""What `check` has to say: findings, gathered by sample, and what was and was not looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


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
class Notes:
    """Faults gathered by (test, where, text) with the samples that show them."""

    samples: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    whole: list[Finding] = field(default_factory=list)

    def sample(self, test: str, where: str, text: str, i: int) -> None:
        """Note a fault of sample i."""
        self.samples.setdefault((test, where, text), []).append(i)

    def file(self, test: str, where: str, text: str) -> None:
        """Note a fault of the whole file, a split or a variable."""
        self.whole.append(Finding(test, where, text))

    def findings(self) -> tuple[Finding, ...]:
        """One finding per kind of fault, with the samples that show it."""
        out = list(self.whole)
        for (test, where, text), numbers in self.samples.items():
            first = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
            plural = f"samples {first} ({len(numbers)} in all)" if len(numbers) > 1 else f"sample {first}"
            out.append(Finding(test, f"{where}, {plural}", text))
        return tuple(out)


def note_frames(notes: Notes, marks: np.ndarray, numbers: np.ndarray, place: str, text: str) -> None:
    """Note the marked frames (n, t) of samples `numbers`; `text` has a place {} for "frames 2, 3 do" at its start, or for
    "frames 2, 3" elsewhere."""
    for row, number in zip(marks, numbers, strict=True):
        frames = np.flatnonzero(row)
        if frames.size:
            notes.sample("equation", place, text.format(_named(frames, text.startswith("{}"))), int(number))


def _named(frames: np.ndarray, acting: bool) -> str:
    many = len(frames) > 1
    first = ", ".join(map(str, frames[:6])) + (", ..." if len(frames) > 6 else "")
    verb = "" if not acting else " do" if many else " does"
    return f"frame{'s' if many else ''} {first}{verb}"
