"""Training of learned solvers: `train` writes a run folder that `load_solver` reads."""

from pdekit.training.train import train

__all__ = ["train"]
