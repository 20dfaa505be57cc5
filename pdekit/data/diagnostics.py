"""Stored diagnostics of a frame, tendency or fields of the problem, computed again from the stored fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pdekit.data.disturbance import FLOOR, norm, ratio
from pdekit.data.frames import Frame, FrameGrid
from pdekit.space.dealiased import Dealiased


class Diagnostics:
    """Those of one split. `variables` are the names in the file, `names` those of diagnostics among them; `eps` is the rounding
    of what is stored."""

    def __init__(self, where: FrameGrid, variables: Sequence[str], eps: float) -> None:
        self.where, self.eps = where, eps
        known = {
            extra: _fields(extra, where.outputs) for extra in ("tendency", *(s.name for s in where.problem.extras))
        }
        self.extras = [extra for extra, names in known.items() if any(name in variables for name in names)]
        self.names = [name for extra in self.extras for name in known[extra] if name in variables]

    def ratios(self, frame: Frame, stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """{diagnostic: (n,) distance of `stored` to that of the frame, over its bound}.

        The bound is what rounding of the frame makes of it, and where modes were cut, leaving out the last third of them."""
        if not self.extras:
            return {}
        where = self.where
        own, low = where.problem.bind(frame.cases), where.problem.space(where.near_grid)
        mine = self._of(own, frame.state, where.space, frame.t)
        other = self._of(own, where.problem.start(where.near(frame, self.eps), low), low, frame.t)
        out = {}
        for name in self.names:
            bound = norm(mine[name] - other[name]) + (2 * self.eps + FLOOR) * norm(mine[name])
            out[name] = ratio(norm(mine[name] - stored[name]), bound)
        return out

    def _of(self, own: Any, v: np.ndarray, space: Dealiased, t: float) -> dict[str, np.ndarray]:
        points, out = self.where.stored.points, {}
        for extra in self.extras:
            if extra == "tendency":
                rate = space.values(own.tendency(v, t, space), points)
                names = _fields(extra, self.where.outputs)
                out |= {name: rate[:, c] for c, name in enumerate(names)}
            else:
                out[extra] = space.values(own.extra(extra, v, t, space), points)
        return out


def _fields(extra: str, outputs: Sequence[str]) -> list[str]:
    return [f"{name}_tendency" for name in outputs] if extra == "tendency" else [extra]
