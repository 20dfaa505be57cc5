"""What is taken from a file before training: symmetries, scaling, constant inputs, samples that are no solutions."""

import h5py
import numpy as np
import pytest

from pdekit.data.generate import generate
from pdekit.data.read import DataFile
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput
from pdekit.solution import Status
from pdekit.space.grid import Grid
from pdekit.training.source import read_source
from pdekit.training.train import check_trainable

GRID = Grid.make([8, 8])


def source_of(path, **overrides):
    card, _, tables = check_trainable("fno", {k.replace("__", "."): v for k, v in overrides.items()})
    return read_source(path, card, tables)


def written(folder, train, valid, roles):
    return write_dataset(folder / "d.h5", {"train": train, "valid": valid}, grid=GRID, roles=roles)


def noise(seed, n):
    return np.random.default_rng(seed).standard_normal((n, 8, 8)).astype(np.float32)


def test_a_constant_value_on_one_face_leaves_no_symmetry(tmp_path, darcy):
    """The value is no channel, since it never varies, and the grid holds 0 for a face with a law."""
    overrides = {
        "grid.points": [8, 8],
        "grid.boundary_value": {"x_low": {"law": "constant", "value": 1.0}},
        "splits.train": 3,
        "splits.valid": 2,
        "splits.test": 2,
        "reference_error.samples": 0,
    }
    path = generate("darcy-2d-small", tmp_path / "d.h5", overrides=overrides)
    source = source_of(path)
    assert "boundary_x_low" in source.channels.constants
    assert [s.name for s in source.symmetries] == ["identity"]
    assert len(source_of(darcy).symmetries) == 8


def test_rows_that_are_held_out_have_no_part_in_the_scaling(tmp_path):
    """Statistics are those of the rows trained on; an input that varies in the others alone is refused there."""
    a, u = noise(0, 150), noise(1, 150)
    a[130:] += 50
    u[130:] *= 50
    path = written(tmp_path, {"a": a, "u": u}, {"a": a[:2], "u": u[:2]}, {"a": "input", "u": "output"})
    source = source_of(path, training__hold_out=20)
    (x,), (y,) = source.channels.inputs, source.channels.outputs
    assert x.shift == pytest.approx(a[:130].astype(np.float64).mean(), rel=1e-9)
    assert x.scale == pytest.approx(a[:130].astype(np.float64).std(), rel=1e-9)
    assert y.scale == pytest.approx(np.sqrt((u[:130].astype(np.float64) ** 2).mean()), rel=1e-9)
    assert source_of(path).channels.inputs[0].scale > 10


def test_a_constant_that_varies_in_the_rows_held_out_is_refused(tmp_path):
    a, f = noise(0, 10), np.ones((10, 8, 8), dtype=np.float32)
    f[9] = 2
    fields = {"a": a, "f": f, "u": a}
    path = written(tmp_path, fields, fields, {"a": "input", "f": "input", "u": "output"})
    with pytest.raises(BadInput, match=r"'f' was 1 in every training sample[\s\S]*found: 2"):
        source_of(path, training__hold_out=2)


def test_a_constant_that_differs_in_the_selection_split_is_refused_before_training(tmp_path):
    a, f = noise(0, 70), np.ones((70, 8, 8), dtype=np.float32)
    other = f.copy()
    other[69, 3, 3] = 3
    roles = {"a": "input", "f": "input", "u": "output"}
    path = written(tmp_path, {"a": a, "f": f, "u": a}, {"a": a, "f": other, "u": a}, roles)
    with pytest.raises(BadInput, match=r"'f' was 1 in every training sample[\s\S]*found: 3"):
        source_of(path)


def test_constant_inputs_are_not_read_batch_by_batch(darcy, monkeypatch):
    source = source_of(darcy)
    assert list(source.channels.constants) == ["source"]
    real, seen = DataFile.read, []
    monkeypatch.setattr(
        DataFile, "read", lambda self, split, name, *r: (seen.append(name), real(self, split, name, *r))[1]
    )
    for part in (source.train, source.valid):
        x, _ = part[np.array([3, 1])]
        assert x.shape == (2, 1, 16, 16)
        part.close()
    assert sorted(set(seen)) == sorted(["permeability", source.channels.outputs[0].name])


@pytest.mark.parametrize(("split", "row"), [("train", 5), ("valid", 2)])
def test_samples_whose_solver_failed_are_refused(darcy, tmp_path, split, row):
    path = tmp_path / "kept.h5"
    path.write_bytes(darcy.read_bytes())
    for status, refused in ((Status.CONVERGED_ATOL, False), (Status.MAX_STEPS, True)):
        with h5py.File(path, "r+") as file:
            file[split]["solver_status"][row] = status.value
        if refused:
            with pytest.raises(
                BadInput, match=rf"1 of \d+ samples in split '{split}'[\s\S]*4 in sample {row}[\s\S]*drop"
            ):
                source_of(path)
        else:
            source_of(path)


def test_a_failed_sample_in_the_test_split_is_no_reason(darcy, tmp_path):
    path = tmp_path / "kept.h5"
    path.write_bytes(darcy.read_bytes())
    with h5py.File(path, "r+") as file:
        file["test"]["solver_status"][0] = Status.MAX_STEPS.value
    source_of(path)
