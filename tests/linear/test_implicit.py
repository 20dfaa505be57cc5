"""Implicit steps: the literal dense scheme, the published counts, independence of samples, failures, what is noted."""

from dataclasses import replace

import numpy as np
import pytest

from pdekit.errors import BadInput, SolveError
from pdekit.linear import trajectory
from pdekit.linear.implicit import CrankNicolson
from pdekit.linear.implicit_methods import METHODS, StepMethod
from pdekit.linear.incomplete_lu import IncompleteLU
from pdekit.linear.stop import Stop
from pdekit.linear.trajectory import step_system
from pdekit.linear.tuning import Tuner
from pdekit.problems import PROBLEMS
from pdekit.problems.heat import Heat
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import bump

TUNED = {"policy": "chebcb", "arms": 8}


def cases(intervals=25, stop=0.02, frames=3, n=1):
    """The study of Khodak et al.: a bump in the middle; further samples have other conductivities."""
    grid = Grid.make([intervals + 1] * 2, 1.0, location="vertex", boundary="dirichlet")
    u = np.repeat(bump(grid, [0.5, 0.5], 0.25)[None], n, axis=0)
    return Instances(grid, {"initial": u}, {"strong": 10.0 + np.arange(n)}, np.linspace(0.0, stop, frames))


def solver(**settings):
    return CrankNicolson(**{"dt": 1e-3, **settings}).prepare(Heat())


