import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput, FormatError
from pdekit.models.bundle import read_bundle, write_bundle
from pdekit.models.channels import Channel
from pdekit.models.fno import FNO, TFNO, FNOConfig, TFNOConfig
from pdekit.models.mean import MeanField, MeanFieldConfig
from pdekit.models.pod import PODRidge, PODRidgeConfig
from pdekit.problems import PROBLEMS
from pdekit.solution import Status
from pdekit.solver import Instances, Solver
from pdekit.space.grid import Grid


@pytest.fixture(params=["fno", "tfno", "pod-ridge", "mean-field"])
def solver(request, channels, box, cases):
    torch.manual_seed(0)
    if request.param == "fno":
        return FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box)
    if request.param == "tfno":
        return TFNO(TFNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box)
    x = channels.encode(cases)
    blocks = lambda: [(x, 2 * x)]  # noqa: E731
    if request.param == "pod-ridge":
        solver = PODRidge(PODRidgeConfig(), channels, box)
    else:
        solver = MeanField(MeanFieldConfig(), channels, box)
    solver.fit(blocks, blocks)
    return solver


def saved(solver, folder):
    solver.save(folder / "best.safetensors")
    return type(solver).load(folder)


def test_save_and_load_give_equal_bits(solver, cases, tmp_path):
    (tmp_path / "run").mkdir()
    loaded = saved(solver, tmp_path / "run")
    before, after = solver.solve(cases), loaded.solve(cases)
    assert before.values["potential"].tobytes() == after.values["potential"].tobytes()
    assert loaded.facts() == solver.facts()
    assert loaded.name == "run"
    assert loaded.count() == solver.count()


def test_it_is_a_solver_and_claims_no_test(solver, cases):
    assert isinstance(solver, Solver)
    solution = solver.prepare(None).solve(cases)
    assert solution.status == [Status.EVALUATED] * 5
    assert solution.values["potential"].shape == (5, 16, 16)
    assert (solution.seconds > 0).all()
    assert not solution.failed.any()
    assert solution.require_converged() is solution


def test_the_answer_does_not_depend_on_the_batch(solver, cases):
    whole = solver.solve(cases).values["potential"]
    solver.batch = 2
    parts = solver.solve(cases)
    np.testing.assert_allclose(parts.values["potential"], whole, rtol=1e-5, atol=1e-5 * np.abs(whole).max())
    assert len(parts.status) == 5


def test_each_sample_is_answered_for_itself(solver, cases):
    whole = solver.solve(cases).values["potential"]
    turned = solver.solve(cases[np.array([3, 1])]).values["potential"]
    np.testing.assert_allclose(turned, whole[[3, 1]], rtol=1e-5, atol=1e-5 * np.abs(whole).max())


def test_scaling_is_part_of_the_answer(solver, cases):
    """What the network gives is multiplied by the scale of the channel and shifted."""
    x = solver.channels.encode(cases)
    expected = solver.predict(x, cases.grid)[:, 0] * 3.0
    np.testing.assert_allclose(solver.solve(cases).values["potential"], expected, rtol=1e-6)
    shifted = solver.channels.outputs[0].model_copy(update={"shift": 7.0})
    solver.channels = solver.channels.model_copy(update={"outputs": (shifted,)})
    np.testing.assert_allclose(solver.solve(cases).values["potential"], expected + 7.0, rtol=1e-6)


def test_nan_in_an_input_is_a_status_of_that_sample(solver, cases):
    field = cases.fields["source"].copy()
    field[2, 0, 0] = np.nan
    statuses = solver.solve(Instances(cases.grid, {"source": field})).status
    assert statuses == [Status.NONFINITE_INPUT if i == 2 else Status.EVALUATED for i in range(5)]


def test_nan_in_the_weights_is_a_status_not_a_number(solver, cases):
    solver.restore({k: np.full_like(v, np.nan) for k, v in solver.arrays().items()})
    assert solver.solve(cases).status == [Status.NONFINITE] * 5


def test_no_cases_give_no_answers(solver, cases):
    assert solver.solve(cases[0:0]).values["potential"].shape == (0, 16, 16)


@pytest.mark.parametrize("kind", [FNO, TFNO])
def test_networks_answer_on_other_resolutions(kind, channels, box):
    torch.manual_seed(0)
    solver = kind(kind.Config(n_modes=(8, 8), width=8, depth=2), channels, box)
    grid = replace(box, points=(32, 20))
    answer = solver.solve(Instances(grid, {"source": np.ones((2, 32, 20))}))
    assert answer.values["potential"].shape == (2, 32, 20)


