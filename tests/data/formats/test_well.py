"""The Well's layout: its published rules, written out one by one, hold for our exports; its own kinds of field are read."""

import h5py
import numpy as np
import pytest
import yaml

from pdekit.cli.main import main
from pdekit.data.formats import export_file, import_file
from pdekit.data.read import open_file
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput, FormatError
from pdekit.problems import PROBLEMS
from pdekit.space.grid import Grid


def boolean(item, key):
    value = item.attrs[key]
    assert isinstance(value, np.bool_), f"{item.name}@{key} is {type(value)}, no boolean"
    return bool(value)


def strings(item, key):
    """A list is an array of strings; a bare string would be read letter by letter."""
    values = item.attrs[key]
    assert isinstance(values, np.ndarray), f"{item.name}@{key} is {type(values)}, no array"
    assert all(isinstance(v, str) for v in values)
    return list(values)


def rules(path):
    """Asserts every rule of docs/data_format.md and of the layout's checker (the_well 215f55d), from its text."""
    with h5py.File(path) as f:
        assert isinstance(f.attrs["dataset_name"], str)
        assert f.attrs["grid_type"] in ("cartesian", "spherical")
        assert isinstance(f.attrs["n_spatial_dims"], np.integer)
        assert isinstance(f.attrs["n_trajectories"], np.integer)
        n, dims = int(f.attrs["n_trajectories"]), strings(f["dimensions"], "spatial_dims")
        assert len(dims) == f.attrs["n_spatial_dims"]
        frames = f["dimensions/time"].shape[-1]
        size = {d: f["dimensions"][d].shape[-1] for d in dims}

        scalars = strings(f["scalars"], "field_names")
        for name in strings(f, "simulation_parameters"):
            assert np.isreal(f.attrs[name])
            assert name in scalars

        for name in ("time", *dims):
            data = f["dimensions"][name]
            assert data.dtype == np.float32
            assert boolean(data, "time_varying") is (name == "time")  # True on time: the checker compares shapes by it
            assert data.shape == ((n,) if boolean(data, "sample_varying") else ()) + (
                frames if name == "time" else size[name],
            )
            steps = np.diff(np.asarray(data[...], dtype=np.float64))
            assert steps.size == 0 or np.ptp(steps) < 1e-4 * steps.max()  # uniform grids, constant time steps

        for name in scalars:
            data = f["scalars"][name]
            lead = ((n,) if boolean(data, "sample_varying") else ()) + (
                (frames,) if boolean(data, "time_varying") else ()
            )
            assert data.shape == lead

        for order in range(3):
            group = f[f"t{order}_fields"]
            assert sorted(strings(group, "field_names")) == sorted(group)
            for name, data in group.items():
                assert data.dtype == np.float32
                varying = data.attrs["dim_varying"]
                assert isinstance(varying, np.ndarray)
                assert varying.dtype == bool
                assert len(varying) == len(dims)
                lead = ((n,) if boolean(data, "sample_varying") else ()) + (
                    (frames,) if boolean(data, "time_varying") else ()
                )
                space = tuple(size[d] for d, v in zip(dims, varying, strict=True) if v)
                assert data.shape == (*lead, *space, *(len(dims),) * order), name

        ends = {d: set() for d in dims}
        for name, entry in f["boundary_conditions"].items():
            kind = entry.attrs["bc_type"]
            assert isinstance(kind, str)
            assert kind.upper() in ("WALL", "OPEN", "PERIODIC")
            assert kind.lower() in name
            assert not boolean(entry, "sample_varying")
            assert not boolean(entry, "time_varying")
            along = strings(entry, "associated_dims")
            assert all(d in dims and d in name for d in along)
            mask = entry["mask"]
            assert mask.dtype == bool
            assert mask.shape == tuple(size[d] for d in along)
            fields = strings(entry, "associated_fields")
            assert ("values" in entry) is bool(fields)
            if fields:
                assert entry["values"].shape == (int(mask[...].sum()),)
            assert mask[0] or mask[-1]  # faces are read from the ends: a mask without them turns into OPEN
            ends[along[0]] |= {side for side, end in (("low", 0), ("high", -1)) if mask[end]}
        assert all(sides == {"low", "high"} for sides in ends.values())


