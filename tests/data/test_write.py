"""People's own arrays: written, read back, checked; xarray's axes by name; every wrong array refused by name."""

import numpy as np
import pytest
import xarray
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdekit.data.check import check
from pdekit.data.format import RECORD_NAMES
from pdekit.data.read import open_dataset, open_file
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput
from pdekit.problems import PROBLEMS
from pdekit.space.grid import Grid

GRID = Grid.make([5, 7], [1.0, 2.0], boundary={"x_low": "periodic", "x_high": "periodic"}, unit="m")
ROLES = {"a": "input", "u": "output"}


def arrays(n=3, seed=0):
    rng = np.random.default_rng(seed)
    return {"a": rng.standard_normal((n, 5, 7)), "u": rng.standard_normal((n, 5, 7)), "nu": rng.uniform(size=n)}


names = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Nd"), include_characters="_"), min_size=1, max_size=12)
names = names.filter(
    lambda s: (
        s.isidentifier() and s not in ("x", "y", "z", "time", "sample", "sample_hash") and not s.startswith("boundary_")
    )
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(2, 9), min_size=1, max_size=3),
    st.integers(1, 5),
    st.lists(names, min_size=2, max_size=4, unique=True),
    st.sampled_from(["none", "gzip", "lzf", "zstd", "lz4"]),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
    st.integers(0, 3),
)
def test_what_is_written_is_read(tmp_path_factory, points, n, called, compression, dtype, timed, channels):
    """Odd sizes, one sample, names in any alphabet, a time axis, channels, numbers per sample."""
    grid = Grid.make(points, 1.0, boundary="neumann")
    rng = np.random.default_rng(n)
    shape = (n, *((4,) if timed else ()), *points, *((channels,) if channels else ()))
    given = {name: rng.standard_normal(shape).astype(dtype) for name in called[1:]} | {called[0]: rng.uniform(size=n)}
    path = tmp_path_factory.mktemp("w") / "a.h5"
    write_dataset(
        path, {"train": given, "test_ä": given}, grid=grid, roles=dict.fromkeys(called[1:], "output"),
        time=[0.0, 0.5, 1.0, 4.0] if timed else None, compression=compression, dtype=dtype,
    )  # fmt: skip
    with open_file(path) as file:
        assert file.splits == ("train", "test_ä")
        assert file.grid("train") == grid
        assert (file.time("train") is not None) == timed
        for name, values in given.items():
            for split in file.splits:
                back = file.read(split, name)
                assert back.dtype == values.dtype
                assert np.array_equal(back, values)
    tree = open_dataset(path)
    assert {str(name) for name in tree["train"].data_vars} >= set(given)
    tree.close()


def test_it_opens_in_xarray_with_names_units_and_coordinates(tmp_path):
    path = write_dataset(
        tmp_path / "a.h5",
        {"train": arrays()},
        grid=GRID,
        roles=ROLES,
        units={"u": "kg m-3"},
        long_names={"u": "density"},
    )
    with xarray.open_dataset(path, group="train", engine="h5netcdf") as data:
        assert data["u"].dims == ("sample", "x", "y")
        assert (data["u"].attrs["units"], data["u"].attrs["long_name"]) == ("kg m-3", "density")
        assert data["y"].attrs["units"] == "m"
        assert data["nu"].dims == ("sample",)
        assert data["nu"].attrs["role"] == "parameter"


def test_axes_of_xarray_are_taken_by_name(tmp_path):
    values = arrays()["u"]
    data = xarray.Dataset(
        {"u": (("y", "sample", "x"), values.transpose(2, 0, 1), {"units": "Pa", "long_name": "pressure"})}
    )
    path = write_dataset(tmp_path / "a.h5", {"train": data}, grid=GRID, roles=ROLES, dtype="float64")
    with open_file(path) as file:
        assert np.array_equal(file.read("train", "u"), values)
        assert file.variables("train")["u"].attrs["units"] == "Pa"
    with pytest.raises(BadInput, match="axes that are not known") as caught:
        write_dataset(tmp_path / "b.h5", {"train": data.rename(y="lat")}, grid=GRID, roles=ROLES)
    assert "lat" in str(caught.value)


