"""A pdekit file is plain netCDF-4: xarray and h5py find names, units, coordinates and dimension scales without pdekit."""

import h5py
import numpy as np
import pytest
import xarray

from pdekit.data.read import open_dataset
from pdekit.data.write import write_dataset
from pdekit.solution import Status
from pdekit.space.grid import Grid

TIME = [0.0, 0.5, 1.0]
COMPRESSIONS = ("none", "gzip", "lzf", "zstd", "lz4")


def write(path, compression="none"):
    grids = {
        "train": Grid.make([6, 5], [1.2, 2.0], boundary={"x_low": "neumann"}, boundary_value={"y_high": 3.0}, unit="m"),
        "test_fine": Grid.make(
            [12, 10], [1.2, 2.0], boundary={"x_low": "neumann"}, boundary_value={"y_high": 3.0}, unit="m"
        ),
    }
    rng = np.random.default_rng(0)
    splits = {}
    for split, grid in grids.items():
        splits[split] = {
            "forcing": rng.normal(size=(4, *grid.points)),
            "vorticity": rng.normal(size=(4, 3, *grid.points)),
            "velocity": rng.normal(size=(4, 3, *grid.points, 2)),
            "viscosity": rng.uniform(size=4),
            "boundary_x_low": rng.normal(size=(4, grid.points[1])),
        }
    write_dataset(
        path,
        splits,
        grid=grids,
        roles={"forcing": "input", "vorticity": "output", "velocity": "output"},
        units={"vorticity": "s-1", "velocity": "m s-1", "viscosity": "m2 s-1"},
        long_names={"vorticity": "vorticity of the flow"},
        time=TIME,
        time_units="s",
        attributes={"title": "Strömung"},
        compression=compression,
    )
    return splits


@pytest.fixture(params=COMPRESSIONS)
def file(request, tmp_path):
    path = tmp_path / "flow.h5"
    return path, write(path, request.param)


def test_xarray_opens_the_tree(file):
    path, splits = file
    with xarray.open_datatree(path, engine="h5netcdf") as tree:
        assert set(tree.children) == {"train", "test_fine"}
        assert tree.attrs["Conventions"] == "CF-1.11"
        assert tree.attrs["title"] == "Strömung"
        for split, arrays in splits.items():
            node = tree[split]
            assert node["vorticity"].dims == ("sample", "time", "x", "y")
            for name, values in arrays.items():
                stored = values.astype(np.float64 if values.ndim == 1 else np.float32)
                assert np.array_equal(node[name].values, stored), name


def test_xarray_opens_one_split_with_coordinates_units_and_dimensions(file):
    path, _ = file
    with xarray.open_dataset(path, group="train", engine="h5netcdf") as data:
        assert dict(data.sizes) == {"sample": 4, "time": 3, "x": 6, "y": 5, "component": 2}
        assert set(data.coords) == {"sample", "time", "x", "y"}
        assert data["x"].values == pytest.approx((np.arange(6) + 0.5) * 0.2)
        assert data["time"].values.tolist() == TIME
        assert data["velocity"].dims == ("sample", "time", "x", "y", "component")
        assert data["boundary_x_low"].dims == ("sample", "y")
        assert data["viscosity"].dims == ("sample",)
        assert data["forcing"].dtype == np.float32
        units = {
            name: data[name].attrs["units"] for name in ("vorticity", "velocity", "viscosity", "forcing", "x", "time")
        }
        assert units == {
            "vorticity": "s-1",
            "velocity": "m s-1",
            "viscosity": "m2 s-1",
            "forcing": "1",
            "x": "m",
            "time": "s",
        }
        assert data["vorticity"].attrs["long_name"] == "vorticity of the flow"
        near = data["vorticity"].sel(x=0.31, y=1.9, method="nearest").isel(sample=2, time=1)
        assert float(near) == float(data["vorticity"][2, 1, 1, 4])  # selection by position finds the cell


def test_our_own_door_is_the_same_tree(file):
    path, splits = file
    with open_dataset(path) as tree:
        assert float(tree["test_fine/vorticity"][3, 2, 11, 9]) == np.float32(
            splits["test_fine"]["vorticity"][3, 2, 11, 9]
        )


