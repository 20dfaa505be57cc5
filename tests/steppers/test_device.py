"""Where a batch is computed: refusals in words, and the same answers from tensors; on a GPU too where there is one."""

import math

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.problems.burgers import Burgers
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.device import placed
from pdekit.steppers.spectral import PseudoSpectral

GRID = Grid.make((64,), (2 * math.pi,), location="vertex", boundary="periodic")
CASES = Instances(
    GRID,
    {"initial": np.stack([np.sin(GRID.coordinates[0]), np.cos(2 * GRID.coordinates[0])])},
    {"nu": np.array([0.1, 0.2])},
    np.array([0.0, 0.1, 0.2]),
)


def answer(cases=CASES, **settings):
    return PseudoSpectral(dt=0.01, **settings).prepare(Burgers()).solve(cases).values["u"]


def test_a_device_or_precision_that_does_not_exist_is_refused():
    with pytest.raises(BadInput, match="there is no device named 'gpu'"):
        PseudoSpectral(dt=0.1, device="gpu")
    with pytest.raises(BadInput, match="there is no precision named 'half'"):
        PseudoSpectral(dt=0.1, precision="half")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_before_work():
    with pytest.raises(BadInput, match=r"(?s)torch finds no GPU on this machine.*use device = \"cpu\""):
        PseudoSpectral(dt=0.1, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_answers_as_the_cpu():
    there = answer(device="cuda")
    assert isinstance(there, np.ndarray)
    np.testing.assert_allclose(there, answer(), atol=1e-13)


def test_tensors_answer_as_arrays():
    tensors = Instances(GRID, {"initial": torch.from_numpy(CASES.fields["initial"])}, CASES.parameters, CASES.times)
    there = answer(tensors)
    assert isinstance(there, torch.Tensor)
    np.testing.assert_allclose(there.numpy(), answer(), atol=1e-13)


def test_single_precision_is_computed_in_single_precision():
    error = np.abs(answer(precision="float32") - answer()).max()
    assert 1e-9 < error < 1e-5


def test_fields_are_placed_in_the_precision_asked_for():
    assert placed(CASES, "cpu", "float32").fields["initial"].dtype == np.float32
    tensor = torch.zeros(1, 64)
    assert placed(Instances(GRID, {"initial": tensor}), "cpu", "float64").fields["initial"] is tensor
