"""What rounding may do to stored fields, and the norms that such things are measured in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

NOISE = 4.0  # units of rounding in a disturbed start
FLOOR = 1e-12  # of the field: what float64 loses on the way


def rounding_of(stored: np.ndarray) -> float:
    """Unit round-off of the type that values are stored in; 0 for integers."""
    return float(np.finfo(stored.dtype).eps) / 2 if stored.dtype.kind == "f" else 0.0


def disturbed(fields: Mapping[str, np.ndarray], eps: float) -> dict[str, np.ndarray]:
    """The fields in float64, every value NOISE units of rounding larger or smaller, at random but always alike."""
    rng = np.random.default_rng(0)
    wide = {name: np.asarray(u, dtype=np.float64) for name, u in fields.items()}
    return {name: u * (1 + NOISE * eps * rng.choice([-1.0, 1.0], size=u.shape)) for name, u in wide.items()}


def norm(u: np.ndarray) -> np.ndarray:
    """(n,) 2-norm of each sample."""
    return np.linalg.norm(np.asarray(u, dtype=np.float64).reshape(len(u), -1), axis=1)


def ratio(found: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """found / bound; NaN counts as a violation, nothing over nothing does not."""
    tiny = np.finfo(np.float64).tiny
    with np.errstate(over="ignore", invalid="ignore"):
        out = found / (bound + tiny)
    return np.where(np.isfinite(out), out, np.inf)
