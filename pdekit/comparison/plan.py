"""The plan: which solvers are compared, on which data, against which truth, timed how."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pdekit.errors import BadInput
from pdekit.metrics import METRICS
from pdekit.registry import find_card, is_run
from pdekit.settings import Settings, check, parse, read_toml, to_toml

TRIVIAL = ("mean-field", "pod-ridge")  # always in, whether a plan names them or not
PERSISTENCE = "persistence"  # the same of trajectories; it needs no card
# metrics of trajectories, where a plan names none
IN_TIME = ("relative_l2_trajectory", "relative_l2", "relative_h1", "value_distance")
Count = Annotated[int, Field(ge=1, strict=True)]


class Truth(Settings):
    """[reference]: `solver` at `rtol` on `refine` times the intervals, restricted to the grid of the data.

    samples   how many samples are solved twice as fine once more, for the truth's own error estimate
    dt        of evolutions: the step that is divided by `refine`; the card's own by default. Without a `solver` the truth of
              trajectories is what the file stores
    """

    solver: str = "pcg-multigrid"
    refine: Literal[2, 4, 8] = 2
    rtol: Annotated[float, Field(gt=0, le=1e-4)] = 1e-10
    samples: Count = 16
    dt: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class TimeScale(Settings):
    """[time_scale]: a time of the physics, in the data's unit, that correlation times are told in: Lyapunov, eddy turnover."""

    name: str
    value: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Entry(Settings):
    """One [[solvers]]: a card by `name`, or what was trained already in `run`.

    seeds   of a learned card: it is trained once for each
    set     changes to the card, {"training.epochs": 60}, {"ladder.rtol": [1e-2, 1e-6]}
    label   what the report calls it; by default the name of the card, or of the run's folder
    guess   of a hybrid card: the learned solver of this plan, by its label, whose answers it starts from; by default the part
            of the card's name before the plus
    """

    name: str | None = None
    run: str | None = None
    label: str | None = None
    guess: str | None = None
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    set: dict[str, Any] = Field(default_factory=dict)

    @field_validator("label")
    @classmethod
    def _plain_label(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w+][\w+. -]{0,60}", value):
            raise ValueError("a label is a short name of letters, digits, '+', '-', '.', '_' and spaces")
        return value

    @model_validator(mode="after")
    def _one_of_two(self) -> Entry:
        if (self.name is None) == (self.run is None):
            raise ValueError("one of the keys 'name' (a card) and 'run' (a folder) is needed, not both")
        if self.run is not None and ("seeds" in self.model_fields_set or self.set):
            raise ValueError("'seeds' and 'set' belong to cards; a run is used as it is")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("'seeds' names a seed twice")
        return self


