"""npz, npy and folders of them: mapped, not read; coordinates tell the grid; nothing is guessed that is not noted."""

import tracemalloc

import numpy as np
import pytest

from pdekit.data.formats import export_file, import_file
from pdekit.data.formats.npz import members
from pdekit.data.read import open_file
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput, FormatError
from pdekit.problems import PROBLEMS
from pdekit.space.grid import Grid


def test_stored_members_are_mapped_and_compressed_ones_read(tmp_path):
    arrays = {
        "a": np.arange(12.0).reshape(3, 4),
        "f": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "s": np.array(2.5),
    }
    np.savez(tmp_path / "plain.npz", **arrays)
    np.savez_compressed(tmp_path / "packed.npz", **arrays)
    for name, mapped in (("plain", True), ("packed", False)):
        found = members(tmp_path / f"{name}.npz")
        assert isinstance(found["a"], np.memmap) is mapped
        for key, array in arrays.items():
            assert np.array_equal(found[key], array)


def test_export_and_import_hold_a_small_part_in_memory(tmp_path):
    """64 MB of fields pass through; blocks are 32 MB and float32."""
    n, points = 256, (256, 256)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, *points)).astype(np.float32)

    class Repeated:
        shape, dtype = (n, *points), np.dtype("f4")

        def __getitem__(self, part):
            return (
                np.broadcast_to(values, (part.stop - part.start, *points))
                + np.arange(part.start, part.stop, dtype="f4")[:, None, None]
            )

    splits = {"train": {"source": Repeated(), "potential": Repeated()}}
    write_dataset(tmp_path / "a.h5", splits, grid=Grid.make(points, 1.0), problem=PROBLEMS["poisson"]())
    tracemalloc.start()
    export_file(tmp_path / "a.h5", "npz", tmp_path / "a.npz")
    exported = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    import_file(tmp_path / "a.npz", tmp_path / "b.h5")
    imported = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    whole = 2 * n * 4 * points[0] * points[1]
    assert exported < 0.8 * whole, exported / whole
    assert imported < 1.6 * whole, imported / whole  # moments are taken in float64, 32 MB at a time
    with open_file(tmp_path / "a.h5") as a, open_file(tmp_path / "b.h5") as b:
        assert a.content_hash == b.content_hash


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ((np.arange(8) + 0.5) / 4, Grid.make(8, 2.0, location="cell")),
        (np.arange(8) / 4, Grid.make(8, 2.0, location="vertex")),
    ],
)
def test_coordinates_tell_cells_from_vertices(tmp_path, x, expected):
    np.savez(tmp_path / "a.npz", x=x.astype(np.float32), u=np.zeros((3, 8)))
    with open_file(import_file(tmp_path / "a.npz", tmp_path / "a.h5", overrides={"roles.u": "output"})) as file:
        assert file.grid("train") == expected


def test_vertices_with_both_ends_have_a_shorter_box(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.linspace(0, 2, 9), u=np.zeros((3, 9)))
    said = {"roles.u": "output", "boundary": "dirichlet"}
    with open_file(import_file(tmp_path / "a.npz", tmp_path / "a.h5", overrides=said)) as file:
        assert file.grid("train") == Grid.make(9, 2.0, location="vertex", boundary="dirichlet")
    with pytest.raises(BadInput, match="the coordinates give 2 "):
        import_file(tmp_path / "a.npz", tmp_path / "b.h5", overrides={**said, "length": 3.0})


def test_splits_times_and_numbers(tmp_path):
    rng = np.random.default_rng(0)
    u = rng.normal(size=(4, 3, 5, 6))
    np.savez(
        tmp_path / "a.npz",
        **{"train/u": u, "test/u": u[:1], "train/nu": np.ones(4), "test/nu": np.ones(1), "time": [0.0, 0.1, 0.2]},
    )
    with open_file(
        import_file(tmp_path / "a.npz", tmp_path / "a.h5", overrides=["roles.u=output", "dtype=float64"])
    ) as file:
        assert file.splits == ("train", "test")
        assert np.array_equal(file.read("train", "u"), u)
        assert file.time("train").tolist() == [0.0, 0.1, 0.2]
        assert file.role("train", "nu") == "parameter"
        assert "coordinates" in file.attrs["unknown"]


def test_a_folder_of_npy(tmp_path):
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "source.npy", np.ones((2, 4, 4)))
    np.save(tmp_path / "in" / "potential.npy", np.ones((2, 4, 4)))
    with open_file(import_file(tmp_path / "in", tmp_path / "a.h5")) as file:
        assert (file.role("train", "source"), file.role("train", "potential")) == ("input", "output")


def test_roles_that_nobody_knows_are_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", level=np.zeros((2, 4)))
    with pytest.raises(BadInput, match=r"--set roles\.level=output"):
        import_file(tmp_path / "a.npz", tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_python_objects_are_not_read(tmp_path, ending):
    array = np.array([{"a": 1}], dtype=object)
    if ending == "npz":
        np.savez(tmp_path / "a.npz", u=array)
    else:
        np.save(tmp_path / "a.npy", array)
    with pytest.raises(FormatError, match="Python objects"):
        import_file(tmp_path / f"a.{ending}", tmp_path / "a.h5")


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_a_truncated_npz_is_refused(tmp_path, keep):
    np.savez(tmp_path / "a.npz", source=np.zeros((20, 50)), potential=np.zeros((20, 50)))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(FormatError, match="damaged"):
        import_file(tmp_path / "a.npz", tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()
