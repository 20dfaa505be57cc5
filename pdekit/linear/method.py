"""What `solve` asks of a method: set up once for an operator, run for each right-hand side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Solution


@runtime_checkable
class Method(Protocol):
    """One way to solve A x = b. To add one: a file with such a class, and one line in `METHODS` of `methods.py`.

    Besides, a class may say, by attributes that are looked for by name:
    refuses         arguments of `solve` that it cannot honour, of "x0", "callback"; none by default
    takes_precond   True: the class is built with the preconditioner that was asked for, cls(precond)
    demands         "symmetric": entries that say otherwise are refused before any step; "definite": that, and an operator
                    whose diagonal says otherwise is answered INDEFINITE_OPERATOR without a set-up; else nothing
    note            after `setup`: a sentence where something else than asked was taken
    """

    name: str

    def setup(self, operator: Any, system: System | None = None) -> Method:
        """Do what depends on A only, and return self. system: A with its null space and what is declared of it."""
        ...

    def run(
        self,
        system: System,
        *,
        stop: Stop,
        x0: np.ndarray | None = None,
        project_rhs: bool = False,
        callback: Callable[[int, float], None] | None = None,
    ) -> Solution:
        """Solve one system. Nothing that the numbers do raises: it is a Status."""
        ...
