"""The page's part on trajectories: errors frame by frame, how long they last, spectra, budgets, and a film of one sample."""

from __future__ import annotations

from pathlib import Path

from pdekit.comparison import page, table_in_time
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.films import film
from pdekit.comparison.plots import save
from pdekit.comparison.plots_in_time import error_frames, last_spectra, runs_in_time


def in_time(c: Comparison, out: Path) -> list[str]:
    """The section, its figures written under `out`; nothing of steady problems."""
    if c.frames is None:
        return []
    save(last_spectra(c), out / "spectra")
    several = len(c.frames.lead) > 1
    text = [
        page.heading("Frame by frame"),
        *(_curves(c, out) if several else []),
        page.table(table_in_time.head(c), table_in_time.rows(c), numbers=table_in_time.NUMBERS),
        page.paragraph(table_in_time.caption(c) + "."),
        *(page.paragraph(text, "note") for text in table_in_time.largest_steps(c)),
        page.heading("Spectra at the last frame"),
        page.picture(last_spectra(c), "energy by wavenumber at the last frame"),
        page.paragraph("A spectrum is blind to phases: what lies on the truth's line may still be in the wrong place."),
        *_budgets(c),
    ]
    made = film(c, out / "film.gif") if several else None
    if made is not None:
        text += [page.heading("One trajectory"), page.moving(out / "film.gif", made), page.paragraph(made + ".")]
    return text


def _curves(c: Comparison, out: Path) -> list[str]:
    """The figure of errors frame by frame, which one scored frame has no use for."""
    save(error_frames(c), out / "error-frames")
    return [
        page.picture(error_frames(c), "error of each frame against time"),
        page.paragraph(
            "Mean over samples and seeds. Bands: the middle half of the samples of solvers that were trained. A cross is the "
            "last frame before a run lost a sample; from there on the line is of those that are left. Upright: the last "
            "frame that is given."
        ),
    ]


def _budgets(c: Comparison) -> list[str]:
    """What the equation keeps or spends: the worst defect of each run beside the truth's own."""
    rows = []
    for o in runs_in_time(c):
        for name, budget in o.together.budgets.items():
            if budget.defect is None or budget.floor is None:
                continue
            rows.append((o.name, name, f"{budget.defect.max():.1e}", f"{budget.floor.max():.1e}"))
    if not rows:
        return []
    return [
        page.heading("What the equation keeps"),
        page.table(("solver", "quantity", "worst defect", "that of the truth"), rows, numbers=(2, 3)),
        page.paragraph(
            "Change of a quantity since the first scored frame less the integral of its rate by the physics (0 of what is "
            "conserved), over its size: the worst of all samples, and of all seeds. The integral is taken over the stored "
            "frames, so that the truth has a defect too: that is the floor."
        ),
    ]
