"""Trajectories of the pseudo-spectral solver in a file: cut on store, warm-up, diagnostics, errors, samples that are lost."""

import h5py
import numpy as np
import pytest
from sealing import faulty

from pdekit.data import executors
from pdekit.data.check import check
from pdekit.data.differ import differences
from pdekit.data.generate import generate
from pdekit.data.info import info
from pdekit.data.read import open_file, read_instances
from pdekit.data.recipe import recipe_from
from pdekit.errors import BadInput, SolveError
from pdekit.problems.burgers import Burgers
from pdekit.registry import load_solver
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased

RECIPE = """\
format = 1
title = "Burgers for tests"
problem = "burgers"
solver = "etdrk4"
solver_settings = { dt = 0.02 }
seed = 3
units = { length = "m", time = "s", u = "m s-1", initial = "m s-1", u_tendency = "m s-2" }
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
[reference_error]
method = "both"
samples = "all"
[splits]
train = 4
test = 3
[storage]
dtype = "float64"
points = 64
extras = ["tendency"]
batch = 2
"""
FLOW = """\
format = 1
title = "A flow for tests"
problem = "navier-stokes"
solver = "etdrk4"
solver_settings = { dt = 0.05 }
seed = 3
[grid]
points = [32, 24]
length = [1.0, 1.0]
location = "vertex"
boundary = "periodic"
[time]
stop = 1.0
frames = 3
[parameters]
nu = 1e-2
[fields.initial]
law = "fno-2020"
[splits]
train = 2
[storage]
points = [16, 12]
extras = ["velocity_x", "streamfunction"]
"""


