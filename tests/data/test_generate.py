"""Generation: a sample depends on (recipe, seed, split, index) and on nothing else; failures; appending; error estimates."""

import json
import re

import h5py
import numpy as np
import pytest

from pdekit.data.check import check
from pdekit.data.generate import generate
from pdekit.data.info import info
from pdekit.data.plan import plan
from pdekit.data.produce import produce
from pdekit.data.read import open_file
from pdekit.data.recipe import read_recipe
from pdekit.data.shards import ShardFolder, Task
from pdekit.errors import BadInput, SolveError, StorageError
from pdekit.problems import PROBLEMS
from pdekit.registry import find_card
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

ORDER = ("train", "valid", "test", "test_contrast")


def content(path) -> str:
    with open_file(path) as file:
        return file.content_hash


def test_every_sample_is_drawn_from_its_own_stream(clean):
    """Rule 1, literally: SeedSequence(seed, spawn_key=(split number, index)), PCG64, the problem's own `sample`."""
    recipe = read_recipe(clean.with_name("recipe.toml"))
    grid = Grid.make([16, 16], 1.0, boundary="dirichlet")
    with h5py.File(clean) as file:
        for number, split in enumerate(ORDER):
            for index in range(file[split]["sample"].size):
                sequence = np.random.SeedSequence(7, spawn_key=(number, index))
                assert int(file[split]["sample_seed"][index]) == int(sequence.generate_state(1, np.uint64)[0])
                rng = np.random.Generator(np.random.PCG64(sequence))
                fields = PROBLEMS["darcy"]().sample(grid, rng, recipe.laws_for(split)[0])
                for name in ("permeability", "source"):
                    assert np.array_equal(file[split][name][index], fields[name].astype(np.float32))


def test_parameters_are_drawn_per_sample_and_stored(recipe_text, tmp_path):
    text = recipe_text.replace(
        'source = { law = "constant", value = 1.0 }', 'source = { law = "uniform", low = 1.0, high = 2.0 }'
    )
    (tmp_path / "r.toml").write_text(text)
    path = generate(tmp_path / "r.toml", tmp_path / "a.h5", overrides={"splits.train": 4})
    with h5py.File(path) as file:
        levels = file["train"]["source"][:, 0, 0]
        assert np.all(file["train"]["source"][...] == levels[:, None, None])
    assert len(set(levels.tolist())) == 4
    assert np.all((levels >= 1) & (levels <= 2))


def test_the_stored_residual_is_that_of_the_float64_solution(clean):
    """Recomputed from float32 values the residual is some 1e-5; the record says what the solver had in float64."""
    with open_file(clean) as file:
        stored = file.problem.residual(file.instances("train"), file.outputs("train"))
        recorded = file.record("train")["solver_residual"]
    assert np.all(recorded <= 1e-7)
    assert np.all(stored > 10 * recorded)


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_changes_nothing(recipe_path, clean, tmp_path, workers):
    path = generate(recipe_path, tmp_path / "a.h5", workers=workers)
    assert content(path) == content(clean)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "recipe.toml"]


def test_the_order_and_size_of_shards_changes_nothing(recipe_path, clean, tmp_path, monkeypatch):
    monkeypatch.setattr("pdekit.data.plan.SHARD_SAMPLES", 1)
    assert content(generate(recipe_path, tmp_path / "a.h5")) == content(clean)


class Interrupted(Exception):
    """Stands for anything that ends a run."""


