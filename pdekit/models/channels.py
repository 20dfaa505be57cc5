"""Fields of a problem as channels of a network, and the scaling of each, fitted on the train split alone.

scaled = (value - shift) / scale          one shift and one scale per channel, never per point
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from pdekit.errors import BadInput
from pdekit.settings import Settings
from pdekit.solver import Instances
from pdekit.space.grid import Grid

How = Literal["standard", "scale", "none"]
CONSTANT = 1e-6  # a spread below this part of the largest value is rounding


class Scaling(Settings):
    """The card's [scaling]: "standard" = mean and deviation, "scale" = root mean square alone, "none"."""

    input: How = "standard"
    output: How = "scale"


class Channel(Settings):
    """One channel. kind: "field" lies on the grid, "boundary" on a face and is spread along its normal, "parameter"
    is one number per sample, spread over the grid. shift and scale carry the units of the values.
    """

    name: str
    kind: Literal["field", "boundary", "parameter"] = "field"
    shift: float = 0.0
    scale: float = 1.0


class Channels(Settings):
    """What a learned solver is given and gives back, in this order.

    constants   inputs that had one value in the whole train split: {name: value}. They carry no information, so they
                are left out, and a case where they differ is refused.
    """

    inputs: tuple[Channel, ...]
    outputs: tuple[Channel, ...]
    constants: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        scaling: Scaling,
        inputs: Mapping[str, Mapping[str, float]],
        outputs: Any,
        kinds: Any,
        *,
        evolves: bool = False,
    ) -> Channels:
        """From statistics of the train split, {name: {mean, std, min, max}}, and {name: kind} of the inputs.

        evolves   the outputs are trajectories, which bring their own starts: there may be no other input that varies
        Raises BadInput where nothing varies or a statistic is not finite.
        """
        for name, s in {**inputs, **outputs}.items():
            if not all(math.isfinite(s[k]) for k in ("mean", "std")):
                raise BadInput.of(
                    f"field {name!r} cannot be scaled: its statistics over the train split are not finite.",
                    found=f"mean {s['mean']}, std {s['std']}",
                    hint="`pdekit check FILE` names the samples that hold NaN or infinity",
                )
        constants = {n: s["mean"] for n, s in inputs.items() if _constant(s)}
        varying = {n: s for n, s in inputs.items() if n not in constants}
        if not varying and not evolves:
            raise BadInput.of(
                "no input varies over the train split, so there is nothing to learn from.",
                found=f"constant inputs: {', '.join(constants) or 'none at all'}",
            )
        if not outputs:
            raise BadInput.of("the file holds no output field, so there is nothing to learn.")
        for name, s in outputs.items():
            if _shift_scale(scaling.output, s)[1] <= 0:
                raise BadInput.of(
                    f"output {name!r} has no spread over the train split.",
                    found=f"mean {s['mean']:.6g}, std {s['std']:.6g}",
                    allowed='a field that varies; scaling.output = "none" trains on it as it is',
                )
        return cls(
            inputs=tuple(_channel(n, kinds[n], scaling.input, s) for n, s in varying.items()),
            outputs=tuple(_channel(n, "field", scaling.output, s) for n, s in outputs.items()),
            constants=constants,
        )

    def encode(self, instances: Instances) -> np.ndarray:
        """Inputs as the network wants them: (n, c, *x) float32, dimensionless. Raises BadInput."""
        given = {**instances.fields, **instances.parameters}
        for name, value in self.constants.items():
            require_constant(name, value, _given(given, name))
        return self.encode_varying(instances)

    def encode_varying(self, instances: Instances) -> np.ndarray:
        """The same where `constants` were looked at before, and need not be given."""
        given = {**instances.fields, **instances.parameters}
        grid = instances.grid
        x = np.empty((len(instances), len(self.inputs), *grid.points), dtype=np.float32)
        for i, channel in enumerate(self.inputs):
            values = spread(np.asarray(_given(given, channel.name)), channel, grid)
            np.divide(values - channel.shift, channel.scale, out=x[:, i], casting="unsafe")
        return x

    def encode_outputs(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Outputs in units of their scale, *not* shifted: (n, c, *x) float32. A relative error of these is the
        physical one, whatever the shift; see `shifts`.
        """
        columns = [np.asarray(values[c.name]) / c.scale for c in self.outputs]
        return np.stack(columns, axis=1).astype(np.float32, copy=False)

    def encode_frames(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Trajectories (n, t, *x) of the outputs in the same units: (n, t, c, *x) float32."""
        columns = [np.asarray(values[c.name]) / c.scale for c in self.outputs]
        return np.stack(columns, axis=2).astype(np.float32, copy=False)

    @property
    def shifts(self) -> tuple[float, ...]:
        """What to add to a network's output so that it compares with `encode_outputs`: shift / scale."""
        return tuple(c.shift / c.scale for c in self.outputs)

    def decode(self, y: np.ndarray) -> dict[str, np.ndarray]:
        """A network's output (n, c, *x) in physical units: {name: (n, *x)}."""
        return {c.name: y[:, i] * np.float32(c.scale) + np.float32(c.shift) for i, c in enumerate(self.outputs)}


def require_constant(name: str, value: float, array: np.ndarray) -> None:
    """Raise BadInput where an input that had one value in all training samples has another."""
    a = np.asarray(array)
    if a.size == 0 or _near(value, float(a.min()), float(a.max())):
        return
    wrong = ~(np.abs(np.ravel(a) - value) <= _tolerance(value))
    raise BadInput.of(
        f"input {name!r} was {value:.6g} in every training sample, so the solver knows no other value.",
        found=f"{np.ravel(a)[np.argmax(wrong)]:.6g}",
        hint="train on data in which this input varies",
    )


def _constant(s: Mapping[str, float]) -> bool:
    """One value in the whole split: a spread of rounding, and no point that `require_constant` would refuse."""
    largest = max(abs(s["min"]), abs(s["max"]))
    return bool(s["std"] <= CONSTANT * largest) and _near(s["mean"], s["min"], s["max"])


def _near(value: float, low: float, high: float) -> bool:
    return bool(max(high - value, value - low) <= _tolerance(value))


def _tolerance(value: float) -> float:
    return 10 * CONSTANT * max(abs(value), CONSTANT)


def _given(given: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in given:
        raise BadInput.of(f"the learned solver needs the input {name!r}.", found=", ".join(given) or "no inputs")
    return given[name]


def spread(values: np.ndarray, channel: Channel, grid: Grid) -> np.ndarray:
    """Values of an input, broadcastable to (n, *grid.points). Raises BadInput for time-dependent or vector fields."""
    dim = grid.dim
    if channel.kind == "parameter":
        return values.reshape(-1, *(1,) * dim)
    if channel.kind == "boundary":
        axis = grid.axes.index(channel.name.removeprefix("boundary_").partition("_")[0])
        return np.expand_dims(values, 1 + axis)
    if values.ndim != 1 + dim:
        raise BadInput.of(
            f"field {channel.name!r} is not a steady scalar field.",
            found=f"shape {values.shape} on a grid of {dim} axes",
            allowed="(n, *points)",
            hint="trajectories are learned by the cards with a table [time]: fno-markov, fno-recurrent, fno-spacetime",
        )
    return values


def _channel(name: str, kind: Any, how: How, statistics: Mapping[str, float]) -> Channel:
    shift, scale = _shift_scale(how, statistics)
    return Channel(name=name, kind=kind, shift=shift, scale=scale)


def _shift_scale(how: How, statistics: Mapping[str, float]) -> tuple[float, float]:
    mean, std = statistics["mean"], statistics["std"]
    if how == "standard":
        return mean, std
    return (0.0, math.hypot(mean, std)) if how == "scale" else (0.0, 1.0)
