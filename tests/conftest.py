"""Runs every test with pdekit's annotations switched on: shapes by jaxtyping, types by beartype.

`make bench` sets PDEKIT_UNCHECKED: what is timed is what users run.
"""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import hypothesis
from jaxtyping import install_import_hook

ROOT = Path(__file__).parent.parent


def _checked_modules() -> list[str]:
    """All modules of pdekit but numba's kernels, which must reach the compiler undecorated."""
    paths = (ROOT / "pdekit").rglob("*.py")
    return [
        ".".join(p.relative_to(ROOT).with_suffix("").parts)
        for p in paths
        if p.stem != "__init__" and "kernels" not in p.stem
    ]


if "PDEKIT_UNCHECKED" not in os.environ:
    install_import_hook(_checked_modules(), "beartype.beartype")
hypothesis.settings.register_profile("pdekit", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("pdekit")
