"""Cards by name and path; the first line of a card can name a solver and nothing else."""

import re
from pathlib import Path

import pytest

from pdekit import registry
from pdekit.errors import BadInput
from pdekit.linear.solvers import CG, PCGMultigrid
from pdekit.registry import (
    Card,
    build_solver,
    card_folder,
    dataset_names,
    find_card,
    find_recipe,
    is_run,
    load_solver,
    read_card,
    settings_of,
    solver_class,
    solver_names,
)

ROOT = Path(__file__).parents[1]


def card(code: str, **more) -> Card:
    return Card(code=code, format=1, title="t", solves=[], source="s", fails_when="f", **more)


def test_names_are_the_files():
    assert dataset_names() == sorted(p.parent.name for p in ROOT.glob("datasets/*/recipe.toml"))
    assert solver_names() == sorted(p.stem for p in ROOT.glob("solvers/*.toml"))
    assert "darcy-2d" in dataset_names()
    assert "pcg-multigrid" in solver_names()


def test_cards_inside_the_package_come_before_the_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "PACKAGE", tmp_path / "pdekit")
    assert card_folder("solvers") == tmp_path / "solvers"
    (tmp_path / "pdekit" / "cards" / "solvers").mkdir(parents=True)
    assert card_folder("solvers") == tmp_path / "pdekit" / "cards" / "solvers"


def test_a_recipe_is_found_by_name_file_and_folder():
    path = ROOT / "datasets" / "darcy-2d" / "recipe.toml"
    assert find_recipe("darcy-2d").samefile(path)
    assert find_recipe(str(path)) == path
    assert find_recipe(str(path.parent)) == path


def test_an_empty_folder_of_the_name_of_a_recipe_does_not_hide_it(tmp_path, monkeypatch):
    (tmp_path / "darcy-2d").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_recipe("darcy-2d").samefile(ROOT / "datasets" / "darcy-2d" / "recipe.toml")


@pytest.mark.parametrize("name", ["../solvers/cg", "cg/", "", "."])
def test_a_name_is_no_path(name):
    with pytest.raises(BadInput, match="there is no solver named"):
        find_card(name)


@pytest.mark.parametrize("name", solver_names())
def test_every_card_is_read_and_its_settings_are_those_of_its_class(name):
    read = read_card(name)
    assert (ROOT / "solvers" / f"{name}.toml").read_text(encoding="utf-8").startswith("code ")
    assert read.fails_when
    assert read.source
    if read.learned:
        assert read.training
    else:
        cls = solver_class(read)
        turned = set(read.settings) | set(read.ladder)
        assert turned <= set(settings_of(cls))
        assert read.hybrid or load_solver(name).name == name
        for key, values in read.ladder.items():  # the setting itself is one of the points that compare turns to
            assert read.settings.get(key, 1.0) in values


def test_overrides_change_a_card():
    assert load_solver("pcg-multigrid", {"settings.rtol": 1e-3}).stop.rtol == 1e-3
    assert load_solver("pcg-multigrid").stop.rtol == 1e-8


def test_settings_include_those_handed_on_to_base_classes():
    assert {"rtol", "max_steps", "precond_dtype", "grid_factor"} <= set(settings_of(PCGMultigrid))
    assert "precond_dtype" not in settings_of(CG)
    assert "name" not in settings_of(CG)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("os:system", "is not allowed"),
        ("pdekit_evil:Solver", "is not allowed"),
        ("pdekit.linear.solvers", "is not allowed"),
        ("pdekit.linear.solvers:CGG", "cannot be imported"),
        ("pdekit.linear.nowhere:CG", "cannot be imported"),
        ("pdekit.errors:unknown_name", "is not a solver"),
        ("pdekit.errors:BadInput", "is not a solver"),
        ("pdekit.linear.solvers:np", "is not a solver"),
    ],
)
def test_the_code_of_a_card_can_name_a_solver_and_nothing_else(code, says):
    with pytest.raises(BadInput, match=re.escape(repr(code)) + ".*" + says):
        solver_class(card(code), where="card x")


def test_other_packages_offer_solvers_as_entry_points(monkeypatch):
    class Entry:
        value = "elsewhere:Solver"

        def load(self):
            return CG

    monkeypatch.setattr(registry.metadata, "entry_points", lambda group: [Entry()] if group == "pdekit.solvers" else [])
    assert solver_class(card("elsewhere:Solver")) is CG
    with pytest.raises(BadInput, match="is not allowed"):
        solver_class(card("elsewhere:Other"))


def test_an_unknown_setting_gets_the_near_one():
    with pytest.raises(BadInput, match="did you mean 'rtol'"):
        build_solver(card("pdekit.linear.solvers:CG", settings={"rtoll": 1e-8}), "cg")


def test_a_learned_card_says_how_to_train_it():
    with pytest.raises(BadInput, match="pdekit train fno FILE --out runs/fno"):
        load_solver("fno")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    assert not is_run(tmp_path)
    with pytest.raises(BadInput, match="is not a run folder"):
        load_solver(tmp_path)
