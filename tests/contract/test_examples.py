"""Every example: its plan can be run as it stands, and its README says how and what came out."""

import re
from pathlib import Path

import pytest

from pdekit.comparison.cases import problem_ahead
from pdekit.comparison.checks import check_entrants
from pdekit.comparison.entrants import read_cards
from pdekit.comparison.plan import label, plan_in_time, read_plan
from pdekit.training.train import check_trainable

EXAMPLES = Path(__file__).parents[2] / "examples"
PLANS = sorted(EXAMPLES.glob("*/plan*.toml"))
READMES = sorted(EXAMPLES.glob("*/README.md"))


def test_there_is_a_readme_for_every_plan():
    assert len(PLANS) >= 2
    assert {p.parent for p in PLANS} <= {p.parent for p in READMES}


@pytest.mark.parametrize("path", PLANS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_plan_passes_every_look_that_comes_before_work(path):
    plan, folder = read_plan(path)
    cards = read_cards(plan, folder)
    problem, timed = problem_ahead(plan, folder)
    plan = plan_in_time(plan) if timed else plan
    check_entrants(plan, folder, cards, problem, check_trainable, timed=timed)
    assert plan.question.endswith("?")
    assert ("etdrk4" if timed else "pcg-multigrid") in cards


@pytest.mark.parametrize("path", PLANS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_expectations_name_solvers_and_metrics_of_the_plan(path):
    plan, _ = read_plan(path)
    assert plan.expect, "a plan in the repository says what it gave"
    names = {label(e) for e in plan.solvers} | {"mean-field", "pod-ridge", "persistence"}
    for key in plan.expect:
        solver, _, metric = key.rpartition(".")
        assert solver in names, key
        assert metric in plan.metrics, key


@pytest.mark.parametrize("path", READMES, ids=lambda p: p.parent.name)
def test_a_readme_says_command_machine_threads_and_seeds(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"(pdekit (compare|train)|python examples/\S+\.py) ", text)
    for word in ("thread", "seed", "float(32|64)", "EPYC|Xeon"):
        assert re.search(word, text), word
    for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        assert (path.parent / link).is_file(), link
