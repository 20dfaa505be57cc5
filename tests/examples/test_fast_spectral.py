import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "fast-spectral"


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    sys.modules.pop("growth", None)
    import growth

    return growth


def test_the_line_is_n_squared_log_n_through_the_middle(growth):
    points = [16, 32, 64]
    shape = np.array([n**2 * np.log(n) for n in points])
    np.testing.assert_allclose(growth.line(points, list(3e-9 * shape)), 3e-9 * shape)
    up = growth.line(points, list(shape * [0.5, 1.0, 2.0]))
    np.testing.assert_allclose(up, shape)


def test_table_and_figure_come_out(growth, tmp_path, capsys):
    growth.main(["--points", "16", "96", "--out", str(tmp_path / "g.png")])
    lines = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in lines] == ["N", "16", "96"]
    small, large = (float(row.split()[1]) for row in lines[1:])
    assert 0 < small < large
    assert (tmp_path / "g.png").stat().st_size > 5000
