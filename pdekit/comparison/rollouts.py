"""What a roll-out did, frame by frame: gathered block by block of samples, and as the figures that are shown.

One class for `evaluate` and for `compare`. Only scored frames come in; see `frames`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from pdekit.comparison.budgets import Budget, budgets
from pdekit.comparison.frames import Frames
from pdekit.comparison.plan import TimeScale
from pdekit.metrics import pointwise
from pdekit.metrics.correlation_time import (
    THRESHOLDS,
    Lasting,
    correlation_curve,
    correlation_time,
    in_frames,
    lasting,
)
from pdekit.metrics.distribution import value_distance
from pdekit.metrics.reduce import as_numpy, summarise
from pdekit.metrics.rollout import QUANTILES, Curve, curve, geometric_mean, per_frame, stable
from pdekit.metrics.spectral import energy_spectrum, last_shell, spectrum_distance
from pdekit.problems.semilinear import Semilinear
from pdekit.solver import Instances
from pdekit.space.grid import Grid

BLOCK = 64  # samples in one block, at most
VALUES = 2**23  # of trajectories in one block, at most


@dataclass(frozen=True)
class Rollout:
    """n trajectories (of one solver, one member), t scored frames, c outputs.

    error        (n, t) relative L2, mean over outputs
    correlation  (n, t, c)
    stable       (n, t) bool
    spectrum, reference_spectrum   (t, c, s) sums over the samples that are finite at that frame, of both alike
    finite       (t,) how many those are
    last         last shell that the data resolve
    distance     (n, c) Wasserstein-1 distance of the values taken over space and the settled frames, in units of the output
    spread       (n, c) standard deviation of the reference's values over the same
    budgets      {quantity: Budget}; empty where the problem names none
    """

    error: np.ndarray
    correlation: np.ndarray
    stable: np.ndarray
    spectrum: np.ndarray
    reference_spectrum: np.ndarray
    finite: np.ndarray
    last: int
    distance: np.ndarray
    spread: np.ndarray
    budgets: Mapping[str, Budget]

    @classmethod
    def of(cls, pred: np.ndarray, ref: np.ndarray, grid: Grid, settled: slice = slice(None)) -> Rollout:
        """From values (n, t, *x, c) on the scored frames, of which `settled` are those of a long run's statistics."""
        late = ref[:, settled]
        good = np.isfinite(pred).all(axis=tuple(range(2, pred.ndim)), keepdims=True)
        both = [energy_spectrum(np.where(good, u, 0.0), grid).sum(axis=0) for u in (pred, ref)]
        return cls(
            error=per_frame(pointwise.relative_l2(pred, ref, grid)),
            correlation=correlation_curve(pred, ref, grid),
            stable=stable(pred, ref, grid),
            spectrum=as_numpy(both[0]),
            reference_spectrum=as_numpy(both[1]),
            finite=good.reshape(good.shape[:2]).sum(axis=0),
            last=last_shell(grid),
            distance=as_numpy(value_distance(pred[:, settled], late, grid))[:, 0],
            spread=late.std(axis=tuple(range(1, late.ndim - 1))),
            budgets={},
        )

    @classmethod
    def joined(cls, parts: Sequence[Rollout]) -> Rollout:
        """Blocks of samples as one; or members, each on the same samples: spectra are then means over both."""
        return cls(
            error=np.concatenate([p.error for p in parts]),
            correlation=np.concatenate([p.correlation for p in parts]),
            stable=np.concatenate([p.stable for p in parts]),
            spectrum=np.sum([p.spectrum for p in parts], axis=0),
            reference_spectrum=np.sum([p.reference_spectrum for p in parts], axis=0),
            finite=np.sum([p.finite for p in parts], axis=0),
            last=parts[0].last,
            distance=np.concatenate([p.distance for p in parts]),
            spread=np.concatenate([p.spread for p in parts]),
            budgets={name: Budget.joined([p.budgets[name] for p in parts]) for name in parts[0].budgets},
        )

    @property
    def distance_in_spreads(self) -> np.ndarray:
        """(n, c) distance of the values over the reference's standard deviation; NaN where that is zero."""
        return np.divide(self.distance, self.spread, out=np.full_like(self.distance, math.nan), where=self.spread > 0)

    @property
    def curve(self) -> Curve:
        """Errors per frame, with their spread over samples."""
        return curve(self.error)

    @property
    def share(self) -> np.ndarray:
        """(t,) share of trajectories that are stable until each frame."""
        return self.stable.mean(axis=0)

    def spectra(self) -> tuple[np.ndarray, np.ndarray]:
        """(E_pred, E_ref) (t, c, s), means over the samples that are finite; NaN where none is."""
        count = np.where(self.finite > 0, self.finite, np.nan)[:, None, None]
        return self.spectrum / count, self.reference_spectrum / count

    def spectrum_error(self, grid: Grid) -> np.ndarray:
        """(t,) log-spectrum distance per frame, mean over outputs, in decades; +inf where a sample is not finite."""
        pred, ref = self.spectra()
        whole = self.finite == len(self.error)
        out = np.full(len(whole), math.inf)
        if whole.any():
            out[whole] = np.nanmean(spectrum_distance(pred[whole], ref[whole], grid, last=self.last), axis=-1)
        return out

    def times(self, lead: np.ndarray, threshold: float) -> np.ndarray:
        """(n,) correlation time of each trajectory: of the output that is lost first.

        NaN where one is not defined and no other is lost within the data: it may have been the first.
        """
        tau = correlation_time(self.correlation, lead, threshold)
        first = np.where(np.isnan(tau), math.inf, tau).min(axis=1)
        return np.where(np.isinf(first) & np.isnan(tau).any(axis=1), math.nan, first)


