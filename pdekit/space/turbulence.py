"""Vorticities that two-dimensional turbulence starts from, as the field's codes draw them; w in rad/T, without a mean.

Waves per box are counted as n = |k| L_x/(2 pi), so that a law means the same on any length.

fno-2020, fno-2021   Gaussian, covariance 2 tau^3 (-Laplace + tau^2)^-5/2 and half of it, tau = 7, Laplacian of the unit box.
                     The code of 2020, older than the published data, takes the real part of complex noise with unit real and
                     unit imaginary part; the later one, of complex noise with E|xi|^2 = 1. Which one the published files follow
                     is judged from the age of the code.
mcwilliams           psi of spectrum 1/(n (1 + (n/peak)^4)), w = -Laplace psi. McWilliams 1984, doi:10.1017/S0022112084001750,
                     takes it for |psi|^2 ("power"); public codes take it for |psi| ("amplitude"), which is steeper.
filtered-velocity    the curl of white noise filtered by the amplitude p(n)/n, p the log-normal density of mode `peak` and
                     variance 1/4 (Kochkov et al. 2021, doi:10.1073/pnas.2101784118), scaled to a largest speed.

mcwilliams with scale = "sample", and filtered-velocity, are scaled sample by sample: the law is not Gaussian then, and another
number of points changes the scale by what the modes add that only one of the grids has. scale = "law" scales by the expectation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.space.gaussian import gaussian_field
from pdekit.space.grid import Grid
from pdekit.space.law import POSITIVE, Law, field_grid
from pdekit.space.noise import mode_normals, periodic_values, wavenumbers

FNO_2020 = {"variance_factor": 2 * 7.0**3, "tau": 7.0, "alpha": 2.5, "boundary": "periodic", "unit_box": True}
FNO_2021 = {**FNO_2020, "variance_factor": 7.0**3}
ALL = 512  # modes per axis that an expectation is summed over


def _fno(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    gauss = FNO_2020 if law["law"] == "fno-2020" else FNO_2021
    return law["amplitude"] * gaussian_field(gauss, field_grid(grid, law["law"], (2,)), rng)


def _mcwilliams(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    grid = field_grid(grid, "mcwilliams", (2,))
    k = _magnitude(grid.intervals, grid.length)
    psi = _stream(law, k, grid.length) * mode_normals(grid.intervals, rng)
    if law["scale"] == "sample":
        speed_squared = _mean_square(k * psi, grid.intervals)
    else:
        every = _magnitude((ALL, ALL), grid.length)
        speed_squared = _mean_square(every * _stream(law, every, grid.length), (ALL, ALL))
    return math.sqrt(2.0 * law["energy"] / speed_squared) * periodic_values(k**2 * psi, grid)


def _filtered_velocity(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    grid = field_grid(grid, "filtered-velocity", (2,))
    k = _magnitude(grid.intervals, grid.length)
    n = np.maximum(k * grid.length[0] / (2 * math.pi), 1e-300)
    centre = math.log(law["peak"]) + 0.25  # of log n: the mode of a log-normal density is exp(centre - variance)
    density = np.exp(-2.0 * (np.log(n) - centre) ** 2) / n
    speed = np.where(k > 0, density / n, 0.0) * mode_normals(grid.intervals, rng)  # u = i (k_y, -k_x)/|k| times it
    kx, ky = wavenumbers(grid.intervals, grid.length)
    u, v = (periodic_values(1j * q / np.maximum(k, 1e-300) * speed, grid) for q in (ky, -kx))
    return law["speed"] / math.sqrt((u**2 + v**2).max()) * periodic_values(k * speed, grid)


def _stream(law: Mapping[str, Any], k: np.ndarray, length: tuple[float, ...]) -> np.ndarray:
    """Amplitude of psi by mode, 0 for the mean."""
    n = np.maximum(k * length[0] / (2 * math.pi), 1e-300)
    spectrum = 1.0 / (n * (1.0 + (n / law["peak"]) ** 4))
    return np.where(k > 0, spectrum if law["spectrum"] == "amplitude" else np.sqrt(spectrum), 0.0)


def _magnitude(n: tuple[int, ...], length: tuple[float, ...]) -> np.ndarray:
    return np.sqrt(sum(k**2 for k in wavenumbers(n, length)))


def _mean_square(c: np.ndarray, n: tuple[int, ...]) -> float:
    """sum_n |c_n|^2 over all modes, of a half spectrum without Nyquist modes."""
    square = np.abs(c[..., : (n[-1] + 1) // 2]) ** 2
    return float(2.0 * square.sum() - square[..., 0].sum())


LAWS = {
    "fno-2020": Law(
        "vorticity, Gaussian, point deviation 0.262: the first FNO code",
        _fno,
        {"amplitude": 1.0},
        {"amplitude": POSITIVE},
    ),
    "fno-2021": Law(
        "vorticity, Gaussian, point deviation 0.185: the later FNO code",
        _fno,
        {"amplitude": 1.0},
        {"amplitude": POSITIVE},
    ),
    "mcwilliams": Law(
        "vorticity of a narrow band of waves, scaled to an energy per mass",
        _mcwilliams,
        {"peak": 4.0, "energy": 0.25, "spectrum": "amplitude", "scale": "sample"},
        {"peak": POSITIVE, "energy": POSITIVE},
        words={"spectrum": ("amplitude", "power"), "scale": ("sample", "law")},
    ),
    "filtered-velocity": Law(
        "vorticity of filtered noise, scaled to a largest speed",
        _filtered_velocity,
        {"peak": 4.0, "speed": 1.0},
        {"peak": POSITIVE, "speed": POSITIVE},
    ),
}
