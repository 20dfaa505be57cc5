"""Generate PDE data sets with classical solvers, train learned solvers on them, compare the two honestly.

The functions below load their room when first used, so that `import pdekit` is quick and does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pdekit.api import compare as compare
    from pdekit.api import evaluate as evaluate
    from pdekit.api import generate as generate
    from pdekit.api import load_solver as load_solver
    from pdekit.api import open_dataset as open_dataset
    from pdekit.api import read_instances as read_instances
    from pdekit.api import train as train
    from pdekit.api import write_dataset as write_dataset

__all__ = [
    "__version__",
    "compare",
    "evaluate",
    "generate",
    "load_solver",
    "open_dataset",
    "read_instances",
    "train",
    "write_dataset",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("pdekit.api"), name)
    raise AttributeError(f"module 'pdekit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