GRIDS = {
    "cells": Grid.make([6, 5], [1.0, 2.0], boundary="dirichlet", boundary_value=1.5),
    "line": Grid.make(7, 2.0, location="vertex", boundary="periodic"),
    "box": Grid.make(
        [3, 4, 5], 1.0, boundary={"x_low": "periodic", "x_high": "periodic", "y_low": "neumann", "z_high": "robin"}
    ),
}


@pytest.fixture(params=GRIDS)
def steady(request, tmp_path):
    grid, rng = GRIDS[request.param], np.random.default_rng(0)
    splits = {
        s: {
            "source": rng.normal(size=(n, *grid.points)),
            "potential": rng.normal(size=(n, *grid.points)),
            "diffusivity": rng.uniform(1, 2, size=n),
            "gauge": np.full(n, 3.0),
        }
        for s, n in (("train", 4), ("valid", 1), ("test", 2))
    }
    if request.param == "cells":
        splits = {s: a | {"boundary_x_low": rng.normal(size=(len(a["gauge"]), 5))} for s, a in splits.items()}
    write_dataset(tmp_path / "a.h5", splits, grid=grid, problem=PROBLEMS["poisson"]())
    return tmp_path / "a.h5"


def test_every_published_rule_holds(steady, tmp_path):
    out = export_file(steady, "well", tmp_path / "out")
    files = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert files == [
        "README.md",
        "data/test/out_test.hdf5",
        "data/train/out_train.hdf5",
        "data/valid/out_valid.hdf5",
        "out.yaml",
        "stats.yaml",
    ]
    for path in (out / "data").rglob("*.hdf5"):
        rules(path)


def test_steady_fields_are_where_the_loader_looks(steady, tmp_path):
    out = export_file(steady, "well", tmp_path / "out")
    with h5py.File(out / "data/train/out_train.hdf5") as file, open_file(steady) as own:
        u, f = file["t0_fields/potential"], file["t0_fields/source"]
        assert (u.attrs["time_varying"], f.attrs["time_varying"]) == (True, False)
        assert np.array_equal(u[:, 0], own.read("train", "potential"))
        assert np.array_equal(f[...], own.read("train", "source"))
        assert list(file.attrs["simulation_parameters"]) == ["gauge"]  # diffusivity differs between samples
        assert file["scalars/gauge"][()] == 3.0
        assert file["scalars/diffusivity"].shape == (4,)
        if own.grid("train").location == "cell" and own.grid("train").dim == 2:
            face = file["t0_fields/boundary_x_low"]
            assert face.attrs["dim_varying"].tolist() == [False, True]
            low, high = (file[f"boundary_conditions/y_{s}_wall"] for s in ("low", "high"))
            assert (low["mask"][...].tolist(), high["mask"][...].tolist()) == ([1, 0, 0, 0, 0], [0, 0, 0, 0, 1])
            assert (low.attrs["pdekit_bc"], low.attrs["pdekit_bc_value"], low["values"][0]) == ("dirichlet", 1.5, 1.5)
            assert file["boundary_conditions/x_low_wall"].attrs["pdekit_bc_field"] == "boundary_x_low"


