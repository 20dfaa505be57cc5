"""Trajectories from end to end: what is given, what is scored, the classical ladder, persistence, the report."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import pdekit
from pdekit.cli.main import main
from pdekit.comparison import baselines, evaluate, table_in_time
from pdekit.comparison import frames as frames_room
from pdekit.comparison.conduct import conduct
from pdekit.comparison.frames import Frames, frames_of, scores, starts_of
from pdekit.comparison.persistence import Persistence
from pdekit.comparison.pictures import pictures
from pdekit.comparison.plan import Truth
from pdekit.comparison.plots import error_time
from pdekit.comparison.plots_in_time import last_spectra
from pdekit.comparison.refusal import classical_front, weakened
from pdekit.comparison.report_in_time import in_time
from pdekit.comparison.rollouts import Rollout, geometric
from pdekit.comparison.truth_in_time import finer_in_time, stored_in_time
from pdekit.errors import BadInput, SolveError
from pdekit.metrics.distribution import value_distance
from pdekit.metrics.spectral import spectrum_distance
from pdekit.problems import Burgers, Heat
from pdekit.registry import read_card
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.training.train import train

TORUS = Grid.make(32, 2 * np.pi, location="vertex", unit="m")
TIMES = np.linspace(0.0, 1.0, 6)


def waves(n, seed, grid=TORUS):
    """(n, x): three waves of random sizes and phases."""
    rng = np.random.default_rng(seed)
    x = grid.coordinates[0]
    parts = [rng.normal(size=(n, 1)) / k * np.cos(k * x + rng.uniform(0, 6, size=(n, 1))) for k in (1, 2, 3)]
    return np.sum(parts, axis=0)


def burgers(n, seed, nu=0.2, dt=2e-3):
    """Cases and their frames, far better resolved than the ladder of the tests."""
    cases = Instances(TORUS, {"initial": waves(n, seed)}, times=TIMES)
    solver = pdekit.load_solver("etdrk4", {"settings.dt": dt}).prepare(Burgers(nu=nu))
    return cases, solver.solve(cases).values["u"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("time") / "burgers.h5"
    splits = {}
    for name, n in (("train", 4), ("test", 7)):
        cases, u = burgers(n, seed=n)
        splits[name] = {"initial": cases.fields["initial"], "u": u}
    return pdekit.write_dataset(
        path,
        splits,
        grid=TORUS,
        problem=Burgers(nu=0.2),
        time=TIMES,
        time_units="s",
        units={"u": "m/s"},
        dtype="float64",
    )


PLAN = """
format   = 1
question = "How large may a step be?"
data     = "burgers.h5"
statistics_from = 0.5
[[solvers]]
name = "etdrk4"
set  = { "settings.dt" = 0.1, "ladder.dt" = [0.05, 0.2], "ladder.grid_factor" = [0.5, 1.0] }
[[solvers]]
name = "cn-heun"
set  = { "settings.dt" = 0.05, "ladder.dt" = [0.05], "ladder.grid_factor" = [1.0] }
[timing]
repeats = 3
batch   = [1]
[time_scale]
name  = "turnover"
value = 0.5
"""


@pytest.fixture(scope="module")
def report(file):
    (file.parent / "plan.toml").write_text(PLAN)
    return pdekit.compare(file.parent / "plan.toml", out=file.parent / "report")


@pytest.fixture(scope="module")
def results(report):
    return json.loads((report.parent / "results.json").read_text())


def runs(results, solver):
    return [r for r in results["runs"] if r["solver"] == solver]


def test_trajectories_are_ranked_by_one_ratio_each_and_persistence_is_always_in(results):
    assert "relative_l2_trajectory" in results["plan"]
    assert results["no_persistence"] == ""
    kinds = {r["solver"]: r["kind"] for r in results["runs"]}
    assert kinds == {"etdrk4": "classical", "cn-heun": "classical", "persistence": "trivial"}
    knobs = {(r["knobs"]["dt"], r["knobs"]["grid_factor"]) for r in runs(results, "etdrk4")}
    assert knobs == {(dt, f) for dt in (0.05, 0.1, 0.2) for f in (0.5, 1.0) if (dt, f) != (0.1, 0.5)}


def test_persistence_has_the_error_of_the_first_frame(file, results):
    _, _, outputs = pdekit.read_instances(file)
    u = outputs["u"]
    late, kept = u[:, 1:], u[:, :1]
    expected = np.sqrt(((kept - late) ** 2).sum((1, 2)) / (late**2).sum((1, 2)))
    (run,) = runs(results, "persistence")
    np.testing.assert_allclose(run["metrics"]["relative_l2_trajectory"]["per_sample"][0], expected, rtol=1e-12)
    curve = np.sqrt(((kept - late) ** 2).sum(2) / (late**2).sum(2))
    np.testing.assert_allclose(run["rollouts"][0]["relative_l2"]["mean"], curve.mean(0), rtol=1e-12)
    verdicts = [v for v in results["verdicts"] if v["entrant"] == "persistence"]
    assert all(v["costs"] == {"data": 0, "training": 0, "tuning": 0} for v in verdicts)


def test_every_run_has_curves_times_spectra_and_budgets(file, results):
    for run in results["runs"]:
        (rollout,) = run["rollouts"]
        assert rollout["time"] == pytest.approx(TIMES[1:])
        assert rollout["given_frames"] == 1
        assert rollout["time_unit"] == "s"
        assert [t["threshold"] for t in rollout["correlation_times"]] == [0.8, 0.9, 0.95]
        assert {t["scale"] for t in rollout["correlation_times"]} == {0.5}
        times, frames = rollout["correlation_times"], rollout["correlation_times_in_frames"]
        for one, told in zip(times, frames, strict=True):  # frames are 0.2 apart; None is "> T_end"
            assert told["end"] == 5
            assert told["median"] == (None if one["median"] is None else pytest.approx(one["median"] / 0.2))
        assert rollout["value_distance"]["from"] == pytest.approx(0.6)
        assert len(rollout["stable_share"]) == len(rollout["log_spectrum_distance"]) == 5
        assert set(rollout["budgets"]) == {"mean u", "energy"}
    fine = next(r for r in runs(results, "etdrk4") if r["knobs"] == {"dt": 0.05, "grid_factor": 1.0})["rollouts"][0]
    lazy = runs(results, "persistence")[0]["rollouts"][0]
    assert fine["budgets"]["mean u"]["defect_worst"] < 1e-14
    assert fine["budgets"]["energy"]["defect_worst"] == pytest.approx(
        fine["budgets"]["energy"]["reference_defect_worst"], rel=0.05
    )
    assert lazy["budgets"]["energy"]["defect_worst"] > 5 * fine["budgets"]["energy"]["reference_defect_worst"]
    assert max(fine["log_spectrum_distance"]) < 0.05
    assert lazy["log_spectrum_distance"][-1] is None  # infinite: the start has three waves, all other shells stay empty


def test_distributions_are_those_of_the_settled_frames(file, results):
    _, _, outputs = pdekit.read_instances(file)
    late = outputs["u"][:, 3:, ..., None]  # from t = 0.6 on
    kept = np.broadcast_to(outputs["u"][:, :1, ..., None], late.shape)
    expected = value_distance(kept, late, TORUS)
    (run,) = runs(results, "persistence")
    np.testing.assert_allclose(run["metrics"]["value_distance"]["per_sample"][0], expected[:, 0, 0], rtol=1e-12)
    shown = run["rollouts"][0]["value_distance"]["outputs"]["u"]
    assert shown["mean"] == pytest.approx(expected.mean(), rel=1e-12)
    assert shown["mean_in_spreads"] == pytest.approx((expected[:, 0, 0] / late.std(axis=(1, 2, 3))).mean(), rel=1e-12)


def test_finer_steps_and_finer_grids_are_more_exact(results):
    error = {
        (r["knobs"]["dt"], r["knobs"]["grid_factor"]): r["metrics"]["relative_l2_trajectory"]["mean"]
        for r in runs(results, "etdrk4")
    }
    assert error[0.05, 1.0] < error[0.1, 1.0] < error[0.2, 1.0] < error[0.2, 0.5]


def test_the_table_shows_one_frame_the_last_and_how_long_it_lasts(report):
    text = (report.parent / "table.txt").read_text()
    assert "corr > 0.8 [s] (turnover)" in text
    assert "values apart" in text
    assert "of the values taken from t = 0.6 on" in text
    assert re.search(r"\npersistence +\d\.\d\de[-+]\d\d +\d\.\d\de[-+]\d\d +\d\.\d\de", text)
    assert "6 frames, of which the first frame is given and never scored" in text
    assert "in round brackets in turnover (0.5 s)" in text
    assert "'> 1 s'" in text
    assert re.search(r"\netdrk4 \(dt 0.05, grid_factor 1.0\) .*> 1 \[> 1, > 1\] \(> 2\)", text)
    assert "several seeds" not in text


def test_the_page_has_curves_spectra_budgets_and_a_film_and_needs_no_network(report):
    body = re.sub(r"<script[^>]*>.*?</script>", "", report.read_text(), flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", body)
    for words in ("Frame by frame", "Spectra at the last frame", "What the equation keeps", "One trajectory"):
        assert words in body, words
    assert body.count("data:image/gif;base64,") == 1
    assert len(report.read_bytes()) < 10e6
    for name in ("error-frames", "spectra", "sample-median"):
        for ending in ("png", "pdf"):
            assert (report.parent / f"{name}.{ending}").stat().st_size > 5000
    with Image.open(report.parent / "film.gif") as film:
        assert film.n_frames == 5


def test_a_step_that_blows_up_is_a_status_and_the_largest_stable_one_is_named(tmp_path):
    """Strong nonlinearity, weak viscosity: at dt = 0.5 samples are lost, at 0.02 none."""
    cases = Instances(TORUS, {"initial": 8 * waves(6, 3)}, times=TIMES)
    solver = pdekit.load_solver("etdrk4", {"settings.dt": 2e-3}).prepare(Burgers(nu=0.5))
    split = {"initial": cases.fields["initial"], "u": solver.solve(cases).values["u"]}
    path = pdekit.write_dataset(
        tmp_path / "b.h5", {"test": split}, grid=TORUS, problem=Burgers(nu=0.5), time=TIMES, dtype="float64"
    )
    (tmp_path / "plan.toml").write_text(
        'format = 1\nquestion = "?"\ndata = "b.h5"\n[[solvers]]\nname = "etdrk4"\n'
        'set = { "settings.dt" = 0.02, "ladder" = { dt = [0.2, 0.02] } }\n[timing]\nrepeats = 3\nbatch = [1]\n'
    )
    del path
    report = pdekit.compare(tmp_path / "plan.toml", out=tmp_path / "report")
    results = json.loads((report.parent / "results.json").read_text())
    lost = next(r for r in runs(results, "etdrk4") if r["knobs"]["dt"] == 0.2)
    assert lost["n_failed"] > 0
    assert 0 < lost["lost_at"] <= 1
    assert lost["rollouts"][0]["stable_share"][-1] < 1
    text = (report.parent / "table.txt").read_text()
    assert "etdrk4: the largest stable step is dt = 0.02; dt = 0.2 lost" in text


def test_the_heat_problem_has_its_ladder_too(tmp_path):
    """Walls held at 0, Crank-Nicolson: the truth is finer in time, on the same points."""
    grid = Grid.make([9, 9], 1.0, location="vertex", boundary="dirichlet")
    rng = np.random.default_rng(0)
    x, y = grid.mesh
    start = rng.uniform(1, 2, size=(3, 1, 1)) * np.sin(np.pi * x) * np.sin(np.pi * y)
    times, problem = np.linspace(0, 0.04, 5), Heat(power=0.0)
    cases = Instances(grid, {"initial": start}, times=times)
    solver = pdekit.load_solver("crank-nicolson", {"settings.dt": 1e-3}).prepare(problem)
    split = {"initial": start, "temperature": solver.solve(cases).values["temperature"]}
    pdekit.write_dataset(tmp_path / "h.h5", {"test": split}, grid=grid, problem=problem, time=times)
    (tmp_path / "plan.toml").write_text(
        'format = 1\nquestion = "?"\ndata = "h.h5"\nreference = { solver = "crank-nicolson", refine = 4, dt = 2e-3 }\n'
        '[[solvers]]\nname = "crank-nicolson"\nset = { "settings.dt" = 1e-2, "ladder.dt" = [1e-2, 5e-3, 3e-3] }\n'
        "[timing]\nrepeats = 3\nbatch = [1]\n"
    )
    report = pdekit.compare(tmp_path / "plan.toml", out=tmp_path / "report")
    results = json.loads((report.parent / "results.json").read_text())
    assert results["reference"]["dt"] == 5e-4
    assert results["reference"]["points"] == [9, 9]
    assert results["reference"]["observed_order"]["relative_l2"] == pytest.approx(2.0, abs=0.1)
    found = {r["knobs"]["dt"]: r for r in runs(results, "crank-nicolson")}
    assert "whole steps apart" in found[3e-3]["refused"]
    ratio = [found[dt]["metrics"]["relative_l2_trajectory"]["mean"] for dt in (1e-2, 5e-3)]
    assert ratio[0] / ratio[1] == pytest.approx(4.0, rel=0.15)


def test_the_truth_is_finer_in_time_and_space_and_knows_its_error():
    cases, u = burgers(4, seed=1, dt=5e-4)
    frames = frames_of(Burgers(nu=0.2), cases, {"u": u})
    assert frames is not None
    settings = Truth(solver="etdrk4", refine=2, dt=0.05, samples=4)
    truth = finer_in_time(settings, Burgers(nu=0.2), cases, ("relative_l2_trajectory",), frames)
    assert truth.values["u"].shape == (4, 6, 32)
    np.testing.assert_allclose(truth.values["u"][:, 0], cases.fields["initial"], atol=1e-13)
    assert truth.facts["points"] == [64]
    assert truth.facts["dt"] == 0.025
    best = finer_in_time(settings.model_copy(update={"refine": 8}), Burgers(nu=0.2), cases, (), frames).values["u"]
    late = (slice(None), slice(1, None))
    error = np.linalg.norm((truth.values["u"] - best)[late].reshape(4, -1), axis=1)
    found = (error / np.linalg.norm(best[late].reshape(4, -1), axis=1)).mean()
    assert 0.8 < truth.error["relative_l2_trajectory"] / found < 1.3


def test_a_truth_that_is_lost_ends_the_comparison():
    cases = Instances(TORUS, {"initial": 100 * waves(2, 3)}, times=TIMES)
    frames = Frames(TIMES, 1, {"u": "initial"})
    with pytest.raises(SolveError, match=r"(?s)'etdrk4' failed on sample \d at dt = 0.1.*a smaller reference.dt"):
        finer_in_time(Truth(solver="etdrk4", dt=0.2), Burgers(nu=1e-3), cases, (), frames)


def test_stored_frames_are_the_truth_with_their_recorded_error():
    frames = Frames(TIMES, 1, {"u": "initial"})
    truth = stored_in_time({"u": np.ones((2, 6, 4), np.float32)}, np.array([1e-3, np.nan]), frames)
    assert truth.error == {"relative_l2": 1e-3, "relative_l2_trajectory": 1e-3}
    assert truth.values["u"].dtype == np.float64


def test_the_floor_of_a_mean_over_frames_is_a_mean_over_scored_frames():
    by_frame = np.array([[9.0, 1, 2, 3, 4, 5], [9.0, np.nan, 1, 1, 1, 1]])
    truth = stored_in_time(
        {"u": np.ones((2, 6, 4))}, np.array([1e-3, np.nan]), Frames(TIMES, 1, {"u": "initial"}), by_frame
    )
    assert truth.error == {"relative_l2": 3.0, "relative_l2_trajectory": 1e-3}


def test_answers_are_put_in_the_order_of_the_truth():
    a, b = np.ones((2, 6, 4)), 2 * np.ones((2, 6, 4))
    truth = stored_in_time({"a": a, "b": b}, None, Frames(TIMES, 1, {}))
    own, ref = truth.beside(None, {"b": b, "a": a}, slice(None))
    np.testing.assert_array_equal(own, ref)
    assert own[0, 0, 0].tolist() == [1.0, 2.0]


def test_an_undefined_output_beside_a_censored_one_is_not_censored():
    corr = np.ones((3, 2, 2))
    corr[:2, :, 1] = np.nan
    corr[1, 1, 0] = 0.0
    u = np.ones((3, 2, 32, 2))
    rollout = replace(Rollout.of(u, u, TORUS), correlation=corr)
    np.testing.assert_allclose(rollout.times(np.array([1.0, 2.0]), 0.5), [np.nan, 1.5, np.inf])


def test_members_are_rows_of_their_own_in_the_geometric_mean():
    """Means over samples at the two frames: 2 and 4 of one member, 4 and 1 of the other; pooled they would be 3 and 2.5."""
    u = np.ones((2, 2, 32, 1))
    flat = Rollout.of(u, u, TORUS)
    members = [replace(flat, error=np.array(e)) for e in ([[1.0, 3.0], [3.0, 5.0]], [[4.0, 1.0], [4.0, 1.0]])]
    assert geometric(members[:1]) == pytest.approx(np.sqrt(2 * 4))  # samples first, then the logarithm
    assert geometric(members) == pytest.approx((np.sqrt(8) + 2) / 2)
    pooled = geometric([Rollout.joined(members)])
    assert abs(pooled - geometric(members)) > 0.05, "the test cannot tell the two apart"


def test_spectra_and_distributions_are_those_of_all_members():
    u = np.ones((2, 3, 32, 1)) * np.cos(TORUS.coordinates[0])[:, None]
    one, two = (Rollout.of(factor * u, u, TORUS) for factor in (1.0, 3.0))
    both = Rollout.joined([one, two])
    pred, ref = both.spectra()
    np.testing.assert_allclose(pred[:, 0, 1], (0.25 + 9 * 0.25) / 2)  # <u^2>/2 = 1/4 of cos x
    np.testing.assert_allclose(ref[:, 0, 1], 0.25)
    assert both.distance.shape == (4, 1)
    np.testing.assert_allclose(
        both.distance[2:], 2 * np.abs(u[0, 0]).mean(), rtol=1e-12
    )  # |3u - u|, values in one order
    np.testing.assert_allclose(both.distance_in_spreads[2:], 2 * np.abs(u[0, 0]).mean() / np.sqrt(0.5), rtol=1e-12)


def test_statistics_are_taken_after_the_transient_and_errors_are_not():
    """The answer is wrong before t = 0.6 only."""
    ref = np.ones((2, 5, 32, 1)) * np.cos(TORUS.coordinates[0])[:, None]
    pred = ref.copy()
    pred[:, :2] += 1.0
    frames = Frames(TIMES, 1, {"u": "initial"}, settled=0.6)
    assert TIMES[1:][frames.late].tolist() == pytest.approx([0.6, 0.8, 1.0])
    found = scores(["relative_l2", "value_distance"], (pred, ref), TORUS, frames)
    assert list(found) == ["relative_l2", "value_distance"]
    assert found["value_distance"].max() < 1e-14
    np.testing.assert_allclose(found["relative_l2"], 2 / 5 * np.sqrt(2))
    whole = scores(["value_distance"], (pred, ref), TORUS, Frames(TIMES, 1, {"u": "initial"}))["value_distance"]
    np.testing.assert_allclose(whole, 2 / 5, rtol=0.2)
    assert Rollout.of(pred, ref, TORUS, frames.late).distance.max() < 1e-14
    early = pred.copy()
    early[0, 0] = np.nan
    found = scores(["relative_l2", "value_distance"], (early, ref), TORUS, frames)
    assert np.isinf(found["relative_l2"]).tolist() == [True, False]
    with pytest.raises(BadInput, match=r"(?s)no frame is left for statistics.*t = 1.5, frames to t = 1"):
        replace(frames, settled=1.5)


class Remembering:
    """A solver that was given `history` frames: notes what it is asked, answers with them and then with zeros."""

    def __init__(self, history):
        self.history = history

    def solve(self, instances):
        self.asked = instances
        given = instances.fields["initial"]
        given = given[:, None] if given.ndim == 2 else given
        values = np.zeros((len(given), len(instances.times), 32))
        values[:, : given.shape[1]] = given
        return Solution({"u": values}, [Status.EVALUATED] * len(given))


@pytest.mark.parametrize(("history", "given"), [(1, 1), (1, 3), (3, 3), (2, 3)])
def test_all_solvers_are_given_the_same_instant_and_scored_after_it(history, given):
    cases, u = burgers(2, seed=5)
    frames = frames_of(Burgers(nu=0.2), cases, {"u": u}, given, "s")
    assert frames is not None
    truth = stored_in_time({"u": u}, None, frames)
    solver = Remembering(history)
    asked = truth.asked(solver, cases, slice(None))
    first = given - history
    assert asked.times == pytest.approx(TIMES[first:])
    expected = u[:, first:given] if history > 1 else u[:, first]
    np.testing.assert_allclose(asked.fields["initial"], expected, atol=1e-14)
    own, ref = truth.beside(solver, solver.solve(asked).values, slice(None))
    np.testing.assert_array_equal(ref[..., 0], u[:, given:])
    assert own.shape == ref.shape
    assert not own.any(), "no given frame is scored"
    np.testing.assert_allclose(frames.lead, TIMES[given:] - TIMES[given - 1])


def test_persistence_copies_the_last_given_frame_and_returns_the_others_untouched():
    cases, u = burgers(2, seed=5)
    history = Instances(TORUS, {"initial": u[:, :3]}, times=TIMES)
    answer = Persistence({"u": "initial"}).solve(history).values["u"]
    np.testing.assert_array_equal(answer[:, :3], u[:, :3])
    np.testing.assert_array_equal(answer[:, 3:], np.repeat(u[:, 2:3], 3, axis=1))
    assert np.array_equal(Persistence({"u": "initial"}).solve(cases).values["u"][:, 4], cases.fields["initial"])


def test_starts_are_found_by_the_problem_or_by_equal_values():
    cases, u = burgers(2, seed=5)
    assert starts_of(Burgers(nu=0.2), cases, {"u": u}) == {"u": "initial"}
    own = Instances(TORUS, {"other": 2 * u[:, 0], "begin": u[:, 0]}, times=TIMES)
    assert starts_of(None, own, {"v": u}) == {"v": "begin"}
    frames = frames_of(None, Instances(TORUS, {"other": 2 * u[:, 0]}, times=TIMES), {"v": u}, 2)
    with pytest.raises(BadInput, match=r"(?s)no place among the inputs.*no input equals the first frame of v"):
        stored_in_time({"v": u}, None, frames).asked(Remembering(1), own, slice(None))


def test_an_answer_at_other_times_is_refused():
    frames = Frames(TIMES, 1, {"u": "initial"})
    with pytest.raises(BadInput, match=r"(?s)no trajectory at the times.*found: shape \(2, 32\).*allowed: \(n, 6"):
        frames.answered(np.zeros((2, 32)), 1)
    with pytest.raises(BadInput, match="no frame is left to score"):
        Frames(TIMES, 6, {})


def test_a_table_without_persistence_says_why(file, tmp_path, monkeypatch):
    """As of own data whose inputs hold no first frame of an output."""
    monkeypatch.setattr(frames_room, "starts_of", lambda *_: {})
    monkeypatch.setattr(baselines, "left_out", lambda *_: {})
    (tmp_path / "plan.toml").write_text(
        f'format = 1\nquestion = "?"\ndata = "{file}"\nsamples = 2\n[[solvers]]\nname = "etdrk4"\n'
        'set = { "settings.dt" = 0.1, "ladder" = {} }\n[timing]\nrepeats = 3\nbatch = [1]\n'
    )
    report = pdekit.compare(tmp_path / "plan.toml", out=tmp_path / "report")
    results = json.loads((report.parent / "results.json").read_text())
    assert {r["solver"] for r in results["runs"]} == {"etdrk4"}
    assert results["no_persistence"].startswith("persistence is left out: no input is the first frame of u, so that")
    assert results["no_persistence"] in (report.parent / "table.txt").read_text()
    assert results["no_persistence"] in report.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("statistics_from = 1.5", "(?s)no frame is left for statistics.*statistics_from = 1.5.*a time up to 1, where"),
        ("reference = { refine = 4 }", "(?s)truth of trajectories is what the file stores.*refine"),
        ('reference = { solver = "pcg-multigrid" }', "cannot serve"),
        (
            'metrics = ["relative_l2", "residual"]',
            "(?s)'residual' is not defined for trajectories.*allowed.*relative_l2",
        ),
        ('[[solvers]]\nname = "fno-markov"\nlabel = "persistence"', "a baseline that is always in"),
        ('[[solvers]]\nname = "fno-markov"\n[[solvers]]\nname = "fno+cg"\nguess = "fno-markov"', "evolves"),
    ],
)
def test_plans_that_time_does_not_allow_are_refused_before_any_work(file, tmp_path, text, message):
    head, _, tail = text.partition("[[")
    plan = f'format = 1\nquestion = "?"\ndata = "{file}"\n{head}\n[[solvers]]\nname = "etdrk4"\n{"[[" + tail if tail else ""}'
    (tmp_path / "plan.toml").write_text(plan)
    with pytest.raises(BadInput, match=message):
        pdekit.compare(tmp_path / "plan.toml", out=tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(("name", "value"), [("time_scale", {"name": "T", "value": 1.0}), ("statistics_from", 0.5)])
def test_what_belongs_to_time_is_refused_of_steady_data(tmp_path, name, value):
    split = {"test": {"a": np.ones((2, 8)), "u": np.ones((2, 8))}}
    pdekit.write_dataset(tmp_path / "s.h5", split, grid=Grid.make(8), roles={"a": "input", "u": "output"})
    with pytest.raises(BadInput, match=f"the data are steady: {name} has no meaning"):
        pdekit.compare(tmp_path / "s.h5", solvers=["fno"], out=tmp_path / "r", overrides={name: value})


TINY = {"model.n_modes": 8, "model.width": 4, "model.depth": 1, "training.epochs": 1, "training.batch": 4}
QUICK = {**TINY, "training.threads": 1, "training.hold_out": 1}
MEMORY = {"time.history": 3, "time.horizon": 2}


@pytest.fixture(scope="module")
def trained(file):
    changes = {"fno-markov": QUICK, "fno-recurrent": {**QUICK, **MEMORY}}
    return {
        name: pdekit.train(name, file, out=file.parent / name, overrides=set_, device="cpu")
        for name, set_ in changes.items()
    }


@pytest.mark.parametrize(("name", "given"), [("fno-markov", 1), ("fno-recurrent", 3)])
def test_evaluate_scores_the_frames_after_those_that_are_given(file, trained, name, given):
    facts = evaluate(trained[name], file, time_scale=("turnover", 0.5), statistics_from=0.7)
    problem, instances, outputs = pdekit.read_instances(file)
    solver = pdekit.load_solver(trained[name]).prepare(problem)
    answer = solver.solve(solver.given(instances, outputs)).values["u"].astype(np.float64)[:, given:]
    u = outputs["u"][:, given:]
    error = np.sqrt(((answer - u) ** 2).sum(2) / (u**2).sum(2))
    rollout = facts["rollout"]
    assert rollout["given_frames"] == given
    np.testing.assert_allclose(rollout["lead"], TIMES[given:] - TIMES[given - 1])
    np.testing.assert_allclose(rollout["relative_l2"]["mean"], error.mean(0), rtol=1e-6)
    np.testing.assert_allclose(rollout["relative_l2"]["quantiles"]["0.5"], np.median(error, axis=0), rtol=1e-6)
    assert facts["metrics"]["relative_l2"]["mean"] == pytest.approx(error.mean(), rel=1e-6)
    whole = np.sqrt(((answer - u) ** 2).sum((1, 2)) / (u**2).sum((1, 2)))
    assert facts["metrics"]["relative_l2_trajectory"]["mean"] == pytest.approx(whole.mean(), rel=1e-6)
    apart = value_distance(answer[:, 4 - given :, ..., None], u[:, 4 - given :, ..., None], TORUS)  # t = 0.8 and 1
    assert facts["metrics"]["value_distance"]["mean"] == pytest.approx(apart.mean(), rel=1e-6)
    assert rollout["value_distance"]["outputs"]["u"]["mean"] == pytest.approx(apart.mean(), rel=1e-6)
    assert "residual" not in facts["metrics"]
    assert rollout["budgets"]["mean u"]["reference_defect_worst"] < 1e-14 < rollout["budgets"]["mean u"]["defect_worst"]


def test_the_terminal_shows_one_frame_the_last_and_what_is_censored(file, trained, capsys):
    assert main(["evaluate", str(trained["fno-markov"]), str(file), "--time-scale", "turnover=0.5"]) == 0
    out = capsys.readouterr().out
    for words in ("one frame", "last frame", "correlated > 0.95", "stable to the end", "turnover", "budget of energy"):
        assert words in out, words
    assert "values of u apart" in out
    assert "on\n" in out[out.index("values of u apart") :]
    assert main(["evaluate", str(trained["fno-markov"]), str(file), "--statistics-from", "0.7"]) == 0
    out = capsys.readouterr().out
    assert "from t = 0.8 on" in out
    assert " frames" in out[out.index("correlated > 0.95") :].splitlines()[0]
    assert main(["evaluate", str(trained["fno-markov"]), str(file), "--statistics-from", "9"]) == 2
    assert "allowed: a time up to 1" in capsys.readouterr().err
    assert main(["evaluate", str(trained["fno-markov"]), str(file), "--time-scale", "turnover"]) == 2
    assert "allowed: NAME=VALUE with a number > 0" in capsys.readouterr().err


@pytest.mark.slow
def test_learned_and_classical_solvers_start_at_the_same_instant(file, trained):
    report = pdekit.compare(
        file,
        solvers=["etdrk4", *map(str, trained.values())],
        out=file.parent / "learned",
        overrides={"timing": {"repeats": 3, "batch": [1]}},
    )
    results = json.loads((report.parent / "results.json").read_text())
    answered = [r for r in results["runs"] if not r["refused"]]
    assert {r["kind"] for r in answered} == {"classical", "learned", "trivial"}
    for run in answered:
        for rollout in run["rollouts"]:
            assert rollout["given_frames"] == 3
            assert rollout["time"] == pytest.approx(TIMES[3:])
    lazy = runs(results, "persistence")[0]["rollouts"][0]["relative_l2"]["mean"]
    _, _, outputs = pdekit.read_instances(file)
    u = outputs["u"]
    expected = np.sqrt(((u[:, 3:] - u[:, 2:3]) ** 2).sum(2) / (u[:, 3:] ** 2).sum(2)).mean(0)
    np.testing.assert_allclose(lazy, expected, rtol=1e-12)
    own = next(r for r in runs(results, "etdrk4") if r["knobs"] == {"dt": 0.01, "grid_factor": 1.0})
    assert own["metrics"]["relative_l2_trajectory"]["mean"] < 1e-4


def lost(outcome, dt, **other):
    return outcome("etdrk4", "classical", [[1e-3, np.inf]], 1.0, {"dt": dt, **other}, failed=[[False, True]])


@pytest.mark.parametrize(
    ("stable", "excused"),
    [({"dt": 0.05}, True), ({"dt": 0.04}, False), ({"dt": 0.2}, False), ({"dt": 0.05, "grid_factor": 0.5}, False)],
)
def test_a_lost_run_weakens_its_side_unless_a_stable_step_is_near(outcome, stable, excused):
    """A step that is too large cannot be used by anybody, where its limit is known within a factor of two."""
    own = {"dt": 0.1, **({"grid_factor": 1.0} if "grid_factor" in stable else {})}
    runs = [lost(outcome, **own), outcome("etdrk4", "classical", [[1e-4, 1e-4]], 4.0, stable)]
    family = classical_front(runs, "relative_l2", 1)
    found = weakened(runs, "relative_l2", 1, family, 1e-2)
    assert (found is None) is excused
    if found is not None:
        assert "a stable step at most twice as small on its ladder would serve" in found[1]


def test_a_left_out_solver_that_loses_samples_at_its_largest_step_is_asked_for_smaller_ones(file, monkeypatch):
    problem, instances, outputs = pdekit.read_instances(file)
    frames = frames_of(problem, instances, outputs)
    assert frames is not None
    real, asked = baselines._probe, []

    def probe(name, point, *rest):
        asked.append(point.knobs["dt"])
        return None if point.knobs["dt"] > 0.1 else real(name, point, *rest)

    monkeypatch.setattr(baselines, "_probe", probe)
    monkeypatch.setattr(
        baselines, "left_out", lambda *_: {"etdrk4": read_card("etdrk4", {"ladder": {"dt": [0.2, 0.05]}})}
    )
    truth = stored_in_time(outputs, None, frames)
    found = baselines.look([], {}, problem, instances[:2], truth, "relative_l2_trajectory", 1)
    assert asked == [0.2, 0.05, 0.01]
    assert len(found.left_out) == 2


@pytest.fixture(scope="module")
def two_seeds(file):
    folder = file.parent / "seeds"
    folder.mkdir()
    (folder / "plan.toml").write_text(
        f'format = 1\nquestion = "?"\ndata = "{file}"\n[[solvers]]\nname = "fno-markov"\nseeds = [3, 4]\n'
        f"set = {{ {', '.join(f'{k!r} = {v}' for k, v in QUICK.items())} }}\n[timing]\nrepeats = 3\nbatch = [1]\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "left_out", lambda *_: {})
        return conduct(folder / "plan.toml", out=folder / "out", train=train, check_learned=lambda *_: None)


@pytest.mark.slow
def test_a_solver_of_two_seeds_is_shown_as_both_together(two_seeds, tmp_path):
    found = two_seeds
    outcome = next(o for o in found.outcomes if o.entrant.kind == "learned")
    one, two = outcome.rollouts
    assert one.error[0, 0] != two.error[0, 0]
    row = dict(zip(table_in_time.head(found), table_in_time.rows(found)[0], strict=True))
    assert row["geometric mean"] == f"{(geometric([one]) + geometric([two])) / 2:.2e}"
    energy = (one.spectra()[0] + two.spectra()[0])[-1:] / 2
    decades = spectrum_distance(energy, one.spectra()[1][-1:], TORUS, last=one.last)[0, 0]
    assert row["spectrum, last"] == f"{decades:.2g} decades"
    spreads = np.concatenate([one.distance_in_spreads, two.distance_in_spreads])
    assert row["values apart"] == f"{spreads.mean():.1e}"
    assert "of several seeds: means over them" in table_in_time.caption(found)
    page = "".join(in_time(found, tmp_path))
    worst = max(one.budgets["energy"].defect.max(), two.budgets["energy"].defect.max())
    assert f"<td class=k>energy</td><td class=n>{worst:.1e}</td>" in page
    assert "of median error of fno-markov, seed 3" in page
    drawn = last_spectra(found).axes[0].lines
    line = next(a for a in drawn if a.get_label() == "fno-markov")
    np.testing.assert_allclose(np.asarray(line.get_ydata()), energy[0, 0, 1:17], rtol=1e-12)
    assert [a.name for a in pictures(found)[0].answers] == ["fno-markov, seed 3"]


@pytest.mark.slow
@pytest.mark.parametrize(("floor", "drawn"), [(float("nan"), False), (1e-12, False), (0.1, True), (10.0, True)])
def test_the_floor_of_the_truth_is_drawn_where_it_concerns_somebody(two_seeds, floor, drawn):
    name = two_seeds.metric
    axes = error_time(replace(two_seeds, truth=replace(two_seeds.truth, error={name: floor})), 1).axes[0]
    errors = [o.mean(name) for o in two_seeds.outcomes]
    low, high = axes.get_ylim()
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert low < min(errors)
    assert max(errors) * 1.05 < high, "the uppermost run is cut"
    labels = axes.get_legend_handles_labels()[1]
    assert ("below 3 x truth's own error" in labels) is drawn
    bands = [p for p in axes.patches if str(p.get_label()).startswith("below")]
    for band in bands:
        edges = band.get_path().transformed(band.get_patch_transform()).get_extents()
        assert edges.y1 == pytest.approx(3 * floor)
        assert edges.y0 < low < 3 * floor
