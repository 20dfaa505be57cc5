"""The bundle: arrays and one JSON text in a safetensors file. Nothing in it is code, and nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pdekit.errors import BadInput, FormatError, StorageError
from pdekit.files import whole

KEY = "pdekit"


def write_bundle(path: Path, arrays: Mapping[str, np.ndarray], facts: str) -> None:
    """Write arrays and a JSON text under a temporary name beside `path`, then rename. Raises StorageError."""
    try:
        with whole(path) as scratch:
            save_file({k: np.asarray(v, order="C") for k, v in arrays.items()}, scratch, metadata={KEY: facts})
    except SafetensorError as error:
        raise StorageError(f"{str(path)!r} cannot be written.\n  found: {error}") from None


def read_bundle(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """(arrays, JSON text) of a bundle. Raises BadInput where it is missing, FormatError where it is not one of ours."""
    if not path.is_file():
        raise BadInput.of(
            f"there are no weights at {str(path)!r}.", hint="the run has not finished an epoch: train it with --resume"
        )
    try:
        with safe_open(path, framework="numpy") as file:
            facts = (file.metadata() or {}).get(KEY)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise FormatError.of(
            f"{str(path)!r} is not a checkpoint of pdekit.",
            found=str(error),
            allowed="a safetensors file written by `pdekit train`; pickled checkpoints are never loaded",
        ) from None
    if facts is None:
        raise FormatError.of(
            f"{str(path)!r} is a safetensors file, but not one of pdekit.",
            found="no entry 'pdekit' in its header",
            hint="train the solver with `pdekit train`",
        )
    return arrays, facts
