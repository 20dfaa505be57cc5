"""Pictures show the right values the right way round: orientation, limits, titles, captions; and say no in words."""

import shutil

import h5py
import numpy as np
import pytest
from matplotlib.image import AxesImage
from PIL import Image

from pdekit.cli.main import main
from pdekit.data.animation import chosen_frames
from pdekit.data.info import info
from pdekit.data.read import open_file
from pdekit.data.show import describe, draw, show
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput
from pdekit.solution import Status
from pdekit.space.grid import Grid


def written(path, grid, arrays, *, split="train", **options):
    roles = {name: "input" if name.startswith("in") else "output" for name, a in arrays.items() if a.ndim > 1}
    write_dataset(path, {split: arrays}, grid=grid, roles=roles, overwrite=True, **options)
    return path


def images(figure):
    """{title: AxesImage} of the panels, without the colour bars."""
    return {axis.get_title(): axis.images[0] for axis in figure.axes if axis.images}


def shown(image: AxesImage, x: float, y: float) -> float:
    """The value that is drawn at a point, found by extent and origin only."""
    left, right, bottom, top = image.get_extent()
    array = np.asarray(image.get_array())
    column = int((x - left) / (right - left) * array.shape[1])
    row = int((y - bottom) / (top - bottom) * array.shape[0])
    return float(array[row if image.origin == "lower" else array.shape[0] - 1 - row, column])


@pytest.fixture
def plane(tmp_path):
    grid = Grid.make([8, 5], [2.0, 1.0], location="cell", boundary="dirichlet", unit="m")
    x, y = grid.mesh
    arrays = {
        "input_a": np.where(x + 0 * y < 1, 3.0, 12.0)[None],
        "rising": (10 * x + y)[None],
        "signed": (x - 1.25 + 0 * y)[None],
        "nearly": (x + 0 * y - 0.2)[None],
        "rate": np.array([1.25]),
    }
    units = {"rising": "Pa", "rate": "s-1"}
    return written(tmp_path / "plane.h5", grid, arrays, units=units, long_names={"rising": "pressure of the flow"})


def test_a_field_that_grows_with_x_grows_to_the_right_and_with_y_upward(plane):
    image = images(draw(plane, 0))["output: pressure of the flow"]
    assert shown(image, 1.9, 0.1) == pytest.approx(10 * 1.875 + 0.1)
    assert shown(image, 0.1, 0.9) == pytest.approx(10 * 0.125 + 0.9)
    assert image.axes.get_aspect() == 1.0
    assert image.get_extent() == pytest.approx([0, 2, 0, 1])
    assert not image.axes.xaxis_inverted()
    assert not image.axes.yaxis_inverted()


def test_limits_and_colour_maps_follow_the_values(plane):
    drawn = images(draw(plane, 0))
    rising, signed, nearly = (drawn[k] for k in ("output: pressure of the flow", "output: signed", "output: nearly"))
    assert rising.get_clim() == pytest.approx((1.35, 19.65), rel=1e-6)
    assert rising.get_cmap().name == "viridis"
    assert signed.get_clim() == pytest.approx((-1.125, 1.125))  # of equal size, though the values end at 0.625
    assert signed.get_cmap().name == "RdBu_r"
    assert nearly.get_clim() == pytest.approx((-0.075, 1.675), rel=1e-6)  # a sliver below zero is no second sign
    assert nearly.get_cmap().name == "viridis"


def test_titles_units_and_labels(plane):
    figure = draw(plane, 0)
    texts = [t.get_text() for t in figure.texts]
    assert texts[0] == "plane, train, sample 0"
    assert "rate = 1.25 s-1" in texts[1]
    assert "solver and residual not known; error of the reference not estimated" in texts[1]
    assert "8 x 5 cells, dirichlet on every face" in texts[1]
    image = images(figure)["output: pressure of the flow"]
    assert (image.axes.get_xlabel(), image.axes.get_ylabel()) == ("x [m]", "y [m]")
    assert image.colorbar.ax.get_ylabel() == "rising [Pa]"
    order = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert order[0] == "input: input a"
    two = images(figure)["input: input a"]
    assert list(two.colorbar.get_ticks()) == [3.0, 12.0]


def test_the_caption_says_what_the_solver_said(plane):
    with h5py.File(plane, "r+") as file:
        file.attrs["solver"] = "pcg-multigrid"
        file.attrs["equation"] = "-div(a grad u) = f"
        for name, value, kind in (
            ("solver_status", int(Status.MAX_STEPS), "u1"),
            ("solver_residual", 3.2e-4, "f8"),
            ("reference_error", 1.5e-3, "f8"),
        ):
            file["train"].create_dataset(name, data=np.array([value], dtype=kind))
    caption = draw(plane, 0).texts[1].get_text()
    assert "-div(a grad u) = f" in caption
    assert "pcg-multigrid: max steps, residual 3.2e-04; estimated relative error 1.5e-03" in caption


