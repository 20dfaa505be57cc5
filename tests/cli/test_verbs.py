"""Every verb from end to end: results on stdout as text and as JSON, progress and prose on stderr, exit codes."""

import json
import os
import shutil
import subprocess
import sys

import h5py
import pytest

import pdekit as package
from pdekit import api
from pdekit.cli.main import VERBS

SMALL = ("darcy-2d-small", "--set", "grid.points=16", "--set", "splits.train=2", "--set", "splits.valid=1")
SMALL = (*SMALL, "--set", "splits.test=1", "--set", "reference_error.samples=0")


def good(result):
    """What a command printed, after a look at its exit code and its stderr."""
    assert result.code == 0, result.err
    assert "pdekit:" not in result.err
    assert "Traceback" not in result.err
    return result.out


def facts(result):
    return json.loads(good(result))


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_names_its_options(verb, pdekit):
    text = good(pdekit(verb, "--help"))
    assert text.startswith(f"Usage: pdekit {verb} ")
    assert "--json" in text
    assert good(pdekit(verb, "-h")) == text


def test_help_lists_the_verbs_of_the_design(pdekit):
    text = good(pdekit("--help"))
    for verb in ["list", "generate", "info", "check", "show", "import", "export", "train", "evaluate", "compare"]:
        assert f"\n  {verb} " in text


def test_version_is_that_of_the_package(pdekit):
    assert good(pdekit("--version")) == f"{package.__version__}\n"


def test_no_command_is_wrong_use(pdekit):
    assert pdekit().code == 2


def test_list(pdekit):
    everything = facts(pdekit("list", "--json"))
    assert list(everything) == ["problems", "datasets", "solvers", "metrics"]
    assert {row["data set"] for row in everything["datasets"]} >= {"darcy-2d", "poisson-3d"}
    assert facts(pdekit("list", "solvers", "--json")) == {"solvers": everything["solvers"]}
    lines = good(pdekit("list", "solvers")).splitlines()
    assert [line.split()[0] for line in lines] == [row["solver"] for row in everything["solvers"]]
    assert len({line.index("classical") for line in lines if "classical" in line}) == 1  # aligned


def test_generate_says_what_was_made_and_returns_at_once_the_second_time(pdekit, room):
    first = facts(pdekit("generate", *SMALL, "--out", "a.h5", "--json"))
    assert first["splits"] == {"train": 2, "valid": 1, "test": 1}
    assert first["path"] == "a.h5"
    written = (room / "a.h5").stat().st_mtime_ns
    text = good(pdekit("generate", *SMALL, "--out", "a.h5")).splitlines()
    assert text[0].startswith("train 2  valid 1  test 1  samples, ")
    assert text[1:] == [f"content hash {first['content_hash']}", "a.h5"]
    assert (room / "a.h5").stat().st_mtime_ns == written
    assert [p.name for p in room.iterdir()] == ["a.h5"]


def test_generate_takes_seed_and_workers(pdekit, room):
    one = facts(pdekit("generate", *SMALL, "--out", "1.h5", "--seed", "1", "--json"))
    two = facts(pdekit("generate", *SMALL, "--out", "2.h5", "--seed", "1", "--workers", "2", "--json"))
    other = facts(pdekit("generate", *SMALL, "--out", "0.h5", "--json"))
    assert one["content_hash"] == two["content_hash"] != other["content_hash"]
    assert facts(pdekit("info", "1.h5", "--json"))["seed"] == 1


def test_a_failed_solve_is_exit_1_and_leaves_no_file(pdekit, room):
    result = pdekit("generate", *SMALL, "--set", "solver=cg", "--set", "solver_settings.max_steps=2", "--out", "a.h5")
    assert result.code == 1
    assert result.out == ""
    assert "train 0: MAX_STEPS after 2 steps" in result.err
    assert not (room / "a.h5").exists()


def test_info_of_data(pdekit, shop):
    text = good(pdekit("info", shop.data))
    known = facts(pdekit("info", shop.data, "--json"))
    assert "train: 4 samples, 16 x 16 cells on a box of 1 x 1, dirichlet" in text
    assert "4 converged" in text
    assert known["content_hash"] in text
    assert good(pdekit("info", shop.data, "--recipe")) == known["recipe"] + "\n"
    assert 'problem = "darcy"' in known["recipe"]


def test_the_walk_of_a_trajectory(pdekit, room):
    """Generate, info, check, show: a solver that steps claims no residual, and nobody prints one."""
    small = ["splits.train=2", "splits.valid=1", "splits.test=1", "reference_error.samples=1"]
    changes = [f"splits.test_{name}.samples=1" for name in ("nu", "amplitude", "points")]
    made = [part for text in (*small, *changes) for part in ("--set", text)]
    good(pdekit("generate", "burgers-1d-small", "--out", "b.h5", *made))
    text = good(pdekit("info", "b.h5"))
    assert "2 evaluated; " in text
    assert "residual" not in text
    assert "error" in text
    assert good(pdekit("check", "b.h5")).endswith("b.h5: passed\n")
    good(pdekit("show", "b.h5", "--out", "b.png"))
    assert (room / "b.png").stat().st_size > 10_000


