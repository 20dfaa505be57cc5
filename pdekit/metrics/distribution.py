"""How far apart the values are that two fields take, wherever and whenever they take them: for runs too long to follow."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, device
from jaxtyping import Float

from pdekit.metrics.fields import Field, by_samples, mark_failures, weights_of
from pdekit.space.grid import Grid


def value_distance(pred: Field, ref: Field, grid: Grid) -> Float[Any, "n 1 c"]:
    """Wasserstein-1 distance of the distributions of values over space and all times given, in units of the field.

    W_1 = integral of |F_pred(v) - F_ref(v)| dv with F the share of the box and of the frames where the value lies below v, by
    the quadrature weights of the grid: exact, no bins. Blind to where and when: show it beside an error. For statistics of
    long runs give the frames after the transient.
    """

    def compute(xp: Any, p: Any, r: Any) -> tuple[Any, ...]:
        n, t, c = p.shape[0], p.shape[1], p.shape[-1]
        weight = xp.broadcast_to(weights_of(xp, p, grid) / t, (t, *grid.points, 1))
        weight = xp.reshape(weight, (-1,))
        signed = xp.concat((weight, -weight))
        values = xp.concat((xp.reshape(p, (n, -1, c)), xp.reshape(r, (n, -1, c))), axis=1)
        order = xp.argsort(values, axis=1, stable=True)
        values = xp.take_along_axis(values, order, axis=1)
        difference = xp.cumulative_sum(xp.take(signed, xp.reshape(order, (-1,)), axis=0).reshape(order.shape), axis=1)
        steps = values[:, 1:, :] - values[:, :-1, :]
        return (xp.sum(xp.abs(difference[:, :-1, :]) * steps, axis=1)[:, None, :],)

    finite, distance = by_samples(compute, pred, ref, grid, growth=6)
    xp = array_namespace(distance)
    return mark_failures(xp.asarray(distance, device=device(distance)), xp.all(finite, axis=1, keepdims=True))
