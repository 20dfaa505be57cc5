"""What a run folder says about itself: hashes, seed, versions, machine, seconds."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from pdekit.errors import FormatError, StorageError

PACKAGES = ("pdekit", "torch", "neuraloperator", "lightning-fabric", "numpy", "safetensors", "h5py")


def versions() -> dict[str, str]:
    """Versions of Python and of what a run's numbers depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine(device: torch.device, threads: int) -> dict[str, Any]:
    """The machine that a run's seconds belong to."""
    facts: dict[str, Any] = {
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": threads,
        "device": device.type,
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write under a temporary name, then rename. Raises StorageError."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, path)
    except OSError as error:
        raise StorageError.of(path, error) from None
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write facts as readable JSON."""
    write_text(path, json.dumps(facts, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Facts of a run. Raises FormatError."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError.of(f"{str(path)!r} cannot be read as JSON.", found=str(error)) from None
    if not isinstance(facts, dict):
        raise FormatError.of(f"{str(path)!r} is not a record of a run.", found=type(facts).__name__)
    return facts
