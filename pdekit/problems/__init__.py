"""One partial differential equation a file. To add one: write the file, add one line below, add one test."""

from pdekit.problems.darcy import Darcy
from pdekit.problems.poisson import Poisson

PROBLEMS = {problem.name: problem for problem in (Darcy, Poisson)}

__all__ = ["PROBLEMS", "Darcy", "Poisson"]