@pytest.mark.parametrize("after", range(1, 9))
def test_a_run_that_ends_anywhere_is_continued_to_the_same_file(recipe_path, clean, tmp_path, after, monkeypatch):
    """The n-th task ends the run, before or after its shard is whole; the next run redoes that shard at most."""
    from pdekit.data import executors

    produced, real = [], executors.produce

    def produce(recipe, folder, task):
        if len(produced) + 1 == after and after % 2:
            raise Interrupted
        answer = real(recipe, folder, task)
        produced.append(task)
        if len(produced) == after:
            raise Interrupted
        return answer

    monkeypatch.setattr("pdekit.data.plan.SHARD_SAMPLES", 2)
    monkeypatch.setattr(executors, "produce", produce)
    with pytest.raises(Interrupted):
        generate(recipe_path, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()
    first = list(produced)
    monkeypatch.setattr(executors, "produce", lambda *task: (produced.append(task[2]), real(*task))[1])
    path = generate(recipe_path, tmp_path / "a.h5")
    assert content(path) == content(clean)
    assert not set(first) & set(produced[len(first) :]), "a finished shard was made twice"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "recipe.toml"]


@pytest.mark.parametrize("damage", ["flipped", "flipped content", "flipped table", "short", "empty", "zeros"])
def test_a_shard_that_lost_its_bytes_is_made_anew(recipe_path, clean, tmp_path, damage):
    """As a machine that loses power may leave it: the name is there, the content is not."""
    from pdekit.data.executors import here
    from pdekit.data.generate import _identity

    recipe, folder = read_recipe(recipe_path), ShardFolder.beside(tmp_path / "a.h5")
    with folder.locked(_identity(recipe)):
        list(here(recipe, folder.path, [Task("train", 0, 4), Task("train", 4, 7)]))
    shard = folder.path / Task("train", 0, 4).filename
    content_of = bytearray(shard.read_bytes())
    table = int(content_of[-38:-18])  # where the table of contents starts
    content_of[{"flipped content": table // 2, "flipped table": table + 40}.get(damage, -5)] ^= 1
    shard.write_bytes(
        {"short": content_of[:-9], "empty": b"", "zeros": bytes(len(content_of))}.get(damage, bytes(content_of))
    )
    with folder.locked(_identity(recipe)):
        assert folder.done() == [Task("train", 4, 7)]
    assert content(generate(recipe_path, tmp_path / "a.h5")) == content(clean)


def test_a_shard_keeps_a_constant_field_once(recipe_path, tmp_path):
    """Bytes of a field that repeat from sample to sample are stored once in a shard, and in the file for each sample."""
    from pdekit.data.shard_file import Shard

    recipe = read_recipe(recipe_path)
    produce(recipe, tmp_path, Task("train", 0, 4))
    with Shard(tmp_path / Task("train", 0, 4).filename) as shard:
        found = {name: [bytes(c) for _, _, c in shard.chunks(name)] for name in ("permeability", "source", "pressure")}
        assert shard.room > (tmp_path / Task("train", 0, 4).filename).stat().st_size - 4000
        places = {name: {entry[2] for entry in shard._chunks[name]} for name in found}
    assert {name: len(chunks) for name, chunks in found.items()} == dict.fromkeys(found, 4)
    assert {name: len(offsets) for name, offsets in places.items()} == {"permeability": 4, "source": 1, "pressure": 4}
    assert len(set(found["source"])) == 1


def test_the_plan_fills_the_gaps_in_whole_batches(recipe_path, tmp_path):
    recipe = read_recipe(recipe_path, {"splits.train": 20, "storage.batch": 4})
    folder = ShardFolder(tmp_path)
    for task in (Task("train", 4, 8), Task("train", 9, 12), Task("train", 16, 24), Task("gone", 0, 4)):
        (tmp_path / task.filename).write_bytes(b"")  # 9-12 is whole, as its end is; 16-24 reaches beyond the split
    tasks = [t for t in plan(recipe, folder, 1) if t.split == "train"]
    covered = sorted([i for t in tasks for i in range(t.start, t.stop)])
    assert covered == [0, 1, 2, 3, 8, *range(12, 20)]
    assert not (tmp_path / "train-00000016-00000024.shard").exists()


def test_the_same_command_again_returns_the_file_untouched(recipe_path, tmp_path):
    path = generate(recipe_path, tmp_path / "a.h5")
    before = path.stat().st_mtime_ns
    assert generate(recipe_path, path) == path
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("change", [{"seed": 8}, {"fields.permeability.high": 13.0}, {"splits.train": 3}])
def test_a_file_of_another_recipe_is_never_replaced(recipe_path, tmp_path, change):
    path = generate(recipe_path, tmp_path / "a.h5")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="was made from another recipe or seed"):
        generate(recipe_path, path, overrides=change)
    assert path.read_bytes() == before


def card_at(path, rtol):
    path.write_text(re.sub(r"rtol +=[^,\n]*\n", f"rtol = {rtol}\n", find_card("pcg-multigrid").read_text(), count=1))


def test_a_card_by_path_that_changed_makes_other_data(recipe_text, recipe_path, clean, tmp_path):
    """The settings that a recipe leaves to its solver's card are part of what its samples depend on."""
    card = tmp_path / "mine.toml"
    recipe_path.write_text(
        recipe_text.replace('"pcg-multigrid"', f'"{card}"').replace("solver_settings = { rtol = 1e-8 }\n", "")
    )
    card_at(card, 1e-2)
    target = generate(recipe_path, tmp_path / "a.h5")
    before = target.read_bytes()
    loose = content(target)
    assert generate(recipe_path, target).read_bytes() == before
    card_at(card, 1e-8)
    with pytest.raises(BadInput, match="with other settings of its solver") as caught:
        generate(recipe_path, target)
    assert "0.01" in str(caught.value)
    assert "1e-08" in str(caught.value)
    with pytest.raises(BadInput, match="exists and was made from another recipe"):
        generate(recipe_path, target, overrides={"splits.train": 9})
    assert target.read_bytes() == before
    assert content(generate(recipe_path, tmp_path / "b.h5")) == content(clean) != loose


def test_shards_of_another_card_are_refused_and_kept(recipe_text, recipe_path, tmp_path, monkeypatch):
    card = tmp_path / "mine.toml"
    recipe_path.write_text(recipe_text.replace('"pcg-multigrid"', f'"{card}"').replace("solver_settings =", "# "))
    card_at(card, 1e-2)

    def refused(*arguments, **options):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("pdekit.data.generate.assemble", refused)
        with pytest.raises(StorageError):
            generate(recipe_path, tmp_path / "a.h5")
    card_at(card, 1e-8)
    with pytest.raises(BadInput, match="belong to another recipe"):
        generate(recipe_path, tmp_path / "a.h5")
    assert list((tmp_path / "a.h5.shards").glob("*.shard"))


def test_shards_of_another_recipe_are_refused_and_kept(recipe_path, tmp_path):
    folder = tmp_path / "a.h5.shards"
    folder.mkdir()
    (folder / "identity.json").write_text(json.dumps({"recipe": "x", "seed": 7, "pdekit version": "0"}))
    with pytest.raises(BadInput, match="belong to another recipe and pdekit version"):
        generate(recipe_path, tmp_path / "a.h5")
    assert (folder / "identity.json").exists()


@pytest.mark.parametrize("batch", [1, 4])
def test_samples_are_appended_to_a_finished_file(recipe_path, tmp_path, batch):
    """Appending gives the file that the larger recipe would have given, also where the old end cuts a batch."""
    more = {"splits.train": 11, "splits.test": 5, "storage.batch": batch}
    whole = generate(recipe_path, tmp_path / "whole.h5", overrides=more)
    path = generate(recipe_path, tmp_path / "a.h5", overrides={"storage.batch": batch})
    small = content(path)
    assert generate(recipe_path, path, overrides=more) == path
    assert small != content(path) == content(whole)
    assert check(path).findings == ()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "recipe.toml", "whole.h5"]


