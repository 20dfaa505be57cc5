import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import Fixed, Formula, Interval, Random, Tuner, grid

OMEGA = grid("omega", 1.0, 1.95)


def test_fixed_settings_on_and_off_the_grid():
    on, off = Tuner(OMEGA, Fixed(dict(OMEGA.arms[3]))), Tuner(OMEGA, Fixed({"omega": 1.5604}))
    assert [(t.arm, t.params, t.prob) for t in (on.ask(), off.ask())] == [
        (3, OMEGA.arms[3], 1.0),
        (None, {"omega": 1.5604}, 1.0),
    ]


def test_a_formula_gets_the_context_as_it_was_given():
    tuner = Tuner(OMEGA, Formula(lambda c: {"omega": 1.5 + c}), context=Interval(0.0, 0.1))
    assert tuner.ask(0.25).params == {"omega": 1.75}  # not clipped
    with pytest.raises(BadInput, match="needs contexts"):
        Tuner(OMEGA, Formula(lambda c: {"omega": 1.5}))


def test_random_takes_every_arm_as_often():
    tuner = Tuner(OMEGA, Random(), seed=0)
    counts = np.bincount([tuner.ask().arm for _ in range(4000)], minlength=20)
    assert (abs(counts - 200) < 5 * np.sqrt(190)).all()
