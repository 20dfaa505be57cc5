"""The spectral layer of a Fourier neural operator, computed on the kept modes alone.

    y = bias + sum over kept k of exp(2 pi i k.x) R_k u_k,      u_k = 1/N sum over points of exp(-2 pi i k.x) u

The library transforms all modes by FFT, shifts them, keeps a few and pads with zeros again. Here each axis is one real
matrix product with the (points x kept modes) part of the Fourier matrix, and the products with R_k are one batched
matrix product of real numbers. The result is the library's, to rounding, in a fraction of the time; and it is right
on odd grids too, which the library displaces (2.0.0: `fftshift` is undone by `fftshift`).

Source   Li et al., ICLR 2021, arXiv 2010.08895, eq. 4; weights, their order and start by `neuraloperator` 2.0
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor


@cache
def pruned_layer() -> type[torch.nn.Module]:
    """The class, a subclass of the library's layer: same arguments, same weights under the same names."""
    from neuralop.layers.spectral_convolution import SpectralConv

    class PrunedSpectralConv(SpectralConv):
        """Dense or Tucker weights, real data, output on the points of the input."""

        def forward(self, x: Float[Tensor, "b c_in *x"], output_shape: Any = None) -> Float[Tensor, "b c_out *x"]:
            """One Fourier layer without its skip connection and nonlinearity."""
            if output_shape is not None:
                raise ValueError("this layer answers on the points of its input; resample outside of it")
            weight = self.weight if torch.is_tensor(self.weight) else self.weight.to_tensor()
            y = spectral_product(x, weight)
            return y if self.bias is None else y + self.bias

    return PrunedSpectralConv