def test_a_source_that_only_slices_is_streamed(tmp_path, monkeypatch):
    class Lazy:
        shape, dtype, largest = (40, 5, 7), np.dtype("f8"), 0

        def __getitem__(self, index):
            Lazy.largest = max(Lazy.largest, index.stop - index.start)
            return np.arange(index.start, index.stop, dtype=float)[:, None, None] * np.ones((5, 7))

    monkeypatch.setattr("pdekit.data.write.STRIP_BYTES", 5 * 7 * 4 * 3)
    path = write_dataset(tmp_path / "a.h5", {"train": {"u": Lazy()}}, grid=GRID, roles=ROLES)
    with open_file(path) as file:
        assert file.read("train", "u")[:, 0, 0].tolist() == list(range(40))
        assert file.statistics("u") == pytest.approx(
            {"mean": 19.5, "std": np.sqrt((40**2 - 1) / 12), "min": 0, "max": 39}
        )
    assert Lazy.largest == 3


def test_a_known_problem_gives_roles_and_its_residual_is_checked(tmp_path, clean):
    with open_file(clean) as file:
        grid, problem = file.grid("train"), file.problem
        values = {name: file.read("train", name) for name in ("permeability", "source", "pressure")}
    path = write_dataset(tmp_path / "a.h5", {"train": values}, grid=grid, problem=problem)
    report = check(path)
    assert report.passed
    assert any(text.startswith("equation:") for text in report.verified)
    wrong = {**values, "pressure": values["pressure"] * np.float32(1.001)}
    bad = check(write_dataset(tmp_path / "b.h5", {"train": wrong}, grid=grid, problem=problem))
    assert {f.test for f in bad.findings} == {"equation"}


def test_boundary_fields_lie_on_their_faces(tmp_path):
    grid = Grid.make([5, 7], 1.0, location="vertex", boundary="dirichlet")
    given = {
        "u": np.zeros((2, 5, 7)),
        "boundary_x_low": np.arange(14.0).reshape(2, 7),
        "boundary_y_high": np.ones((2, 5)),
    }
    path = write_dataset(tmp_path / "a.h5", {"train": given}, grid=grid, roles={"u": "output"})
    with open_file(path) as file:
        assert file.names("train", "boundary") == ["boundary_x_low", "boundary_y_high"]
        assert file.variables("train")["boundary_x_low"].attrs["face"] == "x_low"
        assert file.group("train")["x"].attrs["boundary_field_low"] == "boundary_x_low"
        assert set(file.instances("train").fields) == {"boundary_x_low", "boundary_y_high"}
    assert check(path).passed
    given["boundary_x_low"] = np.ones((2, 5))
    with pytest.raises(BadInput, match="does not lie on its face"):
        write_dataset(tmp_path / "b.h5", {"train": given}, grid=grid, roles={"u": "output"})


def nan_in_sample_2():
    values = arrays()
    values["u"][2, 3, 4] = np.nan
    return values


