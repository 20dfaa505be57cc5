"""Trajectories in the file: stored times, telemetry of the solver, checks, resumption, and what a recipe may say of time."""

import h5py
import numpy as np
import pytest
import xarray
from sealing import faulty

from pdekit.data import executors
from pdekit.data.check import check
from pdekit.data.generate import generate
from pdekit.data.read import open_file, read_instances
from pdekit.data.recipe import recipe_from
from pdekit.data.show import show
from pdekit.errors import BadInput
from pdekit.registry import load_solver

RECIPE = """\
format = 1
title = "Heat for tests"
problem = "heat"
solver = "crank-nicolson-tuned"
solver_settings = { dt = 2e-3, history = 4 }
seed = 3
units = { length = "m", time = "s", temperature = "K", initial = "K" }
[grid]
points = [9, 9]
location = "vertex"
boundary = "dirichlet"
[time]
stop = 0.04
frames = 5
[parameters]
phase = { law = "uniform", low = 0.0, high = 1.0 }
[fields.initial]
law = "bump"
radius = 0.3
spread = 0.2
[reference_error]
method = "step"
samples = 1
[splits]
train = 3
test = 2
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heat")
    (folder / "recipe.toml").write_text(RECIPE)
    return generate(folder / "recipe.toml", folder / "heat.h5")


def test_frames_and_times_lie_in_the_file(path):
    with h5py.File(path) as file:
        train = file["train"]
        assert train["temperature"].shape == (3, 5, 9, 9)
        assert train["time"][...] == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04])
        assert train["time"].attrs["units"] == "s"
        assert np.array_equal(train["temperature"][:, 0], train["initial"][...])
        assert train["step_cost"].shape == (3, 20)
        assert train["step_history"].shape == (3, 20, 4)
        assert train["step_cost"].attrs["role"] == "record"
        assert np.array_equal(train["step_iterations"][...].sum(axis=1), train["solver_steps"][...])
        assert (train["solver_residual"][...] <= 1e-8 * (1 + 1e-6)).all()
        assert np.isfinite(train["reference_error"][0])
        assert np.isnan(train["reference_error"][1:]).all()
        assert 0 < train["reference_error"][0] < 0.05


def test_the_file_opens_in_xarray_with_names(path):
    with xarray.open_dataset(path, group="train", engine="h5netcdf") as data:
        assert data.temperature.dims == ("sample", "time", "x", "y")
        assert data.step_history.dims == ("sample", "step", "iteration")


def test_the_stored_values_are_those_of_the_solver(path):
    problem, instances, outputs = read_instances(path, "test")
    assert instances.times == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04])
    solver = load_solver("crank-nicolson", {"settings.dt": 2e-3, "settings.rtol": 1e-12}).prepare(problem)
    values = solver.solve(instances).values["temperature"]
    assert np.allclose(outputs["temperature"], values, rtol=0, atol=2e-6 * np.abs(values).max())


def test_telemetry_is_neither_a_field_nor_hashed(path, tmp_path):
    with open_file(path) as file:
        assert set(file.variables("train")) == {"initial", "temperature", "phase"}
        assert "step_parameter" in file.telemetry("train")
        before = file.content_hash
    (tmp_path / "b.h5").write_bytes(path.read_bytes())
    with h5py.File(tmp_path / "b.h5", "r+") as copy:
        copy["train"]["step_seconds"][...] = 1.0
    assert check(tmp_path / "b.h5").passed
    with open_file(tmp_path / "b.h5") as file:
        assert file.content_hash == before


def test_check_advances_every_frame_by_the_solver_of_the_recipe(path):
    report = check(path)
    assert report.passed, report.findings
    said = next(text for text in report.verified if text.startswith("equation"))
    assert "12 steps from frame to frame of train computed again by 'crank-nicolson-tuned'" in said
    assert float(said.split("errors up to ")[1].split(" of the change")[0]) < 1e-4
    assert any("whether the time steps" in text for text in report.unverified)


def swapped(u):
    u[2], u[3] = u[3].copy(), u[2].copy()


def scaled(u):
    u[3] *= np.float32(1 + 1e-4)


def repeated(u):
    u[3] = u[2]


def turned(u):
    u[3] = u[3].T.copy()


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (swapped, "frames 2, 3, 4 do not follow from the one before"),
        (scaled, "frames 3, 4 do not follow from the one before"),
        (repeated, "frames 3, 4 do not follow from the one before"),
        (turned, "frames 3, 4 do not follow from the one before"),
    ],
)
def test_check_finds_a_spoiled_frame(path, tmp_path, spoil, text):
    def edit(file):
        values = file["train/temperature"][1]
        spoil(values)
        file["train/temperature"][1] = values

    found = check(faulty(path, tmp_path, edit)).findings
    assert [(f.test, f.where, f.text) for f in found] == [("equation", "/train/temperature, sample 1", text)]


def test_check_finds_a_start_that_is_not_the_first_frame(path, tmp_path):
    def edit(file):
        file["test/initial"][0] *= np.float32(1 + 1e-5)

    found = check(faulty(path, tmp_path, edit)).findings
    assert [f.text for f in found] == ["the first frame is not the start that solvers are given"]


def test_workers_and_interruptions_change_nothing(path, tmp_path, monkeypatch):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    with open_file(generate(tmp_path / "recipe.toml", tmp_path / "two.h5", workers=2)) as file, open_file(path) as one:
        assert file.content_hash == one.content_hash
    real, count = executors.produce, []

    def stops(*task):
        if len(count) == 2:
            raise RuntimeError("stopped")
        count.append(task)
        return real(*task)

    monkeypatch.setattr("pdekit.data.plan.SHARD_SAMPLES", 1)
    monkeypatch.setattr(executors, "produce", stops)
    with pytest.raises(RuntimeError, match="stopped"):
        generate(tmp_path / "recipe.toml", tmp_path / "three.h5")
    monkeypatch.setattr(executors, "produce", real)
    with open_file(generate(tmp_path / "recipe.toml", tmp_path / "three.h5")) as file, open_file(path) as one:
        assert file.content_hash == one.content_hash


def test_more_samples_extend_a_file(path, tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    copy = tmp_path / "heat.h5"
    copy.write_bytes(path.read_bytes())
    generate(tmp_path / "recipe.toml", copy, overrides={"splits.train": 4})
    with open_file(copy) as longer, open_file(path) as short:
        assert longer.size("train") == 4
        assert np.array_equal(longer.read("train", "temperature", slice(0, 3)), short.read("train", "temperature"))


def test_a_picture_of_a_trajectory(path, tmp_path):
    assert show(path, split="test", sample=1, out=tmp_path / "a.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("stop = 0.04", "stop = -1.0", "(?s)time.*stops at -1.0 and starts at 0.0; allowed: stop > start"),
        ("frames = 5", "frames = 1", "(?s)time.frames.*greater than or equal to 2"),
        ("[time]\nstop = 0.04\nframes = 5\n", "", r"(?s)time: the problem 'heat' evolves; a table \[time\]"),
        ("dt = 2e-3", "dt = 3e-3", "(?s)not whole steps apart.*dt = 0.003.*frames"),
        ('boundary = "dirichlet"', 'boundary = "neumann"', "(?s)grid.*holds all walls at 0"),
    ],
)
def test_recipes_whose_time_cannot_be_used(tmp_path, old, new, message):
    (tmp_path / "r.toml").write_text(RECIPE.replace(old, new))
    with pytest.raises(BadInput, match=message):
        generate(tmp_path / "r.toml", tmp_path / "a.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["r.toml"]


def test_a_steady_problem_has_no_time(recipe_text):
    text = recipe_text + "\n[time]\nstop = 1.0\nframes = 2\n"
    with pytest.raises(BadInput, match=r"time: the problem 'darcy' is steady; leave \[time\] out"):
        recipe_from(text, where="r.toml")
