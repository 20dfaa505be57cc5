"""PDEBench's layouts: its index rules on our exports, its traps in files built by hand."""

import h5py
import numpy as np
import pytest

from pdekit.data.formats import export_file, import_file, recognise
from pdekit.data.read import open_file
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput, FormatError
from pdekit.problems import PROBLEMS
from pdekit.space.grid import Grid


def centres(n, length=1.0, low=0.0):
    return (low + (np.arange(n) + 0.5) * length / n).astype(np.float32)


def layout_a(path, *, n=20, frames=4, points=(8,), extra_time=1, names=("tensor",), attrs=None):
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(n, frames, *points)).astype(np.float32) for name in names}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
        for axis, k in zip("xyz", points, strict=False):
            file[f"{axis}-coordinate"] = centres(k)
        file["t-coordinate"] = np.linspace(0, 1, frames + extra_time, dtype=np.float32)
        file.attrs.update(attrs or {})
    return arrays


# index rules of the loader, `pdebench/models/fno/utils.py`


def test_the_export_of_darcy_is_what_the_loader_indexes(tmp_path):
    """Darcy's branch: 4 axes; u = tensor[:, 0]; nu has no time axis; axes (n, x, y); test is the first part."""
    grid = Grid.make([6, 5], [1.2, 1.0], boundary="dirichlet")
    rng = np.random.default_rng(0)
    splits = {
        s: {
            "permeability": rng.choice([3.0, 12.0], size=(n, 6, 5)),
            "source": np.full((n, 6, 5), 0.5),
            "pressure": rng.normal(size=(n, 6, 5)),
        }
        for s, n in (("train", 9), ("test", 1))
    }
    path, out = tmp_path / "d.h5", tmp_path / "2D_DarcyFlow_beta0.5_Train.hdf5"
    write_dataset(path, splits, grid=grid, problem=PROBLEMS["darcy"]())
    export_file(path, "pdebench", out)
    with h5py.File(out) as file, open_file(path) as own:
        tensor, nu = file["tensor"], file["nu"]
        assert (tensor.dtype, nu.dtype) == (np.float32, np.float32)
        assert (tensor.shape, nu.shape) == ((10, 1, 6, 5), (10, 6, 5))
        assert tensor.chunks is None
        assert tensor.compression is None
        cut = int(len(tensor) * 0.1)
        glued = np.concatenate([nu[:][:, None], tensor[:]], axis=1).transpose(0, 2, 3, 1)[..., None]  # n, x, y, t, c
        assert np.array_equal(glued[:cut, :, :, 0, 0], own.read("test", "permeability"))
        assert np.array_equal(glued[:cut, :, :, 1, 0], own.read("test", "pressure"))
        assert np.array_equal(glued[cut:, :, :, 1, 0], own.read("train", "pressure"))
        assert np.allclose(file["x-coordinate"], (np.arange(6) + 0.5) * 0.2)
        assert np.allclose(file["y-coordinate"], (np.arange(5) + 0.5) * 0.2)
        assert file.attrs["beta"] == 0.5


def test_darcy_of_pdebench_is_steady_with_coefficient_and_force(tmp_path):
    source = tmp_path / "2D_DarcyFlow_beta0.1_Train.hdf5"
    tensor = layout_a(source, frames=1, points=(6, 5), attrs={"beta": 0.1})["tensor"]
    nu = np.random.default_rng(1).uniform(0.1, 1, size=(20, 6, 5)).astype(np.float32)
    with h5py.File(source, "r+") as file:
        file["nu"] = nu
        del file["t-coordinate"]
    with open_file(import_file(source, tmp_path / "d.h5")) as file:
        assert file.splits == ("train", "test")
        assert np.array_equal(file.read("test", "pressure"), tensor[:2, 0])
        assert np.array_equal(file.read("train", "pressure"), tensor[2:, 0])
        assert np.array_equal(file.read("train", "permeability"), nu[2:])
        assert file.role("train", "permeability") == "input"
        assert file.time("train") is None
        assert np.array_equal(file.read("test", "beta"), [0.1, 0.1])
        assert file.grid("train") == Grid.make([6, 5], 1.0, location="cell", boundary="dirichlet")
        assert "'dirichlet' is assumed" in file.attrs["unknown"]


