"""`check` of trajectories: true data pass, with what would not be seen stated; each fault of a list is found, and where."""

import h5py
import numpy as np
import pytest
from sealing import faulty

from pdekit.data import check_trajectories
from pdekit.data.advance import Advance
from pdekit.data.check import check
from pdekit.data.generate import generate
from pdekit.data.read import open_file
from pdekit.data.recipe import recipe_from
from pdekit.data.write import write_dataset

BURGERS = """\
format = 1
title = "Burgers for tests"
problem = "burgers"
solver = "etdrk4"
solver_settings = { dt = 0.02 }
seed = 3
[grid]
points = 128
length = 6.283185307179586
location = "vertex"
boundary = "periodic"
[time]
stop = 1.0
frames = 6
[parameters]
nu = { law = "uniform", low = 0.08, high = 0.12 }
[fields.initial]
law = "gaussian"
gauss = { variance_factor = 625.0, tau = 5.0, alpha = 2.0, boundary = "periodic" }
[splits]
train = 4
test = 1
[storage]
extras = ["tendency"]
batch = 2
"""
FLOW = """\
format = 1
title = "A forced flow for tests"
problem = "navier-stokes"
solver = "etdrk4"
solver_settings = { dt = 0.02 }
seed = 3
[grid]
points = [48, 48]
length = [1.0, 1.0]
location = "vertex"
boundary = "periodic"
[time]
start = 1.0
stop = 5.0
frames = 5
[parameters]
nu = 1e-3
forcing = "fno"
[fields.initial]
law = "fno-2020"
[splits]
train = 3
[storage]
points = [32, 32]
extras = ["streamfunction"]
batch = 3
"""
CHAOS = """\
format = 1
title = "Chaos for tests"
problem = "kuramoto-sivashinsky"
solver = "etdrk4"
solver_settings = { dt = 0.125 }
seed = 3
[grid]
points = 96
length = 44.0
location = "vertex"
boundary = "periodic"
[time]
start = 40.0
stop = 50.0
frames = 6
[fields.initial]
law = "fourier-series"
modes = 5
[splits]
train = 3
[storage]
batch = 3
"""
RECIPES = {"burgers": (BURGERS, "u"), "flow": (FLOW, "vorticity"), "chaos": (CHAOS, "h")}


def made(folder, text, **overrides):
    return generate(recipe_from(text, where="test.toml", overrides=overrides), folder / "a.h5")


@pytest.fixture(scope="module", params=RECIPES)
def case(request, tmp_path_factory):
    text, output = RECIPES[request.param]
    return request.param, made(tmp_path_factory.mktemp(request.param), text), output


@pytest.fixture(scope="module")
def burgers(tmp_path_factory):
    return made(tmp_path_factory.mktemp("b"), BURGERS)


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    return made(tmp_path_factory.mktemp("f"), FLOW)


def equation(path):
    """What the tests of the equation found; no other test may find anything."""
    found = check(path).findings
    assert {f.test for f in found} <= {"equation"}, found
    return {(f.where.split(", ", 1)[1], f.text) for f in found}


def test_true_data_pass_and_the_report_says_how_much_would_not_be_seen(case):
    name, path, _ = case
    report = check(path)
    assert report.findings == ()
    assert not any("equation" in text for text in report.unverified), report.unverified
    said = next(text for text in report.verified if text.startswith("equation"))
    unseen = float(said.split("errors up to ")[1].split(" of the change")[0])
    assert 1e-8 < unseen < {"burgers": 1e-3, "flow": 1e-3, "chaos": 1e-4}[name]
    assert f"{ {'burgers': 20, 'flow': 12, 'chaos': 15}[name] } steps from frame to frame of train" in said
    assert {"burgers": "energy, mean u", "flow": "energy, enstrophy, mean vorticity", "chaos": "energy, mean h"}[
        name
    ] in said


def test_two_frames_swapped(case, tmp_path):
    _, path, output = case

    def swap(file):
        u = file["train"][output]
        u[1, 2], u[1, 3] = u[1, 3], u[1, 2]

    found = equation(faulty(path, tmp_path, swap))
    assert ("sample 1", "frames 2, 3, 4 do not follow from the one before") in found


