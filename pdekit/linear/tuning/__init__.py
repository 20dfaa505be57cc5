"""Tuning a solver's parameter while solving a sequence of systems: `Tuner.ask`, solve, `Tuner.tell`; one policy a file."""

from pdekit.linear.tuning.binned import Binned
from pdekit.linear.tuning.capped import Capped
from pdekit.linear.tuning.chebcb import ChebCB
from pdekit.linear.tuning.context import Interval
from pdekit.linear.tuning.drift import Discounted
from pdekit.linear.tuning.fixed import Fixed, Formula, Random
from pdekit.linear.tuning.policy import Policy
from pdekit.linear.tuning.race import Outcome, Race, race
from pdekit.linear.tuning.space import Categorical, Ordered, Product, Space, grid
from pdekit.linear.tuning.streams import ShiftedSystem, ShiftedSystems
from pdekit.linear.tuning.surface import Surface
from pdekit.linear.tuning.trial import Trial
from pdekit.linear.tuning.tsallis import Tsallis
from pdekit.linear.tuning.tuner import Tuner
from pdekit.linear.tuning.young import AdaptiveYoung

__all__ = [
    "AdaptiveYoung",
    "Binned",
    "Capped",
    "Categorical",
    "ChebCB",
    "Discounted",
    "Fixed",
    "Formula",
    "Interval",
    "Ordered",
    "Outcome",
    "Policy",
    "Product",
    "Race",
    "Random",
    "ShiftedSystem",
    "ShiftedSystems",
    "Space",
    "Surface",
    "Trial",
    "Tsallis",
    "Tuner",
    "grid",
    "race",
]
