"""The file, rule by rule: hashes recomputed literally, chunks, checksums, filters, coordinates, attributes."""

import hashlib

import h5py
import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pdekit.data.checksum_kernels import fletcher32
from pdekit.data.chunks import chunks
from pdekit.data.format import Variable, sample_hashes
from pdekit.data.generate import generate
from pdekit.data.layout import COMPRESSION

FIELDS = ("permeability", "pressure", "source")  # in name order
FILTERS = {"none": [3], "gzip": [2, 1, 3], "lzf": [2, 32000, 3], "zstd": [2, 32015, 3], "lz4": [2, 32004, 3]}


def test_hashes_are_those_of_the_rules(clean):
    """sample_hash: xxh3_64 of the stored bytes in name order; content_hash: SHA-256 over them, split by split."""
    whole = hashlib.sha256()
    with h5py.File(clean) as file:
        for split in ("train", "valid", "test", "test_contrast"):
            stored = file[split]["sample_hash"][...]
            for i, value in enumerate(stored):
                content = b"".join(file[split][name][i].astype("<f4").tobytes() for name in FIELDS)
                assert xxhash.xxh3_64(content).intdigest() == int(value)
            whole.update(stored.astype("<u8").tobytes())
        assert file.attrs["content_hash"] == whole.hexdigest()


def test_hashes_do_not_depend_on_memory_order_or_bytes_of_the_machine():
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    expected = [xxhash.xxh3_64(row.tobytes()).intdigest() for row in a.astype("<f4")]
    for same in (a, np.asfortranarray(a), a.astype(">f4"), a[:, :, ::-1][:, :, ::-1]):
        assert sample_hashes({"a": same}).tolist() == expected


@pytest.mark.parametrize("compression", list(COMPRESSION))
def test_one_sample_a_chunk_checksummed_and_filtered_as_asked(recipe_path, tmp_path, clean, compression):
    path = generate(recipe_path, tmp_path / "a.h5", overrides={"storage.compression": compression})
    with h5py.File(path) as file, h5py.File(clean) as plain:
        for split in ("train", "test_contrast"):
            for name in FIELDS:
                data = file[split][name]
                assert data.chunks == (1, 16, 16)
                assert data.dtype == np.float32
                properties = data.id.get_create_plist()
                codes = [properties.get_filter(k)[0] for k in range(properties.get_nfilters())]
                assert codes == FILTERS[compression]
                assert np.array_equal(data[...], plain[split][name][...])  # read through HDF5's own filters
        assert file.attrs["content_hash"] == plain.attrs["content_hash"]


def test_a_sample_above_16_mib_is_chunked_by_stored_time():
    small = Variable("u", ("time", "x"), (4, 2**20), "f4", "output")
    large = Variable("u", ("time", "x"), (5, 2**20), "f4", "output")
    steady = Variable("u", ("x",), (5 * 2**20,), "f4", "output")
    assert (small.chunk, large.chunk, steady.chunk) == ((4, 2**20), (1, 2**20), (5 * 2**20,))


@pytest.mark.parametrize("compression", list(COMPRESSION))
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_chunks_are_the_bytes_that_the_library_writes(monkeypatch, compression, dtype):
    monkeypatch.setattr("pdekit.data.format.SNAPSHOT_LIMIT", 100)
    values = np.random.default_rng(0).standard_normal((3, 4, 5, 3)).astype(dtype)
    variable = Variable("u", ("time", "x", "y"), (4, 5, 3), dtype, "output")
    assert variable.chunk == (1, 5, 3)
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("u", data=values, chunks=(1, 1, 5, 3), fletcher32=True, **COMPRESSION[compression])
        made = list(chunks(variable, values, compression))
        assert len(made) == data.id.get_num_chunks() == 12
        for chunk in made:
            assert (chunk.mask, b"".join(chunk.pieces)) == data.id.read_direct_chunk(chunk.place)


@given(st.binary(min_size=2, max_size=3000), st.sampled_from([b"", b"\xff" * 4096, b"\x00" * 4096]))
def test_the_checksum_is_that_of_the_library(content, head):
    content = (head + content)[: (len(head) + len(content)) // 2 * 2]
    values = np.frombuffer(content, dtype="<u2")
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("v", data=values, chunks=values.shape, fletcher32=True)
        stored = data.id.read_direct_chunk((0,))[1]
    assert int(fletcher32(values)).to_bytes(4, "little") == stored[-4:]


def test_dimensions_coordinates_units_and_roles(clean):
    with h5py.File(clean) as file:
        group = file["train"]
        assert [group["pressure"].dims[k][0].name for k in range(3)] == ["/train/sample", "/train/x", "/train/y"]
        assert np.array_equal(group["x"][...], (np.arange(16) + 0.5) / 16)
        x = dict(group["x"].attrs)
        assert (x["units"], x["location"], x["boundary_low"], x["length"]) == ("m", "cell", "dirichlet", 1.0)
        assert (group["pressure"].attrs["units"], group["pressure"].attrs["role"]) == ("Pa", "output")
        assert group["permeability"].attrs["role"] == "input"
        assert "role" not in group["solver_residual"].attrs
        flags = dict(
            zip(
                group["solver_status"].attrs["flag_values"],
                group["solver_status"].attrs["flag_meanings"].split(),
                strict=True,
            )
        )
        assert flags[0] == "converged"
        assert {n: group[n].dtype.str for n in ("solver_status", "solver_steps", "sample_seed", "sample_hash")} == {
            "solver_status": "|u1", "solver_steps": "<i4", "sample_seed": "<u8", "sample_hash": "<u8",
        }  # fmt: skip
        facts = dict(file.attrs)
        assert (facts["Conventions"], facts["pdekit_format"], facts["seed"]) == ("CF-1.11", 1, 7)
        assert hashlib.sha256(facts["recipe"].encode()).hexdigest() == facts["recipe_sha256"]
        assert "numpy " in facts["software"]
