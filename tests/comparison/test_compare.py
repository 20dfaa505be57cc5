"""One small comparison from end to end, and what an unfair one is told."""

import json
import math
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import pdekit
from pdekit.comparison.entrants import read_cards
from pdekit.comparison.plan import read_plan
from pdekit.errors import BadInput
from pdekit.metrics.cost import front as pareto
from pdekit.metrics.cost import hull, time_at_error

RECIPE = {"grid.points": 32, "splits": {"train": 24, "valid": 6, "test": 12}, "reference_error.samples": 2}
TINY = {"model.width": 6, "model.n_modes": [6, 6], "model.depth": 2, "training.epochs": 2, "training.threads": 1}
SET = "{ " + ", ".join(f'"{k}" = {v}' for k, v in TINY.items()) + " }"
PLAN = f"""
format   = 1
question = "Does a network that has learned little beat multigrid?"
data     = "darcy.h5"
samples  = 10
reference = {{ refine = 2, samples = 4 }}
[[solvers]]
name = "pcg-multigrid"
set  = {{ "ladder.rtol" = [1e-1, 1e-8] }}
[[solvers]]
name = "direct"
[[solvers]]
name  = "fno"
seeds = [0, 1]
set   = {SET}
[[solvers]]
name  = "fno+pcg-multigrid"
[timing]
repeats = 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    pdekit.generate("darcy-2d-small", folder / "darcy.h5", overrides=RECIPE)
    (folder / "plan.toml").write_text(PLAN)
    return folder


@pytest.fixture(scope="module")
def report(folder):
    return pdekit.compare(folder / "plan.toml", out=folder / "report")


@pytest.fixture(scope="module")
def results(report):
    return json.loads((report.parent / "results.json").read_text())


def runs(results, solver):
    return [r for r in results["runs"] if r["solver"] == solver]


def test_every_combination_of_the_ladder_is_run(results):
    knobs = {(r["knobs"]["rtol"], r["knobs"]["grid_factor"]) for r in runs(results, "pcg-multigrid")}
    assert knobs == {(t, g) for t in (1e-1, 1e-8) for g in (0.125, 0.25, 0.5, 1.0)}


def test_trivial_baselines_are_always_in(results):
    kinds = {r["solver"]: r["kind"] for r in results["runs"]}
    assert kinds["mean-field"] == kinds["pod-ridge"] == "trivial"
    assert kinds["fno"] == "learned"
    assert kinds["direct"] == "classical"


def test_a_hybrid_is_as_exact_as_its_corrector_and_pays_for_its_guess(results):
    (hybrid,) = runs(results, "fno+pcg-multigrid")
    (network,) = runs(results, "fno")
    cold = next(r for r in runs(results, "pcg-multigrid") if r["knobs"] == {"rtol": 1e-8, "grid_factor": 1.0})
    assert hybrid["kind"] == "hybrid"
    assert hybrid["training"] == network["training"]
    assert hybrid["status"] == {"CONVERGED": 20}, "both members, all samples"
    assert hybrid["metrics"]["relative_l2"]["mean"] == pytest.approx(cold["metrics"]["relative_l2"]["mean"], rel=1e-5)
    assert hybrid["metrics"]["residual"]["worst"] <= 1e-8 < 1e-3 < network["metrics"]["residual"]["mean"]
    (saving,) = results["savings"]
    assert saving["cold"]["steps"] == pytest.approx(cold["steps_median"], abs=1.0)
    assert saving["learned"]["steps"] == pytest.approx(hybrid["steps_median"], abs=1.0)
    assert (
        set(saving["fastest"]) <= {s["name"] for s in (saving["learned"], saving["cold"], *saving["coarse"])} != set()
    )
    assert sorted(s["name"].split()[2] for s in saving["coarse"]) == ["extrapolated", "interpolated"]
    for start in (saving["learned"], *saving["coarse"]):
        assert 0 < start["steps"] < saving["cold"]["steps"] + 2
        assert (
            start["seconds"] > 0.5 * start["guess_seconds"] > 0
        )  # medians, each of its own: on a busy machine they cross
        assert (start["guess_steps"] > 1) == (start is not saving["learned"])
    assert saving["cold"]["guess_seconds"] == 0 < saving["cold"]["seconds"]


def test_a_hybrid_says_what_it_saves_in_the_report(report):
    text = (report.parent / "table.txt").read_text()
    figures, change = (
        r"[\d.]+ iterations and [\d.]+ ms",
        r"(as many|\d+% fewer|\d+% more) iterations in [\d.]+ times the time",
    )
    assert re.search(
        rf"fno\+pcg-multigrid: {figures}, of which the start [\d.]+ ms; against the cold start, {figures}: {change}; "
        r"against the start (inter|extra)polated from half (and a fourth of )?the intervals, "
        rf"{figures}, of which the start [\d.]+ ms: {change}; "
        r"the .* (is the fastest|are not clearly apart)\n",
        text,
    )
    body = report.read_text()
    assert "of which the start" in body
    assert "starts of the hybrids" in body


def test_a_coarser_grid_is_less_exact_and_no_grid_beats_the_data_it_is_solved_on(results):
    tight = {r["knobs"]["grid_factor"]: r["metrics"]["relative_l2"]["mean"] for r in runs(results, "direct")}
    assert tight[0.125] > 1.5 * tight[0.25] > 2.0 * tight[0.5] > 2.0 * tight[1.0]
    assert tight[1.0] == pytest.approx(results["stored_error"]["relative_l2"], rel=1e-3)


def test_per_sample_errors_are_those_of_the_metric(folder, results):
    """Literal: solve sample 3 with the network, restrict a direct solve on the finer grid, divide the norms."""
    problem, instances, _ = pdekit.read_instances(folder / "darcy.h5", samples=10)
    fine = problem.regrid(instances.case(3), 2)
    truth = pdekit.load_solver("direct").prepare(problem).solve(fine).values["pressure"][0]
    truth = truth.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    network = pdekit.load_solver(folder / "report" / "training" / "fno-seed-1").prepare(problem)
    answer = network.solve(instances.case(3)).values["pressure"][0].astype(np.float64)
    error = np.sqrt(((answer - truth) ** 2).sum() / (truth**2).sum())
    found = runs(results, "fno")[0]["metrics"]["relative_l2"]["per_sample"][1][3]
    assert found == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize("batch", [1, "best"])
def test_a_speed_up_is_the_ratio_that_the_runs_in_the_file_give(results, batch):
    """Whoever has results.json can do the arithmetic again."""
    times = "latency_seconds" if batch == 1 else "best_batch_seconds"
    classical = [r for r in results["runs"] if r["kind"] == "classical"]
    family = hull(
        pareto(
            [float(np.median(r[times])) for r in classical], [r["metrics"]["relative_l2"]["mean"] for r in classical]
        )
    )
    verdicts = [v for v in results["verdicts"] if v["batch"] == batch]
    assert {v["entrant"] for v in verdicts} == {"fno", "fno+pcg-multigrid", "mean-field", "pod-ridge"}
    for verdict in verdicts:
        if verdict["refused"]:
            assert verdict["speed_up"] is None
        else:
            expected = time_at_error(family, verdict["error"])
            assert verdict["speed_up"] == pytest.approx(expected / verdict["seconds"], rel=1e-6)


def test_costs_are_those_of_the_files(folder, results):
    spent = [
        json.loads((folder / "report" / "training" / f"fno-seed-{s}" / "run.json").read_text())["seconds"]
        for s in (0, 1)
    ]
    costs = next(v for v in results["verdicts"] if v["entrant"] == "fno")["costs"]
    assert costs["training"] == pytest.approx(np.mean(spent))
    assert costs["training"] + costs["tuning"] == pytest.approx(np.sum(spent))  # one thread: core seconds are seconds
    assert 0 < costs["data"] < 60


def test_results_hold_what_it_takes_to_do_it_again(results):
    for key in ("plan", "plan_sha256", "metric_version", "machine", "software", "reference", "timing", "reduction"):
        assert results[key], key
    assert results["data"]["content_hash"]
    assert results["data"]["recipe"]
    assert results["reference"]["error"]["relative_l2"] > 0
    assert results["machine"]["cpu"]
    assert results["timing"]["threads"] == 1
    assert all(r["n_failed"] == 0 for r in results["runs"])
    assert set(results["cards"]) == {"pcg-multigrid", "direct", "fno", "fno+pcg-multigrid"}


def test_the_recorded_plan_can_be_run_again(folder, results, tmp_path):
    path = folder / "again.toml"
    path.write_text(results["plan"])
    plan, where = read_plan(path)
    assert plan == read_plan(folder / "plan.toml")[0]
    read_cards(plan, where)


def test_the_page_needs_no_network_and_shows_what_it_must(report):
    text = report.read_text()
    body = re.sub(r"<script[^>]*>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", body)
    assert text.count("plotly.js v") == 1  # the library is in the page, once
    for words in ("Error against time", "How it was measured", "own error", "What it cost", "threads", "fno, 2 seeds"):
        assert words in body, words
    assert body.count("data:image/png;base64,") == 2
    assert not re.search(r"\bnan\b", re.sub(r"data:image[^\"]*", "", body))
    for name in ("error-time-one", "error-time-best", "sample-median", "sample-worst"):
        for ending in ("png", "pdf"):
            assert (report.parent / f"{name}.{ending}").stat().st_size > 5000


def test_the_table_is_aligned_and_says_the_units(report):
    lines = (report.parent / "table.txt").read_text().splitlines()
    assert lines[0].startswith("darcy  test 10 samples, 32 x 32, relative_l2, truth's own error ")
    assert "1 thread" in lines[1]
    head = next(line for line in lines if line.startswith("solver"))
    first = next(line for line in lines if line.startswith("pcg-multigrid"))
    assert head.index("error") == re.search(r"\d\.\d\de[-+]\d\d \[", first).start()
    assert " ms " in first


def test_the_same_plan_again_trains_nothing(folder, report):
    runs = sorted((folder / "report" / "training").glob("*/best.safetensors"))
    assert len(runs) == 4
    before = [p.stat().st_mtime_ns for p in runs]
    pdekit.compare(folder / "plan.toml", out=folder / "report")
    assert [p.stat().st_mtime_ns for p in runs] == before


def small(folder, tmp_path, *, data="darcy.h5", solvers=("direct",), **changes):
    plan = {"format": 1, "question": "Which?", "data": str(folder / data), "samples": 8, **changes}
    text = "\n".join(f"{k} = {json.dumps(v)}" for k, v in plan.items())
    text += "".join(f'\n[[solvers]]\nname = "{s}"' for s in solvers) + "\n[timing]\nrepeats = 3\nbatch = [1]\n"
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


MISSING = "the strongest registered baseline is missing: "


def test_without_its_strongest_baseline_a_plan_gets_no_speed_up(folder, tmp_path):
    """amg alone is several times slower than what pdekit has: the report says which, and refuses."""
    path = pdekit.compare(small(folder, tmp_path, solvers=("amg",)), out=tmp_path / "report")
    results = json.loads((path.parent / "results.json").read_text())
    sentence = results["baselines"]["sentence"]
    assert sentence.startswith(MISSING)
    assert sentence.removeprefix(MISSING).split()[0] in {p["name"].split()[0] for p in results["baselines"]["left_out"]}
    for v in results["verdicts"]:
        assert v["speed_up"] is v["classical_seconds"] is None
        assert v["refused"].startswith(MISSING if v["entrant"] == "pod-ridge" else "every classical run")
    assert {v["equal_time"] for v in results["verdicts"] if v["entrant"] == "pod-ridge"} == {None}
    body = re.sub(r"<script[^>]*>.*?</script>", "", path.read_text(), flags=re.DOTALL)
    assert MISSING in body
    assert "times faster" not in body
    assert "times slower" not in body
    assert "times larger" not in body
    assert "times smaller" not in body
    assert f"\n{MISSING}" in (path.parent / "table.txt").read_text()


def test_a_baseline_that_the_plan_made_weak_is_found(folder, tmp_path):
    """pcg-multigrid with one step a solve is there in name only: the registered one is asked too."""
    plan = small(folder, tmp_path, solvers=("direct", "pcg-multigrid"))
    plan.write_text(
        plan.read_text().replace('name = "pcg-multigrid"', 'name = "pcg-multigrid"\nset = { "settings.max_steps" = 1 }')
    )
    path = pdekit.compare(plan, out=tmp_path / "report")
    results = json.loads((path.parent / "results.json").read_text())
    assert "pcg-multigrid" in {p["name"].split()[0] for p in results["baselines"]["left_out"]}
    assert any(r["n_failed"] for r in runs(results, "pcg-multigrid"))
    assert "of its runs left samples unsolved" in (path.parent / "table.txt").read_text()


def test_a_test_sample_that_was_trained_on_refuses_every_speed_up(folder, tmp_path):
    """Only the inputs are copied, and no stored hash: the answers may have been solved to another tolerance."""
    shutil.copy(folder / "darcy.h5", tmp_path / "leaky.h5")
    with h5py.File(tmp_path / "leaky.h5", "r+") as file:
        for name in ("permeability", "source"):
            file["test"][name][2] = file["train"][name][5]
    path = pdekit.compare(small(tmp_path, tmp_path, data="leaky.h5"), out=tmp_path / "report")
    results = json.loads((path.parent / "results.json").read_text())
    assert results["data"]["leaked"] == 1
    assert all(
        v["refused"] == "1 samples of the split 'test' have the inputs of training samples" for v in results["verdicts"]
    )


def test_a_run_that_learned_the_test_samples_elsewhere_is_refused(folder, tmp_path):
    problem, instances, outputs = pdekit.read_instances(folder / "darcy.h5", "test")
    both = {**instances.fields, **outputs}
    half = {name: array[:6] for name, array in both.items()}
    rest = {name: array[6:] for name, array in both.items()}
    pdekit.write_dataset(tmp_path / "theirs.h5", {"train": half, "valid": rest}, grid=instances.grid, problem=problem)
    pdekit.train("mean-field", tmp_path / "theirs.h5", out=tmp_path / "mine")
    path = pdekit.compare(folder / "darcy.h5", solvers=["direct", tmp_path / "mine"], out=tmp_path / "report")
    verdicts = json.loads((path.parent / "results.json").read_text())["verdicts"]
    refused = {v["entrant"]: v["refused"] for v in verdicts}
    assert refused["mine"] == "mine was trained on another file, and 12 of these samples stand in what it learned from"
    assert "another file" not in refused["mean-field"]
    (tmp_path / "theirs.h5").unlink()
    path = pdekit.compare(folder / "darcy.h5", solvers=["direct", tmp_path / "mine"], out=tmp_path / "second")
    verdicts = json.loads((path.parent / "results.json").read_text())["verdicts"]
    assert all(
        "whether it saw these samples cannot be known" in v["refused"] for v in verdicts if v["entrant"] == "mine"
    )


def test_one_axis_with_vertices_and_a_sample_of_zeros(tmp_path):
    """Lines in place of pictures; a reference of zeros has no relative error: undefined, counted, left out on all sides."""
    sizes = {"train": 12, "valid": 3, "test": 8}
    changes = {"grid": {"points": 33, "length": [1.0], "location": "vertex", "boundary": "dirichlet"}, "splits": sizes}
    pdekit.generate("poisson-2d", tmp_path / "line.h5", overrides={**changes, "reference_error.samples": 0})
    with h5py.File(tmp_path / "line.h5", "r+") as file:
        file["test"]["source"][1] = 0.0
        file["test"]["potential"][1] = 0.0
    path = pdekit.compare(
        tmp_path / "line.h5", solvers=["fast-poisson", "direct", "pcg-multigrid"], out=tmp_path / "report"
    )
    results = json.loads((path.parent / "results.json").read_text())
    run = runs(results, "fast-poisson")[0]
    assert run["metrics"]["relative_l2"]["n_degenerate"] == 1
    assert run["metrics"]["relative_l2"]["mean"] > 0
    assert "1 undefined" in (path.parent / "table.txt").read_text()
    assert all(np.isfinite(v["error"]) for v in results["verdicts"])
    assert results["reference"]["error"]["relative_l2"] > 0
    assert (path.parent / "sample-median.png").stat().st_size > 5000


def test_a_file_without_equation_is_compared_against_its_own_outputs(folder, tmp_path):
    rng = np.random.default_rng(0)
    splits = {}
    for name, n in (("train", 20), ("test", 6)):
        a = rng.normal(size=(n, 8, 8))
        splits[name] = {"a": a, "u": np.cumsum(a, axis=1) / 8}
    from pdekit.space.grid import Grid

    pdekit.write_dataset(tmp_path / "own.h5", splits, grid=Grid.make([8, 8]), roles={"a": "input", "u": "output"})
    pdekit.train("mean-field", tmp_path / "own.h5", out=tmp_path / "mean", overrides={"training.hold_out": 4})
    path = pdekit.compare(tmp_path / "own.h5", solvers=[tmp_path / "mean"], out=tmp_path / "report")
    results = json.loads((path.parent / "results.json").read_text())
    assert results["reference"]["solver"].startswith("none")
    assert {r["solver"] for r in results["runs"]} == {"mean", "mean-field", "pod-ridge"}
    assert all("names no equation" in v["refused"] for v in results["verdicts"])
    with pytest.raises(BadInput, match="solver 'cg' cannot solve these data"):
        pdekit.compare(tmp_path / "own.h5", solvers=["cg"], out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_expectations_are_compared(folder, tmp_path):
    path = small(folder, tmp_path)
    error = {"direct.relative_l2": [1.0, 0.1], "mean-field.relative_l2": [0.26, 0.5]}
    path.write_text(path.read_text() + "[expect]\n" + "\n".join(f'"{k}" = {v}' for k, v in error.items()))
    report = pdekit.compare(path, out=tmp_path / "report")
    expect = {e["name"]: e["met"] for e in json.loads((report.parent / "results.json").read_text())["expect"]}
    assert expect == {"direct.relative_l2": False, "mean-field.relative_l2": True}
    assert "the plan expects 1 within 10%" in report.read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 13}, "holds fewer samples than the plan asks for.\n.*found: samples = 13\n.*allowed: 1 to 12"),
        ({"split": "test_far"}, "there is no split named 'test_far'"),
        ({"data": "nowhere"}, "there is no data set named '.*nowhere'"),
        ({"reference": {"solver": "direct", "rtol": 1e-9}}, "the reference solver 'direct' has no tolerance"),
        ({"timing": {"device": "cuda"}}, "torch finds no GPU"),
        ({"set": {"grid.points": 16}}, "'set' changes a recipe, and these data are made already"),
    ],
)
def test_wrong_plans_are_refused_before_any_work(folder, tmp_path, changes, message):
    tables = {"set": {"grid.points": 16}, "reference": {}, "timing": {}}
    path = small(folder, tmp_path, **{k: v for k, v in changes.items() if k not in tables})
    overrides = {f"{k}.{name}": v for k in tables for name, v in changes.get(k, {}).items() if k != "set"}
    if "set" in changes:
        path.write_text("set = { 'grid.points' = 16 }\n" + path.read_text())
    with pytest.raises(BadInput, match=f"(?s){message}"):
        pdekit.compare(path, out=tmp_path / "report", overrides=overrides)
    assert not (tmp_path / "report").exists()


def test_the_tables_of_a_learned_card_are_looked_at_before_any_work(folder, tmp_path):
    path = small(folder, tmp_path, solvers=("direct", "fno"))
    path.write_text(
        path.read_text().replace('name = "fno"', 'name = "fno"\nset = { "model.widht" = 3, "training.epoch" = 2 }')
    )
    with pytest.raises(BadInput, match=r"(?s)2 fault.*widht.*did you mean 'width'.*epoch"):
        pdekit.compare(path, out=tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_run_of_another_problem_is_refused(folder, tmp_path):
    small_poisson = {"grid.points": 32, "splits": {"train": 8, "valid": 2, "test": 2}, "reference_error.samples": 0}
    pdekit.generate("poisson-2d", tmp_path / "poisson.h5", overrides=small_poisson)
    pdekit.train("mean-field", tmp_path / "poisson.h5", out=tmp_path / "mean")
    with pytest.raises(BadInput, match="cannot serve the problem 'darcy'"):
        pdekit.compare(folder / "darcy.h5", solvers=[tmp_path / "mean"], out=tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_the_target_may_not_be_a_file(folder, tmp_path):
    (tmp_path / "report").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        pdekit.compare(small(folder, tmp_path), out=tmp_path / "report")


def test_evaluate_agrees_with_the_metric_by_hand(folder, report):
    from pdekit.comparison import evaluate

    run = Path(report.parent) / "training" / "fno-seed-0"
    facts = evaluate(run, folder / "darcy.h5")
    problem, instances, outputs = pdekit.read_instances(folder / "darcy.h5")
    answer = pdekit.load_solver(run).prepare(problem).solve(instances).values["pressure"].astype(np.float64)
    truth = outputs["pressure"].astype(np.float64)
    errors = np.sqrt(((answer - truth) ** 2).sum((1, 2)) / (truth**2).sum((1, 2)))
    metric = facts["metrics"]["relative_l2"]
    assert metric["mean"] == pytest.approx(errors.mean(), rel=1e-6)
    assert metric["worst"] == pytest.approx(errors.max(), rel=1e-6)
    assert metric["low"] < metric["mean"] < metric["high"]
    assert facts["samples"] == 12
    assert math.isfinite(facts["metrics"]["residual"]["mean"])
    with pytest.raises(BadInput, match="is not a run folder"):
        evaluate("pcg-multigrid", folder / "darcy.h5")
    with pytest.raises(BadInput, match="no split named 'tset'"):
        evaluate(run, folder / "darcy.h5", split="tset")