def test_statistics_are_those_of_all_train_values_and_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("pdekit.data.formats.lazy.BLOCK_BYTES", 1000)  # several blocks
    grid, rng = Grid.make([4, 3], 1.0), np.random.default_rng(0)
    time = np.arange(5) * 0.1
    p = 1000 + rng.normal(size=(6, 5, 4, 3)).astype(np.float32)
    v = rng.normal(size=(6, 5, 4, 3, 2)).astype(np.float32) * [1, 10]
    a = rng.normal(size=(6, 4, 3)).astype(np.float32)
    arrays = {"p": p, "v": v, "a": a}
    roles = {"p": "output", "v": "output", "a": "input"}
    write_dataset(
        tmp_path / "a.h5",
        {"train": arrays, "test": {k: x[:1] for k, x in arrays.items()}},
        grid=grid,
        roles=roles,
        time=time,
    )
    out = export_file(tmp_path / "a.h5", "well", tmp_path / "out")
    rules(out / "data/train/out_train.hdf5")
    stats = yaml.safe_load((out / "stats.yaml").read_text())
    assert set(stats) == {"mean", "std", "rms", "mean_delta", "std_delta", "rms_delta"}
    assert set(stats["mean_delta"]) == {"p", "v"}
    for name, x in (("p", p), ("v", v), ("a", a)):
        axes = tuple(range(x.ndim - (name == "v")))
        wide = x.astype(np.float32).astype(np.float64)
        assert stats["mean"][name] == pytest.approx(wide.mean(axes).tolist(), rel=1e-8)
        assert stats["std"][name] == pytest.approx(wide.std(axes).tolist(), rel=1e-8)
        assert stats["rms"][name] == pytest.approx(np.sqrt((wide**2).mean(axes)).tolist(), rel=1e-8)
        if name != "a":
            step = np.diff(wide, axis=1)
            assert stats["mean_delta"][name] == pytest.approx(step.mean(axes).tolist(), rel=1e-7)
            assert stats["std_delta"][name] == pytest.approx(step.std(axes).tolist(), rel=1e-8)
            assert stats["rms_delta"][name] == pytest.approx(np.sqrt((step**2).mean(axes)).tolist(), rel=1e-8)
    about = yaml.safe_load((out / "out.yaml").read_text())
    assert about["field_names"] == {0: ["p"], 1: ["v_x", "v_y"], 2: []}
    assert about["constant_field_names"] == {0: ["a"], 1: [], 2: []}
    assert (about["spatial_resolution"], about["n_steps_per_trajectory"]) == ([4, 3], [5, 5])