def test_appending_makes_only_what_is_missing(recipe_path, tmp_path, monkeypatch):
    from pdekit.data import executors

    path = generate(recipe_path, tmp_path / "a.h5")
    made, real = [], executors.produce
    monkeypatch.setattr(executors, "produce", lambda *task: (made.append(task[2]), real(*task))[1])
    generate(recipe_path, path, overrides={"splits.train": 9})
    assert [(t.split, t.start, t.stop) for t in made] == [("train", 7, 9)]


def limited(**more):
    """A solver that cannot reach its tolerance on the larger contrast: 9 steps do not suffice there, 12 do at 12/3."""
    return {"solver": "pcg-jacobi", "solver_settings": {"rtol": 1e-8, "max_steps": 3}, **more}


def test_a_failed_sample_stops_the_generation_and_is_named(recipe_path, tmp_path):
    with pytest.raises(SolveError) as caught:
        generate(recipe_path, tmp_path / "a.h5", overrides=limited())
    text = str(caught.value)
    assert "MAX_STEPS after 3 steps, relative residual" in text
    assert "train 0:" in text
    assert "--set on_failure=drop" in text
    assert not (tmp_path / "a.h5").exists()
    assert list((tmp_path / "a.h5.shards").glob("*.shard"))
    with pytest.raises(SolveError, match="train 0: MAX_STEPS"):  # at once, from the shards
        generate(recipe_path, tmp_path / "a.h5", overrides=limited())