@pytest.mark.parametrize(
    ("boundary", "points", "extent", "limits"),
    [
        ("dirichlet", 5, (-0.125, 1.125), (0.0, 1.0)),  # both ends stored: the box itself is shown
        ("periodic", 4, (-0.125, 0.875), (-0.125, 0.875)),  # the right end is left out
    ],
)
def test_vertices_are_drawn_where_they_lie(tmp_path, boundary, points, extent, limits):
    grid = Grid.make([points, points], 1.0, location="vertex", boundary=boundary)
    x, y = grid.mesh
    path = written(tmp_path / "v.h5", grid, {"u": (x + 0 * y)[None]})
    image = images(draw(path, 0))["output: u"]
    assert image.get_extent()[:2] == pytest.approx(extent)
    assert image.axes.get_xlim() == pytest.approx(limits)
    for k, place in enumerate(grid.coordinates[0][:-1]):
        assert shown(image, place + 1e-9, 0.3) == pytest.approx(grid.coordinates[0][k], abs=1e-6)


def test_lines_in_one_dimension(tmp_path):
    grid = Grid.make(9, 2.0, location="vertex", boundary="dirichlet", unit="m")
    u = grid.coordinates[0] ** 2
    axis = next(a for a in draw(written(tmp_path / "l.h5", grid, {"u": u[None]}), 0).axes if a.lines)
    assert axis.lines[0].get_xdata() == pytest.approx(grid.coordinates[0])
    assert axis.lines[0].get_ydata() == pytest.approx(u)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x [m]", "u [1]")


def test_three_middle_planes_share_their_limits(tmp_path):
    grid = Grid.make([6, 4, 5], [1.0, 1.0, 0.5], location="cell", boundary="periodic")
    x, y, z = grid.mesh
    drawn = images(draw(written(tmp_path / "b.h5", grid, {"u": (x + 10 * y + 100 * z)[None]}), 0))
    assert list(drawn) == ["output: u\nz = 0.25", "y = 0.625", "x = 0.583"]
    labels = [(i.axes.get_xlabel()[0], i.axes.get_ylabel()[0]) for i in drawn.values()]
    assert labels == [("x", "y"), ("x", "z"), ("y", "z")]
    assert len({i.get_clim() for i in drawn.values()}) == 1
    assert shown(drawn["y = 0.625"], 0.9, 0.05) == pytest.approx(grid.coordinates[0][5] + 6.25 + 5, rel=1e-6)
    assert shown(drawn["x = 0.583"], 0.1, 0.45) == pytest.approx(7 / 12 + 1.25 + 45, rel=1e-6)


def test_a_field_on_a_face_is_drawn_along_the_face(tmp_path):
    grid = Grid.make([4, 6], [1.0, 3.0], location="cell", boundary="dirichlet")
    arrays = {"u": np.ones((1, 4, 6)), "boundary_x_low": np.arange(6.0)[None]}
    path = tmp_path / "f.h5"
    write_dataset(path, {"train": arrays}, grid=grid, roles={"u": "output"})
    axis = next(a for a in draw(path, 0).axes if a.lines)
    assert axis.get_xlabel() == "y [1]"
    assert axis.lines[0].get_xdata() == pytest.approx(grid.coordinates[1])


@pytest.fixture
def trajectory(tmp_path):
    grid = Grid.make([6, 4], 1.0, location="cell", boundary="periodic", unit="m")
    x, y = grid.mesh
    time = np.linspace(0.0, 2.0, 9)
    u = np.stack([(1 + t) * x + 0 * y for t in time])[None]
    arrays = {"input_f": (x * y)[None], "u": u}
    return written(tmp_path / "t.h5", grid, arrays, time=time, time_units="s")


def test_frames_of_a_trajectory_stand_in_a_row_with_common_limits(trajectory):
    drawn = images(draw(trajectory, 0))
    frames = {k: v for k, v in drawn.items() if "t =" in k}
    assert [k.split("\n")[-1] for k in frames] == ["t = 0 s", "t = 0.5 s", "t = 1 s", "t = 1.5 s", "t = 2 s"]
    assert all(i.get_clim() == pytest.approx((1 / 12, 3 * 11 / 12)) for i in frames.values())
    for time, image in zip((0, 0.5, 1, 1.5, 2), frames.values(), strict=True):
        assert shown(image, 0.99, 0.5) == pytest.approx((1 + time) * 11 / 12, rel=1e-6)
    heights = {round(i.axes.get_position().y0, 6) for i in frames.values()}
    assert len(heights) == 1


