"""u_t = L u + N(u, t) on a periodic box: what an equation gives, and the schemes of `steppers` advance."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.errors import BadInput
from pdekit.problems.evolution import Evolution
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.symmetry import shifts
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid


class Semilinear(Evolution):
    """An equation of one or more fields with constant coefficients in its linear part.

    A state v (n, c, *shape of `Dealiased`) holds the coefficients of the outputs, in their order; input i is the start of
    output i. Parameters are numbers, or (n, 1, *1) arrays where a batch has its own per sample: `bind` puts them there, so
    that an equation reads `self.nu` in either case.

    degree     of N in the unknowns: products of that many fields are exact
    dims       numbers of axes that the equation is defined on
    conserved  outputs whose mean over the box stays as it is
    extras     fields that can be stored besides, `extra` computes them
    """

    degree: ClassVar[int] = 2
    dims: ClassVar[tuple[int, ...]] = (1, 2, 3)
    conserved: ClassVar[tuple[str, ...]] = ()
    extras: ClassVar[tuple[FieldSpec, ...]] = ()

    @abstractmethod
    def linear(self, space: Dealiased) -> np.ndarray:
        """L, broadcastable to a state (n, c, *shape), in 1/T; real, or complex where waves travel."""

    @abstractmethod
    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """N(v, t), like v, in units of v per T: products at points, sums of their coefficients.

        Terms that are linear in v and let it grow go by way of the points too, or into L: rounding leaves v a little off the
        coefficients of a real field, and only the solver's L is known to it (steppers/real_modes.py).
        """

    def speed(self, v: Any, space: Dealiased) -> Any:
        """(n,) largest speed at which anything is carried, in L/T, for steps chosen by a CFL number."""
        raise BadInput.of(
            f"problem {self.name!r} names no speed, so a CFL number means nothing.", hint="give dt, or rtol"
        )

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """{name: (n,)} of what is watched, means over the box; those of `conserved` by default."""
        names = [spec.name for spec in self.outputs]
        return {f"mean {name}": space.mean(v[:, names.index(name)]) for name in self.conserved}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """{name: (n,)} d/dt of the `quantities` that have a budget, from the physics and not from N; 0 for conserved means."""
        xp = array_namespace(v)
        zero = xp.zeros((v.shape[0],), dtype=xp.real(v).dtype, device=device(v))
        return {f"mean {name}": zero for name in self.conserved}

    def extra(self, name: str, v: Any, t: float, space: Dealiased) -> Any:
        """Coefficients (n, *shape) of one of `extras`."""
        raise BadInput.of(f"problem {self.name!r} has no field {name!r} to store.", allowed=self._extra_names())

    def tendency(self, v: Any, t: float, space: Dealiased, L: Any = None) -> Any:
        """u_t of a state, exactly L v + N(v, t)."""
        xp = array_namespace(v)
        if L is None:
            L = xp.asarray(self.linear(space), device=device(v))
        return L * v + self.nonlinear(v, t, space)

    def flow(self, v: Any, t: float, h: float, space: Dealiased) -> Any:
        """The state a time h later of v_t = N(v, t) alone, for schemes that split."""
        raise BadInput.of(
            f"problem {self.name!r} has no closed form of u_t = N(u), so it cannot be split.",
            hint='scheme = "etdrk4" needs none',
        )

    def symmetries(self, grid: Grid) -> tuple[Symmetry, ...]:
        """The identity, the problem's own `reflections`, and shifts along every axis."""
        return (*super().symmetries(grid), *self.reflections(grid), shifts(grid))

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """Further maps that take solutions to solutions; none by default."""
        return ()

    def bind(self, instances: Instances, like: Any = None) -> Any:
        """This problem with the parameters that a batch has per sample, as arrays (n, 1, *1) in the namespace of `like`."""
        if not instances.parameters:
            return self
        own, shape = copy.copy(self), (-1, *(1,) * (instances.grid.dim + 1))
        for name, values in instances.parameters.items():
            array: Any = np.asarray(values, dtype=np.float64).reshape(shape)
            if like is not None:
                xp = array_namespace(like)
                array = xp.asarray(array, dtype=xp.real(like).dtype, device=device(like))
            object.__setattr__(own, name, array)
        return own

    def space(self, grid: Grid) -> Dealiased:
        """The modes that the equation's products leave exact on a grid."""
        return Dealiased.of(grid, self.degree)

    def check_grid(self, grid: Grid) -> None:
        """Raise BadInput where an axis is not periodic, points are not x_j = j L/N, or there are too many axes or points."""
        Fourier.of(grid)
        if grid.dim not in self.dims:
            raise BadInput.of(
                f"problem {self.name!r} is not defined on {grid.dim} axes.",
                allowed=", ".join(map(str, self.dims)),
                hint="grid.points and grid.length hold one number per axis",
            )
        self.space(grid)

    def sample(
        self, grid: Grid, rng: np.random.Generator, laws: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, np.ndarray]:
        """Draw one case: {field: (*points)}, in the order of the laws."""
        from pdekit.space.random_fields import draw

        return {name: draw(law, grid, rng) for name, law in laws.items()}

    def start(self, instances: Instances, space: Dealiased, precision: str = "float64") -> Any:
        """The state (n, c, *shape) of the inputs."""
        first = [instances.fields[spec.name] for spec in self.inputs[: len(self.outputs)]]
        xp = array_namespace(*first)
        return space.forward(xp.stack([xp.astype(u, getattr(xp, precision)) for u in first], axis=1))

    def _extra_names(self) -> str:
        return ", ".join(["tendency", *(spec.name for spec in self.extras)])


class Linear(Semilinear):
    """A semilinear equation that is solved exactly at any time, by exp(t L) or by its own `propagate`."""

    degree: ClassVar[int] = 1

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """Nothing."""
        return array_namespace(v).zeros_like(v)

    def propagate(self, v: Any, h: float, space: Dealiased) -> Any:
        """The state a time h later; parameters are numbers or NumPy arrays here, whatever v is."""
        return on_device(np.exp(h * self.linear(space)), v) * v


def channels(space: Dealiased, *symbols: Any) -> np.ndarray:
    """The symbols of several outputs, in their order, as one (n, c, *shape); n = 1 where no parameter is per sample.

    symbols   NumPy, each broadcastable to (*shape), or to (n, 1, *shape) where it holds a parameter per sample
    """
    wide = [np.asarray(s) if np.ndim(s) > space.dim else np.asarray(s)[None, None] for s in symbols]
    n = max(s.shape[0] for s in wide)
    return np.concatenate([np.broadcast_to(s, (n, 1, *space.shape)) for s in wide], axis=1)


def per_sample(parameter: Any) -> Any:
    """A parameter beside figures (n,): a number, or (n,) of the (n, 1, *1) that `bind` made."""
    return parameter if isinstance(parameter, int | float) else parameter.reshape(-1)


def largest(parameter: Any) -> float:
    """The largest size of a parameter in a batch, whose samples may be fewer than those that `bind` knew."""
    return float(abs(parameter) if isinstance(parameter, int | float) else abs(parameter).max())


def on_device(array: np.ndarray, v: Any) -> Any:
    """An array of the host among those of v, in their precision."""
    xp = array_namespace(v)
    if v.dtype in (xp.float32, xp.complex64):
        array = array.astype(np.complex64 if np.iscomplexobj(array) else np.float32)
    return xp.asarray(array, device=device(v))


def roughness(v: Any, space: Dealiased) -> Any:
    """Mean of |grad u|^2 over the box (...), of each field."""
    return space.inner(v, space.squared(like=v) * v)
