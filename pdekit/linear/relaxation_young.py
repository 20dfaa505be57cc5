"""Young's omega: what makes SOR converge fastest on consistently ordered matrices.

    omega = 2 / (1 + sqrt(1 - beta^2)),   beta = the largest eigenvalue of 1 - D^-1 A                        (1)

Source: Young 1954, doi:10.1090/S0002-9947-1954-0059635-7. The smallest eigenvalue of D^-1 A, 1 - beta, comes from the
Lanczos process that CG with the diagonal as preconditioner is: no dense eigenvalue problem, no inverse.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.cg import cg
from pdekit.linear.preconditioners import Jacobi
from pdekit.linear.stop import Stop
from pdekit.linear.system import System, operator_size
from pdekit.solution import Status
from pdekit.space.stencils import StencilOperator

RTOL = 1e-8  # of CG: the Ritz value is then true to about its square
SINGULAR = 1e-12  # of D^-1 A's smallest eigenvalue: rounding, not an eigenvalue
UPWARD = 1e-3  # of 2 - omega that omega is moved up: left of the optimum the rate is steep, right of it flat


def young_omega(operator: Any, nullspace: Any = None) -> float:
    """(1), rounded up by a thousandth of its distance from 2; in (1, 2).

    Exact theory for 5- and 7-point operators, periodic axes of even length included; for others with no positive entry
    beside the diagonal a good value, and beta still is the spectral radius of 1 - D^-1 A. Singular A: of the part that A
    sees; a matrix does not say that it is singular: `nullspace`, as in `System`, does. Raises BadInput where A is not
    positive definite, is singular to rounding without saying so, or is not known entry by entry.
    """
    size = operator_size(operator)
    shape = operator.shape if isinstance(operator, StencilOperator) else (size,)
    b = np.random.default_rng(0).normal(size=shape)
    system = System(operator, b, nullspace)
    jacobi = Jacobi().setup(operator)
    if system.singular:
        system.project(b)
        system = System(operator, b, nullspace)
    solution = cg(system, stop=Stop(rtol=RTOL), precond=jacobi)
    if solution.status in (Status.INDEFINITE_OPERATOR, Status.INDEFINITE_PRECONDITIONER, Status.NONFINITE_INPUT):
        raise BadInput.of("Young's omega needs a positive definite operator.", found=solution.status.sentence)
    spectrum = solution.info["spectrum"]
    smallest = 1.0 if spectrum is None else min(spectrum[0], 1.0)  # one step: A is a multiple of its diagonal
    if smallest < SINGULAR:
        raise BadInput.of(
            "Young's omega needs a positive definite operator.",
            found=f"a smallest eigenvalue of D^-1 A of {smallest:.1e}: A is singular, or nearly so",
            hint='declare the null space, nullspace="constant"',
        )
    beta = 1.0 - smallest
    omega = 2.0 / (1.0 + math.sqrt(1.0 - beta**2))
    return 2.0 - (2.0 - omega) * (1.0 - UPWARD)