def spectral_product(u: Float[Tensor, "b c_in *x"], weight: Tensor) -> Float[Tensor, "b c_out *x"]:
    """The sum above, without bias.

    weight    complex (c_in, c_out, m1, .., md): m frequencies from -m//2 on every axis but the last, from 0 on the
              last; where a grid holds fewer, those in the middle (the first, on the last axis) are used
    """
    points = tuple(u.shape[2:])
    held = (*points[:-1], points[-1] // 2 + 1)
    kept = tuple(min(m, n) for m, n in zip(weight.shape[2:], held, strict=True))
    y_hat = _mix_channels(_to_modes(u, points, kept), _inner(weight, kept))
    return _from_modes(y_hat, points, kept)


def _to_modes(u: Tensor, points: tuple[int, ...], kept: tuple[int, ...]) -> Complex[Tensor, "b c *reversed_k"]:
    """One axis after the other, the last one first; each moves behind those that are still points, then to the end."""
    u_hat = _as_complex(u @ _real_to_modes(points[-1], kept[-1], u.device))
    for axis in reversed(range(len(points) - 1)):
        rows = _as_real(u_hat.movedim(2 + axis, -1).contiguous())
        u_hat = _as_complex(rows @ _pairs_to_modes(points[axis], kept[axis], u.device))
    return u_hat


def _from_modes(y_hat: Tensor, points: tuple[int, ...], kept: tuple[int, ...]) -> Float[Tensor, "b c *x"]:
    """(b, c, kd, .., k1) -> (b, c, kd, .., k2, x1) -> (b, c, kd, .., x1, k2) and so on to (b, c, x1, .., xd)."""
    for axis in range(len(points) - 1):
        points_of_axis = _as_real(y_hat) @ _modes_to_pairs(points[axis], kept[axis], y_hat.device)
        y_hat = _as_complex(points_of_axis).movedim(-2 - axis, -1).contiguous()
    return _as_real(y_hat) @ _modes_to_real(points[-1], kept[-1], y_hat.device)


def _mix_channels(u_hat: Complex[Tensor, "b c_in *k"], weight: Complex[Tensor, "k c_in c_out"]) -> Tensor:
    """y_k = R_k u_k, as one product of real matrices per mode: real and imaginary parts of u_k are rows, of R_k columns.

    torch's complex product would conjugate its factors matrix by matrix on the way back.
    """
    b, c_in, *modes = u_hat.shape
    pairs = torch.view_as_real(u_hat.flatten(2))
    rows = pairs.permute(2, 3, 0, 1).reshape(-1, 2 * b, c_in)
    of_real, of_imaginary = _as_complex(torch.bmm(rows, _as_real(weight))).chunk(2, dim=1)  # (k, b, c_out)
    y_hat = of_real + 1j * of_imaginary
    return y_hat.permute(1, 2, 0).contiguous().unflatten(2, modes)


def _inner(weight: Tensor, kept: tuple[int, ...]) -> Complex[Tensor, "k c_in c_out"]:
    """(c_in, c_out, *m) -> the weights of the modes that the grid holds, first axis fastest."""
    cut = [slice((m - k) // 2, (m - k) // 2 + k) for m, k in zip(weight.shape[2:-1], kept[:-1], strict=True)]
    inner = weight[(slice(None), slice(None), *cut, slice(kept[-1]))]
    return inner.permute(*reversed(range(2, inner.ndim)), 0, 1).contiguous().flatten(0, -3)


def _as_complex(pairs: Tensor) -> Tensor:
    """(.., 2 n) real, each real part before its imaginary one -> (.., n) complex, without a copy."""
    return torch.view_as_complex(pairs.unflatten(-1, (-1, 2)))


def _as_real(values: Tensor) -> Tensor:
    """(.., n) complex, contiguous -> (.., 2 n) real, without a copy."""
    return torch.view_as_real(values).flatten(-2)


@cache
def _real_to_modes(n: int, k: int, device: torch.device) -> Tensor:
    """exp(-2 pi i k x) / n: (n, 2 k), of frequencies 0 .. k - 1."""
    cos, sin = _waves(n, k, 0)
    return _constant(torch.stack((cos, -sin), dim=2).flatten(1) / n, device)


@cache
def _pairs_to_modes(n: int, k: int, device: torch.device) -> Tensor:
    """exp(-2 pi i k x) / n: (2 n, 2 k), of frequencies from -k//2."""
    cos, sin = _waves(n, k, k // 2)
    return _constant(_of_pairs(cos, -sin) / n, device)


@cache
def _modes_to_pairs(n: int, k: int, device: torch.device) -> Tensor:
    """exp(2 pi i k x): (2 k, 2 n)."""
    cos, sin = _waves(n, k, k // 2)
    return _constant(_of_pairs(cos.T, sin.T), device)


@cache
def _modes_to_real(n: int, k: int, device: torch.device) -> Tensor:
    """exp(2 pi i k x), real part: (2 k, n). Each mode but 0 and the highest of an even grid stands for its conjugate
    too.
    """
    twice = torch.full((k, 1), 2.0, dtype=torch.float64)
    twice[0] = 1.0
    if n % 2 == 0 and k == n // 2 + 1:
        twice[-1] = 1.0
    cos, sin = (w.T for w in _waves(n, k, 0))
    return _constant(torch.stack((twice * cos, -twice * sin), dim=1).flatten(0, 1), device)


def _of_pairs(real: Tensor, imaginary: Tensor) -> Tensor:
    """The complex matrix (p, q) as a real one (2 p, 2 q) that multiplies rows of pairs from the right."""
    rows = (torch.stack(pair, dim=2).flatten(1) for pair in ((real, imaginary), (-imaginary, real)))
    return torch.stack(tuple(rows), dim=1).flatten(0, 1)


def _waves(n: int, k: int, negative: int) -> tuple[Tensor, Tensor]:
    """cos and sin of 2 pi k x, each (n, k), float64; whole turns are taken off the product first."""
    turns = (torch.arange(n)[:, None] * (torch.arange(k) - negative)).remainder(n).double() / n
    return (2 * math.pi * turns).cos(), (2 * math.pi * turns).sin()


def _constant(matrix: Tensor, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # else a network that was asked first could not be trained on
        return matrix.clone().to(device, torch.float32)
