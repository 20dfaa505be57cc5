"""The heat study: who takes part at which size, the ratio to the best of the five, the table."""

import figures
import heat
import numpy as np
import pytest


@pytest.mark.parametrize(("intervals", "geometric"), [(25, False), (100, False), (128, True)])
def test_geometric_multigrid_takes_part_where_the_grid_can_be_halved(intervals, geometric, capsys):
    names = heat.entries(heat.case(intervals, 1))
    assert ("multigrid-PCG (geometric)" in names) is geometric
    assert ("left out: multigrid-PCG (geometric)" in capsys.readouterr().err) is not geometric
    assert len(names) == len(heat.FIXED) + len(heat.BANDITS) + len(heat.OTHERS) - (not geometric)
    assert len(names["ChebCB"]) == heat.SEEDS


def test_a_run_counts_every_step_and_reads_both_clocks():
    found = heat.run(heat.case(8, 20), {"omega": 1.5})
    assert found["costs"].shape == found["omega"].shape == (20,)
    assert (found["costs"] > 0).all()
    assert (found["omega"] == np.float32(1.5)).all()
    assert found["seconds"] > 0
    assert found["cpu_seconds"] > 0


def part(costs, cpu):
    """What the study found of one entry: (members, steps) costs, seconds of three repeats."""
    return {"costs": np.array(costs), "seconds": 2 * np.array(cpu), "cpu_seconds": np.array(cpu)}


@pytest.fixture
def found():
    fixed = {f"omega = {w:.2f}": part([[4, 4]], [1.0, 1.0, 1.0]) for w in heat.FIXED}
    fixed["omega = 1.00"] = part([[1, 9]], [1.0, 3.0, 2.0])
    return {**fixed, "ChebCB": part([[2, 2], [4, 4]], [0.5, 0.1, 0.2])}


def test_totals_are_set_against_the_best_of_the_five_step_by_step(found):
    rows = heat.table(found, 100)
    assert rows[heat.BEST]["iterations"] == 1 + 4
    assert rows["omega = 1.00"] == {"iterations": 10, "over the best": 2.0, "ms": 20.0, "wall ms": 40.0}
    assert rows["ChebCB"]["iterations"] == 6, "the mean of its members"
    assert rows["ChebCB"]["ms"] == pytest.approx(2.0)
    assert list(rows)[:2] == [heat.BEST, "ChebCB"]


def test_sizes_stand_beside_each_other_in_markdown(found):
    small = heat.table(found, 100)
    large = {**small, "multigrid-PCG (geometric)": {"iterations": 12345.6, "over the best": 1.5, "ms": 4.321}}
    lines = figures.text(heat.side_by_side({25: small, 128: large})).splitlines()
    assert lines[1] == "| " + " | ".join(["---"] * 7) + " |"
    assert lines[-1] == "| multigrid-PCG (geometric) | - | - | - | 12,346 | 1.500 | 4.32 |"
    assert lines[2] == f"| {heat.BEST} | 5 | 1.000 | - | 5 | 1.000 | - |"
    assert "| ChebCB | 6 | 1.200 | 2.00 | 6 | 1.200 | 2.00 |" in lines


def test_text_keeps_intervals_and_large_numbers():
    assert figures.text([{"policy": "a", "mean": 618.34, "ratio": [1.2346, 0.5], "total": 1234.5}]).splitlines()[2] == (
        "| a | 618.3 | 1.235 +- 0.500 | 1234 |"
    )
