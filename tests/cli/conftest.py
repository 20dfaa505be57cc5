"""One tiny data file, one tiny run and a call of the command line, shared by the tests of the verbs."""

import pickle
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from pdekit import api
from pdekit.cli.main import main

ROOT = Path(__file__).parents[2]
TINY = {"splits.train": 4, "splits.valid": 2, "splits.test": 2, "reference_error.samples": 0}


@dataclass(frozen=True)
class Result:
    """What one command gave."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shop:
    """Finished things that commands are tried on; no test may change them."""

    folder: Path
    data: Path  # darcy, 16 x 16 cells, 4 / 2 / 2 samples
    poisson: Path  # poisson, 16 x 16 cells, 4 / 2 / 2 samples
    run: Path  # pod-ridge, trained on `data`

    def names(self) -> dict[str, Path]:
        """The paths by the names that commands in tables use."""
        return {"data": self.data, "poisson": self.poisson, "run": self.run, "shop": self.folder}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    data = api.generate("darcy-2d-small", folder / "darcy.h5", overrides={**TINY, "grid.points": 16})
    without = {**TINY, "grid.points": 16, "splits.test_rough": {"samples": 2}}
    poisson = api.generate("poisson-2d", folder / "poisson.h5", overrides=without)
    run = api.train("pod-ridge", data, out=folder / "run", overrides={"training.select": "valid"})
    return Shop(folder, data, poisson, run)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    folder = tmp_path / "room"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def pdekit(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Call the command line in this process."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def bad(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of everything that is wrong: recipes, cards, plans, data files, runs, other people's files."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "folder").mkdir()
    (folder / "empty.h5").touch()
    (folder / "text.h5").write_text("this is not HDF5\n")
    _recipes(folder)
    _hdf5(folder, shop.data)
    _runs(folder, shop.run)
    _cards(folder)
    _plans(folder, shop.data)
    _foreign(folder)
    return folder


def _recipes(folder: Path) -> None:
    good = (ROOT / "datasets" / "darcy-2d-small" / "recipe.toml").read_text(encoding="utf-8")
    (folder / "broken.toml").write_text("format = 1\ntitle = \n")
    (folder / "nested.toml").write_text("a = " + "[" * 20_000 + "]" * 20_000)
    (folder / "binary.toml").write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe")
    (folder / "empty.toml").write_text("")
    (folder / "typo.toml").write_text(good.replace("[splits]", "[splitz]"))
    (folder / "no-field.toml").write_text(good.replace('source = { law = "constant", value = 1.0 }', ""))
    faults = {"points   = [64, 64]": "points = [64, -1]", '"dirichlet"': '"dirichlt"', '"float32"': '"float16"'}
    for old, new in faults.items():
        good = good.replace(old, new, 1)
    (folder / "several-faults.toml").write_text(good)


def _hdf5(folder: Path, data: Path) -> None:
    whole = data.read_bytes()
    (folder / "truncated.h5").write_bytes(whole[: len(whole) // 2])
    (folder / "superblock.h5").write_bytes(whole[:8] + bytes(64) + whole[72:])

    def variant(name: str) -> h5py.File:
        shutil.copy(data, folder / f"{name}.h5")
        return h5py.File(folder / f"{name}.h5", "r+")

    with h5py.File(folder / "foreign.h5", "w") as file:
        file["pressure"] = np.zeros((2, 4, 4))
    with variant("external-link") as file:
        file["test/secret"] = h5py.ExternalLink("/etc/shadow", "/root")
    with variant("soft-link") as file:
        file["test/alias"] = h5py.SoftLink("/train/pressure")
    with variant("virtual") as file:
        layout = h5py.VirtualLayout((2, 16, 16), "f4")
        layout[:] = h5py.VirtualSource("../../elsewhere.h5", "pressure", (2, 16, 16))
        file["test"].create_virtual_dataset("borrowed", layout)
    with variant("raw-outside") as file:
        file["test"].create_dataset("outside", (4,), "u1", external=[("/etc/hostname", 0, 4)])
    with variant("reference") as file:
        file["test"].create_dataset("pointer", data=file["train"].ref, dtype=h5py.ref_dtype)
    with variant("filter") as file:
        file["test"].create_dataset("squeezed", (4,), "f4", chunks=(4,), compression=32001, allow_unknown_filter=True)
    with variant("compound") as file:
        file["test"].create_dataset("pairs", data=np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]))
    with variant("future") as file:
        file.attrs["pdekit_format"] = 99
    with variant("no-splits") as file:
        for name in list(file):
            del file[name]
    with variant("only-test") as file:
        del file["train"], file["valid"]
    with variant("no-valid") as file:
        del file["valid"]
    with variant("unequal") as file:
        del file["test/pressure"]
        file["test"].create_dataset("pressure", data=np.zeros((1, 16, 16), "f4")).attrs["role"] = "output"
    with variant("unknown-problem") as file:
        file.attrs["problem"] = "stokes"
    with variant("other-equation") as file:
        file.attrs["recipe"] = "format = "


def _runs(folder: Path, run: Path) -> None:
    def variant(name: str) -> Path:
        return Path(shutil.copytree(run, folder / name))

    (variant("run-no-record") / "run.json").unlink()
    (variant("run-broken-record") / "run.json").write_text("{")
    (variant("run-no-weights") / "best.safetensors").unlink()
    weights = (run / "best.safetensors").read_bytes()
    (variant("run-truncated") / "best.safetensors").write_bytes(weights[: len(weights) // 2])
    (variant("run-pickled") / "best.safetensors").write_bytes(pickle.dumps(Trap()))
    save_file({"w": np.zeros(3, dtype=np.float32)}, variant("run-foreign-weights") / "best.safetensors")
    card = variant("run-code") / "card.toml"
    card.write_text(re.sub('code = ".*"', 'code = "os:system"', card.read_text()))
    card = variant("run-other-class") / "card.toml"
    card.write_text(re.sub('code = ".*"', 'code = "pdekit.models.mean:MeanField"', card.read_text()))
    card = variant("run-not-a-class") / "card.toml"
    card.write_text(re.sub('code = ".*"', 'code = "pdekit.errors:unknown_name"', card.read_text()))


class Trap:
    """Makes a file where whoever unpickles it stands."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("unpickled"),)


