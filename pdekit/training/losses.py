"""Training losses on (b, c, *x): relative L2 and relative H1, per sample and channel, then their mean."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pdekit.space.grid import Grid

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(name: str, grid: Grid, device: torch.device) -> Loss:
    """The loss of that name on `grid`: (prediction, reference) -> a number without dimension.

    relative_l2   |e| / |ref| with the quadrature weights of the grid
    h1            sqrt(|e|^2 + |grad e|^2) / the same of ref; spectral where every axis is periodic, else second-order
                  differences, central inside and one-sided at the faces
    """
    norm = l2_norm(grid, device) if name == "relative_l2" else h1_norm(grid, device)

    def loss(prediction: Tensor, reference: Tensor) -> Tensor:
        return (norm(prediction - reference) / norm(reference)).mean()

    return loss


def l2_norm(grid: Grid, device: torch.device) -> Callable[[Tensor], Tensor]:
    """(b, c, *x) -> (b, c): square root of the integral of u^2, up to a constant of the grid."""
    axes = tuple(range(-grid.dim, 0))
    weights = torch.tensor(grid.weights / grid.weights.max(), dtype=torch.float32, device=device)
    if bool((weights == 1).all()):  # cells and periodic vertices: equal weights, a product saved
        return lambda u: torch.linalg.vector_norm(u, dim=axes)
    root = weights.sqrt()
    return lambda u: torch.linalg.vector_norm(u * root, dim=axes)


def h1_norm(grid: Grid, device: torch.device) -> Callable[[Tensor], Tensor]:
    """(b, c, *x) -> (b, c): square root of the integral of u^2 + |grad u|^2, up to the same constant."""
    if all(grid.periodic):
        return _spectral_h1_norm(grid, device)
    l2 = l2_norm(grid, device)

    def norm(u: Tensor) -> Tensor:
        parts = [l2(u)]
        for axis, (h, periodic) in enumerate(zip(grid.spacing, grid.periodic, strict=True)):
            parts.append(l2(derivative(u, axis - grid.dim, h, periodic)))
        return torch.linalg.vector_norm(torch.stack(parts), dim=0)

    return norm


def derivative(u: Tensor, axis: int, h: float, periodic: bool) -> Tensor:
    """Second-order difference along one axis: central, three-point one-sided at ends that are not periodic."""
    if periodic:
        return (u.roll(-1, axis) - u.roll(1, axis)) / (2 * h)
    n = u.shape[axis]
    if n == 2:
        slope = u.diff(dim=axis) / h
        return torch.cat((slope, slope), axis)
    inner = (u.narrow(axis, 2, n - 2) - u.narrow(axis, 0, n - 2)) / (2 * h)
    first, second, third = (u.narrow(axis, i, 1) for i in (0, 1, 2))
    low = (4 * second - 3 * first - third) / (2 * h)
    first, second, third = (u.narrow(axis, n - 1 - i, 1) for i in (0, 1, 2))
    high = (3 * first - 4 * second + third) / (2 * h)
    return torch.cat((low, inner, high), axis)


def _spectral_h1_norm(grid: Grid, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Parseval: the sum of (1 + |k|^2) |u_k|^2, k in rad per length; |k| at +N/2 kept, as for even powers."""
    axes = tuple(range(-grid.dim, 0))
    shape = [*grid.points[:-1], grid.points[-1] // 2 + 1]
    k2 = torch.zeros(shape, dtype=torch.float64)
    for axis, (n, ell) in enumerate(zip(grid.points, grid.length, strict=True)):
        last = axis == grid.dim - 1
        frequencies = torch.fft.rfftfreq if last else torch.fft.fftfreq
        m = frequencies(n, 1 / n, dtype=torch.float64)
        k2 = k2 + (2 * math.pi * m / ell).square().reshape([-1 if a == axis else 1 for a in range(grid.dim)])
    twice = torch.full((shape[-1],), 2.0, dtype=torch.float64)  # a real field's other half
    twice[0] = 1.0
    if grid.points[-1] % 2 == 0:
        twice[-1] = 1.0
    root = ((1 + k2) * twice).sqrt().to(device, torch.float32)

    def norm(u: Tensor) -> Tensor:
        u_hat = torch.view_as_real(torch.fft.rfftn(u, dim=axes, norm="ortho") * root)
        return torch.linalg.vector_norm(u_hat.flatten(2), dim=-1)

    return norm
