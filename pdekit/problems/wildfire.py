"""A wildfire in two fields: temperature above the ambient, and fuel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec
from pdekit.problems.semilinear import Semilinear, channels, per_sample
from pdekit.space.dealiased import Dealiased


@dataclass(frozen=True)
class Wildfire(Semilinear):
    """temperature_t = kappa Laplace temperature - wind . grad temperature + heat fuel A - cooling temperature, fuel_t = -fuel A.

    A(temperature) = exp(-1/temperature) where temperature > 0, else 0: the law of Arrhenius. wind = (wind_x, wind_y).

    What one sees: a hot spot dies, or a ring of fire runs from it into the fuel, faster down the wind, and leaves ash
                   that cools. Where all is burnt nothing happens any more.
    Resolve it:    spacing <= sqrt(kappa)/2: the fuel has no diffusion of its own, its front is as wide as the fire's.
                   A is no polynomial: products keep the modes of degree 3 and fold the rest of the series of A back upon them,
                   an aliasing that falls off as the front is resolved.
    Units:         temperature over the ambient in those of activation, fuel as a share of the first, time in 1/(rate of
                   combustion); kappa in L^2/T, wind in L/T, heat and cooling numbers. A cooling of 0 never puts out a fire.
    Boundary:      periodic, on one or two axes: a fire that comes round meets its own ash.
    Exact:         none; without wind and diffusion temperature + heat fuel falls by cooling temperature alone.
    Source:        the model of Mandel et al. 2008, A wildland fire model with data assimilation, arXiv:0709.0086, made
                   dimensionless; the defaults are ours, of a fire that runs, not their fit to measurements.
    """

    kappa: int | float = 1.0
    wind_x: int | float = 0.0
    wind_y: int | float = 0.0
    heat: int | float = 2.0
    cooling: int | float = 0.05

    name: ClassVar[str] = "wildfire"
    equation: ClassVar[str] = (
        "d(temperature, fuel)/dt = (kappa Laplace temperature - wind . grad temperature + heat fuel A - cooling temperature, "
        "-fuel A), A(temperature) by Arrhenius, from initial_temperature, initial_fuel"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("initial_temperature", "input", "1", "temperature above the ambient at the start"),
        FieldSpec("initial_fuel", "input", "1", "fuel at the start"),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("temperature", "output", "1", "temperature above the ambient"),
        FieldSpec("fuel", "output", "1", "fuel that is left"),
    )
    degree: ClassVar[int] = 3
    dims: ClassVar[tuple[int, ...]] = (1, 2)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("kappa", "heat", "cooling"))

    @property
    def wind(self) -> tuple[Any, ...]:
        """Along x, y."""
        return self.wind_x, self.wind_y

    def linear(self, space: Dealiased) -> np.ndarray:
        """-kappa |k|^2 - i wind . k - cooling, and 0."""
        carried = sum(w * space.derivative(i) for i, w in zip(range(space.dim), self.wind, strict=False))
        return channels(space, self.kappa * space.laplacian() - carried - self.cooling, np.zeros(space.shape))

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """(heat fuel A, -fuel A)."""
        burning = space.forward(self._burning(v, space))
        return array_namespace(v).concat([self.heat * burning, -burning], axis=1)

    def speed(self, v: Any, space: Dealiased) -> Any:
        """|wind|."""
        squares = [per_sample(w) ** 2 for w in self.wind[: space.dim]]
        return 0.0 * space.mean_square(v[:, 0]) + sum(squares) ** 0.5

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean fuel, and temperature + heat fuel: what is warm and what could be."""
        fuel = space.mean(v[:, 1])
        return {"mean fuel": fuel, "enthalpy": space.mean(v[:, 0]) + per_sample(self.heat) * fuel}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """-fuel A, and -cooling temperature."""
        xp, burning = array_namespace(v), self._burning(v, space)
        burnt = xp.mean(xp.reshape(burning, (v.shape[0], -1)), axis=1)
        return {"mean fuel": -burnt, "enthalpy": -per_sample(self.cooling) * space.mean(v[:, 0])}

    def _burning(self, v: Any, space: Dealiased) -> Any:
        """fuel A at the points, (n, 1, *points)."""
        xp, u = array_namespace(v), space.backward(v)
        hot = u[:, :1] > 0
        return xp.where(hot, u[:, 1:] * xp.exp(-1 / xp.where(hot, u[:, :1], 1.0)), 0.0)
