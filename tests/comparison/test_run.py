"""How points are scored and timed, on solvers whose answers and times are known."""

import time

import numpy as np
import pytest

from pdekit.comparison.baselines import Baselines, look
from pdekit.comparison.entrants import Entrant, Point, ladder_points, registered_baselines
from pdekit.comparison.plan import Timing
from pdekit.comparison.run import run_all
from pdekit.comparison.truth import Reference
from pdekit.errors import BadInput
from pdekit.problems import Poisson
from pdekit.registry import read_card
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

GRID = Grid.make([8, 8], boundary="dirichlet")
N = 8
TRUTH = {"potential": 1.0 + np.arange(N * 64.0).reshape(N, 8, 8)}
CASES = Instances(GRID, {"source": np.ones((N, 8, 8))}, {"number": np.arange(N)})


class Known:
    """Answers truth times (1 + error), fails on some samples, sleeps a fixed time a call and a time a sample."""

    def __init__(self, error=0.0, *, fails=(), call=0.0, sample=0.0, refuses=""):
        self.error, self.fails, self.call, self.sample, self.refuses = error, fails, call, sample, refuses
        self.batches = []

    def solve(self, instances):
        if self.refuses:
            raise BadInput.of(self.refuses)
        rows = instances.parameters["number"]
        self.batches.append(len(rows))
        time.sleep(self.call + self.sample * len(rows))
        status = [Status.MAX_STEPS if i in self.fails else Status.CONVERGED for i in rows]
        values = {"potential": TRUTH["potential"][rows] * (1 + self.error)}
        return Solution(values, status, steps=np.full(len(rows), 7), setup_seconds=np.full(len(rows), 0.25))


def entrant(solver, kind="classical", name="known"):
    solvers = solver if isinstance(solver, tuple) else (solver,)
    return Entrant(name, kind, name, (Point({}, solvers),))


def outcomes(*entrants, batch=(1,)):
    timing = Timing(batch=batch, repeats=3)
    return run_all(list(entrants), None, CASES, Reference(TRUTH), ("relative_l2", "residual"), timing)


def test_errors_are_per_member_and_per_sample():
    (outcome,) = outcomes(entrant((Known(0.1), Known(-0.2)), "learned"))
    np.testing.assert_allclose(outcome.errors["relative_l2"], np.repeat([[0.1], [0.2]], N, axis=1), rtol=1e-12)
    assert np.isnan(outcome.errors["residual"]).all()  # no problem, no residual
    assert outcome.status == {"CONVERGED": 2 * N}
    assert (outcome.steps == 7).all()
    assert outcome.setup == 0.25


def test_a_sample_that_failed_counts_as_infinite_however_good_its_values_are():
    (outcome,) = outcomes(entrant(Known(0.0, fails=(2, 5))))
    assert np.flatnonzero(np.isinf(outcome.errors["relative_l2"][0])).tolist() == [2, 5]
    assert np.flatnonzero(outcome.failed[0]).tolist() == [2, 5]
    assert outcome.status == {"CONVERGED": N - 2, "MAX_STEPS": 2}


def test_a_knob_that_the_grid_refuses_ends_its_point_only():
    refused, fine = outcomes(entrant(Known(refuses="this grid cannot be scaled")), entrant(Known(), name="other"))
    assert refused.refused == "this grid cannot be scaled"
    assert refused.latency.size == 0
    assert fine.refused == ""
    assert fine.latency.size == 3


def test_latency_is_of_single_calls_and_the_best_batch_is_found():
    """4 ms a call and 0.5 ms a sample: throughput grows with the batch, 1 ms a sample at 8."""
    solver = Known(call=4e-3, sample=5e-4)
    (outcome,) = outcomes(entrant(solver), batch=(1, "best"))
    assert np.median(outcome.latency) == pytest.approx(4.5e-3, rel=0.3)
    assert outcome.best[0] == 8
    assert np.median(outcome.best[1]) == pytest.approx(1e-3, rel=0.5)
    assert len(outcome.seconds("best")) == len(outcome.seconds(1)) == 3


