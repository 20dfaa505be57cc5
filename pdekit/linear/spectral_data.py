"""What a spectral solve is told, as values at its nodes: numbers, functions of the coordinates, arrays that fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pdekit.errors import BadInput, unknown_name

Data = float | int | np.ndarray | Callable[..., Any]


def at_nodes(data: Data, nodes: Sequence[np.ndarray], what: str) -> np.ndarray:
    """float64 values on the tensor grid of nodes; a function is given one array per axis, in ij order, broadcastable.

    Raises BadInput on an array of another shape, or a function that gives one.
    """
    shape = tuple(x.size for x in nodes)
    mesh = np.meshgrid(*nodes, indexing="ij", sparse=True)
    raw = np.asarray(data(*mesh) if callable(data) else data, dtype=np.float64)
    try:
        fits = np.broadcast_shapes(raw.shape, shape) == shape and (callable(data) or raw.shape in ((), shape))
    except ValueError:
        fits = False
    if not fits:
        raise BadInput.of(
            f"{what} of a spectral solve does not lie on its nodes.",
            found=f"shape {raw.shape}",
            allowed=f"a number, a function of {len(nodes)} coordinates, or values {shape} at `nodes`",
            hint="samples on a uniform grid do not determine it to spectral accuracy: use fast-poisson or compact-poisson",
        )
    return np.broadcast_to(raw, shape).astype(np.float64)


def faces_at_nodes(
    faces: Mapping[str, Data], constants: Mapping[str, float], nodes: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """{face: values at the nodes of the other axes} for every face of `constants`, which serve where `faces` names none.

    Raises BadInput on faces that are not there and on values that do not fit.
    """
    for name in faces:
        if name not in constants:
            raise unknown_name("face", name, constants)
    others = {name: [x for k, x in enumerate(nodes) if k != "xyz".index(name[0])] for name in constants}
    return {name: at_nodes(faces.get(name, constants[name]), others[name], name) for name in constants}


def outer(factors: Sequence[np.ndarray]) -> np.ndarray:
    """Product over the axes: (n_0, n_1, ...) of vectors (n_k,)."""
    out = np.ones(())
    for factor in factors:
        out = np.multiply.outer(out, factor)
    return out
