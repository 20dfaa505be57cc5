"""`pdekit evaluate`: every metric of one learned solver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pdekit import api
from pdekit.cli.output import Json, aligned, duration, emit
from pdekit.cli.progress import Bar
from pdekit.errors import BadInput

COLUMNS = ("mean", "low", "high", "median", "p95", "worst")


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder that `pdekit train` wrote.")],
    file: Annotated[Path, typer.Argument(help="A data set.")],
    split: Annotated[str, typer.Option(help="The split to evaluate on.")] = "test",
    time_scale: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=VALUE",
            help='Of trajectories: a time of the physics, in the data\'s unit, e.g. "Lyapunov time=22.2".',
        ),
    ] = None,
    statistics_from: Annotated[
        float | None,
        typer.Option(
            help="Of trajectories: a time after the transient; distributions of values are of the frames from then on."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Evaluate one learned solver by every metric; trajectories frame by frame (all curves with --json)."""
    with Bar() as bar:
        facts = api.evaluate(
            run, file, split=split, time_scale=_scale(time_scale), statistics_from=statistics_from, progress=bar
        )
    emit(facts, _lines(facts), as_json=json)


def _lines(facts: dict[str, Any]) -> list[str]:
    error = facts["reference_error"]
    head = [
        ("run", facts["run"]),
        ("data", f"{facts['file']}, split {facts['split']}, {facts['samples']} samples"),
        ("reference", "the stored outputs" + (f", whose own relative error is about {error:.1e}" if error else "")),
        ("status", ", ".join(f"{name.lower()} {n}" for name, n in facts["status"].items())),
        ("time", f"{duration(facts['latency_seconds'])} for one sample (median of ten)"),
    ]
    rows = [("metric", "mean", "95 % interval", "median", "p95", "worst", "failed", "undefined")]
    for name, m in facts["metrics"].items():
        mean, low, high, median, p95, worst = (_text(m[key]) for key in COLUMNS)
        unit = "" if m["unit"] == "1" else f" [{m['unit']}]"
        rows.append(
            (name + unit, mean, f"{low} to {high}", median, p95, worst, str(m["n_failed"]), str(m["n_degenerate"]))
        )
    return [*aligned(head), "", *aligned(rows), *(in_time(facts["rollout"]) if "rollout" in facts else [])]


def in_time(rollout: dict[str, Any]) -> list[str]:
    """One frame, the last frame, the whole: errors, how long trajectories last, how many stay."""
    errors, share, unit = rollout["relative_l2"], rollout["stable_share"], rollout["time_unit"]
    given, distance = rollout["given_frames"], float(rollout["log_spectrum_distance"][-1])
    rows: list[tuple[str, str]] = [
        ("frames", f"{len(share)} scored, after the first {given} that {'is' if given == 1 else 'are'} given"),
        ("one frame", _frame(errors, 0)),
        ("last frame", _frame(errors, -1)),
        ("geometric mean", "failed" if rollout["geometric_mean"] == float("inf") else _text(rollout["geometric_mean"])),
        *(
            (f"correlated > {one['threshold']:g}", lasting_text(one, unit, frames))
            for one, frames in zip(rollout["correlation_times"], rollout["correlation_times_in_frames"], strict=True)
        ),
        ("spectrum, last frame", "-" if distance != distance else f"{distance:.3g} decades from the reference's"),
        ("stable to the end", f"{share[-1]:.0%}"),
    ]
    apart = rollout["value_distance"]
    for name, one in apart["outputs"].items():
        text = f"{_text(one['mean_in_spreads'])} of the spread of the reference's, from t = {apart['from']:g} on"
        rows.append((f"values of {name} apart", text))
    for name, budget in rollout["budgets"].items():
        if "defect_worst" in budget:
            text = f"{budget['defect_worst']:.1e} at worst; the reference's {budget['reference_defect_worst']:.1e}"
            rows.append((f"budget of {name}", text))
    return ["", *aligned([("trajectories", "relative L2 by frame, mean over samples"), *rows])]


def lasting_text(one: dict[str, Any], unit: str, frames: dict[str, Any]) -> str:
    """A correlation time with what is censored, in the data's unit and in the time scale that was given, else in frames."""
    from pdekit.metrics.correlation_time import Lasting

    own = {name: value for name, value in one.items() if name not in ("scale", "scale_name")}
    lasting = Lasting(**own)
    text = lasting.text("" if unit == "1" else unit)
    if "scale" in one:
        return f"{text}; {lasting.text(one['scale_name'], one['scale'])}"
    return f"{text}; {Lasting(**frames).text('frames')}"


def _frame(errors: dict[str, Any], k: int) -> str:
    low, high = errors["quantiles"]["0.05"][k], errors["quantiles"]["0.95"][k]
    failed = f", {errors['n_failed'][k]} failed" if errors["n_failed"][k] else ""
    return f"{_text(errors['mean'][k])} (5 to 95 %: {_text(low)} to {_text(high)}{failed})"


def _scale(text: str | None) -> tuple[str, float] | None:
    """(name, value) of "name=value". Raises BadInput."""
    if text is None:
        return None
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not name.strip() or not 0 < number < float("inf"):
        raise BadInput.of("the time scale cannot be used.", found=text, allowed="NAME=VALUE with a number > 0")
    return name.strip(), number


def _text(value: float) -> str:
    return "-" if value != value else f"{value:.3g}"
