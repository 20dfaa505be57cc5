"""The message of a generation that lost samples: it names what was solved, when it broke, and a way out that is one."""

from dataclasses import dataclass

import h5py
import numpy as np
import pytest

from pdekit.data.check import check
from pdekit.data.generate import generate
from pdekit.data.recipe import recipe_from
from pdekit.errors import SolveError
from pdekit.problems import PROBLEMS
from pdekit.problems.dam_break import DamBreakChannel
from pdekit.problems.inviscid_burgers import InviscidBurgers
from pdekit.solution import Status
from pdekit.volumes import literal

SHOCKS = """\
format = 1
title = "Shocks for tests"
problem = "inviscid-burgers"
solver = "finite-volume"
solver_settings = { reconstruction = "weno-z", cfl = 0.4, dt = 0.02 }
seed = 3
units = { length = "m", time = "s", u = "m s-1", initial = "m s-1" }
[grid]
points = 32
length = 1.0
location = "cell"
boundary = "periodic"
[time]
stop = 0.2
frames = 3
[fields.initial]
law = "constant"
value = 0.7
[splits]
train = 2
test = 2
[storage]
dtype = "float64"
"""
ROUGH = "gauss = { variance_factor = %.1f, tau = 7.0, alpha = 1.0, boundary = 'periodic' }"
DAMS = (
    SHOCKS.replace('"inviscid-burgers"', '"dam-break-channel"')
    .replace(
        'u = "m s-1", initial = "m s-1"',
        'height = "m", initial_height = "m", momentum_x = "1", initial_momentum_x = "1"',
    )
    .replace("[fields.initial]", "[fields.initial_momentum_x]")
    .replace('law = "constant"\nvalue = 0.7', f'law = "gaussian"\n{ROUGH % 3.0}')
    .replace("[splits]", f'[fields.initial_height]\nlaw = "two-phase"\nhigh = 1.0\nlow = 0.1\n{ROUGH % 1.0}\n[splits]')
)


def made(folder, text, name="a.h5", **overrides):
    return generate(recipe_from(text, where="r.toml", overrides=overrides), folder / name)


def said(folder, text, name="a.h5", **overrides):
    with pytest.raises(SolveError) as error:
        made(folder, text, name, **overrides)
    return str(error.value)


def test_a_start_too_fast_for_any_step_is_reported_as_one(tmp_path):
    """1e15 m/s: a cell of 1/32 m is crossed in 3.1e-17 s, a frame of 0.1 s lies 0.1/(0.4 * 3.1e-17) = 8e15 steps ahead."""
    fast = {"fields.initial": {"law": "constant", "value": 1e15}, "solver_settings.flux": "llf"}
    text = said(tmp_path, SHOCKS, **fast)
    lines = text.splitlines()
    assert lines[0] == (
        "solver 'finite-volume' failed on 1 sample(s) of problem 'inviscid-burgers'; there is no finished file."
    )
    assert lines[1] == (
        "  train 0: BREAKDOWN by t = 0, reconstruction 'weno-z', flux 'llf', steps of dt = 0.02 at most, cfl 0.4"
    )
    assert lines[-2] == (
        "  next: other laws under [fields]: the start of train 0 has initial from 1e+15 to 1e+15, which crosses a cell in "
        "3.13e-17: a frame further on is 8e+15 steps away, more than 1e+12 are lost in rounding; delete that folder first"
    )
    assert lines[-1] == "  or: --set on_failure=drop to leave such samples out"
    assert "scheme" not in text
    assert "etdrk4" not in text
    assert not (tmp_path / "a.h5").exists()
    assert said(tmp_path, SHOCKS, **fast).splitlines()[1] == lines[1], "read off a finished shard it is the same"


def test_the_warm_up_counts_as_a_frame(tmp_path):
    """Its 1000 s are 1e13 steps of 1e-10 s, where frames are 1e9 steps apart."""
    slow = {"fields.initial": {"law": "constant", "value": 1.25e8}, "time.start": 1000.0, "time.stop": 1000.2}
    assert "a frame further on is 1e+13 steps away" in said(tmp_path, SHOCKS, **slow)