def test_times_are_cut_to_the_frames(tmp_path):
    tensor = layout_a(tmp_path / "burgers.hdf5", frames=4, extra_time=1, attrs={"Nu": 0.01})["tensor"]
    with open_file(import_file(tmp_path / "burgers.hdf5", tmp_path / "b.h5")) as file:
        assert np.allclose(file.time("train"), [0, 0.25, 0.5, 0.75])
        assert np.array_equal(file.read("train", "u"), tensor[2:])
        assert file.read("train", "Nu")[0] == 0.01
        assert file.role("train", "u") == "output"


def test_fewer_times_than_frames_are_refused(tmp_path):
    layout_a(tmp_path / "a.hdf5", frames=4, extra_time=-1)
    with pytest.raises(FormatError, match="3 times, 4 frames"):
        import_file(tmp_path / "a.hdf5", tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize(
    ("points", "names"), [((6,), ("density", "pressure", "Vx")), ((6, 5), ("density", "pressure", "Vx", "Vy"))]
)
def test_compressible_flow_has_a_field_for_each_array(tmp_path, points, names):
    arrays = layout_a(tmp_path / "cfd_periodic.hdf5", points=points, names=names, attrs={"eta": 0.1, "zeta": 0.1})
    with open_file(import_file(tmp_path / "cfd_periodic.hdf5", tmp_path / "c.h5")) as file:
        assert file.names("train", "output") == sorted(names)
        for name in names:
            assert np.array_equal(file.read("test", name), arrays[name][:2])
        assert file.grid("train").boundary[0] == ("periodic", "periodic")
        assert "is in the name of the file" in file.attrs["unknown"]


def layout_b(path, keys, *, points=(5, 4), swapped=False, frames=3, channels=2):
    """Value of a seed: number of its key + 100 x index + 10 y index, so that order and orientation show."""
    x, y = np.meshgrid(*map(np.arange, points), indexing="ij")
    with h5py.File(path, "w") as file:
        for key in keys:
            one = np.broadcast_to((int(key) + 100.0 * x + 10.0 * y)[None, ..., None], (frames, *points, channels))
            group = file.create_group(key)
            group["data"] = (one.swapaxes(1, 2) if swapped else one).astype(np.float32)
            group.attrs["config"] = "sim:\n  seed: 1\n"
            for axis, n in zip("xy", points, strict=True):
                group[f"grid/{axis}"] = centres(n, 2.0, -1.0)
            group["grid/t"] = np.linspace(0, 5, frames, dtype=np.float32)


def test_seeds_are_sorted_as_numbers_and_the_last_tenth_is_test(tmp_path):
    keys = [f"{k:04d}" for k in (*range(1, 9), 9999, 10000)]
    layout_b(tmp_path / "s.h5", keys)
    with open_file(import_file(tmp_path / "s.h5", tmp_path / "out.h5")) as file:
        assert file.splits == ("train", "test")
        assert file.read("train", "u")[:, 0, 0, 0].tolist() == [*range(1, 9), 9999]
        assert file.read("test", "u")[:, 0, 0, 0].tolist() == [10000]  # as text, 9999 would be the last
        assert sorted(file.variables("train")) == ["u", "v"]
        assert np.allclose(file.time("train"), [0, 2.5, 5])
        assert file.grid("train").length == pytest.approx((2.0, 2.0))
        assert "x = 0 here is x = -1 in the source" in file.attrs["origin"]
        assert file.attrs["source_config"].startswith("sim:")


def test_a_subset_without_seed_0023_is_read(tmp_path):
    layout_b(tmp_path / "s.h5", ["0100", "0101"])
    with open_file(import_file(tmp_path / "s.h5", tmp_path / "out.h5")) as file:
        assert file.grid("train").points == (5, 4)


def test_swapped_axes_are_noticed_and_exchanged_on_demand(tmp_path):
    layout_b(tmp_path / "s.h5", ["0000", "0001"], swapped=True)
    with pytest.raises(FormatError, match="axis_order=yx"):
        import_file(tmp_path / "s.h5", tmp_path / "out.h5")
    with open_file(import_file(tmp_path / "s.h5", tmp_path / "out.h5", overrides=["axis_order=yx"])) as file:
        u = file.read("train", "u")[0, 0]
        assert u.shape == (5, 4)
        assert (u[1, 0] - u[0, 0], u[0, 1] - u[0, 0]) == (100, 10)


def test_on_a_square_the_loaders_order_stands_and_is_noted(tmp_path):
    layout_b(tmp_path / "s.h5", ["0000"], points=(4, 4))
    with open_file(import_file(tmp_path / "s.h5", tmp_path / "out.h5")) as file:
        u = file.read("train", "u")[0, 0]
        assert (u[1, 0] - u[0, 0], u[0, 1] - u[0, 0]) == (100, 10)
        assert "order of x and y" in file.attrs["unknown"]


def layout_c(path, *, latest, n=4, frames=6, points=(5, 4)):
    rng = np.random.default_rng(0)
    velocity = rng.normal(size=(n, frames, *points, 2)).astype(np.float32)
    velocity[:, latest + 1 :] = 0
    with h5py.File(path, "w") as file:
        file.attrs["latestIndex"] = latest
        file.create_dataset("velocity", data=velocity, chunks=(1, 1, *points, 2), compression="lzf", shuffle=True)
        file["particles"] = rng.uniform(size=(n, frames, *points, 1)).astype(np.float32)
        file["force"] = rng.normal(size=(n, *points, 2)).astype(np.float32)
        file["t"] = np.tile(np.arange(frames) * 0.1, (n, 1)).astype(np.float32)
    return velocity


@pytest.mark.parametrize(("latest", "frames"), [(5, 6), (2, 3)])
def test_frames_that_were_never_written_are_left_out(tmp_path, latest, frames):
    velocity = layout_c(tmp_path / "ns.h5", latest=latest)
    with open_file(import_file(tmp_path / "ns.h5", tmp_path / "out.h5")) as file:
        assert np.array_equal(file.read("train", "velocity"), velocity[:3, :frames])
        assert file.read("train", "particles").shape == (3, frames, 5, 4)
        assert np.allclose(file.time("train"), np.arange(frames) * 0.1)
        assert ("interrupted" in file.attrs) is (latest < 5)
        assert "divergence is not zero" in file.attrs["flaws"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_blown_up_samples_are_named_and_dropped_on_demand(tmp_path, bad):
    tensor = layout_a(tmp_path / "a.hdf5")["tensor"]
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        file["tensor"][7, 3, 2] = bad
    with pytest.raises(FormatError, match=r"train: 1 of 18 samples \(5\)"):
        import_file(tmp_path / "a.hdf5", tmp_path / "a.h5")
    with open_file(import_file(tmp_path / "a.hdf5", tmp_path / "a.h5", overrides={"nonfinite": "drop"})) as file:
        assert np.array_equal(file.read("train", "u"), np.delete(tensor[2:], 5, axis=0))
        assert file.attrs["dropped_nonfinite"] == "train: 1 of 18 samples (5)"


def test_coordinates_that_are_not_uniform_are_refused(tmp_path):
    layout_a(tmp_path / "a.hdf5")
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        file["x-coordinate"][3] += 0.01
    with pytest.raises(FormatError, match="not uniform"):
        import_file(tmp_path / "a.hdf5", tmp_path / "a.h5")


def test_content_decides_what_a_file_is(tmp_path):
    layout_a(tmp_path / "a.h5")
    layout_b(tmp_path / "b.hdf5", ["0000"])
    layout_c(tmp_path / "c.pt", latest=1)
    assert {recognise(tmp_path / name) for name in ("a.h5", "b.hdf5", "c.pt")} == {"pdebench"}


@pytest.mark.parametrize(("outputs", "words"), [(("u", "v"), "one scalar output"), ((), "one scalar output")])
def test_what_the_layout_has_no_place_for_is_refused(tmp_path, outputs, words):
    arrays = {name: np.zeros((2, 4)) for name in ("f", *outputs)}
    write_dataset(
        tmp_path / "a.h5",
        {"train": arrays},
        grid=Grid.make(4, 1.0),
        roles={"f": "input"} | dict.fromkeys(outputs, "output"),
    )
    with pytest.raises(BadInput, match=words):
        export_file(tmp_path / "a.h5", "pdebench", tmp_path / "a.hdf5")
    assert {p.name for p in tmp_path.iterdir()} == {"a.h5"}
