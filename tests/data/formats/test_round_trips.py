"""pdekit -> another layout -> pdekit: names, roles, units, grid, problem and values come back, within float32."""

import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdekit.data.check import check
from pdekit.data.formats import export_file, import_file
from pdekit.data.read import open_file
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput
from pdekit.problems import PROBLEMS
from pdekit.space.grid import Grid

LAYOUTS = {"npz": ".npz", "pdebench": ".hdf5", "well": "", "neuralop": ""}
EXACT = ("npz", "neuralop")  # fields and numbers keep the type they are stored in
SIZES = (7, 4, 5)


def made(path, grid, *, samples=(3, 1, 2), dtype="float32", source=None, problem=True):
    """A file with an input, an output and a number per sample in three splits, values without meaning."""
    rng = np.random.default_rng(3)
    splits = {}
    for split, n in zip(("train", "valid", "test_far"), samples, strict=True):
        splits[split] = {
            "source": rng.normal(size=(n, *grid.points)) if source is None else np.full((n, *grid.points), source),
            "potential": rng.normal(size=(n, *grid.points)),
            "diffusivity": rng.uniform(1, 2, size=n),
        }
    write_dataset(
        path,
        splits,
        grid=grid,
        problem=PROBLEMS["poisson"].make({"diffusivity": 1.5}) if problem else None,
        roles={} if problem else {"source": "input", "potential": "output"},
        units={"source": "W m-3", "potential": "K"},
        long_names={"potential": "Temperatur über Umgebung"},
        dtype=dtype,
        attributes={"title": "Wärme"},
        overwrite=True,
    )
    return path


def there_and_back(path, to):
    out = path.with_name(f"{path.stem}_{to}{LAYOUTS[to]}")
    if out.is_dir():
        shutil.rmtree(out)
    out.unlink(missing_ok=True)
    back = path.with_name(f"{path.stem}_{to}_back.h5")
    back.unlink(missing_ok=True)
    export_file(path, to, out)
    return import_file(out, back)


def assert_same(path, back, to):
    with open_file(path) as a, open_file(back) as b:
        assert b.splits == a.splits
        assert b.attrs["title"] == a.attrs["title"]
        assert b.problem == a.problem
        for split in a.splits:
            assert b.grid(split) == a.grid(split)
            assert list(b.variables(split)) == list(a.variables(split))
            assert np.array_equal(b.time(split), a.time(split))
            for name, data in a.variables(split).items():
                other = b.variables(split)[name]
                assert b.role(split, name) == a.role(split, name)
                for key in ("units", "long_name"):
                    assert other.attrs[key] == data.attrs[key]
                mine, theirs = a.read(split, name), b.read(split, name)
                assert mine.shape == theirs.shape
                tolerance = 0 if to in EXACT else 2**-23
                assert np.all(np.abs(mine - theirs) <= tolerance * np.abs(mine)), (name, to)
        if to in EXACT:
            assert b.content_hash == a.content_hash


