"""What there is, as rows: problems, data sets, solvers, metrics; and as the tables of README.md.

`python -m pdekit.cli.tables README.md` writes the tables between their marks, `<!-- table: solvers -->` and
`<!-- end -->`; a test compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pdekit.registry import card_folder, dataset_names, solver_names
from pdekit.settings import parse, read_toml

Row = dict[str, str]


def problems() -> list[Row]:
    """Every problem: its equation and what it makes of what."""
    from pdekit.problems import PROBLEMS

    return [
        {
            "problem": name,
            "equation": problem.equation,
            "fields": f"{', '.join(f.name for f in problem.inputs)} -> {', '.join(f.name for f in problem.outputs)}",
        }
        for name, problem in sorted(PROBLEMS.items())
    ]


def datasets() -> list[Row]:
    """Every recipe: its grid, its splits and its title."""
    return [_dataset(name, _card(card_folder("datasets") / name / "recipe.toml")) for name in dataset_names()]


def _dataset(name: str, recipe: dict[str, Any]) -> Row:
    grid, splits = recipe.get("grid", {}), recipe.get("splits", {})
    sizes = [str(s["samples"] if isinstance(s, dict) else s) for s in splits.values()]
    points = grid.get("points", "")
    return {
        "data set": name,
        "points": " x ".join(map(str, points)) if isinstance(points, list) else str(points),
        "samples": " / ".join(sizes),
        "what": str(recipe.get("title", "")),
    }


def solvers() -> list[Row]:
    """Every solver card: whether it is classical, learned or a hybrid of both, what it serves and its title."""
    return [_solver(name, _card(card_folder("solvers") / f"{name}.toml")) for name in solver_names()]


def _solver(name: str, card: dict[str, Any]) -> Row:
    return {
        "solver": name,
        "kind": "learned" if "model" in card else "hybrid" if "guess" in card.get("settings", {}) else "classical",
        "solves": ", ".join(card.get("solves", [])),
        "what": str(card.get("title", "")),
    }


def metrics() -> list[Row]:
    """Every metric: its unit and its title."""
    from pdekit.metrics import METRICS

    return [{"metric": name, "unit": m.unit, "what": m.title} for name, m in sorted(METRICS.items())]


def _card(path: Path) -> dict[str, Any]:
    return parse(read_toml(path), where=str(path))


TABLES: dict[str, Callable[[], list[Row]]] = {
    "problems": problems,
    "datasets": datasets,
    "solvers": solvers,
    "metrics": metrics,
}


def markdown(rows: list[Row]) -> str:
    """Rows as a Markdown table."""
    head = list(rows[0]) if rows else []
    body = [[row[key].replace("|", "\\|") for key in head] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def filled(text: str) -> str:
    """The text of README.md with every table between its marks made anew."""

    def table(match: re.Match[str]) -> str:
        return f"{match[1]}\n{markdown(TABLES[match[2]]())}\n{match[3]}"

    return re.sub(r"(<!-- table: (\w+) -->)\n.*?(<!-- end -->)", table, text, flags=re.DOTALL)


if __name__ == "__main__":
    for target in map(Path, sys.argv[1:]):
        target.write_text(filled(target.read_text(encoding="utf-8")), encoding="utf-8")
