"""Reading: by sample, in any order; damage is an error that names its place; xarray sees the same values."""

import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdekit.data.read import open_dataset, open_file, read_instances
from pdekit.errors import BadInput, FormatError
from pdekit.space.grid import Grid


@given(st.lists(st.integers(-7, 6), max_size=12), st.slices(7), st.lists(st.booleans(), min_size=7, max_size=7))
def test_any_index_reads_what_numpy_would(clean, chosen, part, mask):
    with open_file(clean) as file:
        whole = file.read("train", "pressure")
        for index in (chosen, np.array(chosen, dtype=int), part):
            expected = whole[np.asarray(index, dtype=int)] if not isinstance(index, slice) else whole[index]
            assert np.array_equal(file.read("train", "pressure", index), expected)
        rows = np.flatnonzero(mask)
        assert np.array_equal(file.read("train", "pressure", np.array(mask)), whole[np.array(mask)])
        assert np.array_equal(file.record("train", rows)["sample_seed"], file.record("train")["sample_seed"][rows])


@pytest.mark.parametrize("index", [[7], [-8], [0, 99], np.ones(6, dtype=bool)])
def test_a_sample_that_does_not_exist_is_refused(clean, index):
    with open_file(clean) as file, pytest.raises(BadInput, match="a sample does not exist") as caught:
        file.read("train", "pressure", index)
    assert "0 to 6" in str(caught.value)


def test_instances_hold_the_inputs_and_outputs_the_answers(clean):
    problem, instances, outputs = read_instances(clean, "test", 2)
    assert problem is not None
    assert problem.name == "darcy"
    assert (len(instances), set(instances.fields), set(outputs)) == (2, {"permeability", "source"}, {"pressure"})
    assert instances.grid == Grid.make([16, 16], 1.0, boundary="dirichlet", unit="m")
    assert outputs["pressure"].shape == (2, 16, 16)
    with pytest.raises(BadInput, match="number of samples"):
        read_instances(clean, "test", 0)


def test_names_that_are_not_there_get_the_nearest_one(clean):
    with open_file(clean) as file:
        with pytest.raises(BadInput, match="did you mean 'train'"):
            file.size("trian")
        with pytest.raises(BadInput, match="did you mean 'pressure'"):
            file.read("train", "presure")


def test_a_field_without_statistics_says_so(clean, tmp_path):
    path = change(clean, tmp_path, lambda f: f["train/pressure"].attrs.__delitem__("std"))
    with open_file(path) as file, pytest.raises(FormatError, match="holds no statistics of 'pressure'"):
        file.statistics("pressure")


def test_xarray_sees_the_same_values(clean):
    tree = open_dataset(clean)
    with open_file(clean) as file:
        assert set(tree.children) == set(file.splits)
        for split in file.splits:
            assert np.array_equal(tree[split]["pressure"].values, file.read(split, "pressure"))
            assert tree[split]["pressure"].dims == ("sample", "x", "y")
    tree.close()


def change(clean, tmp_path, edit):
    path = shutil.copy(clean, tmp_path / "changed.h5")
    with h5py.File(path, "r+") as raw:
        edit(raw)
    return path


FORMS = {
    "no format": (lambda f: f.attrs.__delitem__("pdekit_format"), "is HDF5 but not a pdekit file"),
    "version": (lambda f: f.attrs.__setitem__("pdekit_format", 2), "pdekit_format 2"),
    "no split": (lambda f: [f.__delitem__(k) for k in list(f)], "holds no split"),
    "role": (lambda f: f["train/pressure"].attrs.__setitem__("role", "ouput"), "has no role that is known"),
    "no axis": (lambda f: f["train"].create_dataset("c", data=1.0), "has no sample axis"),
    "samples": (lambda f: f["train"].create_dataset("c", data=np.ones(3)).attrs.__setitem__("role", "input"), "[3, 7]"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_file_of_another_form_is_refused_when_opened(clean, tmp_path, case):
    edit, text = FORMS[case]
    path = change(clean, tmp_path, edit)
    with pytest.raises(FormatError) as caught:
        open_file(path)
    assert text in str(caught.value)


def test_coordinates_that_are_no_grid_are_refused(clean, tmp_path):
    def stretch(file):
        file["train/x"][...] = file["train/x"][...] ** 2

    with open_file(change(clean, tmp_path, stretch)) as file, pytest.raises(FormatError) as caught:
        file.grid("train")
    assert "coordinate x is not that of a cell grid" in str(caught.value)


def flip(path, split="train", name="pressure", sample=4, byte=100):
    """Flip one bit of a stored chunk, in the raw file."""
    with h5py.File(path) as file:
        data = file[split][name]
        place = data.id.get_chunk_info_by_coord((sample, *(0,) * (data.ndim - 1)))
    with open(path, "r+b") as raw:
        raw.seek(place.byte_offset + byte)
        old = raw.read(1)[0]
        raw.seek(place.byte_offset + byte)
        raw.write(bytes([old ^ 4]))


def test_a_flipped_bit_is_an_error_that_names_the_variable(clean, tmp_path):
    path = shutil.copy(clean, tmp_path / "a.h5")
    flip(path)
    with open_file(path) as file:
        file.read("train", "pressure", slice(0, 4))
        with pytest.raises(FormatError, match="stored values are damaged") as caught:
            file.read("train", "pressure")
    assert "/train/pressure" in str(caught.value)
    assert "pdekit check" in str(caught.value)


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(clean, tmp_path, keep):
    content = clean.read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(FormatError, match=r"is truncated|is not an HDF5 file|damaged HDF5 file"):
        open_file(path)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "note.txt").write_text("hello, this is text")
    with pytest.raises(FormatError, match=r"is not an HDF5 file") as caught:
        open_file(tmp_path / "note.txt")
    assert "b'hello, t'" in str(caught.value)
    with pytest.raises(BadInput, match="there is no file"):
        open_file(tmp_path / "none.h5")
    with pytest.raises(BadInput, match="is not a file"):
        open_file(tmp_path)


def test_links_to_links_are_not_walked_for_ever(tmp_path):
    """Six levels of thirty hard links to one group would be 729 million groups."""
    with h5py.File(tmp_path / "dag.h5", "w") as file:
        file.attrs["pdekit_format"] = 1
        below = file.create_group("leaf")
        for level in range(6):
            group = file.create_group(f"level{level}")
            for k in range(30):
                group[f"link{k}"] = below
            below = group
    with pytest.raises(FormatError, match="a second name of an object"):
        open_file(tmp_path / "dag.h5")


def test_a_small_file_cannot_claim_a_terabyte(tmp_path):
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.attrs["pdekit_format"] = 1
        data = file.create_dataset("train/u", shape=(10**9, 16, 16), dtype="f4", chunks=(1, 16, 16))
        data.attrs["role"] = "input"
    with pytest.raises(FormatError, match="claims values that it does not hold"):
        open_file(tmp_path / "empty.h5")