def test_time_steps_that_differ_are_refused(tmp_path):
    write_dataset(
        tmp_path / "a.h5",
        {"train": {"u": np.zeros((1, 3, 4))}},
        grid=Grid.make(4, 1.0),
        roles={"u": "output"},
        time=[0, 1, 3],
    )
    with pytest.raises(BadInput, match="constant time steps"):
        export_file(tmp_path / "a.h5", "well", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def foreign(path, *, n=3, frames=5, points=(8, 6)):
    """A file of the layout with every kind of field, made by hand: values tell sample, time and place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    index = np.meshgrid(*map(np.arange, (n, frames, *points)), indexing="ij")
    full = (1000.0 * index[0] + 100.0 * index[1] + 10.0 * index[2] + index[3]).astype(np.float32)

    def put(group, name, values, sample, time, **attributes):
        group[name] = np.asarray(values, dtype=np.float32)
        group[name].attrs.update({"sample_varying": np.bool_(sample), "time_varying": np.bool_(time), **attributes})

    names = h5py.string_dtype()
    with h5py.File(path, "w") as f:
        f.attrs.update(
            {"dataset_name": "made", "grid_type": "cartesian", "n_spatial_dims": 2, "n_trajectories": n, "nu": 0.1}
        )
        f.attrs["simulation_parameters"] = np.array(["nu"], dtype=names)
        d = f.create_group("dimensions")
        d.attrs["spatial_dims"] = np.array(["x", "y"], dtype=names)
        put(d, "time", np.arange(frames) * 0.5, False, True)
        for axis, k in zip("xy", points, strict=True):
            put(d, axis, np.arange(k) / k, False, False)
        s = f.create_group("scalars")
        s.attrs["field_names"] = np.array(["nu", "each", "drive"], dtype=names)
        put(s, "nu", 0.1, False, False)
        put(s, "each", np.arange(n), True, False)
        put(s, "drive", np.arange(frames), False, True)
        fields = {
            0: {
                "p": (full, True, True, [True, True]),
                "mask": (full[0, 0], False, False, [True, True]),
                "depth": (full[:, 0, :, 0], True, False, [True, False]),
                "clock": (full[0, :, 0, 0], False, True, [False, False]),
            },
            1: {"v": (np.stack([full, -full], -1), True, True, [True, True])},
            2: {
                "S": (
                    np.stack([full, 2 * full, 3 * full, 4 * full], -1).reshape(*full.shape, 2, 2),
                    True,
                    True,
                    [True, True],
                )
            },
        }
        for order, content in fields.items():
            g = f.create_group(f"t{order}_fields")
            g.attrs["field_names"] = np.array(list(content), dtype=names)
            for name, (values, sample, time, varying) in content.items():
                put(g, name, values, sample, time, dim_varying=np.array(varying))
        b = f.create_group("boundary_conditions")
        for name, axis, kind, ends in (
            ("x_periodic", "x", "PERIODIC", (0, -1)),
            ("y_low", "y", "wall", (0,)),
            ("y_high", "y", "OPEN", (-1,)),
        ):
            e = b.create_group(name)
            e.attrs.update({"bc_type": kind, "sample_varying": np.bool_(False), "time_varying": np.bool_(False)})
            e.attrs["associated_dims"] = np.array([axis], dtype=names)
            mask = np.zeros(points["xy".index(axis)], dtype=bool)
            mask[list(ends)] = True
            e["mask"] = mask
    return full


def test_every_kind_of_field_is_read(tmp_path):
    root = tmp_path / "made"
    full = foreign(root / "data/train/a.hdf5")
    foreign(root / "data/train/b.hdf5", n=2)
    foreign(root / "data/test/a.h5", n=1)
    with open_file(import_file(root, tmp_path / "out.h5")) as file:
        assert file.splits == ("train", "test")
        assert (file.size("train"), file.size("test")) == (5, 1)
        read = {name: file.read("train", name) for name in file.variables("train")}
        assert np.array_equal(read["p"], np.concatenate([full, full[:2]]))
        assert np.array_equal(read["mask"], np.broadcast_to(full[0, 0], (5, 8, 6)))
        assert np.array_equal(read["depth"][2], np.repeat(full[2, 0, :, :1], 6, axis=1))
        assert np.array_equal(read["clock"][4, 3], np.full((8, 6), full[0, 3, 0, 0]))
        assert np.array_equal(read["v"][1], np.stack([full[1], -full[1]], -1))
        assert np.array_equal(read["S_xy"][1], 2 * full[1])
        assert np.array_equal(read["S_yx"][1], 3 * full[1])
        assert read["each"].tolist() == [0, 1, 2, 0, 1]
        assert read["nu"] == pytest.approx([0.1] * 5)
        assert np.allclose(file.time("train"), np.arange(5) * 0.5)
        grid = file.grid("train")
        assert (grid.location, grid.boundary) == ("vertex", (("periodic", "periodic"), ("dirichlet", "neumann")))
        assert file.role("train", "p") == "output"
        assert file.role("train", "depth") == "input"
        assert file.attrs["left_out"] == "drive"
        assert "y_low: WALL, whose condition is not stated" in file.attrs["unknown"]


def test_one_file_is_a_split_of_its_folders_name(tmp_path):
    foreign(tmp_path / "valid/a.hdf5")
    with open_file(import_file(tmp_path / "valid/a.hdf5", tmp_path / "out.h5")) as file:
        assert file.splits == ("valid",)


def _without_flag(file):
    del file["t0_fields/p"].attrs["time_varying"]


def _other_shape(file):
    file["t0_fields/p"].attrs["sample_varying"] = np.bool_(False)


def _spherical(file):
    file.attrs["grid_type"] = "spherical"


def _uneven(file):
    file["dimensions/x"][...] = np.logspace(0, 1, 8)


def _no_group(file):
    del file["scalars"]


def _odd_boundary(file):
    file["boundary_conditions/y_low"].attrs["bc_type"] = "SLIP"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without_flag, "lacks the attribute time_varying"),
        (_other_shape, "has the wrong shape"),
        (_spherical, "found: spherical"),
        (_uneven, "not uniform"),
        (_no_group, "without /scalars"),
        (_odd_boundary, "allowed: PERIODIC, WALL, OPEN"),
    ],
)
def test_broken_files_are_refused_in_words(tmp_path, capsys, change, words):
    foreign(tmp_path / "a.hdf5")
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        change(file)
    assert main(["import", str(tmp_path / "a.hdf5"), "--out", str(tmp_path / "out.h5")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.h5").exists()


def test_files_of_a_split_must_agree(tmp_path):
    foreign(tmp_path / "train/a.hdf5")
    foreign(tmp_path / "train/b.hdf5", points=(4, 6))
    with pytest.raises(FormatError, match="differ in their points"):
        import_file(tmp_path, tmp_path / "out.h5")