class Timing(Settings):
    """[timing]: batch sizes ("best" is the power of two of largest throughput), repeats, threads, device of networks."""

    batch: tuple[Literal[1, "best"], ...] = (1, "best")
    repeats: Annotated[int, Field(ge=3, strict=True)] = 10
    threads: Count = 1
    device: Literal["cpu", "cuda"] = "cpu"

    @field_validator("batch")
    @classmethod
    def _latency_always(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if 1 not in value:
            raise ValueError("batch size 1 is always timed: latency and throughput are stated apart")
        return value


class Plan(Settings):
    """A plan as checked. Paths are relative to the plan's folder.

    set             changes to the recipe that `data` names, {"grid.points": 64}
    metrics         names; the first one ranks and must be an error that is zero for the truth
    time_scale      of trajectories: what correlation times are told in, besides the data's unit; frames where none is named
    statistics_from of trajectories: a time after the transient, on the data's axis; distributions of values are those of the
                    scored frames from then on, of all of them by default
    tuning_seconds  time of runs that were tried before and are not in the plan; counted by the break-even
    expect          {"fno.relative_l2": [value, relative tolerance]}, checked after the run
    """

    format: int = Field(ge=1, le=1)
    question: str
    data: str
    split: str = "test"
    samples: Count | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    reference: Truth = Truth()
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = ("relative_l2", "relative_h1", "residual")
    solvers: Annotated[list[Entry], Field(min_length=1)]
    timing: Timing = Timing()
    time_scale: TimeScale | None = None
    statistics_from: Annotated[float, Field(allow_inf_nan=False)] | None = None
    tuning_seconds: Annotated[float, Field(ge=0)] = 0.0
    expect: dict[str, tuple[float, Annotated[float, Field(gt=0)]]] = Field(default_factory=dict)

    @field_validator("split")
    @classmethod
    def _not_seen(cls, value: str) -> str:
        if value in ("train", "valid"):
            raise ValueError("solvers were trained on 'train' and chosen on 'valid'; compare on a split they never saw")
        return value

    @field_validator("metrics")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in METRICS:
                raise ValueError(f"there is no metric {name!r}; allowed: {', '.join(sorted(METRICS))}")
        first = METRICS[value[0]]
        if first.needs_problem or not first.lower_is_better:
            raise ValueError(f"{value[0]!r} cannot rank: the first metric must be an error against the truth")
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _labels_differ(self) -> Plan:
        labels = [label(entry) for entry in self.solvers]
        twice = sorted({name for name in labels if labels.count(name) > 1})
        if twice:
            raise ValueError(f"two solvers are called {', '.join(twice)}: give one of them another 'label'")
        for entry in self.solvers:
            if label(entry) in (*TRIVIAL, PERSISTENCE) and entry.name != label(entry):
                raise ValueError(f"{label(entry)!r} is the name of a baseline that is always in: give another 'label'")
        for key in self.expect:
            solver, _, metric = key.rpartition(".")
            if solver not in (*labels, *TRIVIAL, PERSISTENCE) or metric not in self.metrics:
                raise ValueError(f"'expect' names {key!r}, which is no 'solver.metric' of this plan")
        return self


def plan_in_time(plan: Plan) -> Plan:
    """The plan as it is for trajectories: ranked by one ratio per trajectory, unless it names its metrics itself."""
    return plan if "metrics" in plan.model_fields_set else plan.model_copy(update={"metrics": IN_TIME})


def label(entry: Entry) -> str:
    """What the report calls the solver of an entry."""
    return entry.label or (Path(entry.run).name if entry.run else Path(str(entry.name)).stem)


def read_plan(
    source: str | Path,
    solvers: Iterable[str] | None = None,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
) -> tuple[Plan, Path]:
    """(plan, folder that its paths are relative to) from a plan file, or from a data file and names of solvers.

    Raises BadInput with all faults together.
    """
    path = Path(source)
    names = list(solvers or [])
    if path.suffix == ".toml":
        if names:
            raise BadInput.of(
                "solvers are named twice.", found=f"a plan and {', '.join(names)}", hint="write them into the plan"
            )
        text = read_toml(path)
        plan = check(Plan, parse(text, where=str(path), overrides=overrides), where=f"plan {path}", text=text)
        folder = path.absolute().parent
    else:
        if not path.is_file():
            raise BadInput.of(
                f"there is no plan or data file {str(source)!r}.", allowed="a plan (.toml), a data set (.h5)"
            )
        if not names:
            raise BadInput.of("no solver is named.", hint="--solver pcg-multigrid --solver runs/fno")
        entries = [{"run": name} if Path(name).is_dir() else {"name": name} for name in names]
        question = f"How do {', '.join(names)} compare?"
        text = to_toml({"format": 1, "question": question, "data": str(path), "solvers": entries})
        plan = check(Plan, parse(text, where="the command line", overrides=overrides), where="the command line")
        folder = Path.cwd()
    _check_entries(plan, folder)
    return plan, folder


def _check_entries(plan: Plan, folder: Path) -> None:
    for entry in plan.solvers:
        if entry.name is not None:
            find_card(card_path(entry.name, folder))
        elif not is_run(folder / str(entry.run)):
            raise BadInput.of(
                f"{entry.run!r} is not a run folder.",
                allowed="a folder written by `pdekit train`, with run.json and card.toml; relative to the plan",
            )


def card_path(name: str, folder: Path) -> str:
    """A card's name as it is, a path to a card relative to the plan."""
    return str(folder / name) if name.endswith(".toml") else name
