import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import Categorical, Ordered, Product, grid


def test_the_grid_of_the_source_has_steps_of_a_twentieth():
    values = [arm["omega"] for arm in grid("omega", 1.0, 1.95).arms]
    np.testing.assert_allclose(values, 1.0 + 0.05 * np.arange(20), rtol=1e-14)


def test_the_rule_of_the_cube_root_gives_21_arms_for_5000_rounds():
    assert len(grid("omega", 1.0, 1.9, None, rounds=5000)) == 21
    assert len(grid("omega", 1.0, 1.9, None, rounds=4)) == 2  # 8^(1/3) is 2, also in floating point


def test_a_logarithmic_grid_has_equal_ratios_and_evenly_spaced_coordinates():
    space = grid("drop", 1e-6, 1e-2, 5, scale="log")
    np.testing.assert_allclose([arm["drop"] for arm in space.arms], [1e-6, 1e-5, 1e-4, 1e-3, 1e-2], rtol=1e-12)
    np.testing.assert_allclose(space.coordinates[:, 0], [0, 0.25, 0.5, 0.75, 1], atol=1e-12)


def test_a_product_holds_every_combination_the_last_varying_fastest():
    space = Product((Categorical("smoother", ("jacobi", "sor")), Ordered("omega", (1.0, 1.5, 1.9))))
    assert len(space) == 6
    assert space.arms[1] == {"smoother": "jacobi", "omega": 1.5}
    assert space.index({"omega": 1.0, "smoother": "sor"}) == 3
    far = np.linalg.norm(space.coordinates[:, None] - space.coordinates[None], axis=-1)
    assert far[0, 3] == pytest.approx(1.0)  # another category, same omega
    assert far[0, 2] == pytest.approx(1.0)  # the ends of a range
    assert far[0, 5] == pytest.approx(np.sqrt(2.0))


@pytest.mark.parametrize("values", [(), (1.0, 1.0), (2.0, 1.0), (1.0, float("nan"))])
def test_values_that_are_no_grid_are_refused(values):
    with pytest.raises(BadInput, match="the values are no grid") as caught:
        Ordered("omega", values)
    assert "strictly increasing" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: grid("omega", 1.9, 1.0), "no grid can be made"),
        (lambda: grid("omega", 1.0, 1.9, None), "arms None and rounds >= 1"),
        (lambda: grid("drop", 0.0, 1.0, scale="log"), "a logarithmic grid is positive"),
        (lambda: Ordered("drop", (0.0, 1.0), "log"), "a logarithmic grid is positive"),
        (lambda: Ordered("drop", (0.0, 1.0), "cubic"), "unknown scale"),
        (lambda: Categorical("kind", ("a", "a")), "the values are no categories"),
        (lambda: Product((grid("w", 1.0, 2.0), grid("w", 1.0, 2.0))), "different names"),
        (lambda: grid("w", 1.0, 2.0).index({"w": 1.01}), "no arm has these parameters"),
    ],
)
def test_wrong_spaces_are_refused(make, message):
    with pytest.raises(BadInput, match=message):
        make()
