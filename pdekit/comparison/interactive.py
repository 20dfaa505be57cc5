"""The figure of the page that can be pointed at: the same runs as on paper, with what each of them is."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from pdekit.comparison.bootstrap import Draws, interval
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.plots import FRONT, colours
from pdekit.comparison.refusal import classical_front
from pdekit.comparison.run import Outcome
from pdekit.metrics.cost import front, hull
from pdekit.metrics.reduce import FLOOR_FACTOR

SYMBOLS = {"classical": "circle", "learned": "diamond", "hybrid": "triangle-up", "trivial": "square"}


def figure_html(comparison: Comparison, batch: int | str, *, with_library: bool) -> str:
    """One figure as a <div>; `with_library` puts plotly.js itself into it, so that the page needs no network."""
    figure = go.Figure()
    family = hull(classical_front(comparison.outcomes, comparison.metric, batch))
    if family.seconds:
        figure.add_scatter(
            x=[1e3 * t for t in family.seconds], y=list(family.errors), mode="lines", name="classical front",
            line={"color": FRONT, "width": 9}, opacity=0.35, hoverinfo="skip",
        )  # fmt: skip
    for name, colour in colours(comparison).items():
        runs = [o for o in comparison.outcomes if o.entrant.name == name and not o.refused]
        _add(figure, comparison, [o for o in runs if np.isfinite(o.mean(comparison.metric))], batch, colour)
    stored = comparison.stored_error.get(comparison.metric, np.zeros(1))
    _level(figure, FLOOR_FACTOR * comparison.floor, "3 x truth's own error", "dash")
    _level(figure, float(np.nanmean(stored)), "error of the training data", "dot")
    figure.update_layout(
        template="simple_white", height=520, margin={"l": 70, "r": 20, "t": 20, "b": 60},
        legend={"orientation": "v"}, font={"family": "inherit", "size": 13},
    )  # fmt: skip
    figure.update_xaxes(type="log", title="time per sample (ms)", showgrid=True, dtick=1, minor={"ticks": "outside"})
    figure.update_yaxes(
        type="log",
        title=f"{comparison.metric.replace('_', ' ')} (mean)",
        showgrid=True,
        exponentformat="power",
        dtick=1,
    )
    return figure.to_html(
        full_html=False, include_plotlyjs=with_library, config={"displaylogo": False, "responsive": True}
    )


def _level(figure: go.Figure, error: float, name: str, dash: str) -> None:
    """A horizontal line, as wide as the points that are there."""
    if not error > 0:
        return
    x = [float(v) for trace in figure.data for v in (trace.x or ())]  # pyright: ignore[reportAttributeAccessIssue]
    ends = [min(x, default=1.0) / 1.5, max(x, default=1.0) * 1.5]
    line = {"color": "#333", "dash": dash, "width": 1}
    figure.add_scatter(x=ends, y=[error, error], mode="lines", line=line, name=name, hoverinfo="name")


def _add(figure: go.Figure, comparison: Comparison, runs: list[Outcome], batch: int | str, colour: str) -> None:
    if not runs:
        return
    draws = Draws.of(len(comparison.cases.instances))
    seconds = [float(np.median(o.seconds(batch))) for o in runs]
    errors = [o.mean(comparison.metric) for o in runs]
    kind, name = runs[0].entrant.kind, runs[0].entrant.name
    if kind == "classical":
        own = front(seconds, errors)
        figure.add_scatter(
            x=[1e3 * t for t in own.seconds], y=list(own.errors), mode="lines", line={"color": colour, "width": 1.5},
            legendgroup=name, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    ends = [interval(draws.errors(o.errors[comparison.metric], comparison.outcomes.index(o))) for o in runs]
    times = [interval(draws.times(o.seconds(batch), comparison.outcomes.index(o))) for o in runs]
    figure.add_scatter(
        x=[1e3 * t for t in seconds], y=errors, mode="markers", name=name, legendgroup=name,
        marker={"color": colour, "size": 7 if kind == "classical" else 12, "symbol": SYMBOLS[kind]},
        error_y=_bars(errors, ends), error_x=_bars([1e3 * t for t in seconds], [(1e3 * a, 1e3 * b) for a, b in times]),
        text=[_text(o, comparison, batch) for o in runs], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _bars(middle: list[float], ends: list[tuple[float, float]]) -> dict[str, object]:
    return {
        "type": "data", "symmetric": False, "thickness": 1, "width": 2,
        "array": [max(high - m, 0.0) for m, (_, high) in zip(middle, ends, strict=True)],
        "arrayminus": [max(m - low, 0.0) for m, (low, _) in zip(middle, ends, strict=True)],
    }  # fmt: skip


def _text(outcome: Outcome, comparison: Comparison, batch: int | str) -> str:
    metrics = "<br>".join(f"{name}: {outcome.mean(name):.3g}" for name in outcome.errors)
    seconds = float(np.median(outcome.seconds(batch)))
    size = 1 if batch == 1 else outcome.best[0]
    lines = [
        f"<b>{outcome.entrant.name}</b>",
        outcome.point.text,
        metrics,
        f"{1e3 * seconds:.3g} ms a sample, batch {size}",
    ]
    if outcome.entrant.kind == "classical":
        lines.append(f"set-up {1e3 * outcome.setup:.3g} ms of it, {np.median(outcome.steps):.0f} steps")
    return "<br>".join(line for line in lines if line)
