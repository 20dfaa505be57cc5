"""Time as a learned solver knows it: the card's [time], and what was read of the file that it was trained on."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from pdekit.errors import BadInput
from pdekit.settings import Settings

Count = Annotated[int, Field(ge=1, strict=True)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
SAME = 1e-6  # relative: frame spacings that differ by less are one


class Time(Settings):
    """The card's [time]; without it a solver maps fields to fields.

    way "step": the last `history` frames give the next one, again and again (`steps.py`). "spacetime": they give `horizon`
    frames in one call (`spacetime.py`).
    """

    way: Literal["step", "spacetime"] = "step"
    history: Count = 1  # frames that the network is given, 1 to 10
    horizon: Count | Literal["all"] = 1  # frames that it is trained to give after them; "all" that are stored
    predict: Literal["delta", "value"] = "delta"  # the increment over the last frame, or the frame itself
    cutoff: Count | None = None  # the network sees modes |m| <= cutoff of periodic axes alone
    padding: Part = 0.0  # spacetime: frames answered beyond the horizon and dropped, part of it
    stride: Count | None = None  # frames between the windows that the best weights are chosen by; None = horizon
    windows: Count | None = None  # random ones, of each trajectory in each epoch; None = as many as fit end to end
    pushforward: bool = False  # all steps of the horizon but the last without gradient, and the loss of the last alone
    curriculum: Part = 0.0  # part of the epochs in which the roll-out grows from one step to the horizon

    @model_validator(mode="after")
    def _in_harmony(self) -> Time:
        if self.way == "spacetime" and (self.pushforward or self.curriculum):
            raise ValueError("a spacetime solver answers its horizon in one call: no pushforward, no curriculum")
        if self.way == "step" and self.padding:
            raise ValueError("padding in time belongs to way = 'spacetime'")
        return self


class Clock(Settings):
    """[time] as it came out for one file.

    spacing      between frames, in T
    frames       of a stored trajectory
    horizon      a number in place of "all"
    starts       the input that is the first frame of each output, in the order of the outputs
    increments   per output: root mean square of u(t + spacing) - u(t) over the train split, in units of the output's scale
    deviations   per output: standard deviation over space, time and samples, in the same units
    """

    settings: Time
    spacing: float
    frames: int
    horizon: int
    starts: tuple[str, ...]
    increments: tuple[float, ...]
    deviations: tuple[float, ...]

    @property
    def history(self) -> int:
        """Frames that are given."""
        return self.settings.history

    @property
    def block(self) -> int:
        """Frames that one call of the network answers."""
        return self.horizon if self.settings.way == "spacetime" else 1

    def check_times(self, times: np.ndarray | None) -> np.ndarray:
        """The times, where this solver can answer at them. Raises BadInput."""
        if times is None:
            raise BadInput.of(
                "a solver of trajectories was asked for no times.", hint="Instances(..., times=...) names them"
            )
        if len(times) < self.history:
            raise BadInput.of(
                f"a solver that is given {self.history} frames was asked for fewer.", found=f"{len(times)} times"
            )
        spacing = np.diff(times)
        wrong = np.abs(spacing - self.spacing) > SAME * self.spacing
        if wrong.any():
            raise BadInput.of(
                "the solver knows one spacing of frames only, that of its training.",
                found=f"{spacing[np.argmax(wrong)]:.9g} between two of the times",
                allowed=f"{self.spacing:.9g}",
                hint="ask for other times, or train it on frames that lie so far apart",
            )
        return times


def frame_spacing(times: np.ndarray, where: str) -> float:
    """The one spacing of stored times. Raises BadInput where there are fewer than two, or they are not evenly spaced."""
    if len(times) < 2:
        raise BadInput.of("one stored time is no trajectory to learn from.", where=where, found=f"times {times}")
    spacing = np.diff(times)
    mean = float(spacing.mean())
    if (np.abs(spacing - mean) > SAME * mean).any():
        raise BadInput.of(
            "a solver that steps from frame to frame needs frames that are evenly spaced.",
            where=where,
            found=f"spacings from {spacing.min():.9g} to {spacing.max():.9g}",
        )
    return mean
