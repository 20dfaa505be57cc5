"""Where a batch is computed: NumPy on the CPU, or torch tensors on a device, by the same code."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.solver import Instances

DEVICES = ("cpu", "cuda")
PRECISIONS = ("float64", "float32")


def check_device(device: str, precision: str) -> None:
    """Raise BadInput on a device that this machine lacks, or a precision that does not exist."""
    if device not in DEVICES:
        raise unknown_name("device", str(device), DEVICES)
    if precision not in PRECISIONS:
        raise unknown_name("precision", str(precision), PRECISIONS)
    if device == "cuda" and not _torch().cuda.is_available():
        raise BadInput.of("torch finds no GPU on this machine.", found='device = "cuda"', hint='use device = "cpu"')


def placed(instances: Instances, device: str, precision: str) -> Instances:
    """The same cases with their fields in that precision: NumPy arrays on the CPU, torch tensors elsewhere.

    Fields that are no NumPy arrays stay what and where they are.
    """
    return replace(instances, fields={name: _placed(u, device, precision) for name, u in instances.fields.items()})


def _placed(u: Any, device: str, precision: str) -> Any:
    if not isinstance(u, np.ndarray):
        return u
    u = np.asarray(u, dtype=precision)
    return u if device == "cpu" else _torch().from_numpy(u).to(device)


def _torch() -> Any:
    """torch, imported only where a device is asked for: this room does without it."""
    return importlib.import_module("torch")
