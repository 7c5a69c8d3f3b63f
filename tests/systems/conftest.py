"""Makes the tools that only a developer runs importable: they are not in the package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "systems"))
