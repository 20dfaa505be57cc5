"""Costs seen as logarithms: what differs by a factor matters, and one near-singular system is not worth a thousand others."""

from __future__ import annotations

import math

FIRST = 100.0


class Logarithm:
    """y = log(1 + loss / unit). The unit is the first positive loss / 100: choices do not depend on the unit of cost.

    What is fitted is a mean of logarithms; `loss` of a prediction is then nearer the median than the mean.
    """

    @staticmethod
    def unit(known: float, loss: float) -> float:
        """The unit after this loss: 0 until a loss is positive, constant from then on."""
        return known if known > 0.0 or loss <= 0.0 else loss / FIRST

    @staticmethod
    def of(loss: float, unit: float) -> float:
        """y of a loss, >= 0."""
        return math.log1p(loss / unit) if unit > 0.0 else 0.0