def test_one_frame_repeated(case, tmp_path):
    _, path, output = case

    def repeat(file):
        file["train"][output][1, 3] = file["train"][output][1, 2]

    assert ("sample 1", "frames 3, 4 do not follow from the one before") in equation(faulty(path, tmp_path, repeat))


def test_the_sign_of_one_frame(case, tmp_path):
    _, path, output = case

    def flip(file):
        file["train"][output][2, 4] *= -1

    found = {text for where, text in equation(faulty(path, tmp_path, flip)) if where == "sample 2"}
    assert any(text.startswith("frame") and "4" in text and "follow" in text for text in found)


def test_the_sign_of_a_whole_trajectory(case, tmp_path):
    _, path, output = case

    def flip(file):
        file["train"][output][1] *= -1

    found = equation(faulty(path, tmp_path, flip))
    assert ("sample 1", "the first frame is not the start that solvers are given") in found
    assert any(text.startswith("frames 1, 2, 3, 4") and "follow" in text for _, text in found)


def test_a_shuffled_axis(flow, tmp_path):
    """Inputs and outputs alike, so that the first frame still is the start."""

    def shuffle(file):
        for name in ("initial", "vorticity", "streamfunction"):
            file["train"][name][...] = file["train"][name][...].swapaxes(-1, -2)

    found = equation(faulty(flow, tmp_path, shuffle))
    assert ("samples 0, 1, 2 (3 in all)", "frames 1, 2, 3, 4 do not follow from the one before") in found


def test_a_reversed_axis(burgers, tmp_path):
    """u(-x) would need a change of sign."""

    def turn(file):
        for name in ("initial", "u"):
            file["train"][name][...] = np.roll(file["train"][name][...][..., ::-1], 1, axis=-1)

    assert any(text.startswith("frames 1, 2, 3, 4, 5") for _, text in equation(faulty(burgers, tmp_path, turn)))


def test_a_viscosity_one_per_cent_off(burgers, tmp_path):
    def thicken(file):
        file["train/nu"][1] *= 1.01

    found = equation(faulty(burgers, tmp_path, thicken))
    assert ("sample 1", "frames 1, 2, 3, 4, 5 do not follow from the one before") in found
    assert {where for where, _ in found} == {"sample 1"}


def test_a_viscosity_of_the_recipe_one_per_cent_off(flow, tmp_path):
    def thicken(file):
        text = str(file.attrs["recipe"])
        assert "nu = 0.001\n" in text
        other = recipe_from(text.replace("nu = 0.001\n", "nu = 0.00101\n"), where="test.toml")
        file.attrs["recipe"], file.attrs["recipe_sha256"] = other.toml(), other.sha256()

    found = equation(faulty(flow, tmp_path, thicken))
    assert ("samples 0, 1, 2 (3 in all)", "frames 1, 2, 3, 4 do not follow from the one before") in found


def test_mass_that_comes_from_nowhere(tmp_path):
    """Less than the modes that were cut off: no frame stands out, but the budget does."""

    def add(file):
        u = file["train/u"]
        u[1, 3:] += np.float32(1e-5)

    path = made(tmp_path, BURGERS, **{"storage.points": 64, "storage.extras": []})
    assert equation(faulty(path, tmp_path, add)) == {("sample 1", "the budget of 'mean u' is not kept in frame 3")}


def test_a_diagnostic_that_is_not_that_of_the_fields(flow, burgers, tmp_path):
    def scale(file):
        file["train/streamfunction"][1, 2] *= -1

    assert equation(faulty(flow, tmp_path, scale)) == {
        ("sample 1", "'streamfunction' is not that of the stored fields in frame 2")
    }

    def shift(file):
        file["train/u_tendency"][3, 5] *= 1.01

    assert equation(faulty(burgers, tmp_path, shift)) == {
        ("sample 3", "'u_tendency' is not that of the stored fields in frame 5")
    }