def test_a_start_that_the_law_does_not_know_is_reported_as_one(tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Gentle(InviscidBurgers):
        compiled = ""

        def admissible(self, u):
            return bool(np.abs(u).max() < 0.5)

    monkeypatch.setitem(PROBLEMS, "inviscid-burgers", Gentle)
    text = said(tmp_path, SHOCKS)
    assert "  train 0: BREAKDOWN by t = 0, reconstruction 'weno-z', steps" in text
    assert "next: other laws under [fields]: the start of train 0 has initial from 0.7 to 0.7: " in text
    assert "problem 'inviscid-burgers' is not defined on such a state; delete" in text


@pytest.fixture
def impatient(monkeypatch):
    """Steps are never taken again, in the literal form of the method: rough flow in shallow water is lost on its way."""
    monkeypatch.setattr(literal, "TRIES", 0)
    monkeypatch.setattr(DamBreakChannel, "compiled", "")


@pytest.mark.usefixtures("impatient")
def test_what_breaks_on_its_way_is_reported_with_its_time_and_a_remedy_that_helps(tmp_path):
    short = {"time.stop": 0.1}
    text = said(tmp_path, DAMS, **short)
    lines = text.splitlines()
    assert lines[1].startswith("  train 0: BREAKDOWN by t = 0.0")
    assert 0 < float(lines[1].split("t = ")[1].split(",")[0]) < 0.1
    assert lines[1].endswith(", reconstruction 'weno-z', steps of dt = 0.02 at most, cfl 0.4")
    assert lines[-2] == (
        '  next: values at faces that swing less (solver_settings.reconstruction = "van-leer"); a smaller cfl '
        "(solver_settings.cfl = 0.2); more cells (grid.points is 32); delete that folder first"
    )
    advice = {"solver_settings.reconstruction": "van-leer", "solver_settings.cfl": 0.2}
    with h5py.File(made(tmp_path, DAMS, "b.h5", **short, **advice)) as file:
        assert (file["train/solver_status"][...] == Status.EVALUATED).all()
        assert np.isfinite(file["train/height"][...]).all()


def test_who_has_the_least_swinging_faces_is_not_told_to_swing_less(tmp_path, monkeypatch):
    monkeypatch.setattr(literal.Method, "step", lambda self, u, dt: (u, False))
    monkeypatch.setattr(InviscidBurgers, "compiled", "")
    wanted = {"weno5": "van-leer", "van-leer": "minmod", "minmod": "constant"}
    for own, other in wanted.items():
        text = said(tmp_path, SHOCKS, f"{own}.h5", **{"solver_settings.reconstruction": own})
        assert f'swing less (solver_settings.reconstruction = "{other}"); a smaller cfl' in text
    text = said(tmp_path, SHOCKS, **{"solver_settings.reconstruction": "constant"})
    assert "  next: a smaller cfl (solver_settings.cfl = 0.2); more cells (grid.points is 32); delete" in text


@pytest.mark.usefixtures("impatient")
def test_when_a_sample_was_lost_is_kept_with_it_or_left_out_with_it(tmp_path):
    mixed = {"fields.initial_momentum_x.gauss.variance_factor": 2.0, "time.stop": 0.1, "splits": {"train": 6}}
    kept = made(tmp_path, DAMS, "kept.h5", **mixed, on_failure="keep")
    with h5py.File(kept) as file:
        status, lost_at = file["train/solver_status"][...], file["train/lost_at"][...]
        assert file["train/lost_at"].attrs["units"] == "s"
        frames = file["train/height"][...]
    lost = status != Status.EVALUATED
    assert 0 < lost.sum() < 6, "choose another momentum for this test"
    assert np.array_equal(np.isfinite(lost_at), lost)
    times = np.array([0.0, 0.05, 0.1])
    for i in np.flatnonzero(lost):
        assert np.array_equal(np.isfinite(frames[i]).all(axis=1), times <= lost_at[i])
    assert any(f.test == "solver" for f in check(kept).findings)
    with h5py.File(made(tmp_path, DAMS, "dropped.h5", **mixed, on_failure="drop")) as file:
        assert list(file["train"].attrs["dropped"]) == list(np.flatnonzero(lost))
        assert np.array_equal(file["train/height"][...], frames[~lost])
        assert np.isnan(file["train/lost_at"][...]).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_an_exact_scheme_loses_is_told_of_no_step(tmp_path):
    """Where every mode is advanced exactly no step can be shorter: what overflows does so by its start."""
    text = SHOCKS.replace('"inviscid-burgers"', '"diffusion"').replace('"finite-volume"', '"exact-spectral"')
    text = text.replace("solver_settings = { reconstruction", "# ").replace('"cell"', '"vertex"')
    text = said(tmp_path, text, **{"fields.initial.value": 1e308})
    assert "\n  train 0: NONFINITE_INPUT by t = 0, scheme 'exact'\n" in text
    assert (
        "next: other laws under [fields]: the start of train 0 has initial from 1e+308 to 1e+308; delete that folder first"
    ) in text