def rolled_out(
    problem: Any, instances: Instances, pair: tuple[np.ndarray, np.ndarray], outputs: Sequence[str], frames: Frames
) -> Rollout:
    """The roll-out of a block, answer and truth (n, t, *x, c) on the scored frames, with what the problem watches."""
    own, ref = ({name: array[..., c] for c, name in enumerate(outputs)} for array in pair)
    watched = budgets(problem, instances, own, ref, frames.times[frames.given :])
    found = Rollout.of(*pair, instances.grid, frames.late)
    return replace(found, budgets=watched, last=_last_kept(problem, instances.grid))


def _last_kept(problem: Any, grid: Grid) -> int:
    """S, less what the products of the equation would alias: pseudo-spectral data hold nothing there."""
    last = last_shell(grid)
    if not isinstance(problem, Semilinear):
        return last
    return int(last * min(2 * k / n for k, n in zip(problem.space(grid).kept, grid.points, strict=True)))


def block_of(values: int, *, timed: bool) -> int:
    """Samples that are answered and scored together, of `values` numbers each."""
    return max(1, min(BLOCK, VALUES // max(values, 1))) if timed else BLOCK


def geometric(rollouts: Sequence[Rollout]) -> float:
    """Mean over members of each one's geometric mean over frames: members are rows of their own, errors means over samples."""
    return float(np.mean([geometric_mean(r.error) for r in rollouts]))


def lastings(rollouts: Sequence[Rollout], lead: np.ndarray, weights: np.ndarray | None) -> list[Lasting]:
    """Correlation times at all thresholds, lower first; over several members each sample's median."""
    out = []
    for threshold in THRESHOLDS:
        if len(rollouts) == 1:  # the median of one would be the same, save that numpy's warns of NaN
            tau = rollouts[0].times(lead, threshold)
        else:
            tau = np.median([r.times(lead, threshold) for r in rollouts], axis=0)
        out.append(lasting(tau, threshold, float(lead[-1]), weights))
    return out


def facts_of(
    rollout: Rollout,
    frames: Frames,
    grid: Grid,
    outputs: Sequence[str],
    weights: np.ndarray | None,
    scale: TimeScale | None = None,
) -> dict[str, Any]:
    """Everything that a roll-out says, as plain values for JSON.

    weights   of a bootstrap over samples, for the intervals of the correlation times
    """
    found, distance = rollout.curve, rollout.spectrum_error(grid)
    times = lastings([rollout], frames.lead, weights)
    pred, ref = rollout.spectra()
    share = rollout.share
    return {
        "time": frames.times[frames.given :],
        "lead": frames.lead,
        "time_unit": frames.unit,
        "given_frames": frames.given,
        "outputs": list(outputs),
        "relative_l2": {
            "mean": found.mean,
            "quantiles": {f"{q:g}": row for q, row in zip(QUANTILES, found.quantiles, strict=True)},
            "n_failed": found.n_failed,
            "n_degenerate": found.n_degenerate,
        },
        "geometric_mean": geometric_mean(rollout.error),
        "correlation": {name: _middle(rollout.correlation[..., c]) for c, name in enumerate(outputs)},
        "correlation_times": [
            {**asdict(one), **({} if scale is None else {"scale_name": scale.name, "scale": scale.value})}
            for one in times
        ],
        "correlation_times_in_frames": [asdict(in_frames(one, frames.lead)) for one in times],
        "stable_share": share,
        "log_spectrum_distance": distance,
        "last_spectrum": {name: {"solver": pred[-1, c], "truth": ref[-1, c]} for c, name in enumerate(outputs)},
        "value_distance": {
            "from": float(frames.times[frames.given :][frames.late][0]),
            "outputs": {
                name: {
                    "mean": summarise(rollout.distance[:, c]).mean,
                    "mean_in_spreads": _mean_defined(rollout.distance_in_spreads[:, c]),
                    "n_failed": int(np.isinf(rollout.distance[:, c]).sum()),
                }
                for c, name in enumerate(outputs)
            },
        },
        "budgets": {name: budget.facts() for name, budget in rollout.budgets.items()},
    }


def _mean_defined(values: np.ndarray) -> float:
    """Mean over the finite ones, NaN where there is none."""
    return summarise(values).mean


def _middle(corr: np.ndarray) -> np.ndarray:
    """(t,) median over the samples that are defined."""
    out = np.full(corr.shape[1], math.nan)
    for t, column in enumerate(corr.T):
        kept = column[~np.isnan(column)]
        if kept.size:
            out[t] = np.quantile(kept, 0.5, method="lower")
    return out
