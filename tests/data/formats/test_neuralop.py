"""neuraloperator's `.pt`: our exports load as its own data set loads them; its bundled Darcy files say what is unknown."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pdekit.cli.main import main
from pdekit.data.check import check
from pdekit.data.formats import export_file, import_file
from pdekit.data.info import info
from pdekit.data.read import open_file
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput, FormatError
from pdekit.problems import PROBLEMS
from pdekit.space.grid import Grid

BUNDLED = Path(__file__).parents[4] / "shared" / "data" / "neuraloperator-darcy"
bundled = pytest.mark.skipif(not BUNDLED.is_dir(), reason="neuraloperator's bundled Darcy files are not here")


def test_exports_load_with_weights_only_and_own_their_storage(tmp_path):
    grid = Grid.make([5, 4], 1.0, boundary="dirichlet")
    rng = np.random.default_rng(0)
    splits = {
        s: {
            "permeability": rng.choice([3.0, 12.0], (n, 5, 4)),
            "source": np.ones((n, 5, 4)),
            "pressure": rng.normal(size=(n, 5, 4)),
        }
        for s, n in (("train", 6), ("test", 2))
    }
    write_dataset(tmp_path / "a.h5", splits, grid=grid, problem=PROBLEMS["darcy"]())
    out = export_file(tmp_path / "a.h5", "neuralop", tmp_path / "darcy")
    assert sorted(p.name for p in out.iterdir()) == ["darcy_test_5.pt", "darcy_train_5.pt"]
    content = torch.load(out / "darcy_train_5.pt", weights_only=True)
    assert {k for k, v in content.items() if isinstance(v, torch.Tensor)} == {"x", "y"}
    for key, name in (("x", "permeability"), ("y", "pressure")):
        tensor = content[key]
        assert (tensor.dtype, tuple(tensor.shape)) == (torch.float32, (6, 5, 4))
        assert tensor.untyped_storage().nbytes() == tensor.numel() * 4  # a view would carry all it was cut from
        assert np.array_equal(tensor.numpy(), splits["train"][name].astype(np.float32))


def test_several_inputs_become_channels(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(3, 4, 4)) for name in ("a", "b", "u")}
    write_dataset(
        tmp_path / "a.h5",
        {"train": arrays},
        grid=Grid.make([4, 4], 1.0),
        roles={"a": "input", "b": "input", "u": "output"},
    )
    out = export_file(tmp_path / "a.h5", "neuralop", tmp_path / "two")
    x = torch.load(out / "two_train_4.pt", weights_only=True)["x"].numpy()
    assert np.array_equal(x, np.stack([arrays["a"], arrays["b"]], axis=1).astype(np.float32))


def test_burgers_has_frames_and_a_viscosity(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 16)), rng.normal(size=(6, 17, 16))
    for split in ("train", "test"):
        content = {"x": torch.from_numpy(x), "y": torch.from_numpy(y), "visc": torch.tensor([[0.01]])}
        torch.save(content, tmp_path / f"burgers_{split}_16.pt")
    with open_file(import_file(tmp_path, tmp_path / "b.h5")) as file:
        assert file.splits == ("train", "test")
        assert np.array_equal(file.read("train", "initial_state"), x.astype(np.float32))
        assert np.array_equal(file.read("test", "state"), y.astype(np.float32))
        assert len(file.time("train")) == 17
        assert file.read("train", "viscosity") == pytest.approx([0.01] * 6)
        assert "times: frames are numbered" in file.attrs["unknown"]
        assert "x float64, y float64" in file.attrs["source_types"]


def test_pickled_code_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path(tmp_path / "ran").touch, ())

    torch.save({"x": Trap()}, tmp_path / "darcy_train_4.pt")
    with pytest.raises(FormatError, match="Python objects"):
        import_file(tmp_path / "darcy_train_4.pt", tmp_path / "out.h5")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("names", "shapes", "words"),
    [
        (["darcy_train_4.pt"], ((3, 4, 4), (3, 5, 4)), "do not lie on one grid"),
        (["darcy_train_4.pt", "burgers_train_4.pt"], ((3, 4), (3, 4)), "several data sets"),
        (["darcy_train_4.pt", "other.pt"], ((3, 4), (3, 4)), "is not in its name"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, names, shapes, words):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in names:
        torch.save({"x": torch.zeros(shapes[0]), "y": torch.zeros(shapes[1])}, folder / name)
    with pytest.raises(BadInput, match=words):
        import_file(folder, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


@pytest.fixture(scope="module")
def darcy(tmp_path_factory):
    return import_file(BUNDLED, tmp_path_factory.mktemp("darcy") / "darcy.h5")


@bundled
def test_the_bundled_files_become_three_splits_on_their_own_grids(darcy):
    with open_file(darcy) as file:
        assert {s: (file.size(s), file.grid(s).points) for s in file.splits} == {
            "train": (1000, (16, 16)),
            "test": (50, (16, 16)),
            "test_32": (50, (32, 32)),
        }
        for split, name in (("train", "train_16"), ("test", "test_16"), ("test_32", "test_32")):
            content = torch.load(BUNDLED / f"darcy_{name}.pt", weights_only=True)
            assert np.array_equal(file.read(split, "coefficient"), content["x"].numpy().astype(np.float32))
            assert np.array_equal(file.read(split, "solution"), content["y"].numpy())
        assert file.problem is None


@bundled
def test_the_card_of_the_bundled_files_says_what_is_unknown(darcy):
    notes = info(darcy)["notes"]
    for words in ("units", "domain and coordinates", "physical values of the coefficient", "boundary conditions"):
        assert words in notes["unknown"]
    for axis in "xy":
        assert f"train: index 0 of {axis} is a zero edge (about 0)" in notes["measured"]
        assert f"index -1 of {axis} is an interior edge (not 0)" in notes["measured"]
    assert "12 of 256000 values negative, so the scale may not be physical" in notes["measured"]
    assert "test is every point number 2 j of test_32" in notes["measured"]
    assert "no symmetry is offered" in notes["flaws"]
    assert info(darcy)["splits"]["train"]["variables"]["solution"]["units"] == "unknown"


@bundled
def test_check_says_what_it_can_and_cannot_verify(darcy):
    report = check(darcy)
    assert report.passed
    assert any(text.startswith("checksums: every value of 1100 samples") for text in report.verified)
    assert any(
        text.startswith("the equation, boundary values and conservation: no problem") for text in report.unverified
    )
    assert any(text.startswith("completeness: no recipe") for text in report.unverified)


@bundled
def test_a_person_may_say_more(tmp_path, capsys):
    out = tmp_path / "said.h5"
    said = ["units.solution=Pa", "length=2.0", "title='My Darcy'", "location=cell", "boundary=dirichlet"]
    arguments = [a for text in said for a in ("--set", text)]
    assert main(["import", str(BUNDLED), "--out", str(out), *arguments]) == 0
    assert "train 1000  test 50  test_32 50" in capsys.readouterr().out
    with open_file(out) as file:
        assert file.attrs["title"] == "My Darcy"
        assert file.grid("test_32") == Grid.make([32, 32], 2.0, location="cell", boundary="dirichlet")
        assert file.variables("train")["solution"].attrs["units"] == "Pa"
        assert "length: 1 per axis" not in file.attrs["unknown"]


@bundled
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("lenght=2.0", "did you mean 'length'?"),
        ("units.solutoin=Pa", "did you mean 'solution'"),
        ("boundary=wall", "there is no boundary type"),
        ("length=[1.0, 2.0, 3.0]", "length"),
        ("roles.solution=target", "allowed: input, output"),
    ],
)
def test_what_a_person_says_is_checked(tmp_path, capsys, said, words):
    assert main(["import", str(BUNDLED), "--out", str(tmp_path / "o.h5"), "--set", said]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
