"""The probabilities of Tsallis-INF, compiled: p_i = 4 / (eta (L_i - x))^2 with the x < min L that makes their sum 1.

These p minimise p . L - (4 / eta) sum sqrt(p_i) over the simplex: Zimmert & Seldin 2021, JMLR 22(28), alg. 2 (theirs is a
Newton iteration that continues from the last round's x; continued or started anywhere else it may land on a pole, some
arm's L_i, where the sum is 1e16 and one arm is replayed without a sign of it).
"""

from __future__ import annotations

import numba
import numpy as np

STEPS = 200  # never reached: 6 to 12 are needed for up to 200 arms
SLACK = 1e-12


@numba.njit(cache=True)
def tsallis_weights(losses, eta):
    """(d,) p > 0 of sum 1, for finite losses (d,) and eta > 0.

    With u_i = eta (L_i - min L) / 2 and y = eta (min L - x) / 2 this is sum (u_i + y)^-2 = 1, y in [1, sqrt d]. At y = 1 the
    best arm alone has weight 1, so the sum is >= 1; it is convex and falls: Newton climbs from there to the root and never
    passes it. The shift by min L comes first, or a spread of 1e9 would cost nine digits.
    """
    least = losses.min()
    p = np.empty(losses.size)
    y = 1.0
    for _ in range(STEPS):
        total, slope = 0.0, 0.0
        for i in range(losses.size):
            root = 1.0 / (0.5 * eta * (losses[i] - least) + y)
            p[i] = root * root
            total += p[i]
            slope += p[i] * root
        if total - 1.0 <= SLACK:
            break
        y += 0.5 * (total - 1.0) / slope
    return p / p.sum()
