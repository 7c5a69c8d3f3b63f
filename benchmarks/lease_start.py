"""How long a lease takes to start: from the order to the function's first unit, in a child of the warm server and in a fresh Python.

    python benchmarks/lease_start.py [--repeats 15]

The target imports torch and scikit-learn (examples/digits.py). Both ways are timed in turns, so that a busy machine slows both.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shoestring.runners.process import ProcessRunner
from shoestring.trial.lease import Exit, Lease

TARGET = Path(__file__).parents[1] / "examples" / "digits.py"


def forked(runner: ProcessRunner, folder: Path, token: int) -> float:
    """Returns the seconds from ordering a lease to its first ``begin`` event."""
    lease = Lease(token, token, {"lr": 0.1, "width": 16}, 0, 0, 1, 1, "epoch", "accuracy", folder / str(token))
    began = time.monotonic()
    runner.start(lease)
    seconds = 0.0
    while True:
        for happened in runner.poll(0.001):
            if isinstance(happened, Exit):
                return seconds
            if "begin" in happened.event:
                seconds = time.monotonic() - began


def fresh() -> float:
    """Returns the seconds that a fresh Python takes to import the same target and make an optimizer."""
    began = time.monotonic()
    code = "import digits, torch; torch.optim.SGD([torch.zeros(1, requires_grad=True)])"
    subprocess.run([sys.executable, "-c", code], cwd=TARGET.parent, check=True)
    return time.monotonic() - began


def main() -> None:
    """Prints the median, the slowest, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    runner = ProcessRunner(f"{TARGET}:train", workers=1)
    with tempfile.TemporaryDirectory() as folder:
        pairs = [(forked(runner, Path(folder), token), fresh() if token % 5 == 0 else None) for token in range(1, repeats + 1)]
    runner.close()
    starts, imports = [start for start, _ in pairs], [seconds for _, seconds in pairs if seconds is not None]
    start, imported = statistics.median(starts), statistics.median(imports)
    print(f"a lease starts in {start:.3f} s (median of {repeats}; slowest {max(starts):.3f} s)")
    print(f"a fresh Python takes {imported:.2f} s, {imported / start:.0f} times as long")


if __name__ == "__main__":
    main()