def test_h5py_finds_dimension_scales_on_every_axis(file):
    path, _ = file
    with h5py.File(path) as raw:
        for split in ("train", "test_fine"):
            group = raw[split]
            for name, dims in (
                ("vorticity", ["sample", "time", "x", "y"]),
                ("velocity", ["sample", "time", "x", "y", "component"]),
                ("boundary_x_low", ["sample", "y"]),
                ("viscosity", ["sample"]),
            ):
                assert [group[name].dims[k][0].name for k in range(group[name].ndim)] == [f"/{split}/{d}" for d in dims]
                assert group[name].fletcher32
            for axis in ("x", "y", "time", "sample"):
                assert group[axis].is_scale


def test_the_grid_stands_on_its_axes(tmp_path):
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as raw:
        x, y = raw["train/x"].attrs, raw["train/y"].attrs
        assert (x["location"], x["length"].item(), x["axis"], x["units"]) == ("cell", 1.2, "X", "m")
        assert (x["boundary_low"], x["boundary_high"], y["boundary_low"]) == ("neumann", "dirichlet", "dirichlet")
        assert x["boundary_field_low"] == "boundary_x_low"
        assert "boundary_value_low" not in x
        assert (y["boundary_value_low"].item(), y["boundary_value_high"].item()) == (0.0, 3.0)
        assert raw["train/boundary_x_low"].attrs["face"] == "x_low"
        assert raw["train/time"].attrs["axis"] == "T"


def test_roles_and_statistics_are_attributes(tmp_path):
    arrays = write(tmp_path / "a.h5")["train"]
    with h5py.File(tmp_path / "a.h5") as raw:
        roles = {name: raw["train"][name].attrs["role"] for name in arrays}
        assert roles == {
            "forcing": "input",
            "vorticity": "output",
            "velocity": "output",
            "viscosity": "parameter",
            "boundary_x_low": "boundary",
        }
        for name, values in arrays.items():
            stored = values.astype(np.float64 if values.ndim == 1 else np.float32).astype(np.float64)
            found = raw["train"][name].attrs
            assert float(found["mean"]) == pytest.approx(stored.mean(), rel=1e-12)
            assert float(found["std"]) == pytest.approx(stored.std(), rel=1e-12)
            assert (float(found["min"]), float(found["max"])) == (stored.min(), stored.max())
            assert "mean" not in raw["test_fine"][name].attrs  # statistics of the train split only


def test_fields_are_stored_a_sample_a_chunk(tmp_path):
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as raw:
        assert raw["train/forcing"].chunks == (1, 6, 5)
        assert raw["train/vorticity"].chunks == (1, 3, 6, 5)


def test_dask_reads_lazily(tmp_path):
    arrays = write(tmp_path / "a.h5")["train"]
    with xarray.open_dataset(tmp_path / "a.h5", group="train", engine="h5netcdf", chunks={"sample": 1}) as data:
        assert data["vorticity"].data.chunks[0] == (1, 1, 1, 1)
        mean = data["vorticity"].mean(("x", "y")).compute().values
        assert mean == pytest.approx(arrays["vorticity"].astype(np.float32).mean((2, 3)), rel=1e-4, abs=1e-6)


def test_a_generated_file_has_its_record_with_flags(tmp_path):
    from pdekit.data.generate import generate

    changes = {"grid.points": 8, "splits.train": 3, "splits.valid": 1, "splits.test": 2}
    path = generate("poisson-2d", tmp_path / "p.h5", overrides=changes)
    with xarray.open_datatree(path, engine="h5netcdf") as tree:
        node = tree["train"]
        status = node["solver_status"]
        names = dict(
            zip(np.atleast_1d(status.attrs["flag_values"]).tolist(), status.attrs["flag_meanings"].split(), strict=True)
        )
        assert [names[int(s)] for s in status.values] == [Status.CONVERGED.name.lower()] * 3
        assert set(node.data_vars) >= {
            "source", "potential", "solver_status", "solver_steps", "solver_residual", "solver_seconds",
            "reference_error", "sample_seed", "sample_hash",
        }  # fmt: skip
        assert {str(node[n].dtype) for n in ("sample_seed", "sample_hash")} == {"uint64"}
        assert node["solver_seconds"].attrs["units"] == "s"
        for key in (
            "problem",
            "equation",
            "recipe",
            "recipe_sha256",
            "content_hash",
            "seed",
            "solver",
            "software",
            "pdekit_version",
        ):
            assert key in tree.attrs
