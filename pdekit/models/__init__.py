"""Learned solvers: one network or closed-form fit a file; `solver` turns each of them into a Solver."""