def made(folder, text=RECIPE, name="a.h5", workers=1, **overrides):
    return generate(recipe_from(text, where="test.toml", overrides=overrides), folder / name, workers=workers)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made(tmp_path_factory.mktemp("b"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same without a cut on store."""
    return made(tmp_path_factory.mktemp("w"), **{"storage.points": 128})


def coefficients(u, points):
    return np.fft.rfft(u, axis=-1) / points


def test_what_is_stored_are_the_modes_below_the_nyquist_of_fewer_points(path, whole):
    with h5py.File(path) as cut, h5py.File(whole) as full:
        assert cut["train/u"].shape == (4, 6, 64)
        assert cut["train/x"].attrs["length"] == pytest.approx(2 * np.pi)
        assert len(cut["train/x"]) == 64
        for name in ("initial", "u", "u_tendency"):
            few, many = coefficients(cut["train"][name][...], 64), coefficients(full["train"][name][...], 128)
            assert np.allclose(few[..., :32], many[..., :32], rtol=0, atol=1e-13 * np.abs(many).max())
            assert np.abs(few[..., 32]).max() < 1e-14, "the Nyquist mode is dropped, nothing is folded"
        assert np.abs(many[..., 32:]).max() > 1e-6, "else nothing was cut in this test"


def test_points_per_axis(tmp_path):
    with open_file(made(tmp_path, FLOW)) as file:
        assert file.grid("train").points == (16, 12)
        assert file.read("train", "vorticity").shape == (2, 3, 16, 12)
        assert file.read("train", "initial").shape == (2, 16, 12)


def test_extras_are_diagnostics_and_those_of_the_fields(path, tmp_path):
    with open_file(path) as file:
        assert file.names("train", "output") == ["u"]
        assert file.names("train", "diagnostic") == ["u_tendency"]
        assert set(file.instances("train").fields) == {"initial"}
        assert set(file.outputs("train")) == {"u"}
        assert file.group("train")["u_tendency"].attrs["units"] == "m s-2"
        assert file.statistics("u_tendency")["std"] > 0
    assert info(path)["splits"]["train"]["variables"]["u_tendency"]["role"] == "diagnostic"
    with open_file(made(tmp_path, FLOW, **{"storage.points": [32, 24], "storage.dtype": "float64"})) as file:
        w, psi, u = (file.read("train", name) for name in ("vorticity", "streamfunction", "velocity_x"))
        space = Dealiased.of(file.grid("train"))
        v = space.forward(w)
        assert np.allclose(space.forward(psi), -space.inverse_laplacian() * v, atol=1e-14)
        assert np.allclose(space.forward(u), space.derivative(1) * -space.inverse_laplacian() * v, atol=1e-14)


def test_the_tendency_is_the_rate_of_change(whole):
    with open_file(whole) as file:
        problem, cases, u = file.problem_for("train"), file.instances("train"), file.read("train", "u")
        stored = file.read("train", "u_tendency")
    h = 1e-4
    solver = load_solver("etdrk4", {"settings.dt": 1e-5}).prepare(problem)
    start = Instances(cases.grid, {"initial": u[:, 3]}, cases.parameters, np.array([0.0, h, 2 * h]))
    a, b, c = np.moveaxis(solver.solve(start).values["u"], 1, 0)
    assert np.allclose((4 * b - 3 * a - c) / (2 * h), stored[:, 3], rtol=0, atol=1e-4 * np.abs(stored).max())


def test_the_content_hash_covers_diagnostics(path, tmp_path):
    def spoil(file):
        file["train/u_tendency"][1, 2, 3] += 1.0

    found = check(faulty(path, tmp_path, spoil, sealed=False)).findings
    assert any(f.test == "checksums" and "sample 1" in f.where for f in found)
    with open_file(path) as file, open_file(tmp_path / "faulty.h5") as other:
        assert any(where == "/train/u_tendency" for where, _ in differences(file, other))


def test_what_happens_before_the_start_is_not_stored_and_the_inputs_are_the_state_at_it(whole, tmp_path):
    late = made(tmp_path, **{"time.start": 0.4, "time.frames": 4, "storage.points": 128})
    with h5py.File(late) as file, h5py.File(whole) as full:
        assert file["train/time"][...] == pytest.approx([0.4, 0.6, 0.8, 1.0])
        assert np.allclose(file["train/u"][...], full["train/u"][:, 2:], rtol=0, atol=1e-12)
        assert np.allclose(file["train/initial"][...], full["train/u"][:, 2], rtol=0, atol=1e-12)
        assert np.allclose(file["train/initial"][...], file["train/u"][:, 0], rtol=0, atol=1e-14)
        assert np.array_equal(file["train/solver_steps"][...], full["train/solver_steps"][...])
        assert (file["train/reference_error"][...] < full["train/reference_error"][...]).all(), "it begins at the start"
    problem, instances, outputs = read_instances(late, "test")
    again = load_solver("etdrk4", {"settings.dt": 0.02}).prepare(problem).solve(instances)
    assert np.allclose(again.values["u"], outputs["u"], rtol=0, atol=1e-12), "the file asks what was solved"


def test_every_trajectory_carries_an_error_that_is_the_true_one(path, tmp_path):
    fine = made(tmp_path, **{"grid.points": 256, "solver_settings.dt": 2.5e-3, "reference_error.samples": 0})
    with h5py.File(path) as file, h5py.File(fine) as truth:
        found, frames = file["train/reference_error"][...], file["train/frame_error"][...]
        gap = ((file["train/u"][...] - truth["train/u"][...]) ** 2).sum(axis=2)
        size = (truth["train/u"][...] ** 2).sum(axis=2)
        assert found == pytest.approx(np.sqrt(gap.sum(axis=1) / size.sum(axis=1)), rel=0.1)
        assert frames[:, 1:] == pytest.approx(np.sqrt(gap / size)[:, 1:], rel=0.1)
        assert file["train/frame_error"].attrs["role"] == "record"
        assert np.isnan(truth["train/frame_error"][...]).all()
        assert np.isnan(truth["train/reference_error"][...]).all()
    assert info(path)["splits"]["train"]["solver"]["reference_error_samples"] == 4


def test_a_claim_of_no_residual_is_no_failure(path):
    with h5py.File(path) as file:
        assert set(file["train/solver_status"][...]) == {3}
        assert np.isnan(file["train/solver_residual"][...]).all()
        assert np.isnan(file["train/lost_at"][...]).all()
        assert file["train/lost_at"].attrs["units"] == "s"
    assert "residual_worst" not in info(path)["splits"]["train"]["solver"]
    assert check(path).findings == ()


def test_workers_interruptions_and_extensions_change_nothing(path, tmp_path, monkeypatch):
    with open_file(path) as file:
        wanted = file.content_hash
    with open_file(made(tmp_path, name="two.h5", workers=2)) as file:
        assert file.content_hash == wanted
    made(tmp_path, name="short.h5", **{"splits.train": 2})
    with open_file(made(tmp_path, name="short.h5")) as file:
        assert file.content_hash == wanted
        assert np.isfinite(file.telemetry("train")["frame_error"][:, 1:]).all()
    real, count = executors.produce, []

    def stops(*task):
        if len(count) == 2:
            raise RuntimeError("stopped")
        count.append(task)
        return real(*task)

    monkeypatch.setattr("pdekit.data.plan.SHARD_SAMPLES", 2)
    monkeypatch.setattr(executors, "produce", stops)
    with pytest.raises(RuntimeError, match="stopped"):
        made(tmp_path, name="three.h5")
    monkeypatch.setattr(executors, "produce", real)
    with open_file(made(tmp_path, name="three.h5")) as file:
        assert file.content_hash == wanted


def test_what_is_stored_belongs_to_the_identity():
    plain = recipe_from(RECIPE, where="r.toml")
    for key, value in (("storage.points", 32), ("storage.extras", []), ("time.start", 0.2), ("storage.batch", 1)):
        other = recipe_from(RECIPE, where="r.toml", overrides={key: value})
        assert other.identity() != plain.identity()
        assert other.sha256() != plain.sha256()
        assert recipe_from(other.toml(), where="r.toml").sha256() == other.sha256()


def test_a_split_may_be_stored_on_other_points(tmp_path):
    splits = {"train": 1, "test_fine": {"samples": 1, "set": {"storage.points": 96, "grid.points": 192}}}
    path = made(tmp_path, splits=splits)
    with open_file(path) as file:
        assert (file.grid("train").points, file.grid("test_fine").points) == ((64,), (96,))
        assert file.read("test_fine", "u").shape == (1, 6, 96)
    assert check(path).findings == ()


LOST = {"solver": "etdrk2", "solver_settings.dt": 0.2, "fields.initial.gauss.variance_factor": 62500.0}


def test_a_lost_sample_is_reported_with_its_time_and_the_remedy(tmp_path):
    with pytest.raises(SolveError) as error:
        made(tmp_path, **LOST)
    text = str(error.value)
    lines = text.splitlines()
    assert lines[0] == "solver 'etdrk2' failed on 2 sample(s) of problem 'burgers'; there is no finished file."
    assert lines[1].startswith("  train 0: ")
    assert " by t = " in lines[1]
    assert "scheme 'etdrk2', steps of dt = 0.2 at most" in lines[1]
    assert "CFL number" in text
    assert "more points (grid.points is 128)" in text
    assert 'another scheme (solver = "etdrk4")' in text
    assert not (tmp_path / "a.h5").exists()
    with pytest.raises(SolveError, match=r"train 0: .* by t = "):
        made(tmp_path, **LOST)
    advised = float(text.split("solver_settings.dt = ")[1].split(";")[0])
    fields = {"fields.initial.gauss.variance_factor": 62500.0, "reference_error.samples": 0}
    made(tmp_path, name="b.h5", **{**fields, "solver_settings.dt": float(0.2 / np.ceil(0.2 / advised))})


def test_a_sample_lost_in_the_warm_up_says_when(tmp_path):
    with pytest.raises(SolveError, match=r"train 0: \w+ by t = 0.4, scheme"):
        made(tmp_path, **LOST, **{"time.start": 0.4})


def test_a_sample_whose_remedy_is_no_cfl_number_gets_a_smaller_step(tmp_path):
    text = (
        RECIPE.replace('problem = "burgers"', 'problem = "fisher-kpp"')
        .replace("extras", "#")
        .replace('nu = { law = "uniform", low = 0.08, high = 0.12 }', "")
    )
    text = text.replace('u = "m s-1", initial = "m s-1", u_tendency = "m s-2"', 'u = "1"')
    with pytest.raises(SolveError, match=r"a smaller dt \(solver_settings.dt = 0.05\); more points"):
        made(tmp_path, text, **{"solver": "etdrk2", "solver_settings.dt": 0.2, "fields.initial.mean": -30.0})


def test_lost_samples_are_dropped_or_kept_as_asked(tmp_path):
    mixed = {"splits": {"train": 4}, "solver": "etdrk2", "solver_settings.dt": 0.1, "reference_error.samples": 0}
    mixed |= {"storage.batch": 2, "fields.initial.gauss.variance_factor": 1800.0}
    kept = made(tmp_path, name="kept.h5", **mixed, on_failure="keep")
    with h5py.File(kept) as file:
        status, lost_at = file["train/solver_status"][...], file["train/lost_at"][...]
        lost = status != 3
        assert 0 < lost.sum() < 4, "choose another amplitude for this test"
        assert np.array_equal(np.isfinite(lost_at), lost)
        assert np.isnan(file["train/u"][lost][:, -1]).all()
        sound = file["train/u"][~lost]
    assert any(f.test == "solver" for f in check(kept).findings)
    with h5py.File(made(tmp_path, name="dropped.h5", **mixed, on_failure="drop")) as file:
        assert list(file["train"].attrs["dropped"]) == list(np.flatnonzero(lost))
        assert np.array_equal(file["train/u"][...], sound)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"storage.points": 256}, r"storage.points: found \[256\] for a grid of \[128\]; allowed: from 4 to"),
        ({"storage.points": [64, 64]}, "storage.points: 2 numbers for 1 axes"),
        (
            {"storage.extras": ["tendancy"]},
            "storage.extras: there is no field to store besides named 'tendancy'.*tendency",
        ),
        ({"storage.extras": ["tendency", "tendency"]}, "storage.extras: .*each name once"),
        ({"time.start": -1.0}, "time.start.*greater than or equal to 0"),
        ({"time.start": 0.25}, None),
        ({"time.start": 0.305, "time.stop": 0.405, "time.frames": 2, "solver_settings.dt": 0.1}, None),
        ({"grid.location": "cell"}, "points of this grid are half a spacing off"),
        ({"reference_error.samples": "most"}, "reference_error.samples"),
        ({"reference_error.method": "tighten"}, "'tighten' needs a solver with rtol"),
    ],
)
def test_recipes_whose_storage_cannot_be_used(tmp_path, overrides, message):
    if message is None:
        assert made(tmp_path, **overrides, **{"splits": {"train": 1}}).exists()
        return
    with pytest.raises(BadInput, match=f"(?s){message}"):
        made(tmp_path, **overrides)
    assert list(tmp_path.iterdir()) == []


def test_other_solvers_keep_their_points(recipe_text):
    text = recipe_text + "\n[storage]\npoints = 8\nextras = ['tendency']\n"
    with pytest.raises(BadInput) as error:
        recipe_from(text, where="r.toml")
    assert "storage.points: solver 'pcg-multigrid' answers on its own points only; leave storage.points out" in str(
        error
    )
    assert "storage.extras: solver 'pcg-multigrid' computes no further fields" in str(error)


def test_a_mask_cannot_be_cut(monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(Burgers, "inputs", tuple(replace(spec, mask=True) for spec in Burgers.inputs))
    with pytest.raises(BadInput, match=r"storage\.points: the input 'initial' of problem 'burgers' is a mask"):
        recipe_from(RECIPE, where="r.toml")


def test_an_exact_scheme_has_no_step_to_halve():
    text = RECIPE.replace('problem = "burgers"', 'problem = "diffusion"').replace("both", "step")
    with pytest.raises(BadInput, match="takes no steps: its scheme is exact, with no error to halve; allowed: refine"):
        recipe_from(text, where="r.toml", overrides={"solver_settings.scheme": "exact"})
