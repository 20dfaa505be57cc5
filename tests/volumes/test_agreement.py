"""The kernels against the literal form: every law, reconstruction, flux, boundary and dimension, over whole runs."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pdekit.problems import DamBreakBasin, DamBreakChannel, InviscidBurgers, shallow_water_law
from pdekit.space.grid import Grid
from pdekit.volumes import advance_kernels, compiled, flux_kernels, literal
from pdekit.volumes.literal import Method
from pdekit.volumes.reconstruction import RECONSTRUCTIONS, epsilons

LAWS = {
    "burgers": (InviscidBurgers(), 1),
    "viscous": (InviscidBurgers(nu=0.01), 1),
    "burgers-2d": (InviscidBurgers(), 2),
    "viscous-2d": (InviscidBurgers(nu=0.01), 2),
    "channel": (DamBreakChannel(g=2.0), 1),
    "basin": (DamBreakBasin(g=2.0), 2),
}


def state(law, points, dry, seed=0):
    """White noise: nothing here is smooth, and with `dry` two cells of five have no water."""
    rng = np.random.default_rng(seed)
    if law.compiled == "burgers":
        return rng.standard_normal((1, *points))
    h = np.exp(0.5 * rng.standard_normal(points))
    if dry:
        h[rng.random(points) < 0.4] = 0.0
    return np.stack([h, *(h * rng.standard_normal(points) for _ in points)])


@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
@pytest.mark.parametrize("name", sorted(LAWS))
@pytest.mark.parametrize("reconstruction", sorted(RECONSTRUCTIONS))
def test_kernels_do_what_is_written(name, boundary, reconstruction):
    law, dim = LAWS[name]
    value = 0.3 if boundary == "dirichlet" and law.compiled == "burgers" else 0.0
    grid = Grid.make((17, 12)[:dim], (1.0, 0.9)[:dim], boundary=boundary, boundary_value=value)
    for flux in law.fluxes:
        for dry in (False, True)[: 1 if law.compiled == "burgers" else 2]:
            u = state(law, grid.points, dry)
            given = u.copy()
            eps = epsilons(reconstruction, law.scale(u))
            slow = Method(law, grid, reconstruction, flux, eps, 0.4).advance(u, 0.03)
            fast = compiled.Compiled(law, grid, reconstruction, flux, eps, 0.4).advance(u, 0.03)
            assert np.array_equal(u, given), "the state that was given is not written to"
            assert slow[1:] == fast[1:]
            assert slow[1] == 0
            assert slow[2] >= 3
            assert np.allclose(fast[0], slow[0], rtol=0, atol=1e-11), (flux, dry)


def test_mixed_faces_in_two_dimensions():
    law = DamBreakBasin()
    grid = Grid.make((14, 11), (1.0, 0.8), boundary={
        "x_low": "dirichlet", "x_high": "neumann", "y_low": "periodic", "y_high": "periodic"})  # fmt: skip
    u = state(law, grid.points, dry=True)
    eps = epsilons("weno5", law.scale(u))
    slow = Method(law, grid, "weno5", "hllc", eps, 0.4).advance(u, 0.05)
    fast = compiled.Compiled(law, grid, "weno5", "hllc", eps, 0.4).advance(u, 0.05)
    assert slow[1:] == fast[1:]
    assert np.allclose(fast[0], slow[0], rtol=0, atol=1e-11)


def test_a_law_that_changes_the_mathematics_of_a_compiled_one_is_not_compiled():
    @dataclass(frozen=True)
    class Faster(InviscidBurgers):
        def speed(self, u, axis):
            return 2.0 * np.abs(u[0])

    @dataclass(frozen=True)
    class Renamed(InviscidBurgers):
        name = "renamed"

    assert compiled.has_kernels(InviscidBurgers())
    assert compiled.has_kernels(Renamed())
    assert compiled.has_kernels(DamBreakChannel())
    assert not compiled.has_kernels(Faster())


def test_the_callers_cache_is_renewed_with_the_kernels_that_it_calls():
    folder = Path(advance_kernels.__file__).parent
    content = b"".join((folder / n).read_bytes() for n in ("reconstruction_kernels.py", "flux_kernels.py"))
    assert hashlib.sha256(content).hexdigest()[:16] == advance_kernels.CALLED


def test_the_numbers_that_both_forms_share_are_the_same():
    assert all(getattr(flux_kernels, n) == getattr(shallow_water_law, n) for n in ("INNER", "ROUNDING", "STEEP"))
    assert all(getattr(literal, n) == getattr(advance_kernels, n) for n in ("GONE", "REFUSED", "TRIES", "MOST", "NEAR"))
