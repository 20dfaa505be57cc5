"""Plans: what is refused, in which words, before any work."""

import pytest

from pdekit.comparison.plan import label, read_plan
from pdekit.errors import BadInput

GOOD = """
format   = 1
question = "Which?"
data     = "darcy-2d-small"
[[solvers]]
name = "pcg-multigrid"
"""


def write(tmp_path, text):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


def test_a_short_plan_has_the_defaults_of_the_field(tmp_path):
    plan, folder = read_plan(write(tmp_path, GOOD))
    assert folder == tmp_path
    assert plan.metrics[0] == "relative_l2"
    assert plan.split == "test"
    assert plan.timing.batch == (1, "best")
    assert plan.timing.repeats == 10
    assert plan.reference.refine == 2


def test_overrides_change_one_key(tmp_path):
    plan, _ = read_plan(write(tmp_path, GOOD), overrides=["timing.threads=2", "reference.refine=4"])
    assert (plan.timing.threads, plan.reference.refine) == (2, 4)


FAULTS = {
    "unknown key": ('solver = "cg"\n' + GOOD, r"solver.*unknown key; did you mean 'solvers'"),
    "seen split": ('split = "valid"\n' + GOOD, "compare on a split they never saw"),
    "unknown metric": ('metrics = ["relative_l3"]\n' + GOOD, "no metric 'relative_l3'; allowed: .*relative_l2"),
    "residual first": ('metrics = ["residual"]\n' + GOOD, "cannot rank"),
    "correlation first": ('metrics = ["correlation"]\n' + GOOD, "cannot rank"),
    "no batch 1": (GOOD + '[timing]\nbatch = ["best"]\n', "batch size 1 is always timed"),
    "no repeats": (GOOD + "[timing]\nrepeats = 1\n", "timing.repeats.*greater than or equal to 3"),
    "name and run": (GOOD + 'run = "runs/x"\n', "one of the keys 'name' .* and 'run'"),
    "neither": (GOOD + "[[solvers]]\nseeds = [0]\n", "one of the keys 'name' .* and 'run'"),
    "seeds of a run": (GOOD + '[[solvers]]\nrun = "runs/x"\nseeds = [1]\n', "a run is used as it is"),
    "twice": (GOOD + '[[solvers]]\nname = "pcg-multigrid"\n', "two solvers are called pcg-multigrid"),
    "seed twice": (GOOD + '[[solvers]]\nname = "fno"\nseeds = [1, 1]\n', "names a seed twice"),
    "loose truth": (GOOD + "[reference]\nrtol = 0.1\n", "reference.rtol"),
    "odd refinement": (GOOD + "[reference]\nrefine = 3\n", "reference.refine.*2, 4 or 8"),
    "label with a path": (GOOD + 'label = "../../x"\n', "a label is a short name"),
    "label of a baseline": (GOOD + 'label = "pod-ridge"\n', "a baseline that is always in"),
    "expectation of nothing": (GOOD + '[expect]\n"fnoo.relative_l2" = [0.1, 0.2]\n', "no 'solver.metric' of this plan"),
    "truth no finer": (GOOD + "[reference]\nrefine = 1\n", "reference.refine.*2, 4 or 8"),
    "no solver": ('format = 1\nquestion = "Which?"\ndata = "darcy-2d-small"\nsolvers = []\n', "solvers.*at least 1"),
    "other format": (GOOD.replace("format   = 1", "format = 2"), "format.*less than or equal to 1"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_of_a_plan(tmp_path, case):
    text, message = FAULTS[case]
    with pytest.raises(BadInput, match=f"(?s)plan .*plan.toml has .*fault.*{message}"):
        read_plan(write(tmp_path, text))


def test_all_faults_come_together(tmp_path):
    text = 'split = "train"\nmetrics = ["nope"]\n' + GOOD
    with pytest.raises(BadInput, match=r"(?s)has 2 fault\(s\).*split.*metrics"):
        read_plan(write(tmp_path, text))


def test_unknown_card_and_missing_run_are_found_while_reading(tmp_path):
    with pytest.raises(BadInput, match=r"no solver named 'pcg-multigird'.*\n.*did you mean 'pcg-multigrid'"):
        read_plan(write(tmp_path, GOOD.replace("pcg-multigrid", "pcg-multigird")))
    with pytest.raises(BadInput, match="'runs/x' is not a run folder"):
        read_plan(write(tmp_path, GOOD + '[[solvers]]\nrun = "runs/x"\n'))


def test_command_line_without_plan(tmp_path):
    with pytest.raises(BadInput, match="there is no plan or data file"):
        read_plan(tmp_path / "absent.h5", ["cg"])
    (tmp_path / "data.h5").write_bytes(b"")
    with pytest.raises(BadInput, match="no solver is named"):
        read_plan(tmp_path / "data.h5")
    plan, _ = read_plan(tmp_path / "data.h5", ["cg", "fno"], ["timing.threads=2"])
    assert [label(e) for e in plan.solvers] == ["cg", "fno"]
    assert plan.timing.threads == 2
    with pytest.raises(BadInput, match="solvers are named twice"):
        read_plan(write(tmp_path, GOOD), ["cg"])
