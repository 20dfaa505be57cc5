"""Nothing is lost and nothing half-written stands under the final name: SIGKILL, full disks, read-only targets."""

import fcntl
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pdekit.cli.main import main
from pdekit.data.executors import processes
from pdekit.data.formats.target import fresh
from pdekit.data.generate import generate
from pdekit.data.read import open_file
from pdekit.data.recipe import read_recipe
from pdekit.data.shards import ShardFolder, Task
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput, StorageError
from pdekit.files import write_text
from pdekit.space.grid import Grid

COMMAND = [sys.executable, "-m", "pdekit.cli.main", "generate"]


def content(path) -> str:
    with open_file(path) as file:
        return file.content_hash


def _heeds_interrupts():
    """A shell starts background jobs with SIGINT ignored, and children inherit it: undo that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def running(recipe, target, *options):
    return subprocess.Popen(
        [*COMMAND, str(recipe), "--out", str(target), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_heeds_interrupts,
    )


def kill_and_continue(recipe, target, whole, moments, workers):
    """Kill one generation at each of the moments (seconds after its first sign of work), then let it finish."""
    killed = 0
    for moment in moments:
        process = running(recipe, target, "--workers", str(workers))
        folder = target.with_name(target.name + ".shards")
        while process.poll() is None and not folder.exists():
            time.sleep(0.002)
        time.sleep(moment)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        if target.exists():  # it was done: whole, and the same command again leaves nothing beside it; begin anew
            assert content(target) == whole
            subprocess.run([*COMMAND, str(recipe), "--out", str(target)], check=True, capture_output=True)
            assert not folder.exists()
            target.unlink()
    process = running(recipe, target, "--workers", str(workers))
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    assert content(target) == whole
    assert sorted(p.name for p in target.parent.iterdir()) == [target.name]
    return killed


def slow_recipe(folder: Path, text: str) -> Path:
    """Some 2 s of work in many small shards."""
    path = folder / "recipe.toml"
    path.write_text(text.replace("points = [16, 16]", "points = [64, 64]").replace("train = 7", "train = 200"))
    return path


def test_killed_at_three_moments_and_continued(recipe_text, tmp_path):
    recipe = slow_recipe(tmp_path, recipe_text)
    whole = content(generate(recipe, tmp_path / "whole.h5"))
    folder = tmp_path / "target"
    folder.mkdir()
    assert kill_and_continue(recipe, folder / "a.h5", whole, [0.1, 0.7, 1.2], workers=1) >= 1


@pytest.mark.slow
def test_killed_at_twenty_random_moments_and_continued(recipe_text, tmp_path):
    """From the first shard to the rename; 1, 2 and 3 workers continue what others began."""
    recipe = slow_recipe(tmp_path, recipe_text)
    whole = content(generate(recipe, tmp_path / "whole.h5"))
    rng, folder = random.Random(0), tmp_path / "target"
    folder.mkdir()
    killed, begun = 0, 0
    while killed < 20:
        begun += 1
        workers = rng.choice([1, 2, 3])
        moments = [rng.uniform(0.0, 4.0) for _ in range(rng.choice([1, 2]))]
        killed += kill_and_continue(recipe, folder / "a.h5", whole, moments, workers)
        (folder / "a.h5").unlink()
        assert begun < 60, "the moments miss the runs"


@pytest.mark.parametrize("step", ["create", "partial", "fsync", "replace"])
def test_killed_while_the_file_is_assembled(recipe_path, clean, tmp_path, step):
    """SIGKILL at the steps between the last shard and the final name, in a process of its own."""
    target = tmp_path / "a.h5"
    program = f"""
import os, signal
import pdekit.data.assemble as assemble
from pathlib import Path
from pdekit.data.generate import generate
die = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
{dict(create="assemble.create = die", partial="assemble._finish = die", fsync="assemble.os = type('os', (), dict(vars(os), fsync=die))", replace="Path.replace = lambda self, to, real=Path.replace: die() if str(to).endswith('a.h5') else real(self, to)")[step]}
generate({str(recipe_path)!r}, {str(target)!r})
"""  # noqa: E501
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not target.exists()
    assert content(generate(recipe_path, target)) == content(clean)


def killed_before_the_shards_are_removed(recipe, target, **options):
    program = f"""
