"""What a file of trajectories offers a solver that learns them: which input starts which output, spacing, increments."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.data.read import DataFile
from pdekit.errors import BadInput
from pdekit.models.clock import Clock, Time, frame_spacing
from pdekit.problems.evolution import Evolution
from pdekit.problems.problem import Problem

BLOCK = 2**26  # bytes read at once
APART = 0.1  # relative: a start field further from the stored first frame is not its start
LOOKED_AT = 16  # trajectories whose starts are compared


def stored_times(file: DataFile, split: str) -> np.ndarray | None:
    """The times of a split whose outputs are trajectories; None where they are fields."""
    times, dim = file.time(split), file.grid(split).dim
    outputs = [file.variables(split)[name] for name in file.names(split, "output")]
    return times if times is not None and any(v.ndim == 2 + dim for v in outputs) else None


def start_fields(file: DataFile, problem: Problem | None, place: str) -> dict[str, str]:
    """{output: the input that is its first frame}: the problem's own, in order; else `initial`, or `initial_u` for `u`.

    Outputs that no input starts (stored tendencies, say) are left out. Raises BadInput where there is none.
    """
    inputs, outputs = file.names("train", "input"), file.names("train", "output")
    if isinstance(problem, Evolution):
        specs = zip(problem.outputs, problem.inputs, strict=False)
        pairs = {out.name: start.name for out, start in specs if out.name in outputs and start.name in inputs}
        whole = len(pairs) == len(problem.outputs)
    else:
        pairs = {name: f"initial_{name}" for name in outputs if f"initial_{name}" in inputs}
        if not pairs and "initial" in inputs and len(outputs) == 1:
            pairs = {outputs[0]: "initial"}
        whole = bool(pairs)
    if not whole:
        raise BadInput.of(
            "it is not known which input starts which trajectory.",
            where=place,
            found=f"inputs {', '.join(inputs) or 'none'}; outputs {', '.join(outputs)}",
            allowed="an input 'initial' where one output evolves, else 'initial_u' for each output 'u'",
        )
    return pairs


def read_clock(
    file: DataFile, settings: Time, starts: dict[str, str], scales: dict[str, float], rows: range, place: str
) -> Clock:
    """The clock of the train split. Raises BadInput where windows do not fit, or frames are not evenly spaced."""
    times = stored_times(file, "train")
    assert times is not None
    spacing = frame_spacing(times, place)
    frames, k = len(times), settings.history
    horizon = frames - k if settings.horizon == "all" else settings.horizon
    if horizon < 1 or k + horizon > frames:
        raise BadInput.of(
            "the stored trajectories are shorter than a window.",
            where=place,
            found=f"{frames} frames; time.history = {k}, time.horizon = {settings.horizon}",
            allowed=f"history + horizon <= {frames}",
        )
    moved, spread = zip(*(_scales(file, name, start, rows, place) for name, start in starts.items()), strict=True)
    units = [scales[name] for name in starts]
    return Clock(
        settings=settings,
        spacing=spacing,
        frames=frames,
        horizon=horizon,
        starts=tuple(starts.values()),
        increments=tuple(m / unit for m, unit in zip(moved, units, strict=True)),
        deviations=tuple(s / unit for s, unit in zip(spread, units, strict=True)),
    )


def require_spacing(file: DataFile, split: str, clock: Clock, place: str) -> None:
    """Raise BadInput where another split stores other times than a solver of this clock can answer, or too few."""
    times = stored_times(file, split)
    if times is None or len(times) < clock.history + clock.horizon:
        raise BadInput.of(
            f"the trajectories of split {split!r} are shorter than a window.",
            where=place,
            found="fields" if times is None else f"{len(times)} frames",
            allowed=f"{clock.history + clock.horizon} frames or more",
        )
    try:
        clock.check_times(times)
    except BadInput as error:
        raise BadInput(f"{error}\n  in {place}, split {split!r}") from None


def _scales(file: DataFile, name: str, start: str, rows: range, place: str) -> tuple[float, float]:
    """(root mean square of the increments, standard deviation) over rows of the train split, float64."""
    data = file.variables("train")[name]
    step = max(1, BLOCK // (data.dtype.itemsize * int(np.prod(data.shape[1:]))))
    square, total, power, count, steps = 0.0, 0.0, 0.0, 0, 0
    for first in range(rows.start, rows.stop, step):
        part = slice(first, min(first + step, rows.stop))
        u: Any = file.read("train", name, part)
        if first == rows.start:
            _require_start(
                u[:LOOKED_AT, 0], file.read("train", start, slice(first, part.stop))[:LOOKED_AT], name, start, place
            )
        change = np.diff(u, axis=1)
        square += float(np.square(change, dtype=np.float64).sum())
        total += float(u.sum(dtype=np.float64))
        power += float(np.square(u, dtype=np.float64).sum())
        count, steps = count + u.size, steps + change.size
    moved = np.sqrt(square / steps)
    if not moved > 0:
        raise BadInput.of(f"output {name!r} never changes in time over the train split.", where=place)
    return float(moved), float(np.sqrt(max(power / count - (total / count) ** 2, 0.0)))


def _require_start(frame: np.ndarray, start: np.ndarray, name: str, field: str, place: str) -> None:
    axes = tuple(range(1, frame.ndim))
    gap = np.sqrt(np.square(frame - start).sum(axis=axes) / np.maximum(np.square(frame).sum(axis=axes), 1e-300))
    if not (gap <= APART).all():
        raise BadInput.of(
            f"input {field!r} is not the first frame of {name!r}.",
            where=place,
            found=f"a relative distance of {np.nanmax(gap):.2g} in sample {int(np.nanargmax(gap))}",
            hint="store the state at the first of the times as the input",
        )
