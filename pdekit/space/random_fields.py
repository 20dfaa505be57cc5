"""Laws of random fields and numbers, named in recipes: `source = { law = "gaussian", gauss = {...} }`.

To add a law, add one function and one entry of LAWS. Every law is a function of its keys, of the points and of the random
stream; nothing depends on the number of points except which modes exist.

Every law takes the key `stream`, a whole number: laws of one sample that name the same stream draw from the same numbers,
a stream of their own, so that u and v of a reaction have the same patches and a flow balances the height drawn beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pdekit.space import blobs, fourier_series, turbulence
from pdekit.space.columns import column
from pdekit.space.gaussian import gaussian_field, mean_std
from pdekit.space.grid import Grid
from pdekit.space.law import POSITIVE, REQUIRED, Law, field_grid, whole
from pdekit.space.obstacles import discs, l_shape
from pdekit.space.waves import wave_product

STREAM = 0x73747265616D  # marks the streams that fields of one sample share: no split or sample has the same key


def draw(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """One draw of a law at the stored points of a grid, float64; shape () where grid is None (a face in 1D, a number)."""
    spec = LAWS[law["law"]]
    full = {**{k: v for k, v in spec.keys.items() if v is not REQUIRED}, **law}
    if "stream" in law:
        rng = _shared(rng, law["stream"])
    return np.asarray(spec.draw(full, grid, rng), dtype=np.float64)


def draw_parameter(law: Mapping[str, Any], rng: np.random.Generator) -> float:
    """One number of a law that can draw numbers."""
    return float(draw(law, None, rng))


def face_grid(grid: Grid, face: str) -> Grid | None:
    """The grid of a face's own axes; None in 1D, where a face is a point."""
    axis = grid.axes.index(face[0])
    keep = [k for k in range(grid.dim) if k != axis]
    if not keep:
        return None
    return Grid(
        points=tuple(grid.points[k] for k in keep),
        length=tuple(grid.length[k] for k in keep),
        location=grid.location,
        boundary=tuple(grid.boundary[k] for k in keep),
        boundary_value=tuple(grid.boundary_value[k] for k in keep),
        robin=tuple(grid.robin[k] for k in keep),
        unit=grid.unit,
    )


def _shape(grid: Grid | None) -> tuple[int, ...]:
    return () if grid is None else grid.points


def _shared(rng: np.random.Generator, stream: int) -> np.random.Generator:
    """A stream that depends on the sample's seed and on the number, not on what was drawn before."""
    seed: Any = rng.bit_generator.seed_seq
    own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, STREAM, stream))
    return np.random.Generator(np.random.PCG64(own))


