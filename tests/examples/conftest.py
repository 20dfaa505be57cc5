"""The studies are scripts beside their READMEs; they are imported as they import each other."""

import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path[:0] = [str(EXAMPLES / "poisson-who-wins"), str(EXAMPLES / "learning-to-relax")]
