"""The one place where a .pt file is read or written. Only tensors, numbers and text: no code in a file is ever run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.errors import BadInput, FormatError


def read_tensors(path: Path) -> dict[str, Any]:
    """{name: array, number or text} of a saved dict. Raises BadInput where the file holds anything else."""
    import pickle

    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FormatError.of(
            f"{str(path)!r} holds Python objects, which may run code when they are loaded, and is not read.",
            found=str(error).splitlines()[-1] if "\n" not in str(error) else _cause(str(error)),
            allowed="a dict of tensors, numbers and text",
            hint="its author can save it anew: torch.save({'x': x, 'y': y}, path)",
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise FormatError.of(
            f"{str(path)!r} is damaged, or no file of torch.save.", found=str(error).partition("\n")[0]
        ) from None
    if not isinstance(content, dict) or not all(isinstance(k, str) for k in content):
        raise FormatError.of(
            f"{str(path)!r} is not a dict of tensors.", found=type(content).__name__, allowed="{'x': ..., 'y': ...}"
        )
    return {name: _value(name, value, path) for name, value in content.items()}


def _cause(text: str) -> str:
    """The line of torch's long message that names what was refused."""
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if "GLOBAL" in line or "Unsupported" in line), lines[0])[:200]


def _value(name: str, value: Any, path: Path) -> Any:
    import torch

    if isinstance(value, str | int | float):
        return value
    if isinstance(value, torch.Tensor) and value.layout is torch.strided and not value.is_complex():
        if value.dtype in (torch.bfloat16, torch.float16):
            value = value.float()
        return value.numpy()
    kind = f"{value.layout}, {value.dtype}" if isinstance(value, torch.Tensor) else type(value).__name__
    raise FormatError.of(
        f"{str(path)!r}, entry {name!r}, cannot be used.", found=kind, allowed="dense tensors of real numbers, text"
    )


def write_tensors(path: Path, content: Mapping[str, np.ndarray | str]) -> None:
    """Save arrays and text as neuraloperator reads them; tensors own their storage. Raises BadInput."""
    import torch

    out: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, np.ndarray) and value.dtype.kind not in "fiub":
            raise BadInput.of(f"variable {name!r} cannot be a tensor.", found=str(value.dtype))
        out[name] = torch.from_numpy(np.ascontiguousarray(value)).clone() if isinstance(value, np.ndarray) else value
    torch.save(out, path)
