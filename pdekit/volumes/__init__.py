"""Finite volumes: what crosses the faces of cells, for conservation laws whose solutions jump."""