def test_an_animation_has_every_frame(trajectory, tmp_path):
    out = show(trajectory, 0, tmp_path / "t.gif")
    with Image.open(out) as picture:
        assert picture.n_frames == 9
        first = np.asarray(picture.convert("RGB"), dtype=int)
        picture.seek(8)
        last = np.asarray(picture.convert("RGB"), dtype=int)
    assert np.abs(first - last).max() > 100


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_pictures_are_whole_files_of_their_kind(plane, tmp_path, ending):
    out = show(plane, 0, tmp_path / f"picture.{ending}")
    assert out.read_bytes()[:200].lstrip().startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[ending])
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".partial")] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sample", "1"], "has no sample 1"),
        (["--sample", "-1"], "allowed: 0 to 0"),
        (["--split", "trian"], "did you mean 'train'?"),
        (["--out", "{}/a.jpg"], "allowed: .png, .pdf, .svg, .gif, .mp4 (the last two for trajectories)"),
        (["--out", "{}/a.gif"], "has no frames to animate"),
        (["--out", "{}/none/a.png"], "nothing can be written"),
    ],
)
def test_wrong_use_is_refused_in_words(plane, tmp_path, capsys, arguments, words):
    filled = [a.format(tmp_path) for a in arguments]
    assert main(["show", str(plane), *filled]) == 2
    assert words in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == {"plane.h5"}


def test_the_verb_draws_the_first_split_beside_the_file(plane, capsys):
    assert main(["show", str(plane)]) == 0
    assert capsys.readouterr().out.strip() == str(plane.with_suffix(".png"))
    assert plane.with_suffix(".png").stat().st_size > 10_000


def test_a_sample_of_another_split(tmp_path):
    grid = Grid.make([4, 4], 1.0, boundary="periodic")
    path = tmp_path / "s.h5"
    splits = {"train": {"u": np.zeros((1, 4, 4))}, "test": {"u": np.stack([np.full((4, 4), k) for k in (1.0, 7.0)])}}
    write_dataset(path, splits, grid=grid, roles={"u": "output"})
    assert float(np.asarray(images(draw(path, 1, split="test"))["output: u"].get_array()).max()) == 7.0
    with pytest.raises(BadInput, match="no sample 1"):
        draw(path, 1)


def test_an_unknown_status_and_a_missing_residual_are_said(clean, tmp_path):
    path = shutil.copy(clean, tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["train/solver_status"][3] = 99
        del file["train/solver_residual"]
        del file["train/reference_error"]
    with open_file(path) as file:
        assert "status 99 is not known, residual not known" in describe(file, "train", 3)[2].replace("\n", " ")
    solver = info(path)["splits"]["train"]["solver"]
    assert solver["status"] == {"converged": 6, "unknown (99)": 1}
    assert set(solver) == {"status", "steps_median", "seconds_mean"}


@pytest.fixture
def line(tmp_path):
    """A front that moves to the right: u = 1 where x < t, on times in a file of its own."""

    def make(time, name="line.h5"):
        grid = Grid.make(10, 2.0, location="vertex", unit="m")
        u = np.stack([np.where(grid.coordinates[0] < t, 1.0, 0.1 * t) for t in time])[None]
        return written(tmp_path / name, grid, {"u": u}, time=np.asarray(time), time_units="s"), u[0]

    return make


def test_a_trajectory_in_one_dimension_is_lines_and_an_image_over_space_and_time(line):
    path, u = line(np.linspace(0.5, 1.5, 6))
    figure = draw(path, 0)
    image = images(figure)["over space and time"]
    assert (image.axes.get_xlabel(), image.axes.get_ylabel()) == ("x [m]", "t [s]")
    assert image.get_extent() == pytest.approx([-0.1, 1.9, 0.4, 1.6])  # frames and points in the middle of their boxes
    for k, t in enumerate(np.linspace(0.5, 1.5, 6)):
        for j, x in enumerate(np.arange(10) * 0.2):
            assert shown(image, x, t) == pytest.approx(u[k, j], abs=1e-6)
    lines = next(a for a in figure.axes if len(a.lines) == 5)
    assert lines.lines[-1].get_ydata() == pytest.approx(u[-1])


def test_frames_that_are_not_evenly_spaced_are_lines_only(line):
    path, _ = line([0.0, 0.5, 2.0])
    assert "over space and time" not in images(draw(path, 0))


def test_a_film_can_be_of_evenly_chosen_frames():
    assert chosen_frames(9, None) == list(range(9))
    assert chosen_frames(101, 5) == [0, 25, 50, 75, 100]
    assert chosen_frames(3, 40) == [0, 1, 2]


def test_an_mp4_is_refused_in_words_where_there_is_no_ffmpeg(trajectory, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(BadInput, match=r"(?s)an MP4 cannot be written.*no program ffmpeg.*NAME.gif"):
        show(trajectory, 0, tmp_path / "t.mp4")
    assert not list(tmp_path.glob("*.mp4"))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on this machine")
def test_an_mp4_is_written_where_there_is(trajectory, tmp_path):
    assert b"ftyp" in show(trajectory, 0, tmp_path / "t.mp4").read_bytes()[:16]
