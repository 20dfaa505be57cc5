"""One partial differential equation a file. To add one: write the file, add one line below, add one test."""

from pdekit.errors import BadInput
from pdekit.problems.burgers import Burgers
from pdekit.problems.compact_poisson import CompactPoisson
from pdekit.problems.convection_diffusion import ConvectionDiffusion
from pdekit.problems.darcy import Darcy
from pdekit.problems.heat import Heat
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.obstructed_poisson import ObstructedPoisson
from pdekit.problems.poisson import Poisson
from pdekit.problems.problem import Problem
from pdekit.problems.screened_poisson import ScreenedPoisson

PROBLEMS: dict[str, type[Problem]] = {
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


def register(problem: type[Problem]) -> type[Problem]:
    """Make an equation of one's own known to recipes and files in this process; a class decorator. Raises BadInput where its
    name is taken by another. Processes that `generate(workers=...)` starts know it where they are forked."""
    known = PROBLEMS.setdefault(problem.name, problem)
    if (known.__module__, known.__qualname__) != (problem.__module__, problem.__qualname__):
        raise BadInput.of(
            f"there is a problem {problem.name!r} already.", found=f"{known.__module__}.{known.__qualname__}"
        )
    PROBLEMS[problem.name] = problem
    return problem


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
    "register",
]
