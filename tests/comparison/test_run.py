"""How points are scored and timed, on solvers whose answers and times are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from pdekit.comparison import run
from pdekit.comparison.baselines import Baselines, Probe, look
from pdekit.comparison.entrants import Entrant, Point, ladder_points, left_out
from pdekit.comparison.plan import Timing
from pdekit.comparison.run import run_all
from pdekit.comparison.truth import Reference
from pdekit.errors import BadInput
from pdekit.metrics.cost import front
from pdekit.problems import Poisson
from pdekit.registry import read_card
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

GRID = Grid.make([8, 8], boundary="dirichlet")
N = 8
TRUTH = {"potential": 1.0 + np.arange(N * 64.0).reshape(N, 8, 8)}
CASES = Instances(GRID, {"source": np.ones((N, 8, 8))}, {"number": np.arange(N)})


CLOCK = [0.0]


@pytest.fixture(autouse=True)
def own_clock(monkeypatch):
    """Calls take the time that the solver says, whatever else the machine does."""
    monkeypatch.setattr(run, "time", SimpleNamespace(perf_counter=lambda: CLOCK[0]))


class Known:
    """Answers truth times (1 + error), fails on some samples, takes a fixed time a call and a time a sample."""

    def __init__(self, error=0.0, *, fails=(), call=0.0, sample=0.0, refuses=""):
        self.error, self.fails, self.call, self.sample, self.refuses = error, fails, call, sample, refuses
        self.batches = []

    def solve(self, instances):
        if self.refuses:
            raise BadInput.of(self.refuses)
        rows = instances.parameters["number"]
        self.batches.append(len(rows))
        CLOCK[0] += self.call + self.sample * len(rows)
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
    assert np.median(outcome.latency) == pytest.approx(4.5e-3)
    assert outcome.best[0] == 8
    assert np.median(outcome.best[1]) == pytest.approx(1e-3)
    assert len(outcome.seconds("best")) == len(outcome.seconds(1)) == 3


def test_a_solver_that_gains_nothing_from_batches_keeps_batch_one():
    (outcome,) = outcomes(entrant(Known(sample=2e-3)), batch=(1, "best"))
    assert outcome.best[0] == 1
    np.testing.assert_array_equal(outcome.best[1], outcome.latency)


def test_batches_are_not_tried_where_the_plan_does_not_ask():
    solver = Known(call=1e-3)
    outcomes(entrant(solver))
    assert solver.batches == [1, N, *[1] * 6]  # first call, all samples scored, 3 warm-ups, 3 rounds


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
    assert Point({"dt": 1 / 3, "grid_factor": 0.0625, "scheme": "etdrk4-long"}, ()).text == (
        "dt 0.3333, grid_factor 0.0625, scheme etdrk4-long"
    )
    without = ladder_points(read_card("pcg-multigrid", {"ladder": {"rtol": [1e-2]}}), "mg")
    assert [p.knobs for p in without] == [{"rtol": 1e-8}, {"rtol": 1e-2}]
    assert len(ladder_points(read_card("direct", {"ladder": {}}), "lu")) == 1


def test_left_out_are_those_that_can_serve_and_do_not_take_part_as_they_are():
    every = left_out(Poisson(), {})
    assert {"pcg-multigrid", "fast-poisson", "direct"} <= set(every)
    assert "fno" not in every
    assert "direct" not in left_out(Poisson(), {"lu": read_card("direct")})
    assert left_out(None, {}) == {}
    weakened = {"pcg-multigrid": read_card("pcg-multigrid", {"settings.max_steps": 1})}
    assert "pcg-multigrid" in left_out(Poisson(), weakened)  # the same class, made weak: the real one is asked too
    shortened = {"direct": read_card("direct", {"ladder.grid_factor": [1.0]})}
    assert "direct" in left_out(Poisson(), shortened)


def probed(outcome, cards):
    instances, u = Poisson().mode(Grid.make([16, 16], boundary="dirichlet"), (1, 1))
    return look([outcome], cards, Poisson(), instances, Reference({"potential": u}), "relative_l2", 1)


def test_the_strongest_registered_solver_is_found_by_running_it():
    """On Poisson a slow stand-in is beaten by what pdekit has; a stand-in that takes no time is not."""
    slow, fast = outcomes(entrant(Known(0.05, sample=0.2)), entrant(Known(0.05), name="fast"))
    found = probed(slow, {})
    missing = found.missing()
    assert missing is not None
    assert missing.seconds < 0.1
    assert missing.error <= 0.05
    assert found.sentence().startswith(
        f"the strongest registered baseline is missing: {missing.name} reaches an error of "
    )
    assert found.sentence(0.04).endswith("where no run of the plan is so exact")
    fast.latency = np.full(3, 1e-9)
    assert probed(fast, {}).sentence() == ""


def test_a_failed_run_is_no_baseline():
    (broken,) = outcomes(entrant(Known(fails=(0,))))
    assert probed(broken, {}).own.errors == ()


def test_baselines_are_compared_at_equal_error():
    own = front([1e-3, 4e-3], [1e-1, 1e-3])
    inexact = Probe("coarse", 1e-4, 0.5)  # fast, but no run of the plan is so inexact
    level = Probe("level", 0.95e-3, 0.09)  # 5 % faster than the plan: equal
    strong = Probe("strong", 1e-3, 5e-3)
    exact = Probe("exact", 3e-3, 1.04e-3)  # within 5 %: as exact as the plan's best, which takes 4 ms
    assert Baselines((inexact, level, strong), own).sentence() == ""  # none is as exact as the plan's best run
    assert Baselines((inexact, level, strong, exact), own).missing() is exact
    assert Baselines((inexact, level), own).missing(1e-1) is None
    assert Baselines((strong,), own).missing(1e-2) is strong  # at 1e-2 the plan takes 2 ms
    assert Baselines((strong,), own).missing(1e-3) is None  # it is not so exact
    assert Baselines((strong,), own).missing(0.5) is None  # beyond the plan's front nothing is said
    assert "where the plan's take 2 ms" in Baselines((strong,), own).sentence(1e-2)


def test_without_any_classical_solver_the_sentence_says_so():
    found = Baselines((Probe("direct", 0.002, 1e-3),), front([], []))
    assert (
        found.sentence()
        == "no classical solver of the plan answered; direct reaches an error of 0.001 in 2 ms a sample"
    )
