"""The doors of `import pdekit`: each loads its room when it is called, so that the import itself stays quick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Overrides = Mapping[str, Any] | Iterable[str] | None
Progress = Callable[[int, int, str], None]


def generate(
    recipe: Any,
    out: str | Path,
    *,
    overrides: Overrides = None,
    seed: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make the data set of a recipe (a name in `datasets/`, or a path) and write it to `out`; returns the path.

    The same call again resumes an interrupted one. Raises BadInput, SolveError, StorageError; see
    `pdekit.data.generate.generate`.
    """
    from pdekit.data.generate import generate as room

    return room(recipe, out, overrides=overrides, seed=seed, workers=workers, scheduler=scheduler, progress=progress)


def open_dataset(path: str | Path) -> Any:
    """The file as an `xarray.DataTree` with one node per split, read lazily. Raises BadInput or FormatError."""
    from pdekit.data.read import open_dataset as room

    return room(path)


def read_instances(path: str | Path, split: str = "test", samples: int | None = None) -> tuple[Any, Any, Any]:
    """(problem, instances, outputs) of the first `samples` samples of a split, all of them by default.

    `instances` is what a solver is given; `outputs` is {name: (n, [t], *x)}, the stored answers. Raises BadInput or
    FormatError.
    """
    from pdekit.data.read import read_instances as room

    return room(path, split, samples)


def write_dataset(path: str | Path, splits: Mapping[str, Mapping[str, Any]], **options: Any) -> Path:
    """Write own NumPy or xarray arrays, {"train": {name: (n, [t], *x, [c])}}, as a valid file; returns the path.

    `options` are those of `pdekit.data.write.write_dataset`: grid (required), roles, units, long_names, problem, time,
    time_units, attributes, dtype, compression, overwrite, progress. Raises BadInput or StorageError.
    """
    from pdekit.data.write import write_dataset as room

    return room(path, splits, **options)


def train(
    solver: str | Path,
    file: str | Path,
    *,
    out: str | Path,
    overrides: Overrides = None,
    seed: int = 0,
    **options: Any,
) -> Path:
    """Train the learned solver of a card (a name in `solvers/`, or a path) on a file; returns the run folder `out`.

    `options` are those of `pdekit.training.train.train`: device ("auto", "cpu", "cuda"), devices, nodes, resume,
    progress. Raises BadInput, SolveError, StorageError.
    """
    from pdekit.training.train import train as room

    return room(solver, file, out=out, overrides=overrides, seed=seed, **options)


def load_solver(name: str | Path, overrides: Overrides = None) -> Any:
    """A solver from a card name, a path to a card, or a run folder: `prepare(problem)`, then `solve(instances)`.

    `overrides` change keys of the card, e.g. {"settings.rtol": 1e-6}. Raises BadInput.
    """
    from pdekit.registry import load_solver as room

    return room(name, overrides)


def compare(
    plan: str | Path,
    *,
    out: str | Path,
    solvers: Iterable[str | Path] | None = None,
    overrides: Overrides = None,
    progress: Progress | None = None,
) -> Path:
    """Compare solvers on equal terms; returns the path of `report.html`.

    plan      a plan (.toml), or a data file together with `solvers`: card names and run folders
    out       folder of the report, its figures and `results.json`

    Raises BadInput before any work; a solver that fails is a line of the report.
    """
    from pdekit.comparison import compare as room

    def check_learned(card: str, changes: Overrides) -> None:
        from pdekit.training.train import check_trainable

        check_trainable(card, changes)

    return room(
        plan,
        out=out,
        solvers=None if solvers is None else [str(s) for s in solvers],
        train=train,
        check_learned=check_learned,
        overrides=overrides,
        progress=progress,
    )


def evaluate(
    run: str | Path,
    file: str | Path,
    split: str = "test",
    *,
    time_scale: tuple[str, float] | None = None,
    statistics_from: float | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Every metric of one learned solver on a split of a file. Raises BadInput or FormatError.

    time_scale   of trajectories: ("Lyapunov time", 22.2), in the data's unit; correlation times are told in it besides
    statistics_from   of trajectories: a time after the transient; distributions of values are those of the frames from then on
    """
    from pdekit.comparison import evaluate as room

    return room(run, file, split=split, time_scale=time_scale, statistics_from=statistics_from, progress=progress)
