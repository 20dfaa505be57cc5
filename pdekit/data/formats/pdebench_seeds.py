"""PDEBench's other two layouts: one group for each seed, and PhiFlow's arrays for incompressible flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit.data.formats.axes import frames_of, grid_from, origin_of
from pdekit.data.formats.foreign import Foreign, described
from pdekit.data.formats.lazy import View, rows
from pdekit.data.formats.options import ImportOptions
from pdekit.data.read import plain
from pdekit.errors import FormatError
from pdekit.space.grid import AXES

TEST_PART = 0.1
SEEDS_LAYOUT = "PDEBench, one group for each seed"
FLOW_LAYOUT = "PDEBench, incompressible flow"
RULE = "as PDEBench's loader splits by default: the last tenth of the seeds is test, the rest train"


def last_tenth(n: int) -> dict[str, tuple[int, int]]:
    """Splits of layouts B and C as (start, stop): the test split begins at int(0.9 n), as in the loader."""
    cut = int(n * (1 - TEST_PART))
    return {"train": (0, cut), "test": (cut, n)} if 0 < cut < n else {"train": (0, n)}


def seeds(file: Any, source: Path, options: ImportOptions) -> Foreign:
    """Layout B. Seeds in the order of their numbers; channels are u, v, ... as the layout has no names for them.

    The grid is that of the first seed, whatever its number. `axis_order = "yx"` exchanges the first two space axes, for
    the sets that were written as (t, y, x, c). Raises FormatError where seeds differ.
    """
    keys = sorted(file, key=int)
    first = _group(file, keys[0], source)
    shape = _sizes(first["data"])
    if not 3 <= len(shape) <= 5:
        raise FormatError.of(
            f"/{keys[0]}/data of {str(source)!r} is not (t, points per axis, channels).", found=str(tuple(shape))
        )
    for key in keys:
        if _sizes(_group(file, key, source)["data"]) != shape:
            raise FormatError.of(
                f"the seeds of {str(source)!r} differ in shape.", where=f"/{key}", allowed=str(tuple(shape))
            )
    swap = options.axis_order == "yx" and len(shape) > 3
    points = tuple([shape[2], shape[1], *shape[3:-1]] if swap else shape[1:-1])
    axes = AXES[: len(points)]
    place = f"{str(source)!r}, /{keys[0]}"
    grid_group = first.get("grid")
    found: Any = grid_group if isinstance(grid_group, h5py.Group) else {}
    coordinates = {a: found[a][...] for a in axes if a in found}
    sizes = [len(coordinates[a]) if a in coordinates else n for a, n in zip(axes, points, strict=True)]
    if tuple(sizes) != points and len(points) > 1 and sizes == [points[1], points[0], *points[2:]]:
        other = "xy" if swap else "yx"
        raise FormatError.of(
            f"the axes of {place} do not stand in the order {options.axis_order!r}.",
            found=f"data {tuple(shape)}, x has {sizes[0]} points and y has {sizes[1]}",
            hint=f"--set axis_order={other}",
        )
    grid = grid_from(points, coordinates, options, where=place)
    time = frames_of(found["t"], shape[0], where=place) if "t" in found else np.arange(shape[0], dtype=np.float64)
    names = ["u"] if shape[-1] == 1 else ["u", "v"] if shape[-1] == 2 else [f"u_{c}" for c in range(shape[-1])]
    splits = {
        split: {name: _channel(file, keys[start:stop], c, swap) for c, name in enumerate(names)}
        for split, (start, stop) in last_tenth(len(keys)).items()
    }
    text = "{} of data; published: reaction-diffusion u activator, v inhibitor; shallow water u depth; sorption u concentration"
    order = "x, y" if swap else "y after x, as the loader reads it"
    unknown = ["times: frames are numbered"] if "t" not in found else []
    if options.boundary is None:
        unknown.append("boundary conditions: 'periodic' is assumed")
    if len(points) > 1 and points[0] == points[1] and not swap:
        unknown.append("order of x and y: some sets were written as (t, y, x, c), which a square grid does not show")
    return described(
        splits,
        dict.fromkeys(splits, grid),
        options,
        source=source,
        layout=SEEDS_LAYOUT,
        roles=dict.fromkeys(names, "output"),
        long_names={name: text.format(f"channel {c}") for c, name in enumerate(names)},
        time=time,
        unknown=unknown,
        facts={
            "origin": origin_of(coordinates, grid),
            "split_rule": RULE,
            "axis_order": f"{order} (axis_order = {options.axis_order})" if len(points) > 1 else "",
            "source_config": str(plain(first.attrs.get("config", ""))),
        },
    )


def _group(file: Any, key: str, source: Path) -> Any:
    group = file[key]
    if not isinstance(group, h5py.Group) or not isinstance(group.get("data"), h5py.Dataset):
        raise FormatError.of(f"/{key} of {str(source)!r} holds no array `data`.", allowed="/0000/data, /0000/grid/x")
    return group


def _sizes(data: Any) -> list[int]:
    return [int(s) for s in data.shape]


def _channel(file: Any, keys: Sequence[str], channel: int, swap: bool) -> View:
    """(n, t, *x) of one channel, a seed read when its sample is asked for."""
    one = file[keys[0]]["data"]
    shape = one.shape[:-1]
    if swap:
        shape = (shape[0], shape[2], shape[1], *shape[3:])

    def take(a: int, b: int) -> np.ndarray:
        out = np.empty((b - a, *shape), dtype=one.dtype)
        for i, key in enumerate(keys[a:b]):
            values = file[key]["data"][..., channel]
            out[i] = values.swapaxes(1, 2) if swap else values
        return out

    return View((len(keys), *shape), one.dtype, take)


def incompressible(file: Any, source: Path, options: ImportOptions) -> Foreign:
    """Layout C. Frames after `latestIndex` were never written and are left out."""
    velocity = file["velocity"]
    if not isinstance(velocity, h5py.Dataset) or velocity.ndim not in (4, 5, 6):
        raise FormatError.of(f"`velocity` of {str(source)!r} is not (n, t, points per axis, components).")
    n, frames, points = velocity.shape[0], velocity.shape[1], tuple(int(s) for s in velocity.shape[2:-1])
    written = frames
    if "latestIndex" in file.attrs:
        written = min(frames, int(plain(file.attrs["latestIndex"])) + 1)
    if written < 1:
        raise FormatError.of(f"{str(source)!r} holds no frame.", found=f"latestIndex {written - 1}")
    roles = {"velocity": "output", "particles": "output", "force": "input"}
    shapes = {"velocity": velocity.shape, "particles": (n, frames, *points, 1), "force": (n, *points, len(points))}
    for name in [k for k in roles if k in file]:
        if file[name].shape != shapes[name]:
            raise FormatError.of(f"{name!r} of {str(source)!r} does not fit `velocity`.", found=f"{file[name].shape}")
    unknown = ["coordinates", *([] if options.length is not None else ["length: 1 per axis is assumed"])]
    if options.boundary is None:
        unknown.append("boundary conditions: 'periodic' is assumed")
    times = np.asarray(file["t"][...], dtype=np.float64) if "t" in file else np.arange(frames)[None]
    if "t" not in file or not np.allclose(times[:, :written], times[:1, :written], rtol=1e-6):
        unknown.append(
            "times: frames are numbered" if "t" not in file else "times: they differ, the first sample's stand"
        )
    time = frames_of(times[0], written, where=repr(str(source)))
    splits: dict[str, dict[str, Any]] = {}
    for split, (start, stop) in last_tenth(n).items():
        arrays: dict[str, Any] = {"velocity": rows(velocity, start, stop, lambda block: block[:, :written])}
        if "particles" in file:
            arrays["particles"] = rows(file["particles"], start, stop, lambda block: block[:, :written, ..., 0])
        if "force" in file:
            arrays["force"] = rows(file["force"], start, stop)
        splits[split] = arrays
    return described(
        splits,
        dict.fromkeys(splits, grid_from(points, {}, options, where=repr(str(source)))),
        options,
        source=source,
        layout=FLOW_LAYOUT,
        roles=roles,
        long_names={"particles": "density of smoke", "force": "force, constant in time", "velocity": "velocity"},
        time=time,
        unknown=unknown,
        facts={
            "split_rule": RULE,
            "source_config": str(plain(file.attrs.get("config", ""))),
            "interrupted": f"{written} of {frames} frames were written" if written < frames else "",
            "flaws": "velocity was moved from faces to cell centres: its discrete divergence is not zero, and that is no "
            "error of a solver",
        },
    )