@pytest.mark.parametrize(
    ("grid", "what"),
    [
        (Grid.make(16), "dim"),
        (Grid.make([16, 16], location="vertex"), "location"),
        (Grid.make([16, 16], 2.0), "length"),
        (Grid.make([16, 16], boundary="dirichlet"), "boundary"),
    ],
)
def test_another_kind_of_grid_is_refused(solver, grid, what):
    with pytest.raises(BadInput, match=rf"trained on a grid of another {what}[\s\S]*only the number of points"):
        solver.solve(Instances(grid, {"source": np.ones((1, *grid.points))}))


def test_another_problem_is_refused(channels, box):
    darcy = PROBLEMS["darcy"]()
    solver = FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box, darcy)
    assert solver.prepare(darcy) is solver

    class Other:
        name = "burgers"

    with pytest.raises(BadInput, match=r"cannot serve the problem 'burgers'[\s\S]*'darcy'"):
        solver.prepare(Other())


def test_other_parameters_of_the_problem_are_refused_unless_they_are_an_input(channels, box):
    kind, asked = PROBLEMS["darcy"], PROBLEMS["darcy"](face_mean="arithmetic")
    solver = FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box, kind(face_mean="harmonic"))
    with pytest.raises(BadInput, match=r"other parameters of 'darcy'[\s\S]*'arithmetic'[\s\S]*'harmonic'"):
        solver.prepare(asked)
    drawn = (*channels.inputs, Channel(name="face_mean", kind="parameter"))
    solver.channels = channels.model_copy(update={"inputs": drawn})
    assert solver.prepare(asked) is solver


def test_other_robin_coefficients_are_refused(channels):
    def grid(beta):
        kinds = {"x_low": "robin", "x_high": "dirichlet", "y_low": "dirichlet", "y_high": "dirichlet"}
        return Grid.make([16, 16], boundary=kinds, robin={"x_low": (1.0, beta)})

    solver = FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, grid(1.0))
    field = {"source": np.ones((1, 16, 16))}
    assert len(solver.solve(Instances(grid(1.0), field)).status) == 1
    with pytest.raises(BadInput, match="trained on a grid of another robin"):
        solver.solve(Instances(grid(2.0), field))


def test_a_bundle_of_another_version_is_refused(channels, box, tmp_path):
    solver = FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box)
    with pytest.raises(FormatError, match=r"form that this version does not read[\s\S]*format = 2[\s\S]*format = 1"):
        FNO.load(changed(solver, tmp_path, format=2))


def test_the_problem_comes_back_from_the_bundle(channels, box, tmp_path):
    darcy = PROBLEMS["darcy"](face_mean="arithmetic")
    loaded = saved(FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box, darcy), tmp_path)
    assert loaded.problem == darcy


def test_the_bundle_of_another_solver_is_refused(channels, box, tmp_path):
    FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box).save(tmp_path / "best.safetensors")
    with pytest.raises(FormatError, match=r"another solver than its card[\s\S]*fno:FNO"):
        TFNO.load(tmp_path)


def changed(solver, folder, arrays=None, **facts):
    path = folder / "best.safetensors"
    solver.save(path)
    old, text = read_bundle(path)
    write_bundle(path, old if arrays is None else arrays(old), json.dumps({**json.loads(text), **facts}))
    return folder


def test_a_damaged_header_is_refused(channels, box, tmp_path):
    solver = FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box)
    with pytest.raises(FormatError, match=r"header of .* cannot be understood"):
        FNO.load(changed(solver, tmp_path, channels=3))
    with pytest.raises(FormatError, match="no problem named 'drcy'"):
        FNO.load(changed(solver, tmp_path, problem="drcy"))
    with pytest.raises(FormatError, match=r"header of .* cannot be understood"):
        FNO.load(changed(solver, tmp_path, config={"n_modes": [0, 8]}))


def test_arrays_that_do_not_fit_are_refused(channels, box, tmp_path):
    solver = FNO(FNOConfig(n_modes=(8, 8), width=8, depth=2), channels, box)
    with pytest.raises(FormatError, match="do not fit their network"):
        FNO.load(changed(solver, tmp_path, arrays=lambda a: dict(list(a.items())[1:])))
    with pytest.raises(FormatError, match="do not fit their network"):
        FNO.load(changed(solver, tmp_path, config={"n_modes": [4, 4], "width": 8, "depth": 2}))
