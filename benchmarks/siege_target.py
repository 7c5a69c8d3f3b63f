"""What `benchmarks/siege.py` asks about: a function and a script behind a shell wrapper, each with its own record of what it did.

Every unit takes 5 to 20 ms. A trial's values depend on its configuration, its seed and the unit alone, so a study that is killed and
resumed must end with the answer of one that nobody touched.
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
    """Approaches the configuration's own limit; the noise comes from the generators that a checkpoint must restore."""
    state = {"gap": 1.0}
    for done in trial.steps(state=state):
        record(trial.directory / "begun", done + 1)
        noise = random.random()
        time.sleep(0.005 + 0.015 * noise)
        state["gap"] *= 0.7 + 0.1 * noise
        loss = limit(trial.config) + state["gap"]
        trial.report(loss=loss)
        record(trial.directory / "reported", done + 1, loss)


def limit(config: dict[str, float]) -> float:
    """Returns the loss of a configuration after endless training; a power law of the size where there is one."""
    return abs(config.get("x", 0.0) - 2.0) / 4 + float(config.get("size", 1.0)) ** -0.5


def script() -> None:
    """The same as a script; its noise comes from seed and unit, and its state is the unit."""
    x, seed, to = float(sys.argv[1]), int(sys.argv[2]), int(os.environ["SHOESTRING_TO"])
    kept = Path(os.environ["SHOESTRING_CHECKPOINT_DIR"], "state")
    own = kept.parent.parent / "scratch"
    own.mkdir(exist_ok=True)
    done = int(kept.read_text()) if kept.exists() else 0
    while done < to:
        record(own / "begun", done + 1)
        noise = random.Random(f"{seed} {done}").random()
        time.sleep(0.005 + 0.015 * noise)
        done += 1
        loss = limit({"x": x}) + 0.75**done + 0.01 * noise
        append(Path(os.environ["SHOESTRING_EVENTS"]), json.dumps({"unit": done, "loss": loss}))
        record(own / "reported", done, loss)
        new = kept.with_name(f"part{os.getpid()}")
        new.write_text(str(done))
        new.replace(kept)


def record(path: Path, *values: float) -> None:
    """Appends a line of numbers."""
    append(path, json.dumps(values))


def append(path: Path, line: str) -> None:
    """Appends a line in one write, which no kill tears."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(file, line.encode() + b"\n")
    os.close(file)


if __name__ == "__main__":
    script()
