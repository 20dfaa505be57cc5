"""A small Darcy recipe, and the file it makes, for the tests of this folder."""

import sys
from pathlib import Path

import pytest

from pdekit.data.generate import generate

sys.path.insert(0, str(Path(__file__).parent))  # `--import-mode=importlib` does not: `sealing` is found by it

RECIPE = """\
format = 1
title = "Darcy for tests"
problem = "darcy"
solver = "pcg-multigrid"
solver_settings = { rtol = 1e-8 }
seed = 7
units = { length = "m", pressure = "Pa" }

[grid]
points = [16, 16]
length = [1.0, 1.0]
location = "cell"
boundary = "dirichlet"

[parameters]
face_mean = "harmonic"

[fields]
source = { law = "constant", value = 1.0 }

[fields.permeability]
law = "two-phase"
high = 12.0
low = 3.0
gauss = { variance_factor = 9.0, tau = 3.0, alpha = 2.0, boundary = "neumann" }

[splits]
train = 7
valid = 2
test = 3
test_contrast = { samples = 2, set = { "fields.permeability.high" = 30.0 } }
"""


@pytest.fixture(scope="session")
def recipe_text() -> str:
    return RECIPE


@pytest.fixture
def recipe_path(tmp_path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def clean(tmp_path_factory) -> Path:
    """A finished file of RECIPE. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "recipe.toml").write_text(RECIPE)
    return generate(folder / "recipe.toml", folder / "clean.h5")
