"""Looks for NaN and infinity in a foreign data set before anything is written: blown-up runs survive in published files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pdekit.data.formats.foreign import Foreign
from pdekit.data.formats.lazy import blocks, picked
from pdekit.errors import FormatError


def sound(foreign: Foreign, *, drop: bool, where: str) -> Foreign:
    """The data set itself where all values are finite; without the bad samples where `drop`, which is noted.

    Raises FormatError that names the samples where there are bad ones and `drop` is False, or where none is left.
    """
    splits, notes = {}, []
    for split, arrays in foreign.splits.items():
        bad = _bad_samples(arrays)
        if not bad.any():
            splits[split] = arrays
            continue
        numbers = np.flatnonzero(bad)
        text = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
        notes.append(f"{split}: {len(numbers)} of {len(bad)} samples ({text})")
        splits[split] = {name: picked(array, np.flatnonzero(~bad)) for name, array in arrays.items()}
    if not notes:
        return foreign
    left = all(len(a) for arrays in splits.values() for a in arrays.values())
    if not drop or not left:
        raise FormatError.of(
            f"{where!r} holds samples that are not finite" + ("." if left else ", and a split would have no others."),
            found="; ".join(notes),
            hint="--set nonfinite=drop leaves them out" if left else "",
        )
    return replace(foreign, splits=splits, attributes={**foreign.attributes, "dropped_nonfinite": "; ".join(notes)})


def _bad_samples(arrays: dict[str, Any]) -> np.ndarray:
    """(n,) bool, read in blocks."""
    n = len(next(iter(arrays.values())))
    bad = np.zeros(n, dtype=bool)
    for array in arrays.values():
        if np.dtype(array.dtype).kind != "f":
            continue
        size = np.dtype(array.dtype).itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
        for part in blocks(len(array), size):
            values = np.asarray(array[part])
            bad[part] |= ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return bad
