"""What a run folder says about itself: hashes, seed, versions, machine, seconds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from pdekit.errors import FormatError
from pdekit.files import write_json, write_text
from pdekit.metrics import machine as host

PACKAGES = ("pdekit", "torch", "neuraloperator", "lightning-fabric", "numpy", "safetensors", "h5py")


def versions() -> dict[str, str]:
    """Versions of Python and of what a run's numbers depend on."""
    return host.versions(PACKAGES)


def machine(device: torch.device, threads: int) -> dict[str, Any]:
    """The machine that a run's seconds belong to."""
    facts = {**host.machine(threads), "device": device.type}
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Facts of a run. Raises FormatError."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError.of(f"{str(path)!r} cannot be read as JSON.", found=str(error)) from None
    if not isinstance(facts, dict):
        raise FormatError.of(f"{str(path)!r} is not a record of a run.", found=type(facts).__name__)
    return facts


__all__ = ["machine", "read_json", "text_hash", "versions", "write_json", "write_text"]
