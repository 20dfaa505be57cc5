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


def small(recipe):
    """Two samples to train on, one for every other split, on a small grid, few steps; what the splits set stays."""
    times = {}
    if recipe.time is not None:
        times = {"time.stop": recipe.time.start + 20 * recipe.settings()["dt"], "time.frames": 3}
    return {
        **times,
        "grid.points": [SMALL[len(recipe.grid.points)]] * len(recipe.grid.points),
        "reference_error.samples": 1,
        **{f"splits.{split}.samples": 1 for split in recipe.splits if recipe.splits[split].set},
        **{f"splits.{split}": 2 if split == "train" else 1 for split in recipe.splits if not recipe.splits[split].set},
    }


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
    assert recipe.reference_error.samples > 0


def test_a_small_piece_is_made_and_passes_its_check(name, tmp_path):
    recipe = read_recipe(name)
    path = api.generate(name, tmp_path / "small.h5", overrides=small(recipe))
    report = check(path)
    assert report.passed, report.findings
    dims = SMALL[len(recipe.grid.points)]
    problem = PROBLEMS[recipe.problem]
    for split in recipe.splits:
        own, instances, outputs = api.read_instances(path, split)
        assert own.name == recipe.problem
        assert len(instances) == (2 if split == "train" else 1)
        assert set(instances.fields) >= {spec.name for spec in problem.inputs}
        assert set(outputs) == {spec.name for spec in problem.outputs}
        frames = () if recipe.time is None else (3,)
        assert all(a.shape[1:] == (*frames, *(dims,) * len(recipe.grid.points)) for a in outputs.values())
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
