"""The definition of every figure that pdekit prints, for classical and learned solvers alike."""

from pdekit.metrics.reduce import Summary, at_reference_floor, reduce, summarise
from pdekit.metrics.registry import METRICS, VERSION, Metric, check_names, score

__all__ = [
    "METRICS",
    "VERSION",
    "Metric",
    "Summary",
    "at_reference_floor",
    "check_names",
    "reduce",
    "score",
    "summarise",
]