def test_info_of_a_run(pdekit, shop):
    text = good(pdekit("info", shop.run))
    known = facts(pdekit("info", shop.run, "--json"))
    assert known["solver"] == "pod-ridge"
    assert known["file_hash"] in text
    assert f"relative L2 {known['best_valid_relative_l2']:.4g}" in text


def test_check_passes(pdekit, shop):
    assert good(pdekit("check", shop.data)).endswith("darcy.h5: passed\n")
    assert facts(pdekit("check", shop.data, "--json"))["passed"] is True
    assert facts(pdekit("check", shop.data, "--against", shop.data, "--json"))["passed"] is True


def test_check_that_finds_something_is_exit_1_with_its_finding_on_stdout(pdekit, shop, room):
    shutil.copy(shop.data, "a.h5")
    with h5py.File("a.h5", "r+") as file:
        file["test/pressure"][1] *= 1.01
    result = pdekit("check", "a.h5")
    assert result.code == 1
    assert "test/pressure" in result.out or "test, sample 1" in result.out
    assert "pdekit:" not in result.err
    result = pdekit("check", "a.h5", "--json")
    assert result.code == 1
    assert json.loads(result.out)["passed"] is False


def test_show_writes_one_picture(pdekit, shop, room):
    assert facts(pdekit("show", shop.data, "--sample", "1", "--out", "a.png", "--json")) == {"picture": "a.png"}
    assert (room / "a.png").read_bytes().startswith(b"\x89PNG")
    assert good(pdekit("show", shop.data, "--out", "b.png")) == "b.png\n"


@pytest.mark.parametrize("layout", ["npz", "pdebench", "well", "neuralop"])
def test_export_and_import_are_a_round_trip(layout, pdekit, shop, room):
    assert good(pdekit("export", shop.data, "--to", layout, "--out", "out")) == "out\n"
    back = facts(pdekit("import", "out", "--out", "back.h5", "--json"))
    assert sum(back["splits"].values()) == 8
    assert good(pdekit("info", "back.h5"))


def test_train_evaluate_and_resume(pdekit, shop, room):
    options = ("--set", "training.epochs=1", "--set", "model.width=4", "--set", "model.n_modes=[4, 4]")
    text = good(pdekit("train", "fno", shop.data, "--out", "run", "--seed", "3", "--device", "cpu", *options))
    assert text.splitlines()[-1].split() == ["run", "run"]
    again = facts(
        pdekit(
            "train", "fno", shop.data, "--out", "run", "--seed", "3", "--device", "cpu", "--resume", "--json", *options
        )
    )
    assert again["epochs"] == 1
    assert again["seed"] == 3
    assert good(pdekit("evaluate", "run", shop.data))
    assert facts(pdekit("evaluate", "run", shop.data, "--split", "valid", "--json"))["split"] == "valid"


def test_compare_prints_the_table_and_the_path_last(pdekit, shop, room):
    quick = (
        "--set",
        "timing.repeats=3",
        "--set",
        "timing.batch=[1]",
        "--set",
        "samples=1",
        "--set",
        "reference.samples=1",
    )
    text = good(pdekit("compare", shop.data, "--solver", "cg", "--solver", shop.run, "--out", "report", *quick))
    assert text.splitlines()[-1] == "report: report/report.html"
    assert "cg" in text
    assert {"report.html", "results.json", "table.txt"} <= {p.name for p in (room / "report").iterdir()}


def test_an_interrupted_command_is_130(pdekit, room, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "generate", stop)
    result = pdekit("generate", *SMALL, "--out", "a.h5")
    assert result.code == 130
    assert result.out == ""
    assert result.err == "pdekit: stopped; the same command again goes on where it can\n"


def test_memory_that_is_short_is_said(pdekit, room, monkeypatch):
    def stop(*arguments, **options):
        raise MemoryError("728 TiB")

    monkeypatch.setattr(api, "generate", stop)
    result = pdekit("generate", *SMALL, "--out", "a.h5")
    assert result.code == 1
    assert "728 TiB" in result.err


def test_a_fault_of_our_own_is_not_hidden(pdekit, room, monkeypatch):
    def fail(*arguments, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(api, "generate", fail)
    with pytest.raises(ZeroDivisionError):
        pdekit("generate", *SMALL, "--out", "a.h5")


def test_a_reader_that_has_seen_enough_is_no_error():
    """As `pdekit list --json | head -1`: what is left to print meets a closed pipe."""
    command = [sys.executable, "-m", "pdekit.cli.main", "list", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ})
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""


def test_the_module_exits_with_the_code_of_the_command(tmp_path):
    command = [sys.executable, "-m", "pdekit.cli.main", "generate", "nothing", "--out", "a.h5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("pdekit: there is no data set named 'nothing'.")


def test_the_package_is_imported_without_torch():
    code = "import sys, pdekit, pdekit.cli.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