@pytest.mark.parametrize(
    "overrides",
    [
        {"solver": "cn-heun", "solver_settings.dt": 0.02},
        {"solver": "sbdf2", "solver_settings.dt": 0.005},
        {"storage.dtype": "float64"},
        {"storage.points": 64},
        {"solver_settings.grid_factor": 0.5},
        {"splits": {"train": 2, "test_large": {"samples": 1, "set": {"grid.points": 96}}}},
    ],
    ids=str,
)
def test_data_of_other_schemes_precisions_and_grids_pass(tmp_path, overrides):
    assert check(made(tmp_path, BURGERS, **overrides)).findings == ()


def test_frames_that_say_little_are_not_said_to_be_verified(tmp_path):
    """16 points for a front: the left-out modes excuse almost everything, and the report says so."""
    report = check(made(tmp_path, BURGERS, **{"storage.points": 16, "storage.extras": []}))
    assert report.passed
    assert any("may grow to more than 10% of the change" in text for text in report.unverified)


def test_steps_that_are_too_coarse_excuse_nothing(tmp_path):
    path = made(tmp_path, BURGERS, **{"solver": "cn-heun", "solver_settings": {"scheme": "cn-euler", "dt": 0.2}})
    assert any("do not follow" in text for _, text in equation(path))


def test_own_data_with_a_problem_are_checked_too(burgers, tmp_path):
    with open_file(burgers) as file:
        problem, grid, times = file.problem_for("train"), file.grid("train"), file.time("train")
        arrays = {name: file.read("train", name) for name in ("initial", "u", "nu")}
    good = write_dataset(tmp_path / "own.h5", {"train": arrays}, grid=grid, problem=problem, time=times)
    assert check(good).findings == ()
    arrays["u"][1, [2, 3]] = arrays["u"][1, [3, 2]]
    bad = write_dataset(tmp_path / "bad.h5", {"train": arrays}, grid=grid, problem=problem, time=times)
    assert equation(bad) == {("sample 1", "frames 2, 3, 4 do not follow from the one before")}


def test_a_missing_output_is_named(burgers, tmp_path):
    def remove(file):
        for split in file.values():
            del split["u"]

    texts = [f.text for f in check(faulty(burgers, tmp_path, remove)).findings]
    assert "u of the problem is missing" in texts


def test_samples_that_are_not_finite_hide_no_other(burgers, tmp_path):
    def spoil(file):
        file["train/u"][0, 2, 5] = np.nan
        u = file["train/u"]
        u[1, 2], u[1, 3] = u[1, 3], u[1, 2]

    out = faulty(burgers, tmp_path, spoil, sealed=False)
    found = {(f.test, f.where, f.text) for f in check(out).findings}
    assert ("values", "/train/u, sample 0", "NaN or infinity") in found
    assert ("equation", "/train/u, sample 1", "frames 2, 3, 4 do not follow from the one before") in found
    with h5py.File(out) as file:
        assert np.isnan(file["train/u"][0, 2, 5])


def test_pieces_of_one_sample_say_the_same_of_the_same_sample(burgers, tmp_path, monkeypatch):
    def edit(file):
        u = file["train/u"]
        u[2, 2], u[2, 3] = u[2, 3], u[2, 2]

    path = faulty(burgers, tmp_path, edit)
    whole, looked, between = equation(path), [], Advance.between

    def counted(self, a, b, counts):
        looked.append(len(a.rows))
        return between(self, a, b, counts)

    monkeypatch.setattr(Advance, "between", counted)
    monkeypatch.setattr(check_trajectories, "VALUES", 128)
    assert equation(path) == whole
    assert ("sample 2", "frames 2, 3, 4 do not follow from the one before") in whole
    assert looked == [1] * 25


def test_a_piece_begins_with_as_many_steps_as_have_a_half(burgers, monkeypatch):
    """Half of its samples wanted 2 steps before, half 4: 3 would have no half, and no integral that reaches the end."""
    begun, between = [], Advance.between

    def torn(self, a, b, counts):
        begun.append(counts)
        arrival = between(self, a, b, counts)
        arrival.path.next[:] = 2 + 2 * (np.arange(len(a.rows)) % 2)
        return arrival

    monkeypatch.setattr(Advance, "between", torn)
    monkeypatch.setattr(check_trajectories, "VALUES", 256)
    assert not equation(burgers)
    assert max(map(len, begun)) > 1
    assert all((counts % 2 == 0).all() for counts in begun)
