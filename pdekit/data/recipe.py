"""Reads recipes: a name or a path, overrides, and one message that lists all faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pdekit.data.recipe_faults import faults_of
from pdekit.data.recipe_model import Recipe
from pdekit.errors import BadInput
from pdekit.registry import find_recipe
from pdekit.settings import check, override_pairs, parse, read_toml

__all__ = ["Recipe", "read_recipe", "recipe_from"]


def read_recipe(
    name: str | Path | Recipe,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    seed: int | None = None,
) -> Recipe:
    """Read and check a recipe: a name in `datasets/`, a path to a TOML file, or a Recipe to be changed.

    `overrides` are {"a.b": value} or ["a.b=value"]. Raises one BadInput that lists all faults with key and line.
    """
    changes = override_pairs(overrides)
    if seed is not None:
        changes["seed"] = seed
    if isinstance(name, Recipe):
        if not changes:
            return name
        return recipe_from(name.toml(), where=name._where, overrides=changes)
    path = find_recipe(str(name))
    return recipe_from(read_toml(path), where=f"recipe {path}", overrides=changes)


def recipe_from(text: str, *, where: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe from its TOML text. Raises BadInput."""
    recipe = check(Recipe, parse(text, where=where, overrides=overrides), where=where, text=text)
    recipe._where = where
    faults = [fault for split in recipe.split_names() for fault in faults_of(recipe, split)]
    faults = list(dict.fromkeys(faults))
    if faults:
        raise BadInput("\n".join([f"{where} has {len(faults)} fault(s):", *(f"  {f}" for f in faults)]))
    return recipe
