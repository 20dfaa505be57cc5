"""The figures of other projects, as they define them, where their definition differs from ours: for comparison with papers.

Written from their definitions and compared with their programs in the tests. The differences are named where they occur.
"""

from pdekit.metrics.compat.modes import MODES, score

__all__ = ["MODES", "score"]
