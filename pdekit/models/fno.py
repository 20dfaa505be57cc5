"""Fourier neural operator: a network that mixes channels mode by mode and point by point.

Source   Li et al., ICLR 2021, arXiv 2010.08895, eq. 4-5; network and weights by the library `neuraloperator` 2.0
TFNO     its spectral weights in Tucker form: Kossaifi et al. 2023, arXiv 2310.00120

By default the library's spectral layers and pointwise convolutions compute as `spectral.py` and `pointwise.py` say: the
same function of the same weights, at 0.6 of the time of a training step on a CPU. `layer = "library"` leaves them alone.

What differs from the paper: GELU and no batch norm, a channel MLP in each block, two-layer lifting and projection. The
coordinates that the network is given are those of the grid's points, so that cells and vertices mean what they say.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from pdekit.errors import BadInput
from pdekit.models.network import NetworkSolver
from pdekit.models.pointwise import use_pointwise
from pdekit.models.spectral import pruned_layer
from pdekit.settings import Settings
from pdekit.space.grid import Grid

Count = Annotated[int, Field(ge=1, strict=True)]


class FNOConfig(Settings):
    """n_modes counts modes per axis, negative ones included: the paper's k_max = 12 is 24 here. One number stands for every
    axis, as far as the axis has points.
    """

    n_modes: Count | Annotated[tuple[Count, ...], Field(min_length=1, max_length=3)]
    width: Count = 32  # channels between the layers, 8 to 128
    depth: Count = 4  # Fourier layers, 2 to 8
    embedding: Literal["grid", "none"] = "grid"  # "none" keeps periodic problems equivariant to shifts
    padding: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0  # part of each side, zeros, both ends
    channel_mlp: bool = True
    layer: Literal["pruned", "library"] = "pruned"  # who computes the Fourier layers: `spectral.py`, or neuraloperator
    odd_grid: Literal["warn", "error", "pad"] = "warn"  # what to do where the library's odd-size fault would bite


class TFNOConfig(FNOConfig):
    """`rank` is the part of the spectral weights that is kept."""

    rank: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.1


class FourierOperator(torch.nn.Module):
    """The library's network behind our coordinates, our guard against odd sizes, and a state of tensors alone."""

    def __init__(self, config: FNOConfig, channels_in: int, channels_out: int, grid: Grid) -> None:
        super().__init__()
        modes = config.n_modes
        self.n_modes: tuple[int, ...] = (
            tuple(min(modes, n) for n in grid.points) if isinstance(modes, int) else tuple(modes)
        )
        if len(self.n_modes) != grid.dim:
            raise BadInput.of(
                "n_modes does not fit the dimension of the data.",
                found=f"model.n_modes = {list(self.n_modes)} on a grid of {grid.dim} axes",
                allowed=f"{grid.dim} numbers, e.g. --set model.n_modes={[16] * grid.dim}",
            )
        self.config = config
        self.location = grid.location
        self.periodic = grid.periodic
        coordinates = grid.dim if config.embedding == "grid" else 0
        self.operator = _library_network(config, self.n_modes, channels_in + coordinates, channels_out)
        self._coordinates: dict[Any, Tensor] = {}
        self._seen: set[tuple[int, ...]] = set()
        self.check_points(grid.points)

    def forward(self, u: Float[Tensor, "b c_in *x"]) -> Float[Tensor, "b c_out *x"]:
        """Dimensionless in, dimensionless out, on any number of points."""
        points = tuple(u.shape[2:])
        if points not in self._seen:
            self.check_points(points)
        if self.config.embedding == "grid":
            x = self._grid_coordinates(points, u.device)
            u = torch.cat((u, x.expand(len(u), *x.shape[1:])), dim=1)
        if self.config.odd_grid == "pad" and self._displaced(points):
            extra = [n % 2 if axis < len(points) - 1 else 0 for axis, n in enumerate(points)]
            return self.operator(_appended(u, extra, self.periodic))[(..., *(slice(n) for n in points))]
        return self.operator(u)

    def check_points(self, points: tuple[int, ...]) -> None:
        """Warn of sizes that the library serves wrongly or clips in silence; BadInput where the card asks for it."""
        self._seen.add(points)
        above = [m for m, n in zip(self.n_modes, points, strict=True) if m > n]
        if above:
            warnings.warn(
                f"n_modes = {list(self.n_modes)} exceeds the grid of {list(points)} points; "
                "the modes above it are never used there",
                UserWarning,
                stacklevel=3,
            )
        if self.config.odd_grid == "pad" or not self._displaced(points):
            return
        fault = (
            f"the installed neuraloperator displaces the spectrum on odd grid sizes, here {list(points)}: "
            "on any axis but the last its result depends on the parity of the grid"
        )
        cure = 'use model.layer = "pruned", an even number of points, or model.odd_grid = "pad" (appends one point)'
        if self.config.odd_grid == "error":
            raise BadInput.of(fault, hint=cure)
        warnings.warn(f"{fault}; {cure}", UserWarning, stacklevel=3)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The tensors of the state: the library adds its constructor's arguments, code included, under `_metadata`."""
        state = super().state_dict(*args, **kwargs)
        for name in [k for k, v in state.items() if not torch.is_tensor(v)]:
            del state[name]
        return state

    def _displaced(self, points: tuple[int, ...]) -> bool:
        return self.config.layer == "library" and any(n % 2 for n in points[:-1]) and displaces_odd_grids()

    def _grid_coordinates(self, points: tuple[int, ...], device: torch.device) -> Float[Tensor, "1 d *x"]:
        if (points, device) not in self._coordinates:
            shift = 0.5 if self.location == "cell" else 0.0
            ends = self.location == "vertex"
            intervals = [n - 1 if ends and not p else n for n, p in zip(points, self.periodic, strict=True)]
            with torch.inference_mode(False):  # else a network that was asked first could not be trained on
                axes = [(torch.arange(n).double() + shift) / m for n, m in zip(points, intervals, strict=True)]
                mesh = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]
                self._coordinates[points, device] = mesh.to(device, torch.float32)
        return self._coordinates[points, device]


