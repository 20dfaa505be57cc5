"""Recipes: every fault at once, with key, line and nearest name; overrides; identity."""

import pytest

from pdekit.data.recipe import read_recipe, recipe_from
from pdekit.errors import BadInput


def read(text: str, **overrides):
    return recipe_from(text, where="recipe r.toml", overrides=overrides)


def message(text: str, **overrides) -> str:
    with pytest.raises(BadInput) as caught:
        read(text, **overrides)
    return str(caught.value)


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_name(recipe_text):
    text = recipe_text.replace("length = [1.0, 1.0]", "lenght = [1.0, 1.0]")
    line = text.splitlines().index("lenght = [1.0, 1.0]") + 1
    assert f"grid.lenght (line {line}): unknown key; did you mean 'length'?" in message(text)


def test_all_faults_of_one_kind_are_reported_together(recipe_text):
    text = recipe_text.replace("seed = 7", "seed = -1").replace("format = 1", "format = 2")
    text = text.replace('problem = "darcy"', 'problem = "darcey"').replace("train = 7", "train = 0")
    found = message(text)
    assert found.startswith("recipe r.toml has 4 fault(s):")
    lines = text.splitlines()
    for key, line in (("seed", "seed = -1"), ("format", "format = 2"), ("splits.train", "train = 0")):
        assert key in found
        assert f"(line {lines.index(line) + 1})" in found
    assert "did you mean 'darcy'" in found


def test_faults_between_keys_are_reported_together(recipe_text):
    text = recipe_text.replace("rtol = 1e-8", "rtool = 1e-8").replace('face_mean = "harmonic"', 'face_men = "harmonic"')
    text = text.replace('pressure = "Pa"', 'presure = "Pa"').replace("source = {", "sorce = {")
    found = message(text)
    for wanted in ("did you mean 'rtol'", "'face_mean'", "did you mean 'pressure'", "did you mean 'source'"):
        assert wanted in found, found
    assert "fields.source: the problem 'darcy' needs a law for this input" in found
    assert "has 5 fault(s)" in found


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("grid.points", 1, "points along x cannot be used"),
        ("grid.points", [16, 16, 16, 16], "1 to 3"),
        ("grid.points", 16, None),
        ("grid.length", [1.0, -1.0], "length along y"),
        ("grid.boundary", "periodik", "did you mean 'periodic'"),
        ("grid.location", "vertx", "'cell' or 'vertex'"),
        ("fields.permeability.low", "three", "low of law 'two-phase' is out of range"),
        ("fields.permeability.law", "two-fase", "did you mean 'two-phase'"),
        ("fields.permeability.gauss.tau", -1.0, "tau of a Gaussian field"),
        ("solver", "pcg-multigird", "did you mean 'pcg-multigrid'"),
        ("solver", "mean-field", "is a learned solver"),
        ("solver_settings.rtol", 2.0, "a number below 1"),
        ("splits.Train2", 3, "split name 'Train2' cannot be used"),
        ("splits.test_contrast.set", {"seed": 3}, "a split cannot set 'seed'"),
        ("splits.test_contrast.set", {"fields.permeability.hihg": 3.0}, "hihg"),
        ("storage.compression", "zip", "'none', 'gzip', 'lzf', 'zstd' or 'lz4'"),
        ("storage.dtype", "float16", "float32"),
        ("on_failure", "ignore", "'stop', 'drop' or 'keep'"),
        ("units.pressure", "P\na", "cannot be read"),
        ("reference_error.method", "guess", "'refine', 'tighten', 'step' or 'both'"),
        ("grid.boundary_value", {"x_low": {"law": "sine-series", "modes": 0}}, "modes of law 'sine-series'"),
        ("grid.boundary_value", {"q_low": {"law": "constant", "value": 0.0}}, "q_low"),
    ],
)
def test_a_wrong_value_names_its_key_and_what_is_allowed(recipe_text, key, value, part):
    if part is None:  # a number that stands for all axes is right
        assert read(recipe_text, **{key: value}).grid_for("train").points == (16, 16)
        return
    assert part in message(recipe_text, **{key: value})


def test_overrides_replace_and_a_bare_word_is_a_string(recipe_path):
    recipe = read_recipe(recipe_path, ["grid.points=32", "grid.boundary=neumann", "splits.train = 3"], seed=5)
    assert recipe.grid_for("train").points == (32, 32)
    assert recipe.grid_for("test").boundary[0] == ("neumann", "neumann")
    assert (recipe.splits["train"].samples, recipe.seed) == (3, 5)


def test_the_text_of_a_recipe_makes_the_same_recipe(recipe_path):
    recipe = read_recipe(recipe_path, {"grid.points": 24})
    again = recipe_from(recipe.toml(), where="again")
    assert again.model_dump() == recipe.model_dump()
    assert again.sha256() == recipe.sha256()


def test_identity_leaves_out_sizes_and_titles_and_nothing_else(recipe_path):
    plain = read_recipe(recipe_path).identity()
    same = [{"splits.train": 9}, {"title": "another"}, {"on_failure": "drop"}]
    other = [{"seed": 8}, {"grid.points": 8}, {"solver_settings.rtol": 1e-6}, {"storage.batch": 2},
             {"splits.test_contrast.set": {"fields.permeability.high": 31.0}}]  # fmt: skip
    assert [read_recipe(recipe_path, o).identity() == plain for o in same] == [True] * len(same)
    assert [read_recipe(recipe_path, o).identity() == plain for o in other] == [False] * len(other)


def test_split_numbers_are_those_of_the_format_whatever_the_order(recipe_text):
    head, _ = recipe_text.split("[splits]")
    recipe = read(head + "[splits]\nb_shift = 1\ntest = 1\ntrain = 1\na_shift = 1\nvalid = 1\n")
    assert {name: recipe.split_number(name) for name in recipe.splits} == {
        "train": 0, "valid": 1, "test": 2, "b_shift": 3, "a_shift": 4,
    }  # fmt: skip
    assert recipe.split_names() == ["train", "valid", "test", "b_shift", "a_shift"]


def test_a_split_sets_its_own_keys_only(recipe_path):
    recipe = read_recipe(recipe_path)
    high = {name: recipe.laws_for(name)[0]["permeability"]["high"] for name in recipe.splits}
    assert high == {"train": 12.0, "valid": 12.0, "test": 12.0, "test_contrast": 30.0}


def test_a_parameter_that_is_drawn_must_belong_to_the_problem(recipe_text):
    found = message(recipe_text, **{"parameters.viscosity": {"law": "uniform", "low": 1.0, "high": 2.0}})
    assert "there is no parameter of problem 'darcy' named 'viscosity'" in found
