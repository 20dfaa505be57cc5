"""One-step schemes that take L implicitly and N explicitly: each stage is a division, L being diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.steppers.combine import pair, two
from pdekit.steppers.stepper import Stepper

GAMMA = 1 - 0.5**0.5  # plain floats: a NumPy scalar would widen a float32 state
DELTA = 1 - 1 / (2 * GAMMA)


class ARS(Stepper):
    """Stages u_i = v + h sum_j (explicit_ij N(u_j) + implicit_ij L u_j), u_0 = v, and v+ the last of them.

    `implicit` has row i for stage i + 1 and no column for u_0 (the first is empty in this family); its last entry is the
    diagonal. L-stable in L.
    """

    nodes: tuple[float, ...] = ()
    explicit: tuple[tuple[float, ...], ...] = ()
    implicit: tuple[tuple[float, ...], ...] = ()

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """L and 1/(1 - g z), the diagonal g being the same in all stages."""
        return {"z": z, "solve": 1 / (1 - self.implicit[0][0] * z)}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        c = self.at(v)
        u, terms, linear = v, [], []
        for node, explicit, implicit in zip(self.nodes, self.explicit, self.implicit, strict=True):
            terms.append(self.dt * N(u, t + node * self.dt))
            known = v
            for weight, term in zip(explicit, terms, strict=True):
                known = known + weight * term
            for weight, term in zip(implicit[:-1], linear, strict=True):
                known = known + weight * term
            u = c["solve"] * known
            linear.append(c["z"] * u)
        return u


class ARS222(ARS):
    """Two implicit stages, second order, L-stable. Source: Ascher, Ruuth & Spiteri 1997, section 2.6."""

    name = "ars222"
    order = 2
    stages = 2
    nodes = (0.0, GAMMA)
    explicit = ((GAMMA,), (DELTA, 1 - DELTA))
    implicit = ((GAMMA,), (1 - GAMMA, GAMMA))


class ARS443(ARS):
    """Four implicit stages, third order, L-stable. Source: Ascher, Ruuth & Spiteri 1997, section 2.8."""

    name = "ars443"
    order = 3
    stages = 4
    nodes = (0.0, 1 / 2, 2 / 3, 1 / 2)
    explicit = ((1 / 2,), (11 / 18, 1 / 18), (5 / 6, -5 / 6, 1 / 2), (1 / 4, 7 / 4, 3 / 4, -7 / 4))
    implicit = ((1 / 2,), (1 / 6, 1 / 2), (-1 / 2, 1 / 2, 1 / 2), (3 / 2, -3 / 2, 1 / 2, 1 / 2))


class CNEuler(Stepper):
    """(1 - hL/2) v+ = (1 + hL/2) v + h N(v): the scheme of the published FNO data. First order; stiff modes are not damped."""

    name = "cn-euler"
    order = 1
    stages = 1

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """(1 + z/2)/(1 - z/2) and h/(1 - z/2), and half of that."""
        S = self.dt / (1 - z / 2)
        return {"R": (1 + z / 2) / (1 - z / 2), "S": S, "half": S / 2}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        c = self.at(v)
        return two(c["R"], v, c["S"], N(v, t))


class CNHeun(CNEuler):
    """Crank-Nicolson in L twice; the corrector averages N over v and the CN-Euler predictor (RK2-CN). Second order."""

    name = "cn-heun"
    order = 2
    stages = 2

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        c = self.at(v)
        Nv = N(v, t)
        return pair(c["R"], v, c["half"], Nv, N(two(c["R"], v, c["S"], Nv), t + self.dt))


class CNRK4(Stepper):
    """Low-storage RK4 in N with Crank-Nicolson in L within each stage: for published data made with it (jax-cfd).

    Fourth order in N alone, second with L. Source: Canuto, Hussaini, Quarteroni & Zang 2007, appendix D.3
    """

    name = "cn-rk4"
    order = 2
    stages = 5
    nodes = (0.0, 0.1496590219993, 0.3704009573644, 0.6222557631345, 0.9582821306748, 1.0)
    carry = (0.0, -0.4178904745, -1.192151694643, -1.697784692471, -1.514183444257)
    weight = (0.1496590219993, 0.3792103129999, 0.8229550293869, 0.6994504559488, 0.1530572479681)

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """Per stage (1 + m z)/(1 - m z) and h weight/(1 - m z), m half the length of the stage."""
        table = {}
        for i, weight in enumerate(self.weight):
            m = (self.nodes[i + 1] - self.nodes[i]) / 2
            table |= {f"R{i}": (1 + m * z) / (1 - m * z), f"S{i}": weight * self.dt / (1 - m * z)}
        return table

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        c, total = self.at(v), 0.0
        for i, carry in enumerate(self.carry):
            total = carry * total + N(v, t + self.nodes[i] * self.dt)
            v = two(c[f"R{i}"], v, c[f"S{i}"], total)
        return v
