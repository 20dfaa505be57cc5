import numpy as np
import pytest

from pdekit.comparison.entrants import Entrant, Point
from pdekit.comparison.run import Outcome


class Fixed:
    """A solver in name only: outcomes below hold its figures."""


@pytest.fixture
def outcome():
    """outcome(name, kind, errors (members, n), milliseconds, knobs): a run with these figures, all repeats alike."""

    def make(name, kind, errors, milliseconds, knobs=None, *, failed=None, best=None):
        table = np.atleast_2d(np.asarray(errors, dtype=np.float64))
        point = Point(knobs or {}, tuple(Fixed() for _ in table))
        training = {} if kind == "classical" else {"seconds": [10.0] * len(table), "seeds": list(range(len(table)))}
        entrant = Entrant(name, kind, name, (point,), training)
        times = np.full(10, milliseconds / 1e3)
        return Outcome(
            entrant,
            point,
            errors={"relative_l2": table},
            failed=np.zeros(table.shape, dtype=bool) if failed is None else np.atleast_2d(failed),
            status={"CONVERGED": table.size},
            steps=np.zeros(table.shape, dtype=int),
            latency=times,
            best=best or (1, times),
        )

    return make
