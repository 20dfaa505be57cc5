"""How the memory of a step comes and goes."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def keep_freed_memory() -> None:
    """Let arrays of a step be made of memory that was used before, once in a process.

    glibc gives blocks above a threshold back to the system when they are freed, and every page of the next one costs a fault:
    a third of a right-hand side at 256^2. Freeing one block of nearly 32 MiB, never touched, raises that threshold to its size.
    """
    np.empty(31 * 2**20, np.uint8)