def test_kept_failures_are_stored_with_their_status_and_found_by_check(recipe_path, tmp_path):
    path = generate(recipe_path, tmp_path / "a.h5", overrides=limited(on_failure="keep"), workers=2)
    with open_file(path) as file:
        assert set(file.record("train")["solver_status"].tolist()) == {int(Status.MAX_STEPS)}
    report = check(path)
    assert any(f.test == "solver" and "MAX_STEPS" in f.text and "/train" in f.where for f in report.findings)


def some_fail(monkeypatch, indices):
    """Let the solver fail on some indices of the training split."""
    from pdekit.data.samples import SampleMaker

    real = SampleMaker.make

    def make(self, chosen):
        batch = real(self, chosen)
        for j, i in enumerate(chosen):
            if self.number == 0 and i in indices:
                batch.record["solver_status"][j] = int(Status.STAGNATED)
        return batch

    monkeypatch.setattr(SampleMaker, "make", make)


def test_dropped_samples_are_left_out_unreplaced_and_recorded(recipe_path, clean, tmp_path, monkeypatch):
    some_fail(monkeypatch, {0, 3, 6})
    path = generate(recipe_path, tmp_path / "a.h5", overrides={"on_failure": "drop"})
    with open_file(path) as file, open_file(clean) as full:
        assert file.index("train").tolist() == [1, 2, 4, 5]
        assert file.group("train").attrs["dropped"].tolist() == [0, 3, 6]
        for name in ("permeability", "pressure", "source"):
            assert np.array_equal(file.read("train", name), full.read("train", name, [1, 2, 4, 5]))
        mean = float(file.read("train", "pressure").astype(np.float64).mean())
        assert file.statistics("pressure")["mean"] == pytest.approx(mean, rel=1e-12)
    report = check(path)
    assert report.findings == ()
    assert any("3 samples whose solver failed were dropped" in text for text in report.unverified)
    assert info(path)["splits"]["train"]["dropped"] == 3


def test_dropping_survives_appending(recipe_path, tmp_path, monkeypatch):
    """A dropped index is made again when samples are appended, fails again, and is left out again."""
    some_fail(monkeypatch, {0, 3})
    path = generate(recipe_path, tmp_path / "a.h5", overrides={"on_failure": "drop"})
    generate(recipe_path, path, overrides={"on_failure": "drop", "splits.train": 9})
    with open_file(path) as file:
        assert file.index("train").tolist() == [1, 2, 4, 5, 6, 7, 8]


