"""Shallow water over a flat bottom in conserved variables: heights and momenta, dry ground allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pdekit.problems.conservation_law import ConservationLaw
from pdekit.space.grid import Grid

ROUNDING = 1e-13  # of the largest height: a height this little below 0 is one
STEEP = 0.2  # cells whose heights differ by more are the foot of a front: q/h at their faces would be any number
INNER = (
    1.0 / 12.0
)  # weight of the outermost Gauss-Lobatto node of four: Zhang & Shu 2010, doi:10.1016/j.jcp.2009.12.030


class ShallowWaterLaw(ConservationLaw):
    """h_t + div(h v) = 0, (h v)_t + div(h v v) + grad(g h^2/2) = 0, h >= 0; a state is (h, h v_x) or (h, h v_x, h v_y).

    Below the height `dry` water stands still: its velocity is 0 and its momentum is dropped.
    """

    g: int | float
    dry: int | float

    fluxes: ClassVar[tuple[str, ...]] = ("hllc", "hll", "llf")
    ghosts: ClassVar[Mapping[str, str]] = {"periodic": "wrap", "neumann": "copy", "dirichlet": "mirror"}
    compiled: ClassVar[str] = "shallow-water"

    def constants(self) -> tuple[float, ...]:
        """g, and the height below which water stands still."""
        return float(self.g), float(self.dry)

    def velocity(self, u: np.ndarray, axis: int) -> np.ndarray:
        """(*x) h v / h, 0 where it is dry."""
        wet = u[0] > self.dry
        return np.where(wet, u[1 + axis] / np.where(wet, u[0], 1.0), 0.0)

    def celerity(self, u: np.ndarray) -> np.ndarray:
        """(*x) sqrt(g h), the speed of long waves in still water."""
        return np.sqrt(self.g * np.maximum(u[0], 0.0))

    def flux(self, u: np.ndarray, axis: int) -> np.ndarray:
        """(h v, h v v + g h^2/2 along the axis)."""
        v = self.velocity(u, axis)
        out = u * v
        out[1 + axis] += 0.5 * self.g * u[0] * u[0]
        return out

    def speed(self, u: np.ndarray, axis: int) -> np.ndarray:
        """|v| + sqrt(g h)."""
        return np.abs(self.velocity(u, axis)) + self.celerity(u)

    def riemann(self, name: str, left: np.ndarray, right: np.ndarray, axis: int) -> np.ndarray:
        """ "hll", "hllc" (momentum along the face goes with the mass that crosses it: shear stays sharp) or "llf".

        The slowest and fastest signal are those of two rarefactions, or of the shocks that may stand in their place, and
        2 c ahead of a dry bed: Toro 2001, Shock-Capturing Methods for Free-Surface Shallow Flows, ch. 10.
        """
        if name not in ("hll", "hllc"):
            return super().riemann(name, left, right, axis)
        low, high = self._signals(left, right, axis)
        fl, fr = self.flux(left, axis), self.flux(right, axis)
        between = (high - low) > 0
        width = np.where(between, high - low, 1.0)
        middle = (high * fl - low * fr + low * high * (right - left)) / width
        out = np.where(low >= 0, fl, np.where(high <= 0, fr, middle))
        out = np.where(between, out, 0.0)
        if name == "hllc":
            for other in range(1, len(left)):
                if other != 1 + axis:
                    v = np.where(out[0] >= 0, self.velocity(left, other - 1), self.velocity(right, other - 1))
                    out[other] = out[0] * v
        return out

    def _signals(self, left: np.ndarray, right: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """(*x) the slowest and the fastest signal between two states."""
        vl, vr, cl, cr = (
            self.velocity(left, axis),
            self.velocity(right, axis),
            self.celerity(left),
            self.celerity(right),
        )
        v, c = 0.5 * (vl + vr) + cl - cr, 0.5 * (cl + cr) + 0.25 * (vl - vr)
        low, high = np.minimum(vl - cl, v - c), np.maximum(vr + cr, v + c)
        dry_left, dry_right = left[0] <= self.dry, right[0] <= self.dry
        low = np.where(dry_left, vr - 2.0 * cr, np.where(dry_right, vl - cl, low))
        high = np.where(dry_left, vr + cr, np.where(dry_right, vl + 2.0 * cl, high))
        both = dry_left & dry_right
        return np.where(both, 0.0, low), np.where(both, 0.0, high)

    def limit(self, wide: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells drawn towards their mean until no height in them is below 0 (Zhang & Shu 2010; Xing, Zhang & Shu 2010,
        doi:10.1016/j.advwatres.2010.08.005); and cells at the foot of a front move as a whole, at their mean velocity."""
        mean = wide[..., 1:-1]
        h = mean[0]
        inner = (h - INNER * (low[0] + high[0])) / (1.0 - 2.0 * INNER)
        least = np.minimum(np.minimum(low[0], high[0]), inner)
        theta = np.where(least < 0, h / np.where(least < 0, h - least, 1.0), 1.0)
        before, after = wide[0, ..., :-2], wide[0, ..., 2:]
        lowest = np.minimum(np.minimum(before, after), np.minimum(least, h))
        foot = lowest <= np.maximum(self.dry, STEEP * np.maximum(np.maximum(before, after), h))
        faces = []
        for value in (low, high):
            height = np.maximum(h + theta * (value[0] - h), 0.0)
            moved = [height * self.velocity(mean, k - 1) for k in range(1, len(mean))]
            faces.append(np.stack([np.where(foot, height, value[0]),
                                   *(np.where(foot, m, value[k]) for k, m in enumerate(moved, 1))]))  # fmt: skip
        return faces[0], faces[1]

    def settle(self, u: np.ndarray) -> np.ndarray:
        """Heights below 0 by rounding alone are 0, and dry cells have no momentum."""
        least = -ROUNDING * np.abs(u[0]).max()
        u = u.copy()
        u[0] = np.where((u[0] < 0) & (u[0] >= least), 0.0, u[0])
        u[1:] = np.where(u[0] <= self.dry, 0.0, u[1:])
        return u

    def admissible(self, u: np.ndarray) -> bool:
        """No height below 0."""
        return not bool((u[0] < 0).any())

    def scale(self, u: np.ndarray) -> np.ndarray:
        """The largest height H for the height, H sqrt(g H) at least for momenta: still water has a scale too."""
        size = np.abs(u).reshape(len(u), -1).max(axis=1)
        wave = size[0] * np.sqrt(self.g * size[0])
        return np.concatenate([size[:1], np.maximum(size[1:], wave)])

    def mirror(self, axis: int) -> np.ndarray:
        """The momentum across a wall turns around."""
        signs = np.ones(len(self.outputs))
        signs[1 + axis] = -1.0
        return signs

    def mirrors(self, grid: Grid) -> tuple[tuple[str, tuple[int, ...], Mapping[str, float]], ...]:
        """The mirror across each axis, in which the momentum along it changes its sign."""
        names = [spec.name for spec in (*self.inputs, *self.outputs)]
        return tuple(
            (f"mirror {a}", (i,), {name: -1.0 if name.endswith(f"momentum_{a}") else 1.0 for name in names})
            for i, a in enumerate(grid.axes)
        )
