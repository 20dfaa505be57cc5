"""What every recipe in `datasets/` owes: a small piece of it is made, passes `check`, and has a page for people.

A new recipe is found here by its folder; nothing in this file names one.
"""

import re

import pytest

from pdekit import api
from pdekit.data.check import check
from pdekit.data.recipe import read_recipe
from pdekit.problems import PROBLEMS
from pdekit.registry import card_folder, dataset_names

SMALL = {1: 32, 2: 16, 3: 8}


@pytest.fixture(params=dataset_names())
def name(request):
    return request.param


def points_of(recipe, split):
    """Stored points per axis of a split of the small piece; a split that sets points of its own has twice as many."""
    own = any(key.endswith(".points") for key in recipe.splits[split].set)
    return (SMALL[len(recipe.grid.points)] * (2 if own else 1),) * len(recipe.grid.points)


def on_points(recipe, split):
    """Overrides that put a split on its small grid, twice as fine as what is stored where the recipe cuts."""
    stored = list(points_of(recipe, split))
    if recipe.storage.points is None:
        return {"grid.points": stored}
    return {"grid.points": [2 * n for n in stored], "storage.points": stored}


def small(recipe):
    """Two samples to train on, one for every other split, on a small grid, few steps; what else the splits set stays."""
    changes = {}
    if recipe.time is not None:
        dt = recipe.settings().get("dt", 1e-2)
        start = min(recipe.time.start, 20 * dt)
        changes = {"time.start": start, "time.stop": start + 20 * dt, "time.frames": 3}
    changes |= {**on_points(recipe, "train"), "reference_error.samples": 1}
    for split, made in recipe.splits.items():
        changes[f"splits.{split}.samples" if made.set else f"splits.{split}"] = 2 if split == "train" else 1
        if any(key.endswith(".points") for key in made.set):
            changes[f"splits.{split}.set"] = {**made.set, **on_points(recipe, split)}
    return changes


def test_it_is_whole(name):
    recipe = read_recipe(name)
    assert {"train", "valid", "test"} <= set(recipe.splits)
    assert len(recipe.title) > 10
    problem = PROBLEMS[recipe.problem]
    named = {"length", *(spec.name for spec in (*problem.inputs, *problem.outputs))}
    if recipe.time is not None:
        named.add("time")
    assert named <= set(recipe.units), "the unit of every quantity is stated"
    assert recipe.on_failure == "stop"
    assert recipe.reference_error.covers(0)


def test_a_small_piece_is_made_and_passes_its_check(name, tmp_path):
    recipe = read_recipe(name)
    path = api.generate(name, tmp_path / "small.h5", overrides=small(recipe))
    report = check(path)
    assert report.passed, report.findings
    problem = PROBLEMS[recipe.problem]
    for split in recipe.splits:
        own, instances, outputs = api.read_instances(path, split)
        assert own.name == recipe.problem
        assert len(instances) == (2 if split == "train" else 1)
        assert set(instances.fields) >= {spec.name for spec in problem.inputs}
        assert set(outputs) == {spec.name for spec in problem.outputs}
        frames = () if recipe.time is None else (3,)
        assert all(a.shape[1:] == (*frames, *points_of(recipe, split)) for a in outputs.values())
        assert all((a != 0).any() for a in outputs.values())
    assert [p.name for p in tmp_path.iterdir()] == ["small.h5"]


def test_it_has_a_page_for_people(name):
    page = card_folder("datasets") / name / "README.md"
    assert page.is_file(), "datasets/<name>/README.md: equation, what is hard, sampling, solver, splits, known flaws"
    text, recipe = page.read_text(), read_recipe(name)
    assert re.search(r"(div|∇|Laplace|Δ).*=", text), "the equation"
    for split in recipe.splits:
        assert re.search(rf"\b{split}\b", text), f"the split {split}"
        assert re.search(rf"\b{recipe.splits[split].samples:_}\b".replace("_", ",?"), text), f"the size of {split}"
    assert recipe.solver in text, "the solver"
    assert re.search(r"flaw", text, re.IGNORECASE), "known flaws"