def _cards(folder: Path) -> None:
    good = (ROOT / "solvers" / "pod-ridge.toml").read_text(encoding="utf-8")
    code = "pdekit.models.pod:PODRidge"
    (folder / "card-code.toml").write_text(good.replace(code, "os:system"))
    (folder / "card-missing-class.toml").write_text(good.replace(code, "pdekit.models.pod:PODRigde"))
    (folder / "card-missing-file.toml").write_text(good.replace(code, "pdekit.models.dop:PODRidge"))
    (folder / "card-no-class.toml").write_text(good.replace(code, "pdekit.models.pod"))
    (folder / "card-function.toml").write_text(good.replace(code, "pdekit.errors:unknown_name"))
    (folder / "card-typo.toml").write_text(good.replace("[scaling]", "[scalling]"))
    cg = (ROOT / "solvers" / "cg.toml").read_text(encoding="utf-8")
    (folder / "card-cg.toml").write_text(cg.replace("rtol = 1e-8", "rtoll = 1e-8"))


def _plans(folder: Path, data: Path) -> None:
    head = f'format = 1\nquestion = "?"\ndata = "{data}"\n'
    cg = '[[solvers]]\nname = "cg"\n'
    (folder / "plan-no-solvers.toml").write_text(head)
    (folder / "plan-typo.toml").write_text(head + 'metric = ["relative_l2"]\n' + cg)
    (folder / "plan-twice.toml").write_text(head + cg + cg)
    (folder / "plan-both.toml").write_text(head + cg + 'run = "x"\n')
    (folder / "plan-recipe.toml").write_text(head.replace(str(data), "darcy-2e") + cg)
    (folder / "plan-ladder.toml").write_text(head + cg + 'set = { "ladder.rtoll" = [1e-2] }\n')


def _foreign(folder: Path) -> None:
    rng = np.random.default_rng(0)
    fields = {"a": rng.random((3, 8, 8)), "u": rng.random((3, 8, 8))}
    np.savez(folder / "good.npz", **fields)
    np.savez(folder / "nan.npz", a=fields["a"], u=np.where(fields["u"] > 0.9, np.nan, fields["u"]))
    np.savez(folder / "counts.npz", a=fields["a"], u=fields["u"][:2])
    np.savez(folder / "shapes.npz", a=fields["a"], u=rng.random((3, 8, 9)))
    np.savez(folder / "words.npz", a=fields["a"], u=np.full((3, 8, 8), "x"))
    np.savez(folder / "objects.npz", a=fields["a"], u=np.array([Trap(), Trap(), Trap()], dtype=object))
    np.save(folder / "object.npy", np.array([Trap()], dtype=object))
    np.savez(folder / "empty.npz")
    (folder / "broken.npz").write_bytes((folder / "good.npz").read_bytes()[:400])
    (folder / "trap.pt").write_bytes(pickle.dumps(Trap()))
    torch.save({"x": Trap(), "y": torch.zeros(3, 8, 8)}, folder / "trap-new.pt")
    torch.save([torch.zeros(3)], folder / "list.pt")
    with zipfile.ZipFile(folder / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
