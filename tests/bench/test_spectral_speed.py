"""Steps per second beside torch-cfd and exponax, time to a given error, and what a step costs beside its transforms.

Each table is a program of its own, pinned to one core, float64 everywhere; the sides take turns and of each the least
processor time of a round counts, which other work on the machine stretches least. Ours are batches as `PseudoSpectral`
makes them. torch-cfd and exponax (with jax) are no dependencies: install them beside pdekit, or these tests are skipped.
"""

import importlib.util
import json
import math
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.fft

from pdekit.problems.burgers import Burgers
from pdekit.problems.kuramoto_sivashinsky import KuramotoSivashinskyConservative
from pdekit.problems.navier_stokes import NavierStokes
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers import STEPPERS
from pdekit.steppers.memory import keep_freed_memory
from pdekit.steppers.spectral import PseudoSpectral

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
TAU = 2 * math.pi
ROUNDS, ROUND = 7, 0.15  # rounds, seconds of each
TORCH_CFD = pytest.mark.skipif(importlib.util.find_spec("torch_cfd") is None, reason="torch-cfd is not installed")
EXPONAX = pytest.mark.skipif(importlib.util.find_spec("exponax") is None, reason="exponax is not installed")


def table(name):
    """The rows of one of the functions below, printed; run without the annotations of the tests, on one core."""
    environment = {**os.environ, **{f"{k}_NUM_THREADS": "1" for k in ("OMP", "OPENBLAS", "MKL", "NUMBA")}}
    out = subprocess.run([sys.executable, __file__, name], env=environment, capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    rows = json.loads(out.stdout.splitlines()[-1])
    print(f"\n{name.replace('_', ' ')}, one core, float64")
    for row in rows:
        print("  " + ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    return rows


@TORCH_CFD
def test_crank_nicolson_heun_against_torch_cfd():
    for row in table("vorticity_by_crank_nicolson_and_heun"):
        assert row["ratio"] >= {64: 2.0, 128: 2.0, 256: 1.4}[row["N"]], row
        if row["N"] == 256 and row["batch"] == 1:
            assert row["of four transforms"] >= 0.55, row


@EXPONAX
def test_etdrk2_against_exponax():
    assert all(row["ratio"] >= 1.0 for row in table("vorticity_by_etdrk2"))


@EXPONAX
def test_one_dimension_against_exponax():
    assert all(row["ratio"] >= 0.7 for row in table("one_dimension_by_etdrk2") if row["batch"] == 64)


@TORCH_CFD
def test_time_to_an_error_against_torch_cfd():
    rows = table("time_to_an_error_of_1e-4")
    ours = min(row["seconds"] for row in rows if row["scheme"].startswith("etd"))
    theirs = min(row["seconds"] for row in rows if row["scheme"].startswith("torch-cfd"))
    assert theirs >= 4 * ours


def test_burgers_against_a_loop_over_samples():
    loop, ours = table("burgers_to_1")
    assert ours["error"] <= loop["error"]
    assert loop["seconds per sample"] >= 100 * ours["seconds per sample"]


def field(n, batch):
    """Smooth vortices (batch, n, n)."""
    x = TAU * np.arange(n) / n
    X, Y = np.meshgrid(x, x, indexing="ij")
    parts = [
        np.cos(X + i) * np.cos(2 * Y) + 0.7 * np.sin(3 * X - Y) + 0.3 * np.cos(5 * Y + 2 * X) for i in range(batch)
    ]
    return np.stack(parts)


def ours(problem, u, length, scheme, dt):
    """run(k): k steps of every sample of u (n, *points), in the batches of `PseudoSpectral`."""
    keep_freed_memory()
    grid = Grid.make(u.shape[1:], (length,) * (u.ndim - 1), location="vertex")
    space, each = problem.space(grid), PseudoSpectral(dt=dt).prepare(problem)._batch(Instances(grid, {"initial": u}))
    stepper = STEPPERS[scheme]().prepare(problem.linear(space), dt)
    starts = [space.forward(u[i : i + each, None]) for i in range(0, len(u), each)]

    def N(v, t):
        return problem.nonlinear(v, t, space)

    def run(k):
        for v in starts:
            for i in range(k):
                v = stepper.step(v, i * dt, N)
        return space.backward(v)

    return run


def torch_cfd(u, dt, order=2, nu=1e-3):
    """run(k) of torch-cfd's RK2-CN, or RK4-CN."""
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    from torch_cfd.grids import Grid as TheirGrid
    from torch_cfd.spectral import IMEXStepper, NavierStokes2DSpectral, RK4CrankNicolsonStepper

    stepper = IMEXStepper(order=2) if order == 2 else RK4CrankNicolsonStepper()
    n = u.shape[-1]
    equation = NavierStokes2DSpectral(nu, TheirGrid((n, n), domain=((0, TAU), (0, TAU))), step_fn=stepper)
    start = torch.fft.rfft2(torch.asarray(u))

    def run(k):
        with torch.no_grad():
            w = start
            for _ in range(k):
                w = stepper(w, dt, equation)
        return torch.fft.irfft2(w).numpy()

    return run


def exponax(stepper, u):
    """run(k) of an exponax stepper, the whole loop compiled, its state in coefficients."""
    import jax

    step = jax.vmap(stepper.step_fourier) if len(u) > 1 else stepper.step_fourier
    start = np.fft.rfftn(u, axes=tuple(range(1, u.ndim)))[:, None]
    start = jax.numpy.asarray(start if len(u) > 1 else start[0])
    many = jax.jit(lambda v, k: jax.lax.fori_loop(0, k, lambda i, w: step(w), v))
    return lambda k: many(start, k).block_until_ready()


def transforms(n, batch):
    """run(k): four whole real transforms for each of two right-hand sides a step, sample by sample."""
    u = np.random.default_rng(0).normal(size=(n, n))
    v = scipy.fft.rfft2(u)

    def run(k):
        for _ in range(2 * k * batch):
            scipy.fft.irfft2(v), scipy.fft.irfft2(v), scipy.fft.rfft2(u), scipy.fft.rfft2(u)

    return run


def race(runs):
    """Steps per second of processor time: {name: run} -> {name: float}."""
    counts, least = {}, dict.fromkeys(runs, math.inf)
    for name, run in runs.items():
        run(2)
        begin = time.process_time()
        run(4)
        counts[name] = max(4, int(ROUND / max((time.process_time() - begin) / 4, 1e-6)))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            begin = time.process_time()
            run(counts[name])
            least[name] = min(least[name], (time.process_time() - begin) / counts[name])
    return {name: 1 / seconds for name, seconds in least.items()}


def crank_nicolson_heun():
    rows = []
    for n in (64, 128, 256):
        for batch in (1, 8):
            u = field(n, batch)
            found = race(
                {
                    "ours": ours(NavierStokes(nu=1e-3), u, TAU, "cn-heun", 1e-3),
                    "torch-cfd": torch_cfd(u, 1e-3),
                    "transforms": transforms(n, batch),
                }
            )
            rows.append({"N": n, "batch": batch, "steps/s": found["ours"], "torch-cfd": found["torch-cfd"]})
            rows[-1] |= {
                "ratio": found["ours"] / found["torch-cfd"],
                "of four transforms": found["ours"] / found["transforms"],
            }
    return rows


def etdrk2():
    import exponax as ex

    rows = []
    for n in (128, 256):
        for batch in (1, 16):
            u = field(n, batch)
            theirs = exponax(ex.stepper.NavierStokesVorticity(2, TAU, n, 1e-3, diffusivity=1e-3), u)
            rows.append(beside({"N": n, "batch": batch}, ours(NavierStokes(nu=1e-3), u, TAU, "etdrk2", 1e-3), theirs))
    return rows


def one_dimension():
    import exponax as ex

    cases = {
        "KS 256": (KuramotoSivashinskyConservative(), 256, 32 * math.pi, 1e-2),
        "Burgers 1024": (Burgers(nu=0.1), 1024, TAU, 1e-3),
    }
    rows = []
    for name, (problem, n, length, dt) in cases.items():
        for batch in (1, 64):
            x = np.arange(n) / n * TAU
            u = np.stack([np.cos(x + i) * (1 + np.sin(x)) for i in range(batch)])
            kind = ex.stepper.Burgers if "Burgers" in name else ex.stepper.KuramotoSivashinskyConservative
            given = {"diffusivity": 0.1} if "Burgers" in name else {}
            theirs = exponax(kind(1, length, n, dt, **given), u)
            rows.append(beside({"case": name, "batch": batch}, ours(problem, u, length, "etdrk2", dt), theirs))
    return rows


def beside(row, mine, theirs):
    found = race({"steps/s": mine, "exponax": theirs})
    return {**row, **found, "ratio": found["steps/s"] / found["exponax"]}


def vortices(n, seed=0, k0=4.0):
    """McWilliams' start, amplitude form: psi_k ~ white noise/(k (1 + (k/k0)^4)), mean |u|^2 = 0.5."""
    m = np.fft.fftfreq(n, 1 / n)
    k = np.hypot(m[:, None], m[None, : n // 2 + 1])
    k[0, 0] = np.inf
    psi = np.fft.rfft2(np.random.default_rng(seed).normal(size=(n, n))) / (k * (1 + (k / k0) ** 4))
    k[0, 0] = psi[0, 0] = 0
    psi[n // 2], psi[:, -1] = 0, 0
    gradient = sum(np.mean(np.fft.irfft2(1j * q * psi, (n, n)) ** 2) for q in (m[:, None], m[None, : n // 2 + 1]))
    return np.fft.irfft2(k**2 * psi, (n, n)) * math.sqrt(0.5 / gradient)


def accuracy():
    """128^2, nu = 1e-3, T = 1, seed 0: the fastest step of each scheme whose error in time is 1e-4 at most.

    Of ours against ETDRK4, of theirs against their RK4-CN at 640 steps: an eighth of every step that is found with four
    evaluations of the right-hand side, a third of those with one or two. The cut of torch-cfd keeps other modes, so that its
    solution is another one, whose error this is.
    """
    u = vortices(128)[None]
    makers = {
        "etdab4": lambda dt: ours(NavierStokes(nu=1e-3), u, TAU, "etdab4", dt),
        "etdrk4": lambda dt: ours(NavierStokes(nu=1e-3), u, TAU, "etdrk4", dt),
        "torch-cfd RK4-CN": lambda dt: torch_cfd(u, dt, order=4),
        "torch-cfd RK2-CN": lambda dt: torch_cfd(u, dt),
    }
    truths = {name: makers[name](1 / 640)(640) for name in ("etdrk4", "torch-cfd RK4-CN")}
    rows, runs = [], {}
    for name, make in makers.items():
        truth = truths["etdrk4" if name.startswith("etd") else "torch-cfd RK4-CN"]
        for steps in (12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 72, 80, 96, 112, 128, 160, 192, 200, 208, 224):
            run = make(1 / steps)
            error = relative(run(steps), truth)
            if error <= 1e-4:
                runs[name] = lambda k, run=run, n=steps: [run(n) for _ in range(k)]
                rows.append({"scheme": name, "steps": steps, "error": error})
                break
    rates = race(runs)
    return [{**row, "seconds": 1 / rates[row["scheme"]]} for row in rows]


def burgers_to_1():
    """1024 points, shifted sines: CN + Heun at dt = 1e-4 sample by sample on full transforms, and the solver at its step."""
    n, nu = 1024, 0.1
    problem, x = Burgers(nu=nu), np.arange(n) / n * TAU
    u = np.stack([np.sin(x + i) for i in range(64)])
    exact = np.stack([problem.exact((x + i) % TAU, 1.0) for i in range(64)])
    k, keep = np.arange(n // 2 + 1), np.arange(n // 2 + 1) < n / 3
    z, dt = -nu * k**2 * 1e-4, 1e-4
    R, S, factor = (1 + z / 2) / (1 - z / 2), dt / (1 - z / 2), -0.5j * k * keep

    def loop():
        v = np.fft.rfft(u[0]) * keep
        for _ in range(10_000):
            first = factor * np.fft.rfft(np.fft.irfft(v, n) ** 2)
            second = factor * np.fft.rfft(np.fft.irfft(R * v + S * first, n) ** 2)
            v = R * v + S / 2 * (first + second)
        return np.fft.irfft(v, n)

    cases = Instances(Grid.make((n,), (TAU,), location="vertex"), {"initial": u}, {}, np.array([0.0, 1.0]))
    rows, begin = [], time.process_time()
    found = loop()
    spent = time.process_time() - begin
    rows.append(
        {"": "loop, CN + Heun", "steps": 10_000, "error": relative(found, exact[0]), "seconds per sample": spent}
    )
    for steps in (40, 80, 96, 104, 112, 128, 160, 320):
        solver = PseudoSpectral(scheme="etdrk4", dt=1 / steps).prepare(problem)
        error = relative(solver.solve(cases).values["u"][:, -1], exact)
        if error <= rows[0]["error"]:
            break
    least = math.inf
    for _ in range(5):
        begin = time.process_time()
        solver.solve(cases)
        least = min(least, (time.process_time() - begin) / len(u))
    return [*rows, {"": "etdrk4, batches", "steps": steps, "error": error, "seconds per sample": least}]


def relative(u, exact):
    return float(np.linalg.norm(u - exact) / np.linalg.norm(exact))


TABLES = {
    "vorticity_by_crank_nicolson_and_heun": crank_nicolson_heun,
    "vorticity_by_etdrk2": etdrk2,
    "one_dimension_by_etdrk2": one_dimension,
    "time_to_an_error_of_1e-4": accuracy,
    "burgers_to_1": burgers_to_1,
}


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if importlib.util.find_spec("jax") is not None:
        import jax

        jax.config.update("jax_enable_x64", True)
    print(json.dumps(TABLES[sys.argv[1]]()))
