"""The heat study at its published size: 26 x 26 vertices, 5000 steps of 1e-3, totals of SSOR-CG iterations to 1e-8.

Known: the totals of our specification, whose first 2000 steps were counted apart; both within a percent.
"""

from functools import cache

import numpy as np
import pytest

from pdekit.linear.implicit import CrankNicolson
from pdekit.problems.heat import Heat
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import bump

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
FIXED = {1.0: (13092, 32793), 1.3: (11863, 29746), 1.5: (12908, 32318), 1.75: (17902, 44866), 1.95: (None, 63071)}
SEEDS = 5


@cache
def costs(omega=None, policy=None, seed=0, method="pcg-ssor"):
    """(5000,) iterations of each step."""
    grid = Grid.make([26, 26], 1.0, location="vertex", boundary="dirichlet")
    one = Instances(grid, {"initial": bump(grid, [0.5, 0.5], 0.25)[None]}, {}, np.array([0.0, 5.0]))
    tuner = None if policy is None else {"policy": policy, "seed": seed}
    solution = CrankNicolson(dt=1e-3, method=method, omega=omega, tuner=tuner).prepare(Heat()).solve(one)
    return solution.require_converged().info["telemetry"]["step_iterations"][0]


@pytest.mark.parametrize("omega", FIXED)
def test_totals_of_a_fixed_omega(omega):
    early, all_steps = FIXED[omega]
    found = costs(omega)
    assert found.sum() == pytest.approx(all_steps, rel=0.01)
    if early is not None:
        assert found[:2000].sum() == pytest.approx(early, rel=0.01)


def test_totals_of_plain_cg():
    found = costs(method="cg")
    assert (found[:2000].sum(), found.sum()) == (pytest.approx(34134, rel=0.01), pytest.approx(85422, rel=0.01))


def test_chebcb_is_as_good_as_the_best_of_five_chosen_anew_for_each_step():
    """At most 1.03 of it was asked; found 0.96, Surface 0.95, and Tsallis-INF, which is told no context, 1.18."""
    best = np.min([costs(omega) for omega in FIXED], axis=0).sum()
    ratios = {
        p: [costs(policy=p, seed=s).sum() / best for s in range(SEEDS)] for p in ("chebcb", "surface", "tsallis-inf")
    }
    print(
        f"\nper-step best {best}; "
        + ", ".join(f"{p} {np.mean(r):.3f} ({min(r):.3f} to {max(r):.3f})" for p, r in ratios.items())
    )
    assert max(ratios["chebcb"]) <= 1.03
    assert max(ratios["surface"]) <= 1.0
    assert 1.1 < np.mean(ratios["tsallis-inf"]) < 1.25
