"""Time integrators for u_t = L u + N(u, t), L diagonal in coefficient space. STEPPERS = {name: class}."""

from pdekit.steppers.etdab import ETDAB4
from pdekit.steppers.etdrk import ETDRK2, ETDRK4
from pdekit.steppers.exact import Exact
from pdekit.steppers.imex_rk import ARS222, ARS443, CNRK4, CNEuler, CNHeun
from pdekit.steppers.integrating_factor import IFRK4
from pdekit.steppers.multistep import CNAB2, SBDF2, SBDF3, SBDF4, VariableCNAB2, VariableSBDF2
from pdekit.steppers.runge_kutta import BS32, DP54, RK4
from pdekit.steppers.splitting import Lie, Strang
from pdekit.steppers.stepper import Stepper

_ALL: tuple[type[Stepper], ...] = (
    *(Exact, ETDRK2, ETDRK4, ETDAB4, IFRK4, ARS222, ARS443, CNEuler, CNHeun, CNRK4),
    *(CNAB2, SBDF2, SBDF3, SBDF4, VariableCNAB2, VariableSBDF2, Lie, Strang, RK4, BS32, DP54),
)
STEPPERS = {stepper.name: stepper for stepper in _ALL}

__all__ = ["STEPPERS", "Stepper"]
