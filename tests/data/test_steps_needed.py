"""Steps of an interval: as many as each sample needs, fewer after a hard one, no sample solved for another's sake."""

from itertools import pairwise

import numpy as np
import pytest

from pdekit.data.advance import Advance
from pdekit.data.frames import FrameGrid
from pdekit.data.reruns import Reruns
from pdekit.data.steps_needed import SHARP, converged
from pdekit.problems.burgers import Burgers
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

GRID = Grid.make((64,), (2 * np.pi,), location="vertex", boundary="periodic")
EPS = float(np.finfo(np.float32).eps) / 2
X = GRID.mesh[0]


def trajectories(starts, times, nu=0.1):
    """Frames {"u": (n, t, x)} in float32, by steps far finer than asked for."""
    solver = PseudoSpectral(scheme="etdrk4", dt=5e-3).prepare(Burgers(nu=nu))
    cases = Instances(GRID, {"initial": np.stack(starts)}, {}, np.array(times))
    return {"u": solver.solve(cases).values["u"].astype(np.float32)}


def stage(problem, values, times, parameters=None):
    """Advance, and the frames of the values."""
    where = FrameGrid(problem, GRID, GRID.points)
    parameters = parameters or {}
    frames = [where.frame({"u": values["u"][:, k]}, parameters, t) for k, t in enumerate(times)]
    return Advance(where, parameters, None, EPS), frames


def arrivals(advance, frames):
    counts, out = np.full(len(frames[0].rows), 2), []
    for a, b in pairwise(frames):
        out.append(advance.between(a, b, counts))
        counts = out[-1].path.next
    return out


@pytest.fixture
def solved(monkeypatch):
    """[(rows, steps)] of every run that is made."""
    runs, run = [], Reruns.run

    def counted(self, states, rows, ends, count, watch=False):
        runs.append((tuple(rows.tolist()), count))
        return run(self, states, rows, ends, count, watch)

    monkeypatch.setattr(Reruns, "run", counted)
    return runs


def test_an_easy_interval_after_a_hard_one_takes_few_steps():
    """The second interval is a twentieth as long: the steps fall at once, and on to the least."""
    times = [0.0, 1.0, 1.05, 1.1, 1.15]
    found = arrivals(*stage(Burgers(nu=0.3), trajectories([np.sin(X)], times, nu=0.3), times))
    counts = [int(a.path.counts[0]) for a in found]
    assert counts[0] >= 12
    assert counts[0] > counts[1] > counts[2] > counts[3] == 2
    assert not any(a.over.any() for a in found)


def test_the_steps_rise_again():
    times = [0.0, 0.01, 0.02, 1.0]
    found = arrivals(*stage(Burgers(nu=0.1), trajectories([2 * np.sin(X)], times), times))
    assert [int(a.path.counts[0]) for a in found][1:] == [2, int(found[2].path.counts[0])]
    assert found[2].path.counts[0] >= 16


def test_their_error_is_below_what_is_asked_and_bounds_the_true_one():
    times = [0.0, 1.0]
    advance, (a, b) = stage(Burgers(nu=0.1), trajectories([2 * np.sin(X), np.cos(X)], times), times)
    path = converged(advance.runs, GRID, (a, b), EPS, np.full(2, 2))
    truth = advance.runs.run(a.state, a.rows, (0.0, 1.0), 512).ends
    error = np.sqrt(64 * advance.runs.space.mean_square(path.ends - truth))[:, 0]
    change = np.linalg.norm(b.stored["u"] - a.stored["u"], axis=1)
    assert (error <= path.steps[:, 0]).all()
    assert (path.steps[:, 0] <= SHARP * change).all()
    assert (path.steps[:, 0] >= error / 10).all(), "and is no more than some times that"


def test_a_hard_sample_goes_on_alone(solved):
    times = [0.0, 1.0]
    advance, (a, b) = stage(
        Burgers(nu=0.1), trajectories([0.1 * np.sin(X), 2 * np.sin(X), 0.1 * np.cos(X)], times), times
    )
    path = advance.between(a, b, np.full(3, 2)).path
    assert path.counts[1] > path.counts[0] == path.counts[2]
    assert ((1,), int(path.counts[1])) in solved
    assert all(count <= path.counts[0] for rows, count in solved if 0 in rows or 2 in rows)


def test_only_the_sample_over_its_bound_is_solved_again(solved):
    """A fault of sample 1: U' is made of it alone, and no sample is solved twice by the same steps otherwise."""
    times = [0.0, 0.5]
    values = trajectories([np.sin(X), np.cos(X), np.sin(2 * X)], times)
    values["u"][1, 1] *= 1.01
    advance, (a, b) = stage(Burgers(nu=0.1), values, times)
    arrival = advance.between(a, b, np.full(3, 4))
    assert (arrival.gap > arrival.allowed).tolist() == [False, True, False]
    per_sample = [[count for rows, count in solved if i in rows] for i in range(3)]
    for i in (0, 2):
        assert len(set(per_sample[i])) == len(per_sample[i])
    assert per_sample[1].count(int(arrival.path.counts[1])) == 2


def test_samples_within_their_bounds_are_solved_by_c_and_half_of_c_and_that_is_all(solved):
    times = [0.0, 0.1]
    advance, (a, b) = stage(Burgers(nu=0.1), trajectories([np.sin(X), np.cos(X)], times), times)
    first = advance.between(a, b, np.full(2, 2)).path.next
    solved.clear()
    arrival = advance.between(a, b, first)
    assert not (arrival.gap > arrival.allowed).any()
    assert solved == [((0, 1), int(first.max()) // 2), ((0, 1), int(first.max()))]


def test_samples_that_share_a_batch_share_its_largest_count(solved, monkeypatch):
    times = [0.0, 0.1]
    advance, (a, b) = stage(Burgers(nu=0.1), trajectories([np.sin(X), np.cos(X), np.sin(2 * X)], times), times)
    monkeypatch.setattr(advance.runs, "batch", 2)
    converged(advance.runs, GRID, (a, b), EPS, np.array([12, 8, 10]))
    assert {(rows, count) for rows, count in solved if count in (12, 10, 8)} == {((0, 2), 12), ((1,), 8)}
