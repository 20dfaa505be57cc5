"""Tests of a file that read no field: its form, and whether all samples are there."""

from __future__ import annotations

import numpy as np

from pdekit.data.format import SAMPLE_HASH
from pdekit.data.read import DataFile
from pdekit.data.report import Notes
from pdekit.errors import FormatError


def check_form(file: DataFile, notes: Notes) -> None:
    """Attributes, dimensions, units and coordinates of every split."""
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
            dims = tuple(
                scale.label or (str(scale[0].name).rsplit("/", 1)[-1] if len(scale) else "") for scale in data.dims
            )
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
        if SAMPLE_HASH.name not in file.group(split):
            notes.file("form", f"/{split}", "sample_hash is missing")


def check_completeness(file: DataFile, notes: Notes, unverified: list[str]) -> None:
    """Whether the splits hold the samples that the recipe asks for."""
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
    for name in file.splits:
        if name not in recipe.splits:
            notes.file("completeness", f"/{name}", "the recipe has no such split")
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
