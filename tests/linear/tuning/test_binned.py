import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import Binned, Interval, Tsallis, Tuner, grid
from pdekit.linear.tuning.context import Place

SPACE = grid("w", 0.0, 1.0, 4)


def test_a_context_belongs_to_the_nearest_centre():
    policy = Binned(Tsallis(), bins=5)
    policy.start(SPACE, True)
    centres = -1 + 2 * (np.arange(5) + 0.5) / 5
    for z in np.linspace(-1, 1, 40):
        assert policy.part(Place(0.0, float(z))) is policy.parts[int(np.argmin(abs(centres - z)))]


def test_bins_learn_apart():
    tuner = Tuner(SPACE, Binned(bins=2), context=Interval(0.0, 1.0), seed=0)
    for _ in range(300):
        for c, best in ((0.1, 0), (0.9, 3)):
            trial = tuner.ask(c)
            tuner.tell(trial.id, 10 if trial.arm == best else 40)
    assert np.argmax(tuner.policy.probabilities(Place(0.1, -0.8))) == 0
    assert np.argmax(tuner.policy.probabilities(Place(0.9, 0.8))) == 3


def test_contexts_are_asked_for():
    with pytest.raises(BadInput, match="needs contexts"):
        Tuner(SPACE, Binned())
    with pytest.raises(BadInput, match="bins of Binned"):
        Binned(bins=0)
