"""Frames of a figure as a film: a GIF, or an MP4 where ffmpeg is at hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pdekit.errors import BadInput

ANIMATED = (".gif", ".mp4")
PER_SECOND = 10  # frames
EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"  # what the codec asks of a picture's sides


def require_writer(path: Path) -> None:
    """Raise BadInput where this machine cannot write such a film."""
    if path.suffix.lower() == ".mp4" and shutil.which(mpl.rcParams["animation.ffmpeg_path"]) is None:
        raise BadInput.of(
            f"an MP4 cannot be written: {str(path)!r}.",
            found="no program ffmpeg on this machine",
            allowed="--out NAME.gif, which needs nothing; or install ffmpeg",
        )


def write_film(
    figure: Figure,
    update: Callable[[int], list[Any]],
    frames: int,
    out: Path,
    *,
    dpi: int = 100,
    most: int | None = None,
) -> int:
    """Write `frames` frames, `update(k)` draws frame k, by the ending of `out`; returns how many were written.

    most   evenly spaced ones, the first and the last among them, where there are more
    """
    FigureCanvasAgg(figure)
    chosen = chosen_frames(frames, most)
    if out.suffix.lower() == ".mp4":
        writer: Any = FFMpegWriter(fps=PER_SECOND, codec="libx264", extra_args=["-pix_fmt", "yuv420p", "-vf", EVEN])
        FuncAnimation(figure, update, frames=iter(chosen), blit=False, save_count=len(chosen)).save(
            out, writer, dpi=dpi
        )
    else:
        FuncAnimation(figure, update, frames=iter(chosen), blit=False, save_count=len(chosen)).save(
            out, PillowWriter(fps=PER_SECOND), dpi=dpi
        )
    return len(chosen)


EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"  # what the codec asks of a picture's sides


def chosen_frames(frames: int, most: int | None) -> list[int]:
    """Numbers of the frames that are shown."""
    count = frames if most is None else min(frames, most)
    return sorted({round(float(k)) for k in np.linspace(0, frames - 1, count)})