@pytest.mark.parametrize("to", LAYOUTS)
@pytest.mark.parametrize("boundary", ["periodic", "dirichlet"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_every_kind_of_grid(tmp_path, dim, location, boundary, to):
    value = 0.0 if boundary == "periodic" else 2.0
    grid = Grid.make(
        SIZES[:dim], (1.5, 1.0, 0.3)[:dim], location=location, boundary=boundary, boundary_value=value, unit="m"
    )
    path = made(tmp_path / "a.h5", grid)
    assert_same(path, there_and_back(path, to), to)


@pytest.mark.parametrize("to", LAYOUTS)
def test_check_finds_nothing_but_that_made_up_values_solve_no_equation(tmp_path, to):
    path = made(tmp_path / "a.h5", Grid.make([5, 4], 1.0, boundary="dirichlet"))
    assert {f.test for f in check(there_and_back(path, to)).findings} == {"equation"}
    path = made(tmp_path / "b.h5", Grid.make([5, 4], 1.0, boundary="dirichlet"), problem=False)
    assert check(there_and_back(path, to)).findings == ()


@given(
    points=st.lists(st.integers(2, 6), min_size=1, max_size=3),
    samples=st.tuples(*[st.integers(1, 3)] * 3),
    location=st.sampled_from(["cell", "vertex"]),
    low=st.sampled_from(["dirichlet", "neumann", "robin"]),
    wide=st.booleans(),
    to=st.sampled_from(sorted(LAYOUTS)),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_size_any_face(tmp_path, points, samples, location, low, wide, to):
    faces = {"x_low": low, "x_high": "neumann"}
    robin = {"x_low": (2.0, 0.5)} if low == "robin" else None
    grid = Grid.make(points, 0.7, location=location, boundary=faces, boundary_value={"x_high": -0.25}, robin=robin)
    path = made(tmp_path / "any.h5", grid, samples=samples, dtype="float64" if wide else "float32")
    assert_same(path, there_and_back(path, to), to)


@pytest.mark.parametrize("to", LAYOUTS)
def test_an_input_that_is_one_number_comes_back(tmp_path, to):
    """Darcy's constant source: a second input beside one that varies."""
    grid = Grid.make([5, 4], 1.0, boundary="dirichlet")
    rng = np.random.default_rng(0)
    splits = {
        s: {
            "permeability": rng.choice([3.0, 12.0], size=(n, 5, 4)),
            "source": np.full((n, 5, 4), 1.0),
            "pressure": rng.normal(size=(n, 5, 4)),
        }
        for s, n in (("train", 3), ("test", 2))
    }
    path = tmp_path / "darcy.h5"
    write_dataset(path, splits, grid=grid, problem=PROBLEMS["darcy"](face_mean="arithmetic"))
    assert_same(path, there_and_back(path, to), to)


@pytest.mark.parametrize("to", ["npz", "pdebench", "well", "neuralop"])
def test_boundary_fields_come_back(tmp_path, to):
    grid = Grid.make([5, 4], 1.0, boundary="dirichlet", location="vertex")
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(2, 5, 4)) for name in ("source", "potential")}
    arrays |= {"boundary_x_low": rng.normal(size=(2, 4)), "boundary_y_high": rng.normal(size=(2, 5))}
    path = tmp_path / "faces.h5"
    write_dataset(path, {"train": arrays}, grid=grid, problem=PROBLEMS["poisson"]())
    assert_same(path, there_and_back(path, to), to)


@pytest.mark.parametrize("to", ["npz", "pdebench", "well", "neuralop"])
def test_trajectories_come_back(tmp_path, to):
    grid = Grid.make([5, 4], 1.0, boundary="periodic", location="vertex")
    rng = np.random.default_rng(0)
    arrays = {"forcing": rng.normal(size=(2, 5, 4)), "vorticity": rng.normal(size=(2, 3, 5, 4))}
    path = tmp_path / "frames.h5"
    roles = {"forcing": "input", "vorticity": "output"}
    write_dataset(path, {"train": arrays}, grid=grid, roles=roles, time=[0.0, 0.5, 1.0], time_units="s")
    assert_same(path, there_and_back(path, to), to)


@pytest.mark.parametrize("to", ["npz", "well"])
@pytest.mark.parametrize("components", [2, 3])
def test_vectors_come_back(tmp_path, to, components):
    grid = Grid.make([5, 4], 1.0, boundary="periodic")
    velocity = np.random.default_rng(0).normal(size=(2, 3, 5, 4, components))
    path = tmp_path / "vector.h5"
    write_dataset(
        path, {"train": {"velocity": velocity}}, grid=grid, roles={"velocity": "output"}, time=[0.0, 1.0, 2.0]
    )
    assert_same(path, there_and_back(path, to), to)


@pytest.mark.parametrize("to", ["npz", "well", "neuralop"])
def test_splits_on_grids_of_their_own(tmp_path, to):
    grids = {"train": Grid.make([4, 4], 1.0), "test_fine": Grid.make([8, 8], 1.0)}
    rng = np.random.default_rng(0)
    splits = {s: {k: rng.normal(size=(2, *g.points)) for k in ("source", "potential")} for s, g in grids.items()}
    path = tmp_path / "two.h5"
    write_dataset(path, splits, grid=grids, problem=PROBLEMS["poisson"]())
    assert_same(path, there_and_back(path, to), to)


def test_pdebench_refuses_two_grids_and_takes_one_of_them(tmp_path):
    grids = {"train": Grid.make([4, 4], 1.0), "test_fine": Grid.make([8, 8], 1.0)}
    splits = {s: {k: np.ones((2, *g.points)) for k in ("source", "potential")} for s, g in grids.items()}
    path, out = tmp_path / "two.h5", tmp_path / "two.hdf5"
    write_dataset(path, splits, grid=grids, problem=PROBLEMS["poisson"]())
    with pytest.raises(BadInput, match="one grid for all samples"):
        export_file(path, "pdebench", out)
    assert not out.exists()
    export_file(path, "pdebench", out, splits=["test_fine"])
    with open_file(import_file(out, tmp_path / "back.h5")) as back:
        assert back.splits == ("test_fine",)
        assert back.grid("test_fine").points == (8, 8)


def test_an_export_never_replaces_a_file(tmp_path):
    path = made(tmp_path / "a.h5", Grid.make(4, 1.0))
    out = tmp_path / "there.npz"
    out.write_text("mine")
    with pytest.raises(BadInput, match="exists"):
        export_file(path, "npz", out)
    assert out.read_text() == "mine"