def _constant(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return np.full(_shape(grid), float(law["value"]))


def _uniform(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return np.full(_shape(grid), rng.uniform(law["low"], law["high"]))


def _log_uniform(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return np.full(_shape(grid), math.exp(rng.uniform(math.log(law["low"]), math.log(law["high"]))))


def _normal(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return np.full(_shape(grid), law["mean"] + law["std"] * rng.standard_normal())


def _gaussian(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return law["mean"] + gaussian_field(law["gauss"], field_grid(grid, "gaussian"), rng)


def _two_phase(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    g = gaussian_field(law["gauss"], field_grid(grid, "two-phase"), rng)
    return np.where(g >= law["threshold"], float(law["high"]), float(law["low"]))


def _log_normal(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """median exp(s g), with s such that two standard deviations to either side span the contrast: exp(4 s std(g))."""
    grid = field_grid(grid, "log-normal")
    s = math.log(law["contrast"]) / (4.0 * mean_std(law["gauss"], grid))
    return law["median"] * np.exp(s * gaussian_field(law["gauss"], grid, rng))


def _sine_series(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """mean + amplitude sum_k xi_k / k^decay sin(pi k x / L), k = 1..modes, xi normal; a product of series in 2D."""
    grid = field_grid(grid, "sine-series")
    k = np.arange(1, int(law["modes"]) + 1)
    out = np.ones(())
    for x, length in zip(grid.coordinates, grid.length, strict=True):
        xi = rng.standard_normal(len(k)) / k ** law["decay"]
        out = np.multiply.outer(out, np.sin(np.pi * np.outer(x, k) / length) @ xi)
    return law["mean"] + law["amplitude"] * out


def _bump(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """height * bump(|x - c| / radius), c = L/2 moved along each axis by at most `spread` L; smooth, of compact support."""
    grid = field_grid(grid, "bump")
    centre = [length * (0.5 + law["spread"] * rng.uniform(-1.0, 1.0)) for length in grid.length]
    return law["height"] * bump(grid, centre, law["radius"])


def bump(grid: Grid, centre: Sequence[float], radius: float) -> np.ndarray:
    """exp(1 - 1/(1 - min(1, r^2/radius^2))) at the stored points, r the distance to the centre: 1 there, 0 from radius on."""
    square = sum((x - c) ** 2 for x, c in zip(grid.mesh, centre, strict=True)) / radius**2
    square = np.broadcast_to(np.asarray(square), grid.points)
    inside = square < 1.0
    return np.where(inside, np.exp(1.0 - 1.0 / np.where(inside, 1.0 - square, 1.0)), 0.0)


def _l_shape(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return l_shape(field_grid(grid, "l-shape")).astype(np.float64)


def _column(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return column(law, field_grid(grid, "column"), rng)


def _discs(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    return discs(field_grid(grid, "discs"), law["count"], law["low"], law["high"], rng).astype(np.float64)


def _multi_frequency(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """f = -Laplace u of u = amplitude / sqrt(terms) sum_j xi_j prod_i sin(p X_i) cos(q X_i), X_i = pi x_i/L_i: xi normal, p
    from 1 to `slow` and q from `least` to `fast` whole numbers, drawn per term and axis, p of all axes before q."""
    grid = field_grid(grid, "multi-frequency")
    out = np.zeros(grid.points)
    for _ in range(law["terms"]):
        xi = rng.standard_normal()
        p = rng.integers(1, law["slow"], size=grid.dim, endpoint=True)
        q = rng.integers(law["least"], law["fast"], size=grid.dim, endpoint=True)
        out += xi * wave_product(grid, p.tolist(), q.tolist())[1]
    return law["amplitude"] / math.sqrt(law["terms"]) * out


def _geostrophic(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """u = -(g/f) h_y or v = (g/f) h_x of the height that the law `of` draws from the same numbers."""
    grid = field_grid(grid, "geostrophic", (2,))
    height = draw({k: v for k, v in law["of"].items() if k != "stream"}, grid, rng)
    return blobs.balanced(height, grid, law["component"], law["gravity"] / law["coriolis"])


LAWS: dict[str, Law] = {
    "constant": Law("the same value everywhere", _constant, {"value": REQUIRED}, scalar=True),
    "uniform": Law("one number, uniform", _uniform, {"low": REQUIRED, "high": REQUIRED}, scalar=True),
    "log-uniform": Law(
        "one number, its logarithm uniform",
        _log_uniform,
        {"low": REQUIRED, "high": REQUIRED},
        {"low": POSITIVE, "high": POSITIVE},
        scalar=True,
    ),
    "normal": Law("one number, normal", _normal, {"mean": 0.0, "std": REQUIRED}, {"std": POSITIVE}, scalar=True),
    "gaussian": Law("Gaussian random field", _gaussian, {"gauss": REQUIRED, "mean": 0.0}),
    "two-phase": Law(
        "`high` where a Gaussian field reaches the threshold, else `low`",
        _two_phase,
        {"gauss": REQUIRED, "high": REQUIRED, "low": REQUIRED, "threshold": 0.0},
    ),
    "log-normal": Law(
        "exponential of a Gaussian field; `contrast` is spanned by two standard deviations to either side",
        _log_normal,
        {"gauss": REQUIRED, "contrast": REQUIRED, "median": 1.0},
        {"contrast": (lambda v: v > 1, "a number > 1"), "median": POSITIVE},
    ),
    "bump": Law(
        "one smooth bump of compact support near the middle",
        _bump,
        {"radius": REQUIRED, "height": 1.0, "spread": 0.0},
        {"radius": POSITIVE, "spread": (lambda v: 0 <= v <= 0.5, "a number from 0 to 0.5")},
    ),
    "column": Law(
        "one number from `low` to `high` within a radius from `narrow` to `wide` of a point near the middle, `outside` elsewhere",
        _column,
        {"low": REQUIRED, "high": REQUIRED, "narrow": REQUIRED, "wide": REQUIRED, "outside": 0.0, "spread": 0.0},
        {"narrow": POSITIVE, "wide": POSITIVE, "spread": (lambda v: 0 <= v <= 0.5, "a number from 0 to 0.5")},
    ),
    "l-shape": Law("1 in the quarter of the box that an L leaves out (x > L/2, y < L/2), 0 elsewhere", _l_shape, {}),
    "discs": Law(
        "1 inside `count` discs (balls in 3D) of radii from `low` to `high` shortest sides, 0 elsewhere",
        _discs,
        {"count": REQUIRED, "low": REQUIRED, "high": REQUIRED},
        {
            "count": whole(0),
            "low": POSITIVE,
            "high": POSITIVE,
        },
    ),
    "multi-frequency": Law(
        "source of a potential made of waves sin(p x) cos(q x), zero on the walls",
        _multi_frequency,
        {"slow": REQUIRED, "fast": REQUIRED, "least": 0, "terms": 1, "amplitude": 1.0},
        {
            "slow": whole(1),
            "fast": whole(0),
            "least": whole(0),
            "terms": whole(1),
        },
    ),
    "sine-series": Law(
        "random sine series, zero at the ends of the face",
        _sine_series,
        {"modes": REQUIRED, "amplitude": 1.0, "decay": 1.0, "mean": 0.0},
        {"modes": whole(1)},
    ),
    **fourier_series.LAWS,
    **turbulence.LAWS,
    **blobs.LAWS,
    "geostrophic": Law(
        "one component of the flow that balances a height: give the stream of the height's law, and that law in `of`",
        _geostrophic,
        {"of": REQUIRED, "component": REQUIRED, "gravity": REQUIRED, "coriolis": REQUIRED, "stream": REQUIRED},
        {"gravity": POSITIVE, "coriolis": (lambda v: v != 0, "a number that is not 0")},
        words={"component": ("x", "y")},
    ),
}
