import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from pdekit.errors import BadInput, FormatError, StorageError
from pdekit.models.bundle import read_bundle, write_bundle

dtypes = st.sampled_from([np.float32, np.float64, np.complex64, np.int64, np.uint8])
arrays = st.dictionaries(
    st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=12),
    dtypes.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))),
    max_size=4,
)


@given(arrays=arrays, facts=st.text(max_size=50))
def test_round_trip_keeps_every_bit_and_shape(tmp_path_factory, arrays, facts):
    path = tmp_path_factory.mktemp("bundle") / "b.safetensors"
    write_bundle(path, arrays, facts)
    back, text = read_bundle(path)
    assert text == facts
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_a_transposed_array_keeps_its_values(tmp_path):
    array = np.arange(6.0).reshape(2, 3).T
    write_bundle(tmp_path / "b", {"a": array}, "")
    np.testing.assert_array_equal(read_bundle(tmp_path / "b")[0]["a"], array)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_a_pickle_is_refused_and_never_loaded(tmp_path):
    path = tmp_path / "best.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FormatError, match=r"not a checkpoint of pdekit[\s\S]*pickled checkpoints are never loaded"):
        read_bundle(path)


@pytest.mark.parametrize("content", [b"", b"short", struct.pack("<Q", 2**40) + b"{}"])
def test_garbage_is_refused(tmp_path, content):
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(FormatError, match="not a checkpoint"):
        read_bundle(tmp_path / "b")


def test_a_truncated_bundle_is_refused(tmp_path):
    write_bundle(tmp_path / "b", {"a": np.zeros(100)}, "{}")
    whole = (tmp_path / "b").read_bytes()
    (tmp_path / "b").write_bytes(whole[:-8])
    with pytest.raises(FormatError, match="not a checkpoint"):
        read_bundle(tmp_path / "b")


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    save_file({"a": np.zeros(2)}, tmp_path / "b")
    with pytest.raises(FormatError, match="not one of pdekit"):
        read_bundle(tmp_path / "b")


def test_a_missing_bundle_says_what_to_do(tmp_path):
    with pytest.raises(BadInput, match=r"no weights[\s\S]*--resume"):
        read_bundle(tmp_path / "b")


def test_a_failed_write_leaves_nothing(tmp_path):
    (tmp_path / "b").mkdir()  # a folder under the final name: the rename fails
    with pytest.raises(StorageError, match="cannot be written"):
        write_bundle(tmp_path / "b", {"a": np.zeros(2)}, "{}")
    assert [p.name for p in tmp_path.iterdir()] == ["b"]
