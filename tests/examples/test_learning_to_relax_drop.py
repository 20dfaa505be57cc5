"""The study of drop tolerances: what an entrant pays, the table, one small run from end to end."""

import json
import sys

import drop
import numpy as np
import pytest

from pdekit.solution import Status


def test_a_solve_is_charged_for_its_set_up(monkeypatch):
    """By a clock that moves 1 s at each factorisation and 2 s at each solve."""
    now, setup, cg = [0.0], drop.IncompleteLU.setup, drop.cg
    monkeypatch.setattr(drop, "EDGES", 12)
    monkeypatch.setattr(drop.time, "process_time", lambda: now[0])
    monkeypatch.setattr(drop.IncompleteLU, "setup", lambda s, o: (now.__setitem__(0, now[0] + 1.0), setup(s, o))[1])
    monkeypatch.setattr(drop, "cg", lambda *a, **k: (now.__setitem__(0, now[0] + 2.0), cg(*a, **k))[1])
    solve = drop.Solve()
    ((shift, b),) = drop.stream(solve, 1, 0)
    assert 0.001 <= shift <= 100.0
    outcome = solve((shift, b), drop._setting(0.5))
    assert outcome.status is Status.CONVERGED
    assert outcome.cost == pytest.approx(3000.0)


def test_ratios_are_to_the_best_fixed_tolerance():
    costs = {
        "ChebCB": np.full((2, 10), 8.0),
        "drop_tol = 0.5": np.full((2, 10), 10.0),
        "drop_tol = 0.1": np.full((2, 10), 20.0),
    }
    rows = {row["policy"]: row["over best fixed"][0] for row in drop.table(costs)}
    assert rows == pytest.approx({"ChebCB": 0.8, "drop_tol = 0.5 (best fixed)": 1.0, "drop_tol = 0.1": 2.0})


def test_the_study_from_end_to_end(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(drop, "EDGES", 8)
    monkeypatch.setattr(sys, "argv", ["drop.py", "--out", str(tmp_path), "--rounds", "6", "--seeds", "2"])
    drop.main()
    facts = json.loads((tmp_path / "drop.json").read_text())
    assert len(facts["table"]) == 14
    assert (tmp_path / "drop.png").stat().st_size > 10_000
    assert "| Surface |" in capsys.readouterr().out
