"""Budgets of one interval: the change of a quantity between stored frames against the integral of its rate along the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.data.disturbance import FLOOR
from pdekit.data.frames import Frame, FrameGrid
from pdekit.problems.semilinear import Semilinear


@dataclass(frozen=True)
class Budget:
    """One quantity of some samples, (n,) each: what is missing, and its bound of two parts.

    quadrature  2 |I - I/2|, I the integral by Simpson's rule, I/2 that of every other point of it
    known       what rounding, and besides it disturbed starts, may make of the quantity at both ends
    """

    missing: np.ndarray
    quadrature: np.ndarray
    known: np.ndarray

    @property
    def bound(self) -> np.ndarray:
        """The bound."""
        return self.quadrature + self.known

    def put(self, index: np.ndarray, other: Budget) -> None:
        """Replace what is known of some samples."""
        self.missing[index], self.quadrature[index], self.known[index] = other.missing, other.quadrature, other.known


def budgets(
    where: FrameGrid,
    own: Any,
    frames: tuple[Frame, Frame],
    integrals: dict[str, np.ndarray],
    apart: dict[str, np.ndarray],
    eps: float,
) -> dict[str, Budget]:
    """Every budget, and under "divergence", where the problem watches one, the divergence itself.

    own        the problem, bound to the samples
    integrals  {name: (n, 2)} as in `Run`
    apart      {name: (n,)} differences that a disturbed start makes at both ends, added up; empty without one
    """
    a, b = frames
    size = np.max([np.sqrt(np.mean(u.reshape(len(u), -1) ** 2, axis=1)) for u in a.cases.fields.values()], axis=0)
    out = {}
    for name, both in integrals.items():
        fine, coarse = both.T
        before, after = a.quantities[name], b.quantities[name]
        scale = size if name.startswith("mean ") else np.maximum(np.abs(before), np.abs(after))
        known = (8 * eps + FLOOR) * scale + 4 * apart.get(name, np.zeros(len(size)))
        out[name] = Budget(np.abs(after - before - fine), 2 * np.abs(fine - coarse), known)
    if "divergence" in b.quantities:
        raw = Semilinear.start(own, b.cases, where.space)  # the problem's own start would take it off
        grid = where.stored
        fastest = sum((np.pi * n / ell) ** 2 for n, ell in zip(grid.points, grid.length, strict=True)) ** 0.5
        found = where.quantities(own, raw, b.t)["divergence"]
        out["divergence"] = Budget(found, np.zeros(len(size)), 2 * (eps + FLOOR) * size * fastest)
    return out