def test_a_solver_that_gains_nothing_from_batches_keeps_batch_one():
    (outcome,) = outcomes(entrant(Known(sample=2e-3)), batch=(1, "best"))
    assert outcome.best[0] == 1
    np.testing.assert_array_equal(outcome.best[1], outcome.latency)


def test_batches_are_not_tried_where_the_plan_does_not_ask():
    solver = Known(call=1e-3)
    outcomes(entrant(solver))
    assert max(solver.batches[1:]) == 1  # the first call scores all samples


def test_rounds_go_over_all_points_in_turn():
    order = []

    class Noting(Known):
        def solve(self, instances):
            order.append(self.error)
            return super().solve(instances)

    outcomes(entrant(Noting(0.1)), entrant(Noting(0.2), name="b"))
    assert order[-6:] == [0.1, 0.2] * 3


def test_ladders_are_all_combinations_with_the_cards_own_settings_first():
    points = ladder_points(
        read_card("pcg-multigrid", {"ladder.rtol": [1e-2, 1e-8], "ladder.grid_factor": [0.5, 1.0]}), "mg"
    )
    knobs = [(p.knobs["rtol"], p.knobs["grid_factor"]) for p in points]
    assert sorted(knobs) == sorted([(1e-2, 0.5), (1e-2, 1.0), (1e-8, 0.5), (1e-8, 1.0)])
    assert [p.solvers[0].grid_factor for p in points] == [g for _, g in knobs]
    assert [p.solvers[0].stop.rtol for p in points] == [r for r, _ in knobs]
    assert knobs[0] == (1e-8, 1.0)  # the second is the class' default: the card does not name it
    assert points[0].text == "rtol 1e-8, grid_factor 1.0"
    without = ladder_points(read_card("pcg-multigrid", {"ladder": {"rtol": [1e-2]}}), "mg")
    assert [p.knobs for p in without] == [{"rtol": 1e-8}, {"rtol": 1e-2}]
    assert len(ladder_points(read_card("direct", {"ladder": {}}), "lu")) == 1


def test_registered_baselines_are_those_that_can_serve():
    every = registered_baselines(Poisson(), without=set())
    assert {"pcg-multigrid", "fast-poisson", "direct"} <= set(every)
    assert "fno" not in every
    code = every["direct"].code
    assert "direct" not in registered_baselines(Poisson(), without={code})
    assert registered_baselines(None, without=set()) == {}


def test_the_strongest_registered_solver_is_found_by_timing():
    """On Poisson a slow stand-in is beaten by what pdekit has; a stand-in that takes no time is not."""
    instances, _ = Poisson().mode(Grid.make([16, 16], boundary="dirichlet"), (1, 1))
    slow, fast = outcomes(entrant(Known(sample=0.2)), entrant(Known(), name="fast"))
    found = look([slow], set(), Poisson(), instances, 1)
    assert found.missing is not None
    assert found.missing[1] == min(found.left_out.values()) < 0.1
    assert found.sentence().startswith(f"the strongest registered baseline is missing: {found.missing[0]} takes ")
    fast.latency = np.full(3, 1e-9)
    assert look([fast], set(), Poisson(), instances, 1).sentence() == ""


def test_a_failed_run_is_no_baseline():
    (broken,) = outcomes(entrant(Known(fails=(0,))))
    instances, _ = Poisson().mode(Grid.make([8, 8], boundary="dirichlet"), (1, 1))
    assert look([broken], set(), Poisson(), instances, 1).best is None


def test_without_any_classical_solver_the_sentence_says_so():
    assert Baselines(None, {"direct": 0.002}).sentence() == (
        "no classical solver is in the plan; direct, which pdekit has, takes 2 ms a sample"
    )
    assert Baselines(("mg", 0.001), {"direct": 0.00095}).missing is None  # within 10 %: equal
    assert Baselines(("mg", 0.001), {}).missing is None
