"""What a hybrid saves, on solvers whose times are known: each start pays for all that it took, on the same terms."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pdekit.comparison import savings as room
from pdekit.comparison.entrants import Entrant, Point, second_of
from pdekit.comparison.plan import Timing
from pdekit.comparison.run import Outcome
from pdekit.comparison.savings import COARSE, Saving, Start, savings
from pdekit.errors import BadInput
from pdekit.linear.hybrid import Hybrid
from pdekit.linear.stop import Stop
from pdekit.problems import PROBLEMS, Poisson
from pdekit.registry import load_solver, read_card
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

N, CLOCK, SEEN = 3, [0.0], [None]
GUESS, LOOK = 5.0, 2.0  # seconds: of the network's answer, and of the first look at a case that is not in the cache


@pytest.fixture(autouse=True)
def own_clock(monkeypatch):
    """Calls take the time that the solver says, whatever else the machine does."""
    CLOCK[0], SEEN[0] = 0.0, None
    monkeypatch.setattr(room, "time", SimpleNamespace(perf_counter=lambda: CLOCK[0]))


def cases(points=8, location="cell"):
    grid = Grid.make([points] * 2, location=location, boundary="dirichlet")
    source = np.random.default_rng(1).normal(size=(N, *grid.points))
    return Instances(grid, {"source": source}, {"number": np.arange(N)})


class Network:
    """Answers with ones after `GUESS` seconds."""

    name = "network"

    def prepare(self, problem):
        return self

    def solve(self, instances):
        CLOCK[0] += GUESS
        values = {"potential": np.ones((len(instances), *instances.grid.points))}
        return Solution(values, [Status.EVALUATED] * len(instances))


class Iteration:
    """20 steps from nothing, 12 from a start; a step takes a second for every 64 points; what `set_up` takes is kept.

    The first solver that meets a case waits for it.
    """

    name, takes_start, grid_factor, set_up, max_steps = "iteration", True, 1.0, 0.0, 100

    def __init__(self, problem=None):
        self.stop, self.problem = Stop(), problem
        self.kept = False

    def prepare(self, problem):
        self.problem, self.kept = problem, False
        return self

    def solve(self, instances, x0=None):
        steps = min(20 if x0 is None else 12, self.max_steps)
        case = instances.parameters["number"][0]
        first = case != SEEN[0] and len(instances) == 1
        CLOCK[0] += steps * np.prod(instances.grid.points) / 64 + (LOOK if first else 0.0)
        if not self.kept:
            CLOCK[0] += self.set_up
        self.kept = True
        SEEN[0] = case
        n = len(instances)
        values = {"potential": np.zeros((n, *instances.grid.points))}
        status = [Status.CONVERGED if steps < self.max_steps else Status.MAX_STEPS] * n
        return Solution(values, status, steps=np.full(n, steps), seconds=np.zeros(n), setup_seconds=np.zeros(n))


def saving(instances=None, second=None, repeats=9, members=1, failing=()):
    instances = cases() if instances is None else instances
    hybrid = Hybrid.of(Network(), second or Iteration(Poisson()), "network+iteration")
    solution = hybrid.solve(instances)
    entrant = Entrant(hybrid.name, "hybrid", "", (Point({}, (hybrid,)),))
    failed, steps = (np.repeat(np.asarray(part)[None], members, axis=0) for part in (solution.failed, solution.steps))
    failed[:, list(failing)] = True
    outcome = Outcome(entrant, entrant.points[0], failed=failed, steps=steps)
    (found,) = savings([outcome], instances, Timing(repeats=repeats))
    return found


def test_each_start_pays_for_what_made_it():
    """8 x 8 points, a step is a second. From half: 20 coarse steps, a quarter each; from both: 20/16 + 12/4 before them."""
    found = saving()
    assert (found.cold.steps, found.cold.seconds, found.cold.guess_seconds) == (20, 20.0, 0.0)
    assert (found.learned.steps, found.learned.seconds, found.learned.guess_seconds) == (12, 12.0 + GUESS, GUESS)
    by_name = {s.name: s for s in found.coarse}
    half, both = (by_name[COARSE[k]] for k in (1, 2))
    assert (half.steps, half.seconds, half.guess_seconds, half.guess_steps) == (12, 17.0, 5.0, 20)
    assert (both.steps, both.seconds, both.guess_seconds, both.guess_steps) == (12, 16.25, 4.25, 32)
    assert found.coarse[0] is both, "the faster one stands first"
    assert found.fastest == (both.name, found.learned.name), "within a twentieth of each other"


def test_no_contender_profits_from_what_another_left_behind():
    """Set-up is kept by whoever did it, and the cache belongs to whoever comes second: neither may show in the medians."""
    slow = Iteration(Poisson())
    slow.set_up = 1000.0
    assert saving(second=slow) == saving()


def test_every_contender_has_an_iteration_of_its_own():
    """A solver that kept something of a case would answer it for nothing the second time."""

    class Remembers(Iteration):
        def prepare(self, problem):
            self.known = set()
            return super().prepare(problem)

        def solve(self, instances, x0=None):
            before, key = CLOCK[0], instances.fields["source"].tobytes()
            solution = super().solve(instances, x0)
            if key in self.known and len(instances) == 1:
                CLOCK[0] = before
            self.known.add(key)
            return solution

    found = saving(second=Remembers().prepare(Poisson()), repeats=3)
    assert found.cold.seconds >= 20.0
    assert found.learned.seconds >= 12.0 + GUESS
    assert min(s.seconds for s in found.coarse) >= 12.0


def test_a_grid_that_cannot_be_halved_is_said_so():
    found = saving(cases(7))
    assert found.coarse == ()
    assert found.why_not == "the grid cannot be halved (7 x 7 intervals)"
    assert "; there is no start from coarser grids: the grid cannot be halved (7 x 7 intervals); the " in found.sentence
    once = saving(cases(6))
    assert [s.name for s in once.coarse] == [COARSE[1]], "6 = 2 x 3: half of it serves, a fourth does not"
    assert [s.name.split()[2] for s in saving(cases(9, "vertex")).coarse] == ["extrapolated", "interpolated"]


def test_samples_that_are_left_unsolved_are_no_saving():
    second = Iteration(Poisson())
    second.max_steps = 15
    found = saving(second=second)
    assert (found.cold.unsolved, found.learned.unsolved) == (N, 0)
    assert found.cold.name not in found.fastest
    assert f"{found.cold.name} left {N} samples unsolved" in found.sentence


def test_a_sample_that_three_seeds_left_unsolved_is_one_sample():
    assert saving(members=3, failing=[0]).learned.unsolved == 1


def test_the_sentence_names_all_three_and_the_fastest():
    own = Start("the learned start", 6.0, 12e-3, (11.5e-3, 12.5e-3), 5e-3)
    cold = Start("the cold start", 12.0, 10e-3, (9.5e-3, 10.5e-3))
    coarse = (
        Start(COARSE[1], 8.0, 8e-3, (7.5e-3, 8.5e-3), 1e-3, 10.0),
        Start(COARSE[2], 7.0, 9e-3, (8.5e-3, 9.5e-3), 2e-3, 20.0),
    )
    found = Saving("fno+cg", own, cold, coarse)
    assert found.sentence == (
        "fno+cg: 6 iterations and 12 ms, of which the start 5 ms; "
        "against the cold start, 12 iterations and 10 ms: 50% fewer iterations in 1.2 times the time; "
        "against the start interpolated from half the intervals, 8 iterations and 8 ms, of which the start 1 ms: "
        "25% fewer iterations in 1.5 times the time; "
        "the start interpolated from half the intervals is the fastest"
    )
    quick = replace(own, seconds=1e-3, quartiles=(1e-3, 1e-3))
    assert replace(found, learned=quick).sentence.endswith("; the learned start is the fastest")
    assert "100% more iterations" in replace(found, learned=replace(own, steps=24.0)).sentence
    assert "as many iterations" in replace(found, learned=replace(own, steps=12.0)).sentence
    near = replace(coarse[0], seconds=9.9e-3, quartiles=(9.9e-3, 9.9e-3))
    quiet = replace(cold, quartiles=(10e-3, 10e-3))
    ending = f"; the times of {COARSE[1]} and the cold start are not clearly apart"
    assert replace(found, coarse=(near,), cold=quiet).sentence.endswith(ending), "within a twentieth"
    noisy = replace(coarse[0], quartiles=(7.5e-3, 9.6e-3))
    assert replace(found, coarse=(noisy,)).sentence.endswith(ending), "quartiles overlap"
    slack = replace(own, quartiles=(8e-3, 16e-3))
    three = f"; the times of {COARSE[1]}, the cold start and the learned start are not clearly apart"
    assert replace(found, coarse=(noisy,), learned=slack).sentence.endswith(three)
    nobody = replace(found, coarse=(), learned=replace(own, unsolved=1), cold=replace(cold, unsolved=2))
    assert nobody.sentence.endswith("the cold start left 2 samples unsolved; no start solved all samples")


def test_iterations_of_real_solvers_are_those_of_their_own_solves(monkeypatch):
    monkeypatch.undo()
    instances, problem = replace(cases(32), parameters={}), Poisson()
    second = load_solver("pcg-jacobi").prepare(problem)
    found = saving(instances, second, repeats=3)
    assert found.cold.steps == np.mean(second.solve(instances).steps)
    ones = np.ones((N, *instances.grid.points))
    assert found.learned.steps == np.mean(second.solve(instances, x0=ones).steps)
    assert max(s.steps for s in found.coarse) < found.cold.steps
    for start in (found.learned, found.cold, *found.coarse):
        assert start.seconds > start.guess_seconds


@pytest.mark.parametrize(
    ("problem", "settings", "message"),
    [
        ("heat", {}, r"'my hybrid' answers steady problems only.*found: problem 'heat'\n.*settings.start = previous"),
        ("darcy", {"settings.grid_factor": 0.5}, "'my hybrid' cannot be corrected by 'sor'.*found: grid_factor = 0.5"),
        (
            "darcy",
            {"settings.relative_to": "r0"},
            "'my hybrid' cannot be corrected by 'sor'.*found: relative_to = 'r0'",
        ),
        ("darcy", {"settings.omeag": 1.0}, "no setting of solver 'sor' named 'omeag'"),
        ("helmholtz", {}, "solver 'sor' cannot serve problem 'helmholtz'"),
    ],
)
def test_a_hybrid_that_cannot_be_is_refused_before_its_network_is_trained(problem, settings, message):
    with pytest.raises(BadInput, match=f"(?s){message}"):
        second_of(read_card("fno+sor", settings), PROBLEMS[problem](), "my hybrid")
