"""Standing waves of one frequency in a closed box: symmetric, indefinite."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.problems.flux_form import FluxForm
from pdekit.problems.manufactured import manufactured, sine_mode
from pdekit.problems.problem import FieldSpec
from pdekit.solver import Instances
from pdekit.space import transforms
from pdekit.space.grid import Grid

RESONANT = 1e-6  # distance of k^2 to a discrete eigenvalue, over k^2, below which the system is called singular


@dataclass(frozen=True)
class Helmholtz(FluxForm):
    """-Laplace u - wavenumber^2 u = f on a box, 1 to 3 axes: u the real amplitude of a wave, f what drives it.

    What one sees: waves of length 2 pi/wavenumber that fill the box, not only the neighbourhood of the source. Modes whose
                   eigenvalue is near wavenumber^2 dominate; past an eigenvalue their sign turns, so u jumps with the
                   wavenumber though nothing in the box moves.
    Resolve it:    second order, error growing like wavenumber^3 h^2 times the length of the box (pollution): 10 points per
                   wavelength for a few waves, 20 and more for many; below 4 nothing is left of the wave.
    Not possible:  absorbing (Sommerfeld) faces, which make u complex; robin faces are refused.
    Units:         wavenumber in rad/L, u in [u], f in [u]/L^2, with the L of the Grid.
    Boundary:      dirichlet, neumann or periodic per face. The matrix has as many negative eigenvalues as the box has modes
                   below wavenumber^2: CG cannot serve it. At an eigenvalue there is no solution: `check` refuses
                   wavenumbers whose square is within 1e-6 of one, relative, and `resonance` says how far it is.
    Exact:         `mode` (an eigenfunction of box and scheme) and `manufactured`.
    Source:        Babuska & Sauter 1997, doi:10.1137/S0036142994269186 (pollution); LeVeque, SIAM 2007, sec. 2.
    """

    wavenumber: int | float = 12.0

    name: ClassVar[str] = "helmholtz"
    equation: ClassVar[str] = "-Laplace amplitude - wavenumber^2 amplitude = source"
    traits: ClassVar[frozenset[str]] = frozenset(
        {"elliptic", "linear", "symmetric", "indefinite", "scalar", "constant-coefficient", "homogeneous"}
    )
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("source", "input", "1", "what drives the wave"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("amplitude", "output", "1", "amplitude of the wave"),)

    def __post_init__(self) -> None:
        k = self.wavenumber
        if not isinstance(k, int | float) or isinstance(k, bool) or not math.isfinite(k) or k <= 0:
            raise BadInput.of("wavenumber of Helmholtz.", found=repr(k), allowed="a number > 0, in rad/length")

    def check_grid(self, grid: Grid) -> None:
        """Robin faces are refused: they have no eigenvalues in closed form, and with real numbers absorb nothing. BadInput."""
        if any(kind == "robin" for pair in grid.boundary for kind in pair):
            raise BadInput.of(
                "problem 'helmholtz' is real and closed: it has no robin faces.",
                found=f"boundary {grid.boundary}",
                allowed='"dirichlet", "neumann", "periodic"',
            )

    def check(self, instances: Instances) -> None:
        """As every problem; raises BadInput also where wavenumber^2 is an eigenvalue of the scheme on this grid."""
        super().check(instances)
        for i, k in enumerate(instances.parameters.get("wavenumber", np.array([self.wavenumber]))):
            distance, eigenvalue = self.resonance(instances.grid, float(k))
            if distance < RESONANT:
                where = f"sample {i}" if "wavenumber" in instances.parameters else ""
                raise BadInput.of(
                    "the wavenumber is a resonance of the box on this grid: there is no solution, or no single one.",
                    where=where,
                    found=f"wavenumber {k:.10g}; its square is {distance:.1e} from the eigenvalue {eigenvalue:.10g}, relative",
                    allowed=f"relative distances of {RESONANT:.0e} and more",
                    hint="move the wavenumber by a percent",
                )

    def resonance(self, grid: Grid, wavenumber: float | None = None) -> tuple[float, float]:
        """(|k^2 - lambda| / k^2, lambda) of the eigenvalue of the discrete -Laplace nearest to k^2, in 1/length^2.

        Sources are amplified by 1/(k^2 distance) in that mode. Raises BadInput on robin faces.
        """
        square = (self.wavenumber if wavenumber is None else wavenumber) ** 2
        values = transforms.eigenvalues(grid).ravel()
        nearest = float(values[np.abs(values - square).argmin()])
        return abs(nearest - square) / square, nearest

    def points_per_wavelength(self, grid: Grid) -> float:
        """Wavelength over the widest mesh width."""
        return 2.0 * math.pi / self.wavenumber / max(grid.spacing)

    @property
    def mean(self) -> str:
        """Of equal values: any mean is the same."""
        return "arithmetic"

    def coefficient(self, case: Instances) -> float:
        """1: the medium is homogeneous."""
        return 1.0

    def reaction(self, case: Instances) -> float:
        """-wavenumber^2: per sample where a recipe draws it, else the problem's own."""
        own = case.parameters.get("wavenumber")
        return -(float(self.wavenumber if own is None else own[0]) ** 2)

    def manufactured(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """A smooth case with its exact amplitude, for this wavenumber."""
        return manufactured(grid, reaction=-(float(self.wavenumber) ** 2))

    def mode(self, grid: Grid, m: tuple[int, ...]) -> tuple[Instances, np.ndarray]:
        """prod sin(pi m_i x_i / L_i) on a box held at 0, f = (sum (pi m_i/L_i)^2 - wavenumber^2) u: (Instances, u (1, *points)).
        Raises BadInput on other boundaries and on values that are not 0."""
        u, square = sine_mode(grid, m)
        return Instances(grid, {"source": (square - self.wavenumber**2) * u}), u
