"""`check` passes what is sound and finds each fault, by name and sample; on the command line it exits with 1."""

import json
import shutil

import h5py
import numpy as np
import pytest
from sealing import faulty

from pdekit.cli.main import main
from pdekit.data.check import check
from pdekit.data.generate import generate
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput
from pdekit.space.grid import Grid


def findings(path) -> list[tuple[str, str, str]]:
    return [(f.test, f.where, f.text) for f in check(path).findings]


def test_a_clean_file_passes_and_says_what_was_looked_at(clean, capsys):
    report = check(clean)
    assert report.findings == ()
    assert [text.split(":")[0] for text in report.verified] == ["form", "checksums", "values", "duplicates", "equation"]
    assert report.unverified == ()
    assert main(["check", str(clean)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{clean}: passed"


def test_sealing_a_clean_file_changes_nothing(clean, tmp_path):
    """Else the tests below would find what `seal` does, not what they plant."""
    assert findings(faulty(clean, tmp_path, lambda file: None)) == []


def nan(file):
    file["valid/pressure"][1, 3, 4] = np.nan


def infinite_input(file):
    file["train/permeability"][5, 0, 0] = np.inf


def scaled_source(file):
    file["test/source"][2] *= np.float32(1.001)


def scaled_solution(file):
    file["test/pressure"][2] *= np.float32(1.0001)


def swapped_axes(file):
    for split in file.values():
        split["permeability"][...] = split["permeability"][...].swapaxes(1, 2)


def swapped_answer(file):
    for split in file.values():
        split["pressure"][...] = split["pressure"][...].swapaxes(1, 2)


def duplicated(file):
    for name in ("permeability", "source", "pressure"):
        file["test"][name][1] = file["train"][name][5]


def duplicated_within(file):
    for name in ("permeability", "source", "pressure"):
        file["train"][name][6] = file["train"][name][2]


def unconverged(file):
    file["train/solver_status"][3] = 4


def unknown_status(file):
    file["train/solver_status"][3] = 99


def negative(file):
    file["train/permeability"][4, 2, 2] = -3.0


def leaking(file):
    file["train/pressure"][0, 8, 8] *= np.float32(1.01)


FAULTS = {
    nan: ("values", "/valid/pressure, sample 1", "NaN or infinity"),
    infinite_input: ("values", "/train/permeability, sample 5", "NaN or infinity"),
    scaled_source: ("equation", "/test/pressure, sample 2", "the energy <u, A u> does not match the work <u, b>"),
    scaled_solution: ("equation", "/test/pressure, sample 2", "the energy <u, A u> does not match the work <u, b>"),
    swapped_axes: ("equation", "/valid/pressure, samples 0, 1 (2 in all)", "the equation is violated at single points"),
    swapped_answer: (
        "equation",
        "/valid/pressure, samples 0, 1 (2 in all)",
        "the equation is violated at single points",
    ),
    duplicated: ("duplicates", "/test, sample 1", "the same inputs as train sample 5"),
    duplicated_within: ("duplicates", "/train, sample 6", "the same inputs as train sample 2"),
    unconverged: ("solver", "/train, sample 3", "MAX_STEPS: the step limit was reached before the tolerance"),
    unknown_status: ("solver", "/train, sample 3", "status 99 is not known"),
    negative: ("values", "/train, sample 4", "input field 'permeability' of problem 'darcy' must be positive."),
    leaking: ("equation", "/train/pressure, sample 0", "the equation is violated at single points"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_a_fault_is_found_and_named_and_nothing_else_is(clean, tmp_path, capsys, fault):
    path = faulty(clean, tmp_path, fault)
    test, where, text = FAULTS[fault]
    found = findings(path)
    assert any(t == test and w == where and x.startswith(text) for t, w, x in found), found
    also = {"statistics"} if fault is infinite_input else set()  # they are NaN, as they must be
    assert {t for t, _, _ in found} - also == {test}
    assert main(["check", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"{test}: {where}: {text}" in out
    assert out.splitlines()[-1].endswith("fault(s)")


@pytest.mark.parametrize("split", ["train", "test_contrast"])
@pytest.mark.parametrize("name", ["permeability", "pressure", "source"])
def test_a_flipped_bit_names_variable_and_sample(clean, tmp_path, split, name):
    path = shutil.copy(clean, tmp_path / "faulty.h5")
    with h5py.File(path) as file:
        place = file[split][name].id.get_chunk_info_by_coord((1, 0, 0)).byte_offset
    with open(path, "r+b") as raw:
        raw.seek(place + 517)
        old = raw.read(1)[0]
        raw.seek(place + 517)
        raw.write(bytes([old ^ 1]))
    assert findings(path) == [
        ("checksums", f"/{split}/{name}, sample 1", "the stored bytes fail their Fletcher-32 checksum")
    ]


def test_a_flipped_bit_of_the_record_is_found(clean, tmp_path):
    path = shutil.copy(clean, tmp_path / "faulty.h5")
    with h5py.File(path) as file:
        place = file["test/solver_residual"].id.get_chunk_info(0).byte_offset
    with open(path, "r+b") as raw:
        raw.seek(place + 3)
        raw.write(b"\x55")
    assert findings(path) == [
        ("checksums", "/test/solver_residual", "the stored bytes fail their Fletcher-32 checksum")
    ]


def test_values_changed_with_a_valid_checksum_are_found_by_their_hash(clean, tmp_path):
    def edit(file):
        file["test/permeability"][2, 5, 5] = 12.0 if file["test/permeability"][2, 5, 5] == 3.0 else 3.0

    found = findings(faulty(clean, tmp_path, edit, sealed=False))
    assert ("checksums", "/test, sample 2", "stored values are not those that were hashed") in found


def test_a_replaced_hash_is_found_by_the_hash_of_hashes(clean, tmp_path):
    def edit(file):
        file["valid/sample_hash"][0] += 1

    tests = [(t, w) for t, w, _ in findings(faulty(clean, tmp_path, edit, sealed=False))]
    assert tests == [("checksums", "/"), ("checksums", "/valid, sample 0")]


@pytest.mark.parametrize("key", ["mean", "std", "min", "max"])
def test_wrong_statistics_are_found(clean, tmp_path, key):
    def edit(file):
        file["train/pressure"].attrs[key] *= 1 + 1e-6

    found = findings(faulty(clean, tmp_path, edit, sealed=False))
    assert [(t, w, x.split()[0]) for t, w, x in found] == [("statistics", "/train/pressure", key)]


def drop_units(file):
    del file["train/pressure"].attrs["units"]


def drop_title(file):
    del file.attrs["title"]


def drop_split(file):
    del file["valid"]


def other_recipe(file):
    file.attrs["recipe"] = str(file.attrs["recipe"]).replace("high = 12.0", "high = 12.5")


def stretched(file):
    file["test/y"][...] = np.linspace(0, 1, 16)


def no_record(file):
    del file["test/solver_status"]


def wrong_seed(file):
    file["test/sample_seed"][1] += 1


def large_residual(file):
    file["train/solver_residual"][3] = 9e-4


def no_residual(file):
    file["train/solver_residual"][3] = np.nan


def excused_solution(file):
    file["test/solver_residual"][...] = 1.0
    file["test/pressure"][2] *= np.float32(1.0004)


def extra_split(file):
    file.copy("test", "more")
    file["more"].attrs["split_number"] = np.int32(7)


FORMS = {
    no_record: ("form", "/test/solver_status", "generated data record this, and it is missing"),
    wrong_seed: ("form", "/test, sample 1", "sample_seed is not what the recipe's seed gives"),
    large_residual: ("solver", "/train, sample 3", "CONVERGED with a recorded residual above 1e-07"),
    no_residual: ("solver", "/train, sample 3", "CONVERGED with a recorded residual above 1e-07"),
    excused_solution: ("equation", "/test/pressure, sample 2", "the energy"),
    extra_split: ("completeness", "/more", "the recipe has no such split"),
    drop_units: ("form", "/train/pressure", "attribute units is missing"),
    drop_title: ("form", "/", "attribute title is missing"),
    drop_split: ("completeness", "/valid", "this split of the recipe is missing"),
    other_recipe: ("form", "/@recipe", "the recipe does not match recipe_sha256"),
    stretched: ("form", "/test", "the coordinates of a split do not describe a grid"),
}


@pytest.mark.parametrize("fault", FORMS, ids=lambda f: f.__name__)
def test_faults_of_form_are_found(clean, tmp_path, fault):
    test, where, text = FORMS[fault]
    found = findings(faulty(clean, tmp_path, fault))
    assert any((t, w) == (test, where) and x.startswith(text) for t, w, x in found), found


def test_missing_samples_are_found(clean, recipe_path, tmp_path):
    path = generate(recipe_path, tmp_path / "few.h5", overrides={"splits.train": 5})
    with h5py.File(path, "r+") as file, h5py.File(clean) as whole:
        for key in ("recipe", "recipe_sha256"):
            file.attrs[key] = whole.attrs[key]
    assert findings(path) == [("completeness", "/train", "5 samples; the recipe and the dropped ones give 7")]


@pytest.mark.parametrize("keep", [0.5, 0.97])
def test_a_truncated_file_is_a_fault_like_any_other(clean, tmp_path, capsys, keep):
    """`check` was asked whether the file is sound, and it is not: exit 1, as for every fault. Other verbs exit with 2."""
    content = clean.read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[: int(keep * len(content))])
    assert main(["check", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"form: {path}: {str(path)!r} is truncated" in out
    assert f"found: {int(keep * len(content))} bytes" in out
    assert main(["info", str(path)]) == 2


def test_a_missing_file_is_wrong_use(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.h5")]) == 2
    assert "there is no file" in capsys.readouterr().err
    with pytest.raises(BadInput):
        check(tmp_path / "none.h5")


def test_the_report_as_json(clean, tmp_path, capsys):
    path = faulty(clean, tmp_path, nan)
    assert main(["check", str(path), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert [(f["test"], f["where"]) for f in report["findings"]] == [("values", "/valid/pressure, sample 1")]


KINDS = {
    "gzip": {"storage.compression": "gzip"},
    "float64": {"storage.dtype": "float64"},
    "vertex": {"grid.location": "vertex", "grid.points": 17},
    "batch": {"storage.batch": 4},
    "neumann": {"grid.boundary": {"x_low": "neumann", "x_high": "dirichlet"}},
    "mixed with laws": {
        "grid.boundary": {"x_low": "dirichlet", "y_low": "neumann", "y_high": "robin"},
        "grid.boundary_value": {
            "x_low": {"law": "sine-series", "modes": 3},
            "x_high": 2.0,
            "y_low": {"law": "sine-series", "modes": 2},
        },
    },
    "periodic": {
        "grid.boundary": {"x_low": "periodic", "x_high": "periodic", "y_low": "dirichlet", "y_high": "dirichlet"}
    },
    "loose": {"solver_settings.rtol": 1e-4},
    "tight": {"solver_settings.rtol": 1e-12, "storage.dtype": "float64"},
    "contrast": {"fields.permeability.high": 3e4},
    "three axes": {"grid.points": [8, 6, 8], "grid.length": [1.0, 1.0, 2.0]},
    "fine": {"grid.points": 96},
    "log-normal": {"splits": {"train": 3, "test": 3}, "fields.permeability": {"law": "log-normal", "contrast": 1000.0, "gauss": {
        "variance_factor": 1.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}}},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_clean_files_of_every_kind_pass(recipe_path, tmp_path, kind):
    """No bound is so tight that a rounded solution fails it."""
    path = generate(recipe_path, tmp_path / "a.h5", overrides=KINDS[kind])
    assert check(path).findings == ()


WALLS = {
    "dirichlet": {},
    "a value": {"grid.boundary_value": {"x_low": 2.0, "y_high": -1.0}},
    "a law": {"grid.boundary_value": {"x_low": {"law": "sine-series", "modes": 3}}},
}


@pytest.mark.parametrize("walls", WALLS)
@pytest.mark.parametrize("place", [(0, slice(None)), (0, 5), (7, 16)], ids=["row", "point", "point of y_high"])
def test_a_wrong_dirichlet_end_is_found(recipe_path, tmp_path, walls, place):
    """No row of the operator sees a stored end of a vertex axis; the test of boundary values does, and nothing else."""
    vertex = {"grid.location": "vertex", "grid.points": 17, **WALLS[walls]}
    path = generate(recipe_path, tmp_path / "a.h5", overrides=vertex)

    def wrong_end(file):
        file["test/pressure"][2, *place] += 1e-4 * np.abs(file["test/pressure"][2]).max()

    found = findings(faulty(path, tmp_path, wrong_end))
    assert found == [("equation", "/test/pressure, sample 2", "stored boundary points do not hold the boundary values")]


@pytest.mark.parametrize("kind", ["mixed with laws", "three axes", "fine", "float64", "periodic"])
def test_a_changed_solution_is_found_in_files_of_every_kind(recipe_path, tmp_path, kind):
    path = generate(recipe_path, tmp_path / "a.h5", overrides=KINDS[kind])
    found = findings(faulty(path, tmp_path, scaled_solution))
    assert {(t, w) for t, w, _ in found} == {("equation", "/test/pressure, sample 2")}


@pytest.mark.parametrize("name", ["poisson-2d", "poisson-3d"])
def test_poisson_passes_too(tmp_path, name):
    small = {"grid.points": 8, "splits": {"train": 3, "test": 2}, "reference_error.samples": 1}
    assert check(generate(name, tmp_path / "a.h5", overrides=small)).findings == ()


def test_data_without_a_problem_say_what_cannot_be_checked(tmp_path):
    values = {"u": np.random.default_rng(0).standard_normal((4, 6))}
    path = write_dataset(tmp_path / "a.h5", {"train": values}, grid=Grid.make(6), roles={"u": "output"})
    report = check(path)
    assert report.passed
    assert [text.split(":")[0] for text in report.unverified] == [
        "the equation, boundary values and conservation",
        "completeness",
    ]


def test_against_forgives_rounding_and_nothing_more(clean, recipe_path, tmp_path):
    again = generate(recipe_path, tmp_path / "again.h5")
    assert check(clean, against=again).findings == ()

    def last_digits(file):
        for split in file.values():
            for name in ("permeability", "pressure"):
                split[name][...] = np.nextafter(split[name][...], np.float32(np.inf), dtype=np.float32)

    assert check(clean, against=faulty(clean, tmp_path, last_digits)).findings == ()

    def more(file):
        file["test/pressure"][1] *= np.float32(1 + 3e-5)

    found = [(f.test, f.where) for f in check(clean, against=faulty(clean, tmp_path, more)).findings]
    assert found == [("against", "/test/pressure")]


def own(path, **changes):
    """A file of made-up fields, for comparisons."""
    u = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
    facts = {"length": 1.0, "location": "cell", "unit": "1", "boundary": "dirichlet", **changes}
    units = {"u": facts.pop("values", "1")}
    grid = Grid.make([8], facts.pop("length"), **facts)
    return write_dataset(path, {"train": {"u": u}}, grid=grid, roles={"u": "output"}, units=units)


def test_against_nan_is_a_difference_wherever_it_lies(tmp_path):
    path = own(tmp_path / "a.h5")
    other = shutil.copy(path, tmp_path / "b.h5")
    with h5py.File(other, "r+") as file:
        file["train/u"][3, 2] = np.nan  # in the first strip of three
    found = [(f.where, f.text) for f in check(path, against=other).findings]
    assert found == [("/train/u", "differs by inf in sample 3; rounding allows 1e-05")]


@pytest.mark.parametrize(
    ("changes", "where", "text"),
    [
        ({"length": 2.0}, "/train", "length of the grid is (1.0,) and (2.0,)"),
        ({"location": "vertex"}, "/train", "location of the grid is cell and vertex"),
        ({"boundary": "neumann"}, "/train", "boundary of the grid is (('dirichlet', 'dirichlet'),) and"),
        ({"boundary_value": {"x_low": 3.0}}, "/train", "boundary_value of the grid is ((0.0, 0.0),) and ((3.0, 0.0),)"),
        ({"unit": "m"}, "/train", "unit of the grid is 1 and m"),
        ({"values": "Pa"}, "/train/u", "the units are '1' and 'Pa'"),
    ],
)
def test_against_compares_what_the_values_stand_for(tmp_path, changes, where, text):
    found = check(own(tmp_path / "a.h5"), against=own(tmp_path / "b.h5", **changes)).findings
    assert any(f.test == "against" and f.where == where and f.text.startswith(text) for f in found), found


def test_against_compares_how_the_solver_ended(clean, tmp_path):
    found = [(f.where, f.text) for f in check(clean, against=faulty(clean, tmp_path, unconverged)).findings]
    assert found == [("/train/solver_status", "the statuses are 0 and 4 in sample 3; 1 differ")]


def test_what_was_not_looked_at_is_not_said_to_be(tmp_path):
    path = write_dataset(tmp_path / "a.h5", {"test": {"u": np.ones((2, 6))}}, grid=Grid.make(6), roles={"u": "output"})
    assert "statistics" not in " ".join(check(path).verified)
    assert "Fletcher-32 and sample hashes" in " ".join(check(path).verified)
    with h5py.File(path, "r+") as file:
        values, about = file["test/u"][...], dict(file["test/u"].attrs)
        del file["test/u"]
        file["test"].create_dataset("u", data=values).attrs.update({k: about[k] for k in ("role", "units")})
        for k, axis in enumerate(("sample", "x")):
            file["test/u"].dims[k].attach_scale(file["test"][axis])
    assert "no Fletcher-32 in the file" in " ".join(check(path).verified)


def test_against_another_recipe_is_said(clean, recipe_path, tmp_path):
    other = generate(recipe_path, tmp_path / "other.h5", overrides={"splits.train": 6}, seed=1)
    report = check(clean, against=other)
    assert {f.test for f in report.findings} == {"against"}
    texts = " ".join(f"{f.where} {f.text}" for f in report.findings)
    assert "different recipes or seeds" in texts
    assert "/train holds 7 and 6 samples" in texts
    assert "/test/permeability differs by" in texts
