"""What a level of a multigrid cycle holds, from a StencilOperator's arrays in one pass: edges and 1/diagonal, split.

Layout as in `multigrid_row_kernels.py`; 2D arrays come with an axis of length 1 in the middle and without edges along it.
"""

from __future__ import annotations

import numba

from pdekit.linear.multigrid_row_kernels import OPTIONS, PAD, split_row

ROWS = "1a67d63417a9a23f"  # hash of multigrid_row_kernels.py, inlined here: numba's cache is renewed with this line


@numba.njit(**OPTIONS, error_model="numpy")
def split_level(ex, ey, ez, shift, out_x, out_y, out_z, dinv, diagonal):
    """Write a level's edges and 1/diagonal; `shift` has the unknowns' shape, or size 0; `diagonal` is work space (p,)."""
    n, m, p = ez.shape[0], ez.shape[1], ez.shape[2] - 1
    half = (p + 1) // 2
    for i in range(n + 1):
        for j in range(m):
            split_row(ex[i, j], 1, out_x[i, j])
            if p % 2 == 1:
                out_x[i, j, 1, PAD + half - 1] = 0
    for i in range(n):
        if m > 1:
            for j in range(m + 1):
                split_row(ey[i, j], 1, out_y[i, j])
                if p % 2 == 1:
                    out_y[i, j, 1, PAD + half - 1] = 0
        for j in range(m):
            split_row(ez[i, j], 1, out_z[i, j])
            if p % 2 == 1:
                out_z[i, j, 0, PAD + half] = 0
            a, b, e = ex[i, j], ex[i + 1, j], ez[i, j]
            for k in range(p):
                diagonal[k] = a[k] + b[k] + e[k] + e[k + 1]
            if m > 1:
                f, g = ey[i, j], ey[i, j + 1]
                for k in range(p):
                    diagonal[k] += f[k] + g[k]
            if shift.size > 0:
                s = shift[i, j]
                for k in range(p):
                    diagonal[k] += s[k]
            for k in range(p):
                diagonal[k] = 1 / diagonal[k]
            split_row(diagonal, 1, dinv[i, j])
            if p % 2 == 1:
                dinv[i, j, 1, PAD + half - 1] = 0
