"""Dams that break: shallow water in a channel and in a basin, from heights that jump."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec
from pdekit.problems.shallow_water_law import ShallowWaterLaw

HEIGHT = FieldSpec("height", "output", "1", "height of the water")
INITIAL_HEIGHT = FieldSpec(
    "initial_height", "input", "1", "height of the water at the start, 0 where it is dry", nonnegative=True
)


def _momentum(axis: str, start: bool) -> FieldSpec:
    if start:
        return FieldSpec(f"initial_momentum_{axis}", "input", "1", f"height times velocity along {axis} at the start")
    return FieldSpec(f"momentum_{axis}", "output", "1", f"height times velocity along {axis}")


@dataclass(frozen=True)
class DamBreakChannel(ShallowWaterLaw):
    """h_t + q_x = 0, q_t + (q^2/h + g h^2/2)_x = 0 on a flat bottom, h >= 0, one axis.

    What one sees: where a dam stood a bore runs into the low water and a fan into the high one; bores reflect from walls and
                   pass through each other.
    Resolve it:    any grid gives the right speeds, bores are 2 to 4 cells wide; the tip of water on dry ground lags behind
                   the exact one, by a distance that goes to 0 with the cells.
    Units:         h in L, q in L^2/T, g in L/T^2; `dry` in L: below that height water stands still.
    Boundary:      periodic; "dirichlet" with value 0: a wall, no water flows through it (its height is free there!);
                   "neumann" with value 0: outflow, waves leave.
    Exact:         `exact`: one dam, wet (Stoker) or dry (Ritter) beyond it.
    Source:        de Saint-Venant 1871; Ritter 1892; Stoker 1957, Water Waves, sec. 10.8.
    """

    g: int | float = 1.0
    dry: int | float = 1e-6

    name: ClassVar[str] = "dam-break-channel"
    equation: ClassVar[str] = (
        "d(height, momentum_x)/dt + d(momentum_x, momentum_x^2/height + g height^2/2)/dx = 0, "
        "from initial_height, initial_momentum_x, means over cells"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "conservation-law", "shallow-water"})
    dims: ClassVar[tuple[int, ...]] = (1,)
    inputs: ClassVar[tuple[FieldSpec, ...]] = (INITIAL_HEIGHT, _momentum("x", True))
    outputs: ClassVar[tuple[FieldSpec, ...]] = (HEIGHT, _momentum("x", False))

    def __post_init__(self) -> None:
        require_numbers(self, positive=("g", "dry"))

    def exact(self, x: np.ndarray, t: float, high: float, low: float) -> np.ndarray:
        """(2, *x) h and q at distances x from a dam between still waters of heights high > low >= 0, t > 0.

        Ritter where low = 0, else Stoker: the middle state (h, v) joins the fan, v = 2 (c_high - c), with the bore,
        v = (h - low) sqrt(g (h + low)/(2 h low)); its bore runs at h v/(h - low).
        """
        c = np.sqrt(self.g * high)
        fan = np.clip((2.0 * c - x / t) ** 2 / (9.0 * self.g), 0.0, high)
        if low == 0.0:
            h = np.where(x < -c * t, high, np.where(x < 2.0 * c * t, fan, 0.0))
            v = np.where(x < -c * t, 0.0, np.where(x < 2.0 * c * t, 2.0 / 3.0 * (x / t + c), 0.0))
            return np.stack([h, h * v])
        a, b = low, high
        for _ in range(200):
            middle = 0.5 * (a + b)
            bore = (middle - low) * np.sqrt(self.g * (middle + low) / (2.0 * middle * low))
            a, b = (middle, b) if bore < 2.0 * (c - np.sqrt(self.g * middle)) else (a, middle)
        h_m = 0.5 * (a + b)
        v_m = 2.0 * (c - np.sqrt(self.g * h_m))
        head, tail, bore = -c * t, (v_m - np.sqrt(self.g * h_m)) * t, h_m * v_m / (h_m - low) * t
        h = np.where(x < head, high, np.where(x < tail, fan, np.where(x < bore, h_m, low)))
        v = np.where(x < head, 0.0, np.where(x < tail, 2.0 / 3.0 * (x / t + c), np.where(x < bore, v_m, 0.0)))
        return np.stack([h, h * v])


@dataclass(frozen=True)
class DamBreakBasin(ShallowWaterLaw):
    """h_t + div m = 0, m_t + div(m m/h) + grad(g h^2/2) = 0 on a flat bottom, h >= 0, two axes, m the momentum per area.

    What one sees: a column of water falls into a ring-shaped bore and a hollow, which rises again; bores reflect from walls
                   and cross.
    Resolve it:    as in the channel: bores are 2 to 4 cells wide on any grid; 100 cells and more for a ring to be round.
    Units:         h in L, m in L^2/T, g in L/T^2; `dry` in L: below that height water stands still.
    Boundary:      periodic; "dirichlet" with value 0: a wall, no water flows through it (its height is free there!);
                   "neumann" with value 0: outflow, waves leave.
    Exact:         none in two dimensions; what does not depend on y is a channel, the tests use `DamBreakChannel.exact`.
    Source:        the equations of de Saint-Venant 1871; circular dams: Toro 2001, ch. 13.
    """

    g: int | float = 1.0
    dry: int | float = 1e-6

    name: ClassVar[str] = "dam-break-basin"
    equation: ClassVar[str] = (
        "d(height, momentum_x, momentum_y)/dt + div(m, m m/height + g height^2/2) = 0, "
        "from initial_height, initial_momentum_x, initial_momentum_y, means over cells"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "conservation-law", "shallow-water"})
    dims: ClassVar[tuple[int, ...]] = (2,)
    inputs: ClassVar[tuple[FieldSpec, ...]] = (INITIAL_HEIGHT, _momentum("x", True), _momentum("y", True))
    outputs: ClassVar[tuple[FieldSpec, ...]] = (HEIGHT, _momentum("x", False), _momentum("y", False))

    def __post_init__(self) -> None:
        require_numbers(self, positive=("g", "dry"))
