"""What `benchmarks/crash.py` trains: a trial that keeps its own record of every unit it began and every value it reported.

As a function and, run as a program, as a script for the command template. Both take 5 to 20 ms a unit and have one best configuration.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shoestring import Trial


def train(trial: Trial) -> None:
    """Draws closer to the configuration's own limit; the noise on it comes from the generators that a checkpoint must bring back."""
    state = {"gap": 1.0}
    for done in trial.steps(state=state):
        record(trial.directory / "begun", done + 1)
        noise = random.random()
        time.sleep(0.005 + 0.015 * noise)
        state["gap"] *= 0.7 + 0.1 * noise
        loss = abs(trial.config["x"] - 0.3) + state["gap"]
        trial.report(loss=loss)
        record(trial.directory / "reported", done + 1, loss)


def main() -> None:
    """The same as a script; its only generator is the unit."""
    x, to = float(sys.argv[1]), int(os.environ["SHOESTRING_TO"])
    kept = Path(os.environ["SHOESTRING_CHECKPOINT_DIR"], "state")
    own = kept.parent.parent / "scratch"
    own.mkdir(exist_ok=True)
    done = int(kept.read_text()) if kept.exists() else 0
    while done < to:
        record(own / "begun", done + 1)
        time.sleep(0.005 + 0.015 * random.random())
        done += 1
        loss = abs(x - 0.3) + 0.75**done
        append(Path(os.environ["SHOESTRING_EVENTS"]), json.dumps({"unit": done, "loss": loss}))
        record(own / "reported", done, loss)
        new = kept.with_name(f"part{os.getpid()}")
        new.write_text(str(done))
        new.replace(kept)


def record(path: Path, *values: float) -> None:
    """Keeps a line in one write, which no kill tears."""
    append(path, json.dumps(values))


def append(path: Path, line: str) -> None:
    """Appends a line in one write."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(file, line.encode() + b"\n")
    os.close(file)


if __name__ == "__main__":
    main()
