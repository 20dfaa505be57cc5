"""The tables of a learned solver's card, checked together so that every fault is reported at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model, field_validator

from pdekit.errors import BadInput
from pdekit.models.channels import Scaling
from pdekit.models.clock import Time
from pdekit.models.solver import LearnedSolver
from pdekit.registry import Card
from pdekit.settings import Settings, check

Count = Annotated[int, Field(ge=1, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]


class Optimizer(Settings):
    """Decay is AdamW's, decoupled from the gradient; "adam" adds it to the gradient."""

    name: Literal["adamw", "adam"] = "adamw"
    learning_rate: Positive = 1e-3  # the largest of the schedule
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)] = 0.0


class Schedule(Settings):
    """`warm_up` is the part of all steps in which the rate rises."""

    name: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    warm_up: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.2


class Selection(Settings):
    """Where the best weights are chosen: a split of the file, or the last `hold_out` samples of the train split."""

    select: str = "valid"
    hold_out: Annotated[int, Field(ge=0, strict=True)] = 0

    @field_validator("select")
    @classmethod
    def _never_the_test(cls, value: str) -> str:
        if value == "train" or value.startswith("test"):
            raise ValueError("the best weights are never chosen on the test or train split; allowed: 'valid'")
        return value


class Training(Selection):
    """[training] of a network's card."""

    epochs: Count
    batch: Count = 16  # samples per step, whatever the number of devices
    loss: Literal["relative_l2", "h1"] = "relative_l2"
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    clip: Positive | None = None  # largest 2-norm of the gradient
    augmentation: Literal["batch", "sample"] | Annotated[bool, Field(strict=True)] = False  # true = "batch"
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)] = (
        0.0  # on scaled inputs; of trajectories, on the frames given, as a part of each output's deviation
    )
    threads: Count | Literal["all"] = "all"  # of torch, on the CPU
    memory: Count = 768  # MiB of samples that are kept in memory; more are streamed from the file
    workers: Annotated[int, Field(ge=0, strict=True)] = 1  # processes that read while streaming


class LearnedCard(BaseModel):
    """[model], [scaling], [training] and, for trajectories, [time] of a card, as the types of its solver."""

    model: Any
    scaling: Scaling
    training: Any
    time: Time | None = None


def check_card(card: Card, solver: type[LearnedSolver], where: str) -> LearnedCard:
    """The checked tables of a card. Raises one BadInput with all faults."""
    tables = create_model(
        "LearnedCard",
        __base__=LearnedCard,
        model=(solver.Config, ...),
        training=(Selection if solver.closed_form else Training, ...),
    )
    tree: dict[str, Any] = {"model": card.model, "scaling": card.scaling, "training": card.training}
    if card.time:
        tree["time"] = card.time
    checked = check(tables, tree, where=where)
    if checked.time is not None and solver.closed_form:
        raise BadInput.of(f"{where}: a closed-form solver learns no trajectories.", hint="leave [time] out")
    if checked.time is not None and checked.scaling.output == "standard":
        raise BadInput.of(
            f"{where}: frames that go in again as they come out have no shift.",
            found='scaling.output = "standard"',
            allowed='"scale", "none"',
        )
    return checked
