"""What is looked at before long work: the target, what stands there already, the first case, the room on the disk."""

from __future__ import annotations

import os
import shutil
import tomllib
from pathlib import Path

import numpy as np

from pdekit import __version__
from pdekit.data.produce import makers, one_thread, variables
from pdekit.data.read import open_file
from pdekit.data.recipe import Recipe, recipe_from
from pdekit.errors import BadInput, FormatError
from pdekit.problems.evolution import Evolution
from pdekit.settings import to_toml
from pdekit.solution import Status
from pdekit.space.grid import Grid


def check_target(target: Path) -> None:
    """Raise BadInput where nothing can be written to the target."""
    if target.is_dir():
        raise BadInput.of(f"the target {str(target)!r} is a folder.", allowed="a file name, e.g. runs/darcy.h5")
    parent = next((p for p in target.absolute().parents if p.exists()), Path("/"))
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise BadInput.of(
            f"nothing can be written to {str(parent)!r}.",
            found="the folder is read-only or not a folder",
            hint="choose an --out in a folder that you may write to",
        )


def existing(target: Path, recipe: Recipe) -> str:
    """How a file that is already there relates to the recipe: "same" or "smaller". Raises BadInput otherwise."""
    hint = "choose another --out, or delete the file first"
    try:
        with open_file(target) as file:
            text = str(file.attrs.get("recipe", ""))
            version = str(file.attrs.get("pdekit_version", ""))
            settings = str(file.attrs.get("solver_settings", ""))
    except FormatError as error:
        raise BadInput.of(f"{str(target)!r} exists and is no pdekit file.", found=str(error), hint=hint) from None
    old = recipe_from(text, where=f"the recipe in {str(target)!r}") if text else None
    as_now = _same_table(settings, to_toml(recipe.settings()))
    if old is not None and old.sha256() == recipe.sha256():
        if as_now:
            return "same"
        raise BadInput.of(
            f"{str(target)!r} exists and was made from this recipe with other settings of its solver.",
            where=f"card {recipe.solver!r}",
            found="; ".join(settings.split("\n")).strip("; "),
            allowed="; ".join(to_toml(recipe.settings()).split("\n")).strip("; "),
            hint=hint,
        )
    grows = (
        old is not None
        and as_now
        and version == __version__
        and old.identity() == recipe.identity()
        and all(
            old.splits[name].samples <= split.samples for name, split in recipe.splits.items() if name in old.splits
        )
        and all(name in recipe.splits for name in old.splits)
    )
    if grows:
        return "smaller"
    raise BadInput.of(f"{str(target)!r} exists and was made from another recipe or seed.", hint=hint)


def _same_table(text: str, other: str) -> bool:
    """Whether two texts are the same TOML table."""
    try:
        return tomllib.loads(text) == tomllib.loads(other)
    except tomllib.TOMLDecodeError:
        return False


def preflight(recipe: Recipe, target: Path) -> None:
    """What can be known before long work: the disk has room, the first case of each split is sound and can be solved.

    A first case whose equation has no solution (no face holds the level, and the sources do not sum to what flows
    out) is a fault of the recipe; a solver that gives up on it is a result, and `on_failure` says what becomes of it.
    """
    _check_room(recipe, target)
    with one_thread():
        for split, maker in makers(recipe).items():
            cases = maker.draw(range(1))
            maker.problem.check(cases)
            if isinstance(maker.problem, Evolution):
                maker.solver.check_times(maker.times)
                if maker.times is not None and maker.times[0] > 0:
                    maker.solver.check_times(np.array([0.0, maker.times[0]]))  # the warm-up
                continue
            if _has_level(cases.grid):
                continue
            if maker.solver.solve(cases).statuses[0] is Status.INCOMPATIBLE_RHS:
                raise BadInput.of(
                    f"the equation has no solution: {Status.INCOMPATIBLE_RHS.sentence}.",
                    where=f"split {split!r}, sample 0",
                    found="no face is dirichlet or robin, and the sources do not sum to what flows out",
                    allowed="a source whose mean is zero, as law 'gaussian' gives, or a dirichlet or robin face",
                )


def _has_level(grid: Grid) -> bool:
    return any(kind in ("dirichlet", "robin") for pair in grid.boundary for kind in pair)


def _check_room(recipe: Recipe, target: Path) -> None:
    if recipe.storage.compression != "none":
        return
    size = 0
    for name, split in recipe.splits.items():
        size += split.samples * sum(v.sample_bytes for v in variables(recipe, name))
    parent = next(p for p in target.absolute().parents if p.exists())
    free = shutil.disk_usage(parent).free
    if size > free:
        raise BadInput.of(
            f"the disk has no room for {str(target)!r}.",
            found=f"{free / 1e9:.3g} GB free",
            allowed=f"{size / 1e9:.3g} GB for the file, and as much again while it is assembled",
            hint="choose another --out, fewer samples, or storage.compression",
        )
