"""`last.safetensors`: everything that the next epoch depends on, so that a run goes on to the same bits."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pdekit.errors import FormatError
from pdekit.models.bundle import read_bundle, write_bundle


@dataclass
class State:
    """Where a run stands after an epoch; the learning rate is a function of `step`."""

    epoch: int = 0  # epochs done
    step: int = 0  # steps done
    best_epoch: int = 0  # 0 = none yet
    best_value: float = float("inf")
    seconds: float = 0.0  # of all parts of the run


def save_state(path: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write weights, the optimiser's moments, the generators of torch, NumPy and Python, and `state`."""
    arrays = {f"network.{k}": _numpy(v) for k, v in network.state_dict().items()}
    for i, moments in optimizer.state_dict()["state"].items():
        arrays |= {f"optimizer.{i}.{k}": _numpy(v) for k, v in moments.items()}
    generators, facts = _generators()
    write_bundle(path, {**arrays, **generators}, json.dumps({"state": asdict(state), "generators": facts}))


def load_state(path: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> State:
    """Take all of that back. Raises FormatError where it does not fit the network."""
    arrays, text = read_bundle(path)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    try:
        facts = json.loads(text)
        network.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("network.")}, strict=True)
        moments: dict[int, dict[str, Any]] = {}
        for name in (k for k in tensors if k.startswith("optimizer.")):
            _, i, key = name.split(".")
            moments.setdefault(int(i), {})[key] = tensors[name]
        optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
        _set_generators(tensors, facts["generators"])
        return State(**facts["state"])
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise FormatError.of(
            f"{str(path)!r} does not fit this run.", found=str(error), hint="train anew into another folder"
        ) from None


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """All global generators set from `seed` inside, and the caller's put back behind."""
    arrays, facts = _generators()
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - other libraries may draw from the global one
    try:
        yield
    finally:
        _set_generators({k: torch.from_numpy(v) for k, v in arrays.items()}, facts)


def _generators() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    version, words, gauss = random.getstate()
    arrays = {
        "generator.torch": torch.get_rng_state().numpy(),
        "generator.numpy": np.asarray(keys),
        "generator.python": np.array(words, dtype=np.int64),
    }
    if torch.cuda.is_initialized():
        arrays["generator.cuda"] = torch.cuda.get_rng_state().numpy()
    return arrays, {"numpy": [name, *rest], "python": [version, gauss]}


def _set_generators(tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    torch.set_rng_state(tensors["generator.torch"])
    if "generator.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["generator.cuda"])
    name, *rest = facts["numpy"]
    np.random.set_state((name, tensors["generator.numpy"].numpy(), *rest))  # noqa: NPY002
    version, gauss = facts["python"]
    random.setstate((version, tuple(tensors["generator.python"].tolist()), gauss))


def _numpy(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if torch.is_tensor(value) else np.asarray(value)