def test_a_split_of_failures_only_is_no_file(recipe_path, tmp_path, monkeypatch):
    some_fail(monkeypatch, set(range(7)))
    with pytest.raises(SolveError, match="failed on every sample of split 'train'"):
        generate(recipe_path, tmp_path / "a.h5", overrides={"on_failure": "drop"})
    assert not (tmp_path / "a.h5").exists()


def test_a_false_convergence_is_never_stored_as_converged(recipe_path, tmp_path, monkeypatch):
    from pdekit.linear.elliptic import EllipticSolver

    real = EllipticSolver.solve

    def wrong(self, instances, x0=None):
        solution = real(self, instances, x0)
        solution.values["pressure"] *= 1.001
        return solution

    monkeypatch.setattr(EllipticSolver, "solve", wrong)
    with pytest.raises(SolveError, match="FALSE_CONVERGENCE"):
        generate(recipe_path, tmp_path / "a.h5")


def test_refine_estimates_the_error_against_twice_the_points(recipe_path, tmp_path):
    """Recomputed literally for one sample: every cell's coefficient on its four parts, solved, averaged back."""
    from pdekit.registry import load_solver

    path = generate(
        recipe_path, tmp_path / "a.h5", overrides={"reference_error": {"samples": 2}, "storage.dtype": "float64"}
    )
    with open_file(path) as file:
        estimates = {split: file.record(split)["reference_error"] for split in file.splits}
        a, u = file.read("train", "permeability")[1], file.read("train", "pressure")[1]
    assert [np.isfinite(e).tolist() for e in estimates.values()] == [
        [True, True, *([False] * 5)], [True, True], [True, True, False], [True, True],
    ]  # fmt: skip
    fine = Grid.make([32, 32], 1.0, boundary="dirichlet")
    case = Instances(fine, {"permeability": np.kron(a, np.ones((2, 2)))[None], "source": np.ones((1, 32, 32))})
    solver = load_solver("pcg-multigrid", {"settings.rtol": 1e-8}).prepare(PROBLEMS["darcy"]())
    better = solver.solve(case).values["pressure"][0].reshape(16, 2, 16, 2).mean(axis=(1, 3))
    expected = np.linalg.norm(u - better) / np.linalg.norm(better)
    assert estimates["train"][1] == pytest.approx(expected, rel=1e-5)
    assert 1e-3 < expected < 0.1


def test_tighten_estimates_the_error_of_the_iteration(recipe_path, tmp_path):
    changes = {"reference_error": {"method": "tighten", "samples": 3}}
    errors = []
    for k, rtol in enumerate((1e-4, 1e-6)):
        path = generate(recipe_path, tmp_path / f"{k}.h5", overrides={**changes, "solver_settings": {"rtol": rtol}})
        with open_file(path) as file:
            errors.append(float(np.nanmax(file.record("train")["reference_error"])))
    assert 1e-7 < errors[0] < 1e-3
    assert errors[1] < errors[0] / 20


def test_wrong_targets_are_refused_before_any_work(recipe_path, tmp_path):
    with pytest.raises(BadInput, match="is a folder"):
        generate(recipe_path, tmp_path)
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(BadInput, match="exists and is no pdekit file"):
        generate(recipe_path, tmp_path / "note.txt")
    with pytest.raises(BadInput, match="read-only or not a folder"):
        generate(recipe_path, tmp_path / "note.txt" / "a.h5")
    with pytest.raises(BadInput, match="number of workers"):
        generate(recipe_path, tmp_path / "a.h5", workers=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["note.txt", "recipe.toml"]


def test_two_generations_of_one_target_do_not_mix(recipe_path, tmp_path):
    recipe = read_recipe(recipe_path)
    from pdekit.data.generate import _identity

    folder = ShardFolder.beside(tmp_path / "a.h5")
    with folder.locked(_identity(recipe)), pytest.raises(BadInput, match=r"another process is generating 'a\.h5'"):
        generate(recipe_path, tmp_path / "a.h5")