WRONG = {
    "no split": (dict(splits={}), "no split is given"),
    "split name": (dict(splits={"a b": arrays()}), "split name 'a b' cannot be used"),
    "no samples": (dict(splits={"train": {"u": np.zeros((0, 5, 7))}}), "holds no samples"),
    "no variables": (dict(splits={"train": {}}), "differ in their number of samples"),
    "sizes": (dict(splits={"train": {**arrays(), "u": np.zeros((4, 5, 7))}}), "a 3, u 4, nu 3"),
    "shape": (dict(splits={"train": {**arrays(), "u": np.zeros((3, 7, 5))}}), "does not lie on the grid"),
    "time": (dict(splits={"train": {**arrays(), "u": np.zeros((3, 6, 5, 7))}}), "an axis t needs time="),
    "role": (dict(roles={"a": "input"}), "the role of variable 'u' is not known"),
    "role name": (dict(roles={**ROLES, "u": "outptu"}), "the role of variable 'u' is not known"),
    "axis name": (dict(splits={"train": {"x": np.zeros(3)}}), "the variable name 'x' cannot be used"),
    "name": (dict(splits={"train": {"a b": np.zeros(3)}}), "the variable name 'a b' cannot be used"),
    "complex": (dict(splits={"train": {"u": np.zeros((3, 5, 7), dtype=complex)}}), "no array of real numbers"),
    "text": (dict(splits={"train": {"u": np.array(["a", "b"])}}), "no array of real numbers"),
    "nan": (dict(splits={"train": arrays(), "test": nan_in_sample_2()}), "in sample 2 of split 'test'"),
    "overflow": (dict(splits={"train": {**arrays(), "u": np.full((3, 5, 7), 1e300)}}), "stored as f4"),
    "compression": (dict(compression="zpi"), "no compression named 'zpi'"),
    "dtype": (dict(dtype="float16"), "no dtype named 'float16'"),
    "folder": (dict(path="nowhere/a.h5"), "nothing can be written"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.filterwarnings("ignore:overflow")
def test_wrong_arrays_are_refused_by_name_and_leave_nothing(tmp_path, case):
    changes, text = WRONG[case]
    options = {"path": "a.h5", "splits": {"train": arrays()}, "grid": GRID, "roles": ROLES, **changes}
    with pytest.raises(BadInput) as caught:
        write_dataset(tmp_path / options.pop("path"), options.pop("splits"), **options)
    assert text in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced_only_when_asked(tmp_path):
    path = write_dataset(tmp_path / "a.h5", {"train": arrays()}, grid=GRID, roles=ROLES)
    before = path.read_bytes()
    with pytest.raises(BadInput, match="overwrite=True"):
        write_dataset(path, {"train": arrays(seed=1)}, grid=GRID, roles=ROLES)
    with pytest.raises(BadInput, match="not finite"):
        write_dataset(path, {"train": nan_in_sample_2()}, grid=GRID, roles=ROLES, overwrite=True)
    assert path.read_bytes() == before
    write_dataset(path, {"train": arrays(seed=1)}, grid=GRID, roles=ROLES, overwrite=True)
    assert path.read_bytes() != before


def test_the_problem_is_noted_with_its_parameters(tmp_path):
    problem = PROBLEMS["darcy"](face_mean="arithmetic")
    grid = Grid.make([5, 7], 1.0, boundary="dirichlet")
    given = {"permeability": np.ones((1, 5, 7)), "source": np.ones((1, 5, 7)), "pressure": np.zeros((1, 5, 7))}
    path = write_dataset(tmp_path / "a.h5", {"test": given}, grid=grid, problem=problem)
    with open_file(path) as file:
        assert file.problem == problem


def test_a_steady_vector_field_with_as_many_times_as_points_along_x(tmp_path):
    """(n, x, y, c) beside (n, t, x, y) with t = x: the first axis is time only where the rest lies on the grid."""
    v, u = np.random.default_rng(0).standard_normal((2, 5, 7, 2)), np.ones((2, 5, 5, 7))
    write_dataset(
        tmp_path / "a.h5", {"train": {"v": v, "u": u}}, grid=GRID, roles={"v": "input", "u": "output"},
        time=np.arange(5.0),
    )  # fmt: skip
    with open_file(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.read("train", "v"), v.astype(np.float32))
        assert file.read("train", "u").shape == (2, 5, 5, 7)
    data = xarray.open_dataset(tmp_path / "a.h5", group="train", engine="h5netcdf")
    assert data["v"].dims == ("sample", "x", "y", "component")
    assert data["u"].dims == ("sample", "time", "x", "y")
    data.close()


@pytest.mark.parametrize("name", ["y", "z", "time", "sample", "component", *RECORD_NAMES])
def test_names_that_a_reader_would_take_for_something_else_are_refused(tmp_path, name):
    """On one axis too: `y` was written as a field, and read as a coordinate, so it was lost."""
    arrays = {"train": {"a": np.ones((3, 8)), name: np.ones((3, 8))}}
    with pytest.raises(BadInput, match=f"variable name '{name}' cannot be used"):
        write_dataset(tmp_path / "a.h5", arrays, grid=Grid.make([8]), roles={"a": "input", name: "output"})
    assert list(tmp_path.iterdir()) == []
