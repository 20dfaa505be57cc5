"""One partial differential equation a file. To add one: write the file, add one line below, add one test."""

from pdekit.problems.burgers import Burgers
from pdekit.problems.compact_poisson import CompactPoisson
from pdekit.problems.convection_diffusion import ConvectionDiffusion
from pdekit.problems.darcy import Darcy
from pdekit.problems.heat import Heat
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.obstructed_poisson import ObstructedPoisson
from pdekit.problems.poisson import Poisson
from pdekit.problems.screened_poisson import ScreenedPoisson

PROBLEMS = {
    problem.name: problem
    for problem in (
        Burgers,
        CompactPoisson,
        ConvectionDiffusion,
        Darcy,
        Heat,
        Helmholtz,
        ObstructedPoisson,
        Poisson,
        ScreenedPoisson,
    )
}

__all__ = [
    "PROBLEMS",
    "Burgers",
    "CompactPoisson",
    "ConvectionDiffusion",
    "Darcy",
    "Heat",
    "Helmholtz",
    "ObstructedPoisson",
    "Poisson",
    "ScreenedPoisson",
]
