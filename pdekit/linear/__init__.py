"""Solves A x = b: one method a file. `solve` and `Stop` are the door; solver classes for cards live beside their method."""

from pdekit.linear.solve import solve
from pdekit.linear.stop import Stop
from pdekit.solution import scipy_info

__all__ = ["Stop", "scipy_info", "solve"]
