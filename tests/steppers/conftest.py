"""Lets the tests of this folder import their sample equations: `--import-mode=importlib` does not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
