"""One partial differential equation a file. To add one: write the file, add one line below, add one test."""

from pdekit.errors import BadInput
from pdekit.problems.advection import Advection
from pdekit.problems.advection_diffusion import AdvectionDiffusion
from pdekit.problems.allen_cahn import AllenCahn
from pdekit.problems.burgers import Burgers
from pdekit.problems.burgers_vector import BurgersVector
from pdekit.problems.cahn_hilliard import CahnHilliard
from pdekit.problems.compact_poisson import CompactPoisson
from pdekit.problems.convection_diffusion import ConvectionDiffusion
from pdekit.problems.dam_break import DamBreakBasin, DamBreakChannel
from pdekit.problems.darcy import Darcy
from pdekit.problems.diffusion import Diffusion
from pdekit.problems.dispersion import Dispersion
from pdekit.problems.fisher_kpp import FisherKPP
from pdekit.problems.gray_scott import GrayScott
from pdekit.problems.heat import Heat
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.hyper_diffusion import HyperDiffusion
from pdekit.problems.inviscid_burgers import InviscidBurgers
from pdekit.problems.kdv import KdV
from pdekit.problems.kuramoto_sivashinsky import (
    KuramotoSivashinsky,
    KuramotoSivashinskyConservative,
    KuramotoSivashinskyVelocity,
)
from pdekit.problems.navier_stokes import NavierStokes
from pdekit.problems.navier_stokes_3d import NavierStokes3D
from pdekit.problems.obstructed_poisson import ObstructedPoisson
from pdekit.problems.poisson import Poisson
from pdekit.problems.problem import Problem
from pdekit.problems.reaction_diffusion import ReactionDiffusion
from pdekit.problems.screened_poisson import ScreenedPoisson
from pdekit.problems.shallow_water import ShallowWater
from pdekit.problems.swift_hohenberg import SwiftHohenberg
from pdekit.problems.wave import Wave
from pdekit.problems.wildfire import Wildfire

PROBLEMS: dict[str, type[Problem]] = {
    problem.name: problem
    for problem in (
        Advection,
        AdvectionDiffusion,
        AllenCahn,
        Burgers,
        BurgersVector,
        CahnHilliard,
        CompactPoisson,
        ConvectionDiffusion,
        DamBreakBasin,
        DamBreakChannel,
        Darcy,
        Diffusion,
        Dispersion,
        FisherKPP,
        GrayScott,
        Heat,
        Helmholtz,
        HyperDiffusion,
        InviscidBurgers,
        KdV,
        KuramotoSivashinsky,
        KuramotoSivashinskyConservative,
        KuramotoSivashinskyVelocity,
        NavierStokes,
        NavierStokes3D,
        ObstructedPoisson,
        Poisson,
        ReactionDiffusion,
        ScreenedPoisson,
        ShallowWater,
        SwiftHohenberg,
        Wave,
        Wildfire,
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
    "Advection",
    "AdvectionDiffusion",
    "AllenCahn",
    "Burgers",
    "BurgersVector",
    "CahnHilliard",
    "CompactPoisson",
    "ConvectionDiffusion",
    "DamBreakBasin",
    "DamBreakChannel",
    "Darcy",
    "Diffusion",
    "Dispersion",
    "FisherKPP",
    "GrayScott",
    "Heat",
    "Helmholtz",
    "HyperDiffusion",
    "InviscidBurgers",
    "KdV",
    "KuramotoSivashinsky",
    "KuramotoSivashinskyConservative",
    "KuramotoSivashinskyVelocity",
    "NavierStokes",
    "NavierStokes3D",
    "ObstructedPoisson",
    "Poisson",
    "ReactionDiffusion",
    "ScreenedPoisson",
    "ShallowWater",
    "SwiftHohenberg",
    "Wave",
    "Wildfire",
    "register",
]
