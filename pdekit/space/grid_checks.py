"""What `Grid.make` is given: one entry or one per axis or face, laid out by axis, and refused where it cannot be used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pdekit.errors import BadInput, unknown_name

AXES = ("x", "y", "z")
KINDS = ("periodic", "dirichlet", "neumann", "robin")


def dimension(points: object, length: object) -> int:
    """Number of axes that `points` and `length` describe together."""
    sizes = {len(v) for v in (points, length) if isinstance(v, Sequence) and not isinstance(v, str)}
    if not sizes:
        sizes = {1}
    if len(sizes) > 1 or not sizes <= {1, 2, 3}:
        raise BadInput.of(
            "points and length do not describe a box in 1 to 3 dimensions.",
            found=f"points = {points}, length = {length}",
            allowed="1 to 3 entries each, the same number in both, or one number for all axes",
        )
    return sizes.pop()


def per_axis(value: object, dim: int) -> tuple:
    """One entry per axis."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    return (value,) * dim


def by_face(name: str, value: object, dim: int, default: object) -> tuple:
    """(low, high) per axis; `name` is what messages call the argument."""
    if not isinstance(value, Mapping):
        return ((value, value),) * dim
    names = [f"{a}_{s}" for a in AXES[:dim] for s in ("low", "high")]
    for key in value:
        if key not in names:
            raise unknown_name(f"face in {name}", str(key), names)
    pairs = [tuple(value.get(f"{a}_{s}", default) for s in ("low", "high")) for a in AXES[:dim]]
    return tuple(tuple(tuple(v) if isinstance(v, list) else v for v in pair) for pair in pairs)


def check_sizes(points: tuple, length: tuple) -> None:
    """Points are integers >= 2, lengths finite and > 0. Raises BadInput."""
    for axis, value in zip(AXES, points, strict=False):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 2:
            raise BadInput.of(f"points along {axis} cannot be used.", found=repr(value), allowed="an integer >= 2")
    for axis, value in zip(AXES, length, strict=False):
        if not _number(value) or value <= 0:
            raise BadInput.of(f"length along {axis} cannot be used.", found=repr(value), allowed="a number > 0")


def check_kinds(kinds: tuple) -> None:
    """Known types, and both faces of an axis periodic or neither. Raises BadInput."""
    for axis, pair in zip(AXES, kinds, strict=False):
        for side, kind in zip(("low", "high"), pair, strict=True):
            if kind not in KINDS:
                raise unknown_name(f"boundary type (face {axis}_{side})", str(kind), KINDS)
        if (pair[0] == "periodic") != (pair[1] == "periodic"):
            raise BadInput.of(
                f"axis {axis} is periodic on one face only.",
                found=f"{axis}_low = {pair[0]!r}, {axis}_high = {pair[1]!r}",
                allowed="both faces of an axis periodic, or neither",
            )


def check_values(values: tuple, kinds: tuple, given: object) -> tuple:
    """The values, 0 on periodic axes, where one number for all faces sets nothing. Raises BadInput.

    given   what the user wrote: a value named for a periodic face, or one number for a box without other faces, is refused
    """
    for axis, pair, of in zip(AXES, values, kinds, strict=False):
        for side, value, kind in zip(("low", "high"), pair, of, strict=True):
            if not _number(value):
                raise BadInput.of(
                    f"boundary value on face {axis}_{side} cannot be used.",
                    found=repr(value),
                    allowed="a finite number; a varying value is a field of the recipe, { law = ... }",
                )
            if kind == "periodic" and value != 0 and (isinstance(given, Mapping) or _all_periodic(kinds)):
                raise BadInput.of(
                    f"face {axis}_{side} is periodic and has no boundary value.",
                    found=f"boundary_value {value!r}",
                    allowed="values of dirichlet, neumann and robin faces",
                )
    return tuple((0.0, 0.0) if of[0] == "periodic" else pair for pair, of in zip(values, kinds, strict=True))


def _all_periodic(kinds: tuple) -> bool:
    return all(kind == "periodic" for pair in kinds for kind in pair)


def check_robin(pairs: tuple, kinds: tuple, given: Mapping) -> None:
    """Pairs are (alpha, beta) > 0 and named for robin faces only. Raises BadInput."""
    for axis, pair, of in zip(AXES, pairs, kinds, strict=False):
        for side, found, kind in zip(("low", "high"), pair, of, strict=True):
            whole = isinstance(found, tuple) and len(found) == 2 and all(_number(v) for v in found)
            if not whole or min(found) <= 0:
                raise BadInput.of(
                    f"the robin pair on face {axis}_{side} cannot be used.",
                    found=repr(found),
                    allowed="(alpha, beta), both finite and > 0 (alpha = 0 is neumann, beta = 0 is dirichlet)",
                )
            if f"{axis}_{side}" in given and kind != "robin":
                raise BadInput.of(
                    f"face {axis}_{side} has a robin pair and is not robin.",
                    found=f"boundary {kind!r}, robin {found!r}",
                    allowed="pairs of robin faces only",
                    hint=f'boundary = {{ {axis}_{side} = "robin" }}, or leave the pair out',
                )


def _number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)
