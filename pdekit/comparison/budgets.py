"""What an equation keeps or spends, asked of a roll-out: means, energies, enstrophies, against their own budgets.

A problem that is `Semilinear` names its quantities and the rates at which the physics changes them. The reference is asked
the same: the defect that it has between stored frames is the floor of everybody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.metrics.physics import budget_defect, relative_to_size
from pdekit.problems.semilinear import Semilinear
from pdekit.solver import Instances


@dataclass(frozen=True)
class Budget:
    """One quantity of n trajectories over t scored frames.

    error            (n, t) |Q - Q_ref| over the size of Q in the reference
    defect, floor    (n, t) of the solver and of the reference against the budget, over the same; None where the problem names
                     no rate
    """

    error: np.ndarray
    defect: np.ndarray | None
    floor: np.ndarray | None

    @classmethod
    def joined(cls, parts: Sequence[Budget]) -> Budget:
        """Blocks of samples as one."""
        return cls(
            np.concatenate([p.error for p in parts]),
            _joined([p.defect for p in parts]),
            _joined([p.floor for p in parts]),
        )

    def facts(self) -> dict[str, Any]:
        """Medians over the samples, per frame; the worst defect of all."""
        out: dict[str, Any] = {"error_median": _median(self.error)}
        if self.defect is not None and self.floor is not None:
            out |= {
                "defect_median": _median(self.defect),
                "defect_worst": float(self.defect.max()),
                "reference_defect_worst": float(self.floor.max()),
            }
        return out


def budgets(
    problem: Any,
    instances: Instances,
    pred: Mapping[str, np.ndarray],
    ref: Mapping[str, np.ndarray],
    times: np.ndarray,
) -> dict[str, Budget]:
    """{quantity: Budget} of outputs {name: (n, t, *x)} at `times`; nothing of problems that name no quantities.

    Quantities are of the modes that the equation's products leave exact: what a prediction has beyond them is not seen.
    """
    if not isinstance(problem, Semilinear):
        return {}
    own, own_rates = _watched(problem, instances, pred, times)
    of_ref, ref_rates = _watched(problem, instances, ref, times)
    out = {}
    for name, values in own.items():
        size = _size(name, of_ref[name], ref)
        defect = floor = None
        if name in own_rates:
            defect = budget_defect(values, own_rates[name], times, size)
            floor = budget_defect(of_ref[name], ref_rates[name], times, size)
        with np.errstate(invalid="ignore"):
            out[name] = Budget(relative_to_size(np.abs(values - of_ref[name]), size), defect, floor)
    return out


def _size(name: str, quantity: np.ndarray, ref: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n,) largest |Q| of the reference; of "mean u", which may be zero, the root mean square of u."""
    output = name.removeprefix("mean ")
    if name == output or output not in ref:
        return np.abs(quantity).max(axis=1)
    square = np.asarray(ref[output], dtype=np.float64) ** 2
    return np.sqrt(square.mean(axis=tuple(range(1, square.ndim))))


def _watched(
    problem: Semilinear, instances: Instances, values: Mapping[str, np.ndarray], times: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """({quantity: (n, t)}, {quantity: its rate (n, t)})."""
    space = problem.space(instances.grid)
    u = np.stack([np.asarray(values[spec.name], dtype=np.float64) for spec in problem.outputs], axis=2)
    quantities: dict[str, list[np.ndarray]] = {}
    rates: dict[str, list[np.ndarray]] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for k, t in enumerate(times):
            v = space.forward(u[:, k])
            own = problem.bind(instances, like=v)
            for into, found in (
                (quantities, own.quantities(v, float(t), space)),
                (rates, own.rates(v, float(t), space)),
            ):
                for name, array in found.items():
                    into.setdefault(name, []).append(np.asarray(array, dtype=np.float64))
    joined = [{k: np.stack(v, axis=1) for k, v in found.items()} for found in (quantities, rates)]
    return joined[0], joined[1]


def _joined(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else None


def _median(table: np.ndarray) -> np.ndarray:
    """(t,) by rank, failures last."""
    return np.quantile(table, 0.5, axis=0, method="higher")