import os, signal
from pdekit.data.shards import ShardFolder
from pdekit.data.generate import generate
ShardFolder.remove = lambda self: os.kill(os.getpid(), signal.SIGKILL)
generate({str(recipe)!r}, {str(target)!r}, **{options!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_shards_left_beside_a_finished_file_are_removed_by_the_same_command(recipe_path, clean, tmp_path):
    target, folder = tmp_path / "a.h5", tmp_path / "a.h5.shards"
    killed_before_the_shards_are_removed(recipe_path, target)
    before = target.read_bytes()
    assert list(folder.glob("*.shard"))
    assert generate(recipe_path, target).read_bytes() == before
    assert not folder.exists()
    assert content(target) == content(clean)


def test_shards_of_a_larger_run_stay_beside_the_smaller_file(recipe_path, tmp_path):
    """They are finished samples: the larger run goes on from them."""
    larger = {"splits.train": 9}
    target, folder = tmp_path / "a.h5", tmp_path / "a.h5.shards"
    killed_before_the_shards_are_removed(recipe_path, tmp_path / "b.h5", overrides=larger)
    (tmp_path / "b.h5").unlink()
    (tmp_path / "b.h5.shards").rename(folder)
    generate(recipe_path, tmp_path / "c.h5").rename(target)
    kept = sorted(folder.glob("*.shard"))
    generate(recipe_path, target)
    assert sorted(folder.glob("*.shard")) == kept != []
    generate(recipe_path, target, overrides=larger)
    assert not folder.exists()
    with open_file(target) as file:
        assert file.size("train") == 9
    leftovers = [p.name for p in tmp_path.iterdir() if p.name not in ("a.h5", "recipe.toml")]
    assert leftovers == []


def test_an_interrupted_run_exits_with_130_and_goes_on(recipe_text, tmp_path):
    recipe = slow_recipe(tmp_path, recipe_text)
    target = tmp_path / "a.h5"
    process = running(recipe, target, "--workers", "2", "--set", "splits.train=20000")
    folder = tmp_path / "a.h5.shards"
    while process.poll() is None and not list(folder.glob("train-*.shard") if folder.exists() else []):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command again goes on" in errors.decode()
    assert not target.exists()
    assert list(folder.glob("train-*.shard"))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


FULL = {"grid.points": 64, "splits.train": 30}  # some 1.9 MB of file, and as much of shards


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_stops_with_a_clear_error_and_no_file(recipe_path, small_disk, workers, tmp_path):
    """The shards fit, the file beside them does not. What is finished is kept, and is enough after space is made."""
    target = small_disk / "a.h5"
    with pytest.raises(StorageError) as caught:
        generate(recipe_path, target, overrides=FULL, workers=workers)
    assert str(target) in str(caught.value) or ".shard" in str(caught.value)
    assert "run the same command again" in str(caught.value)
    assert sorted(p.name for p in small_disk.iterdir()) == ["a.h5.shards"]
    assert list((small_disk / "a.h5.shards").glob("*.shard"))
    assert not list((small_disk / "a.h5.shards").glob(".partial*"))
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    elsewhere = generate(recipe_path, tmp_path / "b.h5", overrides=FULL)
    assert content(generate(recipe_path, target, overrides=FULL, workers=workers)) == content(elsewhere)
    assert [p.name for p in small_disk.iterdir()] == ["a.h5"]


def test_a_disk_too_small_for_the_file_is_refused_before_any_work(recipe_path, small_disk):
    with pytest.raises(BadInput, match="the disk has no room") as caught:
        generate(recipe_path, small_disk / "a.h5", overrides={"grid.points": 128, "splits.train": 200})
    assert "GB free" in str(caught.value)
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_has_exit_code_1(recipe_path, small_disk, capsys):
    options = [f"--set={k}={v}" for k, v in FULL.items()]
    assert main(["generate", str(recipe_path), "--out", str(small_disk / "a.h5"), *options]) == 1
    assert "pdekit: " in capsys.readouterr().err


def test_own_arrays_on_a_full_disk_leave_nothing(small_disk):
    arrays = {"train": {"u": np.random.default_rng(0).standard_normal((200, 64, 64))}}
    with pytest.raises(StorageError, match=r"a\.h5' cannot be written"):
        write_dataset(small_disk / "a.h5", arrays, grid=Grid.make([64, 64]), roles={"u": "output"})
    assert list(small_disk.iterdir()) == []


@pytest.fixture
def short_files():
    """No file of this process may grow above 200 kB: the system refuses the write, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("points", [32, 256])
def test_a_refused_write_is_a_clear_error_wherever_it_happens(recipe_path, tmp_path, short_files, points):
    """At 32 points the shards are written and the file is refused; at 256 the first shard is."""
    target = tmp_path / "a.h5"
    with pytest.raises(StorageError, match="cannot be written") as caught:
        generate(recipe_path, target, overrides={"grid.points": points, "splits.train": 8})
    assert "File too large" in str(caught.value)
    assert not target.exists()
    assert not list(tmp_path.rglob(".partial*"))


def test_a_read_only_folder_is_wrong_use(recipe_path, tmp_path, capsys):
    """Root may write anywhere, so the folder is on a file system that is mounted read-only, or simply not writable."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.geteuid() == 0:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if mounted.returncode != 0:
            pytest.skip("root may write anywhere, and no file system can be mounted here")
    else:
        folder.chmod(0o555)
    try:
        assert main(["generate", str(recipe_path), "--out", str(folder / "a.h5")]) == 2
        assert "nothing can be written" in capsys.readouterr().err
        with pytest.raises(BadInput, match="nothing can be written"):
            write_dataset(folder / "b.h5", {"train": {"u": np.ones((1, 4))}}, grid=Grid.make(4), roles={"u": "output"})
        assert list(folder.iterdir()) == []
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", str(folder)], check=True)
        else:
            folder.chmod(0o755)


def test_a_worker_that_dies_is_said_and_the_rest_is_kept(recipe_text, tmp_path):
    recipe = slow_recipe(tmp_path, recipe_text)
    target = tmp_path / "a.h5"
    process = running(recipe, target, "--workers", "2", "--set", "splits.train=2000")
    folder = tmp_path / "a.h5.shards"
    while process.poll() is None and not list(folder.glob("*.shard") if folder.exists() else []):
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("this system does not say who the children of a process are")
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker process ended before its task was done (signal 9)" in errors.decode()
    assert not target.exists()
    assert list(folder.glob("*.shard"))


def test_a_lock_whose_folder_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    """Another generation ends, and removes the folder, between the opening of the lock and its taking."""
    folder = ShardFolder(tmp_path / "a.h5.shards")
    real, calls = fcntl.flock, []

    def late(handle, operation):
        calls.append(operation)
        if len(calls) == 1:
            folder.remove()
        real(handle, operation)

    monkeypatch.setattr("fcntl.flock", late)
    with folder.locked({"recipe": "a"}):
        assert len(calls) == 2
        with pytest.raises(BadInput, match="another process is generating"), folder.locked({"recipe": "a"}):
            pass


@pytest.mark.parametrize("answer", ["", '{"failed": [], "sec', "no answer\n"])
def test_a_worker_that_ends_in_the_middle_of_an_answer_is_said(recipe_path, tmp_path, monkeypatch, answer):
    """Half a line once killed the thread that read it, and the generation waited for ever."""
    program = f"import sys; sys.stdin.readline(); sys.stdin.readline(); sys.stdout.write({answer!r})"

    def start():
        return subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    monkeypatch.setattr("pdekit.data.executors._start", start)
    recipe, folder = read_recipe(recipe_path), tmp_path / "a.h5.shards"
    answers = processes(recipe, folder, [Task("train", 0, 1)], 1)
    caught = []
    reader = threading.Thread(target=lambda: caught.append(raised(lambda: next(iter(answers)))), daemon=True)
    reader.start()
    reader.join(20)
    assert "a worker process ended before its task was done" in str(caught[0])


def raised(call):
    try:
        return call()
    except Exception as error:
        return error


def test_a_system_that_cannot_reserve_room_gets_zeros(recipe_path, clean, tmp_path, monkeypatch):
    monkeypatch.delattr("os.posix_fallocate")
    assert content(generate(recipe_path, tmp_path / "a.h5")) == content(clean)


def test_a_full_disk_that_a_library_reports_its_own_way_is_said(tmp_path):
    """h5py raises RuntimeError where the disk refuses a file that is being closed."""
    with pytest.raises(StorageError, match="No space left"), fresh(tmp_path / "a.h5"):
        raise RuntimeError("Unable to synchronously close file (No space left on device)")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr("os.fsync", lambda handle, real=os.fsync: (order.append("fsync"), real(handle)))
    monkeypatch.setattr("os.replace", lambda a, b, real=os.replace: (order.append("replace"), real(a, b)))
    write_text(tmp_path / "a.txt", "whole")
    assert order == ["fsync", "replace"]
    assert (tmp_path / "a.txt").read_text() == "whole"
