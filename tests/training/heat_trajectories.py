"""Heat on a circle, exact in Fourier space, as files of trajectories; no problem of pdekit is needed."""

import numpy as np

from pdekit.data.write import write_dataset
from pdekit.space.grid import Grid

SPACING = 0.1


def grid(points=16, dim=1):
    return Grid.make([points] * dim, 2 * np.pi, location="vertex")


def heat(n, frames, *, points=16, seed=0, dim=1, nu=0.2, spacing=SPACING):
    """(n, frames, *x): modes decay by exp(-nu k^2 t), k up to 3; float64."""
    rng = np.random.default_rng(seed)
    k = np.fft.fftfreq(points, 1 / points)
    mesh = np.meshgrid(*([k] * dim), indexing="ij")
    k2 = sum(axis**2 for axis in mesh)
    axes = tuple(range(1, dim + 1))
    start = np.fft.fftn(rng.standard_normal((n, *(points,) * dim)), axes=axes) * (k2 <= 9)
    decay = [np.exp(-nu * np.reshape(k2, (1, *k2.shape)) * spacing * j) for j in range(frames)]
    return np.stack([np.fft.ifftn(start * d, axes=axes).real for d in decay], axis=1)


def write(path, sizes, frames=6, *, start="initial", output="u", times=None, extra=None, **how):
    """sizes {split: n}; extra {split: {name: array}}, with roles of their own under "roles"."""
    extra, seeds = dict(extra or {}), {"train": 0, "valid": 1, "test": 2}
    roles = {start: "input", output: "output", **extra.pop("roles", {})}
    splits = {}
    for name, n in sizes.items():
        u = heat(n, frames, seed=seeds[name], **how)
        splits[name] = {start: u[:, 0], output: u, **extra.get(name, {})}
    times = SPACING * np.arange(frames) if times is None else times
    box = grid(how.get("points", 16), how.get("dim", 1))
    return write_dataset(path, splits, grid=box, roles=roles, time=times)