def literal(case, dt):
    """Dense matrices, solved directly."""
    heat, grid = Heat().of(case), case.grid
    m, h = grid.points[0] - 2, grid.spacing[0]
    second = (2 * np.eye(m) - np.eye(m, k=1) - np.eye(m, k=-1)) / h**2
    laplace = np.kron(second, np.eye(m)) + np.kron(np.eye(m), second)
    u, t, out = heat.initial(case).ravel(), float(case.times[0]), [case.fields["initial"][0]]
    for stop in case.times[1:]:
        while t < stop - dt / 2:
            k = heat.kappa(t + dt / 2)
            f = heat.forcing(case, t + dt / 2).ravel()
            one = np.eye(m * m)
            u = np.linalg.solve(one + dt / 2 * k * laplace, (one - dt / 2 * k * laplace) @ u + dt * f)
            t += dt
        out.append(heat.embed(case, u.reshape(m, m)))
    return np.array(out)


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("start", ["previous", "extrapolated", "zero"])
def test_every_method_and_start_takes_the_literal_steps(method, start):
    one = cases(intervals=8, stop=0.012, frames=4)
    solution = solver(method=method, start=start, rtol=1e-11).solve(one)
    assert solution.statuses == [Status.CONVERGED]
    expected = literal(one, 1e-3)
    assert np.allclose(solution.values["temperature"][0], expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_counts_of_the_published_study_first_steps():
    """Total iterations to 1e-8; CG needs about 2.9 times those of SSOR-CG at omega = 1.3."""
    one = cases(stop=0.2, frames=2)
    counts = {omega: int(solver(omega=omega).solve(one).steps[0]) for omega in (1.0, 1.3, 1.5, 1.75)}
    plain = int(solver(method="cg").solve(one).steps[0])
    assert counts[1.0] < counts[1.5] < counts[1.75] < plain, (counts, plain)


def test_samples_do_not_depend_on_each_other_tuner_included():
    several = cases(stop=0.05, n=3)
    together = solver(tuner=TUNED, history=4).solve(several)
    for i in (2, 0):
        alone = solver(tuner=TUNED, history=4).solve(several.case(i))
        assert np.array_equal(alone.values["temperature"][0], together.values["temperature"][i])
        for name, notes in alone.info["telemetry"].items():
            if name != "step_seconds":
                assert np.array_equal(notes[0], together.info["telemetry"][name][i], equal_nan=True), name


def test_telemetry_says_what_each_step_cost():
    one, tuned = cases(stop=0.05), solver(tuner=TUNED, history=6)
    solution = tuned.solve(one)
    notes = {k: v[0] for k, v in solution.info["telemetry"].items()}
    declared = {name: (shape, kind) for name, _, shape, kind, *_ in tuned.telemetry(one.times)}
    assert {k: (v.shape, v.dtype.str[1:]) for k, v in notes.items()} == declared
    assert notes["step_iterations"].sum() == solution.steps[0]
    assert (notes["step_cost"] == notes["step_iterations"]).all()
    assert np.isnan(notes["step_budget"]).all()
    arms = np.linspace(1.0, 1.95, 8, dtype=np.float32)
    assert np.isin(notes["step_parameter"], arms).all()
    assert len(set(notes["step_parameter"].tolist())) > 3, "it explores"
    assert ((notes["step_probability"] > 0) & (notes["step_probability"] <= 1)).all()
    assert notes["step_context"] == pytest.approx([Heat().context(one, 1e-3 * k) for k in range(50)], rel=1e-5)
    assert notes["step_residual"].max() <= 1e-8 * (1 + 1e-6)
    kept = notes["step_history"]
    for cost, row in zip(notes["step_iterations"], kept, strict=True):
        assert np.isfinite(row[: min(6, cost + 1)]).all()
        assert np.isnan(row[cost + 1 :]).all()
    fixed = solver(omega=1.25).solve(one).info["telemetry"]
    assert (fixed["step_parameter"] == np.float32(1.25)).all()
    assert (fixed["step_probability"] == 1).all()
    assert "step_history" not in fixed
    assert np.isnan(solver(method="cg").solve(one).info["telemetry"]["step_parameter"]).all()


def test_a_step_that_fails_ends_the_trajectory_with_its_status():
    hopeless = replace(cases(n=2, frames=5), times=np.linspace(0.7, 0.72, 5))  # where a step is a stiff one
    solution = solver(method="cg", max_steps=3).solve(hopeless)
    assert solution.statuses == [Status.MAX_STEPS] * 2
    u = solution.values["temperature"]
    assert np.isfinite(u[:, 0]).all()
    assert np.isnan(u[:, -1]).all()
    assert solution.true_residual.min() > 1e-8
    broken = cases()
    broken.fields["initial"][0, 4, 4] = np.nan
    assert solver().solve(broken).statuses == [Status.NONFINITE_INPUT]


def test_times_that_no_whole_step_reaches_are_refused_before_work():
    with pytest.raises(BadInput, match=r"(?s)not whole steps apart.*found: 0.0075 .*dt = 0.001.*multiples of dt"):
        solver().solve(cases(stop=0.015, frames=3))
    with pytest.raises(BadInput, match="needs two times or more"):
        solver().solve(Instances(cases().grid, cases().fields, {}, np.array([0.0])))
    with pytest.raises(SolveError, match="before `prepare"):
        CrankNicolson(dt=1.0).solve(cases())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dt": 0.0}, "(?s)dt of a time step.*found: 0.0.*a number > 0"),
        ({"dt": float("nan")}, "(?s)dt of a time step.*nan"),
        ({"method": "gmres2"}, "(?s)method of a time step.*'gmres2'.*pcg-ssor"),
        ({"omega": 2.0}, "(?s)omega of a time step.*2.0.*between 0 and 2"),
        ({"omega": 1.5, "method": "cg"}, r"(?s)'cg' of a time step has no omega.*1.5.*leave omega out"),
        ({"start": "last"}, "(?s)start of a time step.*'last'.*previous, extrapolated, zero"),
        ({"history": -1}, "(?s)history of a time step.*-1"),
        ({"rtol": -1.0}, "(?s)rtol of a solver.*-1.0"),
        ({"tuner": {"policy": "chebbc"}}, "(?s)policy of a tuner.*did you mean 'chebcb'"),
        ({"tuner": {"polcy": "chebcb"}}, "(?s)setting of a tuner.*did you mean 'policy'"),
        ({"tuner": {"low": 1.9, "high": 1.1}}, "(?s)no grid can be made.*low 1.9, high 1.1"),
        ({"tuner": {"low": 1.0, "high": 2.5}}, r"(?s)omega of a time step.*between 0 and 2"),
        ({"tuner": {"seed": -1}}, r"(?s)seed of a tuner.*found: -1"),
        ({"tuner": {"terms": "six"}}, r"(?s)terms of a tuner.*'six'.*int, as 6"),
        ({"tuner": {"policy": "chebcb"}, "method": "cg"}, "(?s)'cg' of a time step has no parameter to tune"),
        ({"omega": 1.5, "method": "pcg-ilu"}, r"(?s)'pcg-ilu' of a time step has no omega.*1.5.*leave omega out"),
        ({"drop_tol": 0.1}, r"(?s)'pcg-ssor' of a time step has no drop_tol.*0.1.*leave drop_tol out"),
        ({"drop_tol": 1.0, "method": "pcg-ilu"}, r"(?s)drop_tol of a time step.*1.0.*between 0 and 1"),
        ({"tuner": {"low": 1e-3, "high": 3.0}, "method": "pcg-ilu"}, r"(?s)drop_tol of a time step.*between 0 and 1"),
        ({"tuner": {"policy": "tsallis-inf-binned", "bins": 2.5}}, "(?s)bins of a tuner.*2.5.*an integer"),
        ({"tuner": {"cost": "flops"}}, "(?s)cost of a tuner.*'flops'.*iterations, seconds"),
        ({"tuner": {"cost": "seconds", "cap": 2.0}}, r"(?s)cap of a tuner that counts seconds.*cost = .iterations."),
        ({"tuner": {"discount": 1.5}}, r"(?s)gamma of Discounted.*1.5"),
        ({"tuner": {"cap": "much"}}, r"(?s)cap of a tuner.*'much'.*a number"),
        ({"tuner": {"policy": "adaptive-young"}}, r"(?s)adaptive-young tunes SOR alone.*'pcg-ssor'.*method = .sor."),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        CrankNicolson(**{"dt": 1e-3, **settings})


@pytest.mark.parametrize("name", ["chebcb", "surface", "tsallis-inf", "tsallis-inf-binned", "random"])
@pytest.mark.parametrize("around", [{}, {"discount": 0.99}, {"cap": 3.0}, {"discount": 0.99, "cap": 3.0}])
def test_every_policy_of_a_card_keeps_the_answer(name, around):
    one = cases(intervals=8, stop=0.03)
    if name == "random" and around:
        with pytest.raises(BadInput, match=r"cannot forget|expects no costs"):
            solver(tuner={"policy": name, **around}).solve(one)
        return
    solution = solver(tuner={"policy": name, "arms": 6, **around}).solve(one)
    expected = literal(one, 1e-3)
    assert np.allclose(solution.values["temperature"][0], expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert len(set(solution.info["telemetry"]["step_parameter"][0].tolist())) > 1


def test_a_capped_step_goes_on_with_another_omega_and_is_charged_for_both():
    """SOR on a stiff step: omega = 1 takes some hundred sweeps, the best some thirty. Without a cap each try is paid in full."""
    one = cases(intervals=25, stop=0.3, frames=2)
    table = {"policy": "tsallis-inf", "arms": 10, "seed": 1}
    free, capped = (solver(method="sor", dt=1e-2, tuner=t).solve(one) for t in (table, {**table, "cap": 1.5}))
    assert capped.converged
    assert np.allclose(capped.values["temperature"], free.values["temperature"], rtol=0, atol=1e-6)
    assert capped.steps[0] < free.steps[0]
    notes = {k: v[0] for k, v in capped.info["telemetry"].items()}
    bounded = np.isfinite(notes["step_budget"])
    assert 0 < bounded.sum() < len(bounded)
    assert (np.isfinite(notes["step_fallback"]) == bounded).all()
    costs, seen = capped.info["telemetry"]["step_iterations"][0], free.info["telemetry"]["step_iterations"][0]
    assert costs.max() < seen.max()
    assert costs.sum() == capped.steps[0]


def test_a_budget_is_kept_and_the_rest_is_done_from_the_iterate():
    operator, b = step_system(Heat(), cases(), 0.75, 0.05, Heat().initial(cases()))
    method, stop = METHODS["sor"], Stop(rtol=1e-9)
    alone, other = (method.solve(operator, b, (omega,), stop, None) for omega in (1.0, 1.6))
    joined = method.solve(operator, b, (1.0, 1.6), stop, None, budget=20.0)
    assert joined.status is Status.CONVERGED
    assert 20 < joined.steps < min(alone.steps, 20 + other.steps)
    assert len(joined.residuals) == joined.steps + 1
    assert np.allclose(joined.residuals[:21], alone.residuals[:21], rtol=1e-12)
    assert joined.n_precond == joined.steps
    assert joined.n_matvec > other.n_matvec - other.steps + (joined.steps - 20 if other.n_matvec > other.steps else 0)
    assert joined.residuals[20] < 0.2 * joined.residuals[0]
    assert joined.true_residual <= 1e-9
    enough = method.solve(operator, b, (1.0, 1.6), stop, None, budget=1e9)
    assert enough.steps == alone.steps
    short = method.solve(operator, b, (1.0, 1.1), Stop(rtol=1e-9, max_steps=30), None, budget=20.0)
    assert (short.status, short.steps) == (Status.MAX_STEPS, 30)


def test_adaptive_young_is_told_the_factor_and_beats_any_omega():
    one = cases(stop=0.6, frames=2)
    best = min(int(solver(method="sor", omega=w, dt=5e-3).solve(one).steps[0]) for w in (1.0, 1.2, 1.4, 1.6, 1.8))
    tuned = solver(method="sor", dt=5e-3, tuner={"policy": "adaptive-young"}).solve(one)
    assert tuned.steps[0] < 0.95 * best, (tuned.steps, best)


def test_set_up_is_told_apart_from_iterations(monkeypatch):
    """By a clock that moves by 1 s in each assembly, and by what the method says of its own set-up."""
    now, real, solved = [0.0], trajectory.step_system, METHODS["cg"].solve

    def assembled(*given):
        now[0] += 1.0
        return real(*given)

    monkeypatch.setattr(trajectory, "perf_counter", lambda: now[0])
    monkeypatch.setattr(trajectory, "step_system", assembled)
    monkeypatch.setattr(StepMethod, "solve", lambda self, *a: replace(solved(*a), setup_seconds=0.25))
    solution = solver(method="cg").solve(cases(stop=0.02))
    assert solution.setup_seconds[0] == 20 * 1.25
    assert solution.seconds[0] + solution.setup_seconds[0] == 20.0


def test_the_factor_that_is_told_is_that_of_the_last_sweep(monkeypatch):
    told = []
    monkeypatch.setattr(Tuner, "tell", lambda self, *a, factor: told.append((a[1], factor)))
    solution = solver(method="sor", tuner={"policy": "adaptive-young"}, history=400).solve(cases(stop=0.02))
    history = solution.info["telemetry"]["step_history"][0].astype(float)
    for row, (cost, factor) in zip(history, told, strict=True):
        assert factor == pytest.approx(row[cost] / row[cost - 1], rel=1e-5)
    early = [row[1] / row[0] for row in history]
    assert np.abs(np.array([f for _, f in told]) / early - 1).min() > 0.01


def test_a_drop_tolerance_is_tuned_by_seconds_while_the_trajectory_runs(monkeypatch):
    """The clock is replaced by one that counts: a step costs what its factors and its iterations hold."""
    one, now = cases(intervals=12, stop=0.25, frames=2), [0.0]
    method = METHODS["pcg-ilu"]

    def run(self, operator, b, values, stop, x0, budget=float("inf")):
        solution = method._run(operator, b, values[0], stop, x0)
        factor = IncompleteLU(values[0]).setup(operator)._factor.L
        work = (np.diff(factor.indptr) ** 2.0).sum() + solution.steps * (2 * factor.nnz + 5 * b.size)
        now[0] += 1e-9 * work  # microseconds to milliseconds: an offset of one second would hide them all
        return solution

    monkeypatch.setattr(StepMethod, "solve", run)
    monkeypatch.setattr(trajectory, "process_time", lambda: now[0])
    totals = {}
    fixed = (1e-5, 1e-3, 1e-1)
    settings = {d: {"drop_tol": d} for d in fixed}
    settings |= {p: {"tuner": {"policy": p, "arms": 8}} for p in ("chebcb", "random")}
    for name, chosen in settings.items():
        now[0] = 0.0
        solution = solver(method="pcg-ilu", **chosen).solve(one)
        assert solution.converged
        totals[name] = now[0]
    assert len(set(solution.info["telemetry"]["step_parameter"][0].tolist())) == 8, "on a logarithmic grid"
    assert totals["chebcb"] < totals["random"]
    assert totals["chebcb"] < 1.1 * min(totals[d] for d in fixed), totals


def test_a_steady_problem_is_refused():
    with pytest.raises(BadInput, match=r"(?s)cannot serve problem 'poisson'.*the problem is not a linear evolution"):
        CrankNicolson(dt=1.0).prepare(PROBLEMS["poisson"]())
