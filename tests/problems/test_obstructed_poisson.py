"""Poisson around obstacles: the singular corner of an L, smooth cases, fluid that nothing holds, moving masks, refusals."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.solvers import CG, PCGAMG, Direct, PCGFastPoisson, PCGMultigrid
from pdekit.problems import ObstructedPoisson, Poisson
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.obstacles import l_shape

WALLS = ("dirichlet", "neumann")


def solved(problem, instances, solver=None):
    solver = solver or PCGAMG(rtol=1e-11)
    return solver.prepare(problem).solve(instances).require_converged().values["potential"]


def errors(problem, kind, grids):
    worst, mean = [], []
    for grid in grids:
        instances, u = getattr(problem, kind)(grid)
        difference = solved(problem, instances) - u
        fluid = instances.fields["solid"] == 0
        worst.append(np.abs(difference).max())
        mean.append(np.sqrt((difference[fluid] ** 2).mean()))
    return np.array(worst), np.array(mean)


def order(errors):
    return np.log2(errors[:-1] / errors[1:])


@pytest.mark.parametrize("wall", WALLS)
def test_the_corner_of_an_l_has_order_four_thirds(wall):
    """r^(2/3): 4/3 in the mean, 2/3 in the largest error, which sits in the cells around the corner. 16 to 256 cells a side;
    measured 1.29, 1.31, 1.32, 1.33 and 0.63, 0.65, 0.66, 0.66."""
    grids = [Grid.make((n, n), (1.0, 1.0), boundary="dirichlet") for n in (16, 32, 64, 128, 256)]
    worst, mean = errors(ObstructedPoisson(wall=wall), "corner", grids)
    assert np.all((order(mean) > 1.27) & (order(mean) < 1.35)), order(mean)
    assert np.all((order(worst) > 0.62) & (order(worst) < 0.68)), order(worst)
    print(f"\nL-shape, {wall} walls: orders {order(mean).round(3)} in L2, {order(worst).round(3)} in the largest error")


@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "mixed"])
@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize("dim", [2, 3])
def test_smooth_around_a_corner_is_second_order(dim, wall, boundary):
    kinds = {"x_low": "neumann", "x_high": "dirichlet", "y_low": "dirichlet"} if boundary == "mixed" else boundary
    sizes = (16, 32, 64, 128) if dim == 2 else (8, 16, 32)
    grids = [Grid.make((n,) * dim, (1.0, 0.8, 1.3)[:dim], boundary=kinds) for n in sizes]
    worst, mean = errors(ObstructedPoisson(wall=wall), "smooth", grids)
    assert np.all((order(mean)[dim - 2 :] > 1.9) & (order(mean)[dim - 2 :] < 2.1)), order(mean)
    assert worst[-1] < (1e-2 if dim == 3 else 1e-3)


def bodies(grid, n=2, seed=0):
    rng = np.random.default_rng(seed)
    law = {"law": "discs", "count": 3, "low": 0.1, "high": 0.2}
    gauss = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
    laws = {"source": {"law": "gaussian", "gauss": gauss}, "solid": law}
    drawn = [ObstructedPoisson().sample(grid, rng, laws) for _ in range(n)]
    return Instances(grid, {name: np.stack([case[name] for case in drawn]) for name in laws})


@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize("dim", [2, 3])
def test_every_method_finds_one_answer(wall, dim):
    grid = Grid.make((16,) * dim, (1.0,) * dim, boundary={"y_low": "neumann"})
    problem, instances = ObstructedPoisson(wall=wall), bodies(grid)
    problem.check(instances)
    wanted = solved(problem, instances, Direct())
    assert problem.residual(instances, {"potential": wanted}).max() < 1e-12
    assert (wanted[instances.fields["solid"] == 1] == 0).all()
    for solver in (CG(), PCGMultigrid(), PCGAMG(), PCGFastPoisson()):
        got = solved(problem, instances, solver)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
        assert (got[instances.fields["solid"] == 1] == 0).all()
    wrong = wanted.copy()
    inside = tuple(np.argwhere(instances.fields["solid"][0] == 1)[0])
    wrong[(0, *inside)] = 1e-3
    assert problem.residual(instances, {"potential": wrong})[0] > 1e-5  # obstacles hold 0, and that is looked at


def test_without_obstacles_it_is_poisson():
    grid = Grid.make((8, 9), (1.0, 0.7), boundary={"x_low": "robin", "y_high": "neumann"}, boundary_value=0.3)
    instances = bodies(grid, 1)
    instances.fields["solid"][:] = 0.0
    plain = Instances(grid, {"source": instances.fields["source"]})
    np.testing.assert_allclose(
        solved(ObstructedPoisson(), instances, Direct()), solved(Poisson(), plain, Direct()), rtol=1e-11
    )


@pytest.mark.parametrize("wall", WALLS)
def test_what_stands_inside_obstacles_does_not_matter(wall):
    grid = Grid.make((16, 16), (1.0, 1.0), boundary="dirichlet")
    instances = bodies(grid, 1)
    filled = {**instances.fields, "source": np.where(instances.fields["solid"] == 1, 1e6, instances.fields["source"])}
    one, two = (solved(ObstructedPoisson(wall=wall), i, Direct()) for i in (instances, Instances(grid, filled)))
    np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-15)


def test_a_wall_across_the_box_makes_two_problems():
    """Fluid on both sides of a solid layer: each half is the box of its own size."""
    grid = Grid.make((9, 6), (9.0, 6.0), boundary="dirichlet")
    solid = np.zeros((1, 9, 6))
    solid[:, 4] = 1
    source = np.random.default_rng(1).standard_normal((1, 9, 6))
    got = solved(ObstructedPoisson(), Instances(grid, {"source": source, "solid": solid}), Direct())
    half = Grid.make((4, 6), (4.0, 6.0), boundary="dirichlet")
    for part in (slice(0, 4), slice(5, 9)):
        own = solved(Poisson(), Instances(half, {"source": source[:, part]}), Direct())
        np.testing.assert_allclose(got[:, part], own, rtol=1e-11)


@pytest.mark.parametrize("kind", ["neumann", "periodic"])
@pytest.mark.parametrize("rooms", [1, 2])
def test_fluid_that_nothing_holds_has_mean_zero_in_every_part(kind, rooms):
    grid = Grid.make((16, 12), (1.0, 1.0), boundary=kind)
    solid = np.zeros((1, 16, 12))
    solid[:, 3:6, 2:7] = 1
    if rooms == 2:
        solid[:, 0], solid[:, 9] = 1, 1
    labels = np.zeros((16, 12), dtype=int)
    labels[10:] = 1 if rooms == 2 else 0
    source = np.random.default_rng(3).standard_normal((16, 12))
    for room in range(rooms):
        mine = (labels == room) & (solid[0] == 0)
        source[mine] -= source[mine].mean()
    problem, instances = ObstructedPoisson(wall="neumann"), Instances(grid, {"source": source[None], "solid": solid})
    assert problem.assemble(instances)[0].nullspace.shape == (192, rooms)
    for solver in (CG(rtol=1e-11), PCGAMG(rtol=1e-11)):
        solution = solver.prepare(problem).solve(instances).require_converged()
        got = solution.values["potential"]
        assert problem.residual(instances, solution.values)[0] < 1e-9
        for room in range(rooms):
            assert abs(got[0][(labels == room) & (solid[0] == 0)].mean()) < 1e-12
        assert np.abs(got).max() > 1e-3


def test_sources_that_nothing_balances_do_not_converge():
    grid = Grid.make((12, 12), (1.0, 1.0), boundary="neumann")
    solid = l_shape(grid)[None].astype(float)
    instances = Instances(grid, {"source": np.ones((1, 12, 12)), "solid": solid})
    for solver in (CG(max_steps=300), PCGAMG(max_steps=300), Direct()):
        assert solver.prepare(ObstructedPoisson(wall="neumann")).solve(instances).statuses[0].failed


def test_masks_move_to_other_grids_as_masks():
    grid = Grid.make((4, 8), (1.0, 2.0), boundary="dirichlet")
    solid = np.zeros((1, 4, 8))
    solid[:, 1:3, 2:7] = 1
    instances = Instances(grid, {"source": np.ones((1, 4, 8)), "solid": solid})
    fine = ObstructedPoisson().regrid(instances, 2)
    np.testing.assert_array_equal(fine.fields["solid"], solid.repeat(2, 1).repeat(2, 2))
    np.testing.assert_array_equal(ObstructedPoisson().regrid(fine, 0.5).fields["solid"], solid)
    coarse = ObstructedPoisson().regrid(instances, 0.5).fields["solid"]
    np.testing.assert_array_equal(coarse[0], [[0, 1, 1, 0], [0, 1, 1, 0]])  # half solid is solid, a quarter is not


def test_symmetries_move_the_obstacles_along():
    grid = Grid.make((12, 12), (1.0, 1.0), boundary="dirichlet")
    problem, instances = ObstructedPoisson(), bodies(grid, 1)
    u = solved(problem, instances, Direct())
    found = problem.symmetries(grid)
    assert len(found) == 8
    for symmetry in found:
        moved = Instances(grid, {k: np.ascontiguousarray(symmetry.apply(k, a)) for k, a in instances.fields.items()})
        np.testing.assert_allclose(solved(problem, moved, Direct()), symmetry.apply("potential", u), rtol=0, atol=1e-12)


GRID = Grid.make((6, 6), (1.0, 1.0), boundary="dirichlet")


@pytest.mark.parametrize(
    ("solid", "message"),
    [
        (
            np.full((1, 6, 6), 0.5),
            r"(?s)'solid' of problem 'obstructed-poisson' must hold 0 and 1 only.*found: 0.5 in sample 0",
        ),
        (np.ones((1, 6, 6)), r"(?s)'solid' .* leaves nothing to solve for.*1 everywhere in sample 0"),
        (None, r"(?s)needs the input field 'solid'"),
    ],
)
def test_masks_that_cannot_be(solid, message):
    fields = {"source": np.ones((1, 6, 6))} | ({} if solid is None else {"solid": solid})
    with pytest.raises(BadInput, match=message):
        ObstructedPoisson().check(Instances(GRID, fields))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ObstructedPoisson(wall="robin"), r"(?s)no wall of ObstructedPoisson named 'robin'"),
        (
            lambda: ObstructedPoisson().check_grid(Grid.make((5, 5), 1.0, location="vertex")),
            r"(?s)obstacles are made of cells.*found: location \"vertex\"",
        ),
        (
            lambda: ObstructedPoisson().smooth(Grid.make((5, 6), 1.0, boundary="dirichlet")),
            r"(?s)exact solutions of an L.*even",
        ),
        (lambda: ObstructedPoisson().smooth(Grid.make((6, 6), 1.0)), r"(?s)exact solutions of an L.*\"neumann\" faces"),
        (
            lambda: ObstructedPoisson().corner(Grid.make((6, 6), 1.0, boundary="neumann")),
            r"(?s)flat L with known values",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(BadInput, match=message):
        call()
