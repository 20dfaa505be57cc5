"""Learned and classical solvers on equal terms: error against time, speed-up at equal error only, cost of training counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pdekit.comparison.evaluate import evaluate

Progress = Callable[[int, int, str], None]


def compare(
    plan: str | Path,
    *,
    out: str | Path,
    train: Callable[..., Path],
    check_learned: Callable[[str, Any], None],
    solvers: Iterable[str] | None = None,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Run a plan, or a data file with named solvers, and write the report under `out`; returns the path of report.html.

    train, check_learned   what trains a learned card and looks at one ahead: `train` and `check_trainable` of
                           `pdekit.training.train`, which this room may not see
    """
    from pdekit.comparison.conduct import conduct
    from pdekit.comparison.report import write_report

    comparison = conduct(
        plan,
        out=Path(out),
        train=train,
        check_learned=check_learned,
        solvers=solvers,
        overrides=overrides,
        progress=progress,
    )
    return write_report(comparison, Path(out))


__all__ = ["compare", "evaluate"]
