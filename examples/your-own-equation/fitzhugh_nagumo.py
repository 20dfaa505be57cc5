"""An equation that pdekit does not have: the file, its recipe, and data of it. `python fitzhugh_nagumo.py OUT.h5`."""

import sys
from dataclasses import dataclass

from array_api_compat import array_namespace

from pdekit.data.generate import generate
from pdekit.data.recipe import recipe_from
from pdekit.problems import register
from pdekit.problems.problem import FieldSpec
from pdekit.problems.semilinear import Semilinear, channels


@register
@dataclass(frozen=True)
class FitzHughNagumo(Semilinear):
    """u_t = diffusion Laplace u + u - u^3 - w, w_t = rate (u - decay w), periodic: pulses and spirals in an excitable medium."""

    diffusion: float = 1e-3
    rate: float = 0.05
    decay: float = 0.5

    name = "fitzhugh-nagumo"
    equation = "du/dt = diffusion Laplace u + u - u^3 - w, dw/dt = rate (u - decay w), from initial_u, initial_w"
    traits = frozenset({"evolution", "semilinear"})
    inputs = (FieldSpec("initial_u", "input", "1", "voltage"), FieldSpec("initial_w", "input", "1", "recovery"))
    outputs = (FieldSpec("u", "output", "1", "voltage"), FieldSpec("w", "output", "1", "recovery"))
    degree = 3  # of the nonlinear term: products of three fields are exact

    def linear(self, space):
        """One symbol per field, diagonal in Fourier space."""
        return channels(space, self.diffusion * space.laplacian(), -self.rate * self.decay + 0.0 * space.laplacian())

    def nonlinear(self, v, t, space):
        """Products at points; what space.forward gives back is free of aliases."""
        voltage, recovery = (u[:, None] for u in space.backward(v).swapaxes(0, 1))
        xp = array_namespace(v)  # NumPy, or torch on a GPU
        return space.forward(xp.concat([voltage - voltage**3 - recovery, self.rate * voltage], axis=1))


RECIPE = """
format = 1
title = "Waves in an excitable medium"
problem = "fitzhugh-nagumo"
solver = "etdrk4"
solver_settings = { dt = 0.1 }
[grid]
points = [64, 64]
length = [1.0, 1.0]
location = "vertex"
boundary = "periodic"
[time]
stop = 40.0
frames = 21
[fields]
initial_u = { law = "gaussian", gauss = { variance_factor = 9.0e3, tau = 6.0, alpha = 3.0, boundary = "periodic" } }
initial_w = { law = "gaussian", gauss = { variance_factor = 4.0e2, tau = 6.0, alpha = 3.0, boundary = "periodic" } }
[splits]
train = 8
valid = 2
test = 2
"""

if __name__ == "__main__":
    print(generate(recipe_from(RECIPE, where="RECIPE"), sys.argv[1]))
