"""Files that may come from anywhere: nothing in them is followed, loaded or run; the refusal names what it found."""

import shutil
from contextlib import suppress

import h5py
import numpy as np
import pytest

from pdekit.data.read import open_dataset, open_file
from pdekit.errors import FormatError


def external_link(file, folder):
    file["train/extra"] = h5py.ExternalLink(str(folder / "secret.h5"), "/data")
    return "an external link to", "secret.h5"


def external_split(file, folder):
    file["stolen"] = h5py.ExternalLink("/etc/passwd", "/")
    return "an external link to", "/etc/passwd"


def soft_link(file, folder):
    file["train/extra"] = h5py.SoftLink("/test/pressure")
    return "a soft link to", "/test/pressure"


def hidden_soft_link(file, folder):
    file.create_group("train/deep/er")["loop"] = h5py.SoftLink("/train")
    return "a soft link to", "/train/deep/er/loop"


def virtual(file, folder):
    with h5py.File(folder / "secret.h5", "w") as other:
        other["data"] = np.ones((7, 16, 16))
    layout = h5py.VirtualLayout((7, 16, 16), "f8")
    layout[...] = h5py.VirtualSource(str(folder / "secret.h5"), "data", (7, 16, 16))
    file["train"].create_virtual_dataset("extra", layout)
    return "a virtual data set", "secret.h5"


def raw_elsewhere(file, folder):
    (folder / "secret.bin").write_bytes(bytes(7 * 8))
    file["train"].create_dataset("extra", (7,), "f8", external=[(str(folder / "secret.bin"), 0, h5py.h5f.UNLIMITED)])
    return "raw data outside the file", "secret.bin"


def object_reference(file, folder):
    file["train"].create_dataset("extra", data=np.array([file["test"].ref] * 7, dtype=h5py.ref_dtype))
    return "object references", "/train/extra"


def region_reference(file, folder):
    reference = file["test/pressure"].regionref[0:1]
    file["train"].create_dataset("extra", data=np.array([reference] * 7, dtype=h5py.regionref_dtype))
    return "object references", "/train/extra"


def reference_attribute(file, folder):
    file["train"].attrs.create("see", file["test"].ref, dtype=h5py.ref_dtype)
    return "object references", "/train@see"


def opaque(file, folder):
    file["train"].create_dataset("extra", data=np.zeros(7, dtype="V16"))
    return "values of type", "/train/extra"


def unknown_filter(file, folder):
    import hdf5plugin

    file["train"].create_dataset("extra", data=np.zeros((7, 16)), chunks=(1, 16), **hdf5plugin.Blosc())
    return "filter 32001", "gzip, shuffle, fletcher32, lzf, zstd, lz4"


def named_type(file, folder):
    file["train/extra"] = np.dtype("f8")
    return "a named data type", "/train/extra"


def deep_groups(file, folder):
    file.create_group("train/" + "/".join("abcdefghijk"))
    return "nests groups deeper than 8", "/train/a/b"


TRICKS = [external_link, external_split, soft_link, hidden_soft_link, virtual, raw_elsewhere, object_reference,
          region_reference, reference_attribute, opaque, unknown_filter, named_type, deep_groups]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS, ids=lambda t: t.__name__)
@pytest.mark.parametrize("opener", [open_file, open_dataset])
def test_a_trick_is_refused_and_named(clean, tmp_path, trick, opener):
    path = shutil.copy(clean, tmp_path / "bad.h5")
    with h5py.File(path, "r+") as file:
        found, place = trick(file, tmp_path)
    with pytest.raises(FormatError) as caught:
        opener(path)
    assert found in str(caught.value)
    assert place in str(caught.value)


def test_a_loop_of_hard_links_ends(clean, tmp_path):
    path = shutil.copy(clean, tmp_path / "bad.h5")
    with h5py.File(path, "r+") as file:
        file["train/self"] = file["train"]
    with pytest.raises(FormatError, match="a second name of an object"):
        open_file(path)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_metadata_is_an_error_and_never_a_crash(clean, tmp_path, seed):
    """Random bytes over random places of the file's first kilobytes, where HDF5 keeps its structure."""
    rng = np.random.default_rng(seed)
    content = bytearray(clean.read_bytes())
    for place in rng.integers(8, 6000, size=40):
        content[place] = int(rng.integers(256))
    path = tmp_path / "bad.h5"
    path.write_bytes(content)
    with suppress(FormatError):  # some damage lies where nothing is stored
        open_file(path).close()