class FNO(NetworkSolver):
    """Dense spectral weights."""

    Config = FNOConfig

    @staticmethod
    def build(config: Any, channels_in: int, channels_out: int, grid: Grid) -> FourierOperator:
        """The network of a card. Raises BadInput."""
        return FourierOperator(config, channels_in, channels_out, grid)


class TFNO(FNO):
    """Spectral weights in Tucker form: fewer parameters, which regularises; not faster."""

    Config = TFNOConfig


def _library_network(
    config: FNOConfig, n_modes: tuple[int, ...], channels_in: int, channels_out: int
) -> torch.nn.Module:
    library = _library()
    extra: dict[str, Any] = {}
    if isinstance(config, TFNOConfig):
        extra |= {"factorization": "Tucker", "rank": config.rank}
    if config.layer == "pruned":
        extra["conv_module"] = pruned_layer()
    network = library.models.FNO(
        n_modes=n_modes,
        in_channels=channels_in,
        out_channels=channels_out,
        hidden_channels=config.width,
        n_layers=config.depth,
        positional_embedding=None,
        domain_padding=config.padding or None,
        use_channel_mlp=config.channel_mlp,
        **extra,
    )
    if config.layer == "pruned":
        use_pointwise(network)
    return network


@cache
def _library() -> Any:
    """neuralop, imported when first needed (over a second); it changes the process's warning filters: put back."""
    with warnings.catch_warnings():
        import neuralop.models

    return neuralop


@cache
def displaces_odd_grids() -> bool:
    """Whether the installed library's spectral layer fails to commute with a shift on 9 x 9 (fno.md 1.2)."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        layer = _library().layers.spectral_convolution.SpectralConv(2, 2, (4, 4))
        u = torch.randn(1, 2, 9, 9)
        rolled, reference = layer(u.roll(1, dims=2)), layer(u).roll(1, dims=2)
        return bool((rolled - reference).norm() > 1e-4 * reference.norm())


def _appended(u: Tensor, extra: list[int], periodic: tuple[bool, ...]) -> Tensor:
    """One more point at the end of the axes that ask for it: the first again where periodic, else the last again."""
    for axis, (more, wraps) in enumerate(zip(extra, periodic, strict=True), start=2):
        if more:
            edge = u.narrow(axis, 0 if wraps else u.shape[axis] - 1, 1)
            u = torch.cat((u, edge), dim=axis)
    return u
