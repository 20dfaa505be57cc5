"""What a flow carries along and diffusion spreads: heat, dye, pollutant, in the steady state."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from pdekit.errors import BadInput, unknown_name
from pdekit.problems.flux_form import FluxForm
from pdekit.problems.manufactured import manufactured
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.solver import Instances
from pdekit.space.convection import SCHEMES, convection
from pdekit.space.grid import Grid

FLOWS = ("uniform", "vortex")


@dataclass(frozen=True)
class ConvectionDiffusion(FluxForm):
    """-diffusivity * Laplace u + w . grad u = f on a box, 1 to 3 axes: u a concentration in a flow w.

    Flow:          "uniform": w = speed (cos angle, sin angle, 0), angle in rad, w = speed in 1D; "vortex": one closed cell
                   of length L, w = speed (sin X cos Y, -L_y/L_x cos X sin Y, 0) with X = pi x/L_x, Y = pi y/L_y: no outflow,
                   free of divergence, 2 and 3 axes. Fields velocity_x, velocity_y, velocity_z (n, *points) of the
                   Instances replace the flow.
    What one sees: plumes that point downstream; where the flow meets a wall that holds another value, a layer of width
                   diffusivity/|w|; layers along the flow have width sqrt(diffusivity L/|w|).
    Resolve it:    scheme "central": second order, but u oscillates from point to point at layers where the cell Peclet
                   number |w| h/diffusivity is above 2; "upwind": first order, never oscillates, and adds |w| h/2 to the
                   diffusivity. `peclet` gives that number.
    Units:         diffusivity in L^2/T, speed in L/T, u in [u], f in [u]/T.
    Boundary:      dirichlet, neumann (diffusive flux diffusivity du/dn), robin or periodic per face; at least one face is
                   dirichlet or robin.
    Exact:         `layer` (1D outflow layer in a box of any dimension) and `manufactured`.
    Source:        Roos, Stynes & Tobiska, Robust Numerical Methods, 2nd ed. 2008, sec. I.2 and III.3.
    """

    diffusivity: int | float = 0.02
    speed: int | float = 1.0
    angle: int | float = 0.5
    flow: str = "uniform"
    scheme: str = "central"

    name: ClassVar[str] = "convection-diffusion"
    equation: ClassVar[str] = "-diffusivity Laplace concentration + w . grad concentration = source"
    traits: ClassVar[frozenset[str]] = frozenset({"elliptic", "linear", "non-symmetric", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("source", "input", "1", "what is fed in per volume and time"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("concentration", "output", "1", "concentration"),)

    def __post_init__(self) -> None:
        for name in ("diffusivity", "speed", "angle"):
            v = getattr(self, name)
            bad = not isinstance(v, int | float) or isinstance(v, bool) or not math.isfinite(v)
            if bad or (name == "diffusivity" and v <= 0):
                allowed = "a number > 0" if name == "diffusivity" else "a number"
                raise BadInput.of(f"{name} of ConvectionDiffusion.", found=repr(v), allowed=allowed)
        for name, known in (("flow", FLOWS), ("scheme", SCHEMES)):
            if getattr(self, name) not in known:
                raise unknown_name(f"{name} of ConvectionDiffusion", str(getattr(self, name)), known)

    def check_grid(self, grid: Grid) -> None:
        """A face must hold the level, and a vortex needs two axes. Raises BadInput."""
        if not any(kind in ("dirichlet", "robin") for pair in grid.boundary for kind in pair):
            raise BadInput.of(
                "problem 'convection-diffusion' needs a face that holds the level of the concentration.",
                found=f"boundary {grid.boundary}",
                allowed='"dirichlet" or "robin" on one face at least',
            )
        if self.flow == "vortex" and grid.dim == 1:
            raise BadInput.of("a vortex needs 2 or 3 axes.", found="1 axis", allowed='flow = "uniform"')

    def of(self, case: Instances) -> ConvectionDiffusion:
        """This problem with the parameters that a case replaces."""
        own = {name: float(v[0]) for name, v in case.parameters.items() if name in {f.name for f in fields(self)}}
        return replace(self, **own) if own else self

    def velocity(self, case: Instances) -> list[np.ndarray]:
        """w per axis at the stored points (*points), in length/time."""
        own, grid = self.of(case), case.grid
        x = [math.pi * m / length for m, length in zip(grid.mesh, grid.length, strict=True)]
        if own.flow == "uniform":
            w = [math.cos(own.angle), math.sin(own.angle), 0.0] if grid.dim > 1 else [1.0]
        else:
            w = [np.sin(x[0]) * np.cos(x[1]), -grid.length[1] / grid.length[0] * np.cos(x[0]) * np.sin(x[1]), 0.0]
        given = [case.fields.get(f"velocity_{axis}") for axis in grid.axes]
        return [
            np.broadcast_to(own.speed * np.asarray(mine), grid.points)
            if field is None
            else np.asarray(field[0], np.float64)
            for mine, field in zip(w[: grid.dim], given, strict=True)
        ]

    def peclet(self, case: Instances) -> float:
        """The largest cell Peclet number |w_i| h_i / diffusivity of a batch of one."""
        w = self.velocity(case)
        return (
            max(float(np.abs(v).max()) * h for v, h in zip(w, case.grid.spacing, strict=True))
            / self.of(case).diffusivity
        )

    @property
    def mean(self) -> str:
        """Of equal values: any mean is the same."""
        return "arithmetic"

    def coefficient(self, case: Instances) -> float:
        """The diffusivity: per sample where a recipe draws it, else the problem's own."""
        return float(self.of(case).diffusivity)

    def assemble(self, case: Instances) -> tuple[sp.csr_array, np.ndarray]:
        """Matrix over the unknowns in C order, not symmetric, and right-hand side in their shape, of a batch of one."""
        grid, own = case.grid, self.of(case)
        spread, b = super().assemble(case)
        faces = {name[9:]: a[0].astype(np.float64) for name, a in case.fields.items() if name.startswith("boundary_")}
        w = [v[grid.unknown] for v in self.velocity(case)]
        carried, known = convection(grid, w, own.diffusivity, own.scheme, faces)
        return sp.csr_array(spread.to_csr() + carried), b + known

    def symmetries(self, grid: Grid) -> tuple[Symmetry, ...]:
        """The identity: other maps would have to turn the flow too, whose direction may differ by sample."""
        return super(FluxForm, self).symmetries(grid)

    def manufactured(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """A smooth case with its exact concentration, for any boundary types and this flow."""
        w = self.velocity(Instances(grid))
        return manufactured(grid, constant=self.diffusivity, velocity=w)

    def layer(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """f = speed, u = 0 at both ends of x, flow along x > 0: u = x - L (e^(w (x - L)/a) - e^(-w L/a)) / (1 - e^(-w L/a)).

        u climbs along the flow and falls back to 0 in a layer of width a/w before x = L. The other faces must be neumann
        with value 0 or periodic, the flow uniform with angle 0 and speed > 0. Returns (Instances of n = 1, u (1, *points)).
        Raises BadInput.
        """
        others = zip(grid.boundary[1:], grid.boundary_value[1:], strict=True)
        still = all(k in ("neumann", "periodic") and v == 0 for pair in others for k, v in zip(*pair, strict=True))
        along = self.flow == "uniform" and self.speed > 0 and (self.angle == 0 or grid.dim == 1)
        if grid.boundary[0] != ("dirichlet", "dirichlet") or any(grid.boundary_value[0]) or not still or not along:
            raise BadInput.of(
                "`layer` is the exact solution of a uniform flow along x between two walls held at 0.",
                found=f"boundary {grid.boundary}, values {grid.boundary_value}, {self}",
                allowed='x faces "dirichlet", others "neumann" with value 0 or "periodic"; angle 0, speed > 0',
            )
        x, length, rate = grid.mesh[0], grid.length[0], self.speed / self.diffusivity
        u = x - length * (np.exp(rate * (x - length)) - math.exp(-rate * length)) / -math.expm1(-rate * length)
        u = np.broadcast_to(u, grid.points)[None].copy()
        return Instances(grid, {"source": np.full((1, *grid.points), float(self.speed))}), u
