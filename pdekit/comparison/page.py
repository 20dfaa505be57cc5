"""The pieces of the page: text made safe, tables, embedded pictures, and the frame around them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

CSS = """
:root { --ink: #1c1c1c; --soft: #5a5a5a; --line: #d9d9d9; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; color: var(--ink); margin: 0; }
main { max-width: 1040px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; font-weight: 650; }
h2 { font-size: 19px; margin: 40px 0 10px; font-weight: 650; }
p, li { max-width: 78ch; }
p.facts { color: var(--soft); margin: 2px 0; }
ul.answer { padding-left: 20px; margin: 14px 0; font-size: 17px; }
table { border-collapse: collapse; font-size: 14px; margin: 8px 0; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; border-bottom: 1.5px solid var(--ink); padding: 5px 14px 5px 0; vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: 4px 14px 4px 0; vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; }
td.k { white-space: nowrap; }
div.wide { overflow-x: auto; }
img { max-width: 100%; height: auto; }
pre { background: #f6f6f6; padding: 12px; overflow-x: auto; font-size: 13px; line-height: 1.4; }
summary { cursor: pointer; margin: 6px 0; }
input[name="batch"] { margin: 0 6px 0 0; }
label { margin-right: 22px; }
.tab { display: none; }
#one:checked ~ .tab.one, #best:checked ~ .tab.best { display: block; }
.refusal { border-left: 3px solid #B33A3A; padding: 2px 12px; margin: 8px 0; }
.note { border-left: 3px solid var(--line); padding: 2px 12px; margin: 8px 0; }
"""

SCRIPT = """<script>
document.querySelectorAll('input[name="batch"]').forEach(
  (button) => button.addEventListener("change", () => window.dispatchEvent(new Event("resize"))));
</script>"""


def page(title: str, body: Iterable[str]) -> str:
    """One HTML file that needs nothing from anywhere."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{CSS}</style></head>'
        f"<body><main>\n{chr(10).join(body)}\n</main>{SCRIPT}</body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()) -> str:
    """A table; `numbers` are the columns that are set to the right."""

    def cells(row: Sequence[object], tag: str) -> str:
        kinds = [" class=n" if k in numbers else " class=k" if k == 1 and numbers else "" for k in range(len(row))]
        return "".join(f"<{tag}{kind}>{escape(str(cell))}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells(head, "th")}</tr></thead><tbody>{body}</tbody></table></div>'


def heading(text: str) -> str:
    """A section's heading."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph, of a class where `kind` names one."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def items(texts: Iterable[str], kind: str = "") -> str:
    """A list."""
    rows = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="{kind}">{rows}</ul>' if kind else f"<ul>{rows}</ul>"


def folded(title: str, text: str) -> str:
    """Text that is there for who asks: a plan, a recipe."""
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"


def moving(path: Path, description: str) -> str:
    """A GIF as it lies in a file, embedded."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(description)}" src="data:image/gif;base64,{data}">'


def picture(figure: Figure, description: str) -> str:
    """A figure as an embedded PNG; closes it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(description)}" src="data:image/png;base64,{data}">'
