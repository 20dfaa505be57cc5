"""The tables of a recipe: [grid], [time], [reference_error], [splits], [storage]; each checks itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from pdekit.errors import BadInput
from pdekit.settings import Settings
from pdekit.space.grid import Grid
from pdekit.space.law_checks import check_law

OVERRIDABLE = ("grid", "parameters", "fields")  # what an out-of-distribution split may set, and `storage.points`
Law = dict[str, Any]


class GridTable(Settings):
    """[grid]: the box, its points and its boundary; `boundary_value` may name a law per face."""

    points: int | list[int]
    length: float | list[float] = 1.0
    location: Literal["cell", "vertex"] = "cell"
    boundary: str | dict[str, str]
    boundary_value: float | dict[str, float | Law] = 0.0
    robin: dict[str, tuple[float, float]] | None = None

    @model_validator(mode="after")
    def _is_a_grid(self) -> GridTable:
        with one_line():
            grid = self.grid("1")
            for face, law in self.laws().items():
                if face not in grid.faces:
                    raise BadInput.of(
                        f"face {face!r} has no boundary value to draw.",
                        allowed=", ".join(grid.faces) or "none (periodic)",
                    )
                check_law(law, f"boundary_value.{face}")
        return self

    def grid(self, unit: str) -> Grid:
        """The grid; faces whose value is drawn carry 0 here and a field `boundary_<face>` in each sample."""
        values = self.boundary_value
        if isinstance(values, dict):
            values = {face: 0.0 if isinstance(v, dict) else v for face, v in values.items()}
        return Grid.make(
            self.points,
            self.length,
            location=self.location,
            boundary=self.boundary,
            boundary_value=values,
            robin=self.robin,
            unit=unit,
        )

    def laws(self) -> dict[str, Law]:
        """Laws of boundary values by face."""
        if not isinstance(self.boundary_value, dict):
            return {}
        return {face: v for face, v in self.boundary_value.items() if isinstance(v, dict)}


class ReferenceError(Settings):
    """[reference_error]: how the error of a stored solution is estimated, for the first `samples` of each split or "all".

    refine    twice the points
    tighten   rtol / 100
    step      half the time step
    both      half the step on twice the points, for semilinear problems
    """

    method: Literal["refine", "tighten", "step", "both"] = "refine"
    samples: Annotated[int, Field(ge=0)] | Literal["all"] = 0

    def covers(self, index: int) -> bool:
        """Whether the error of sample `index` of a split is estimated."""
        return self.samples == "all" or index < self.samples


class Time(Settings):
    """[time] of an evolution: `frames` stored instants from `start` to `stop`, both included, evenly spaced.

    The run begins at t = 0 from the drawn fields. What happens before `start` is warm-up and is not stored: the stored inputs
    are then the state at `start`, so that every solver can be asked the same question from the file.
    """

    start: float = Field(default=0.0, ge=0)
    stop: float
    frames: int = Field(ge=2)

    @model_validator(mode="after")
    def _goes_forward(self) -> Time:
        if not self.stop > self.start:
            raise ValueError(f"the time stops at {self.stop} and starts at {self.start}; allowed: stop > start")
        return self

    @property
    def instants(self) -> np.ndarray:
        """(frames,) stored times."""
        return np.linspace(self.start, self.stop, self.frames)


class Split(Settings):
    """One split: its number of samples and, out of distribution, the keys that differ."""

    samples: int = Field(ge=1)
    set: dict[str, Any] = Field(default_factory=dict)

    @field_validator("set")
    @classmethod
    def _only_what_a_split_may_change(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key in value:
            if key != "storage.points" and (key.split(".")[0] not in OVERRIDABLE or "." not in key):
                raise ValueError(f"a split cannot set {key!r}; allowed: keys below {', '.join(OVERRIDABLE)}")
        return value


class Storage(Settings):
    """[storage]: how samples are stored; `batch` samples are solved together.

    points   what is stored of a field on a periodic grid: the solver works on grid.points, and inputs and outputs are cut to
             the modes below the Nyquist of these. Not a sampling: nothing is folded. The file's grid has these points
    extras   further fields along the trajectory, of role "diagnostic" (format.py): "tendency", u_t of each output, and what
             the problem offers ("streamfunction" ...)
    """

    dtype: Literal["float32", "float64"] = "float32"
    compression: Literal["none", "gzip", "lzf", "zstd", "lz4"] = "none"
    batch: int = Field(default=1, ge=1)
    points: int | list[int] | None = None
    extras: list[str] | None = None


def flat(error: BadInput) -> str:
    """The message of an error on one line."""
    return "; ".join(line.strip().removesuffix(".") for line in str(error).splitlines())


class one_line:
    """Turns a BadInput raised inside a validator into one line, which pydantic collects with the other faults."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, BadInput):
            raise ValueError(flat(error)) from None
