"""Flips bytes in the files of a run whose engine was killed, and resumes it: the same answer, or a refusal that names the file.

    python benchmarks/flip.py [--places N] [--every N]

Prints, for each kind of file, how many flips gave the same answer, how many were refused by name, and how many changed the answer
without a word, which must be none. Every line of a text file and every 512 bytes of others are hit, at N places each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import shoestring
from shoestring.engine.run import Run
from shoestring.errors import StoreError

TARGET = """
import os, signal

def train(trial):
    state = {"gap": 1.0, "weights": [0.0] * (4000 if trial.config["x"] == "b" else 1)}
    for done in trial.steps(state=state):
        state["gap"] *= 0.5 + (trial.seed * (done + 1) % 97) / 1000
        if done == 3 and trial.config["x"] == "a" and "KILL" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        trial.report(loss=state["gap"] + ord(trial.config["x"]))
"""
PROGRAM = """
import pathlib, runpy, sys
import shoestring.store.store, shoestring.trial.trial

shoestring.trial.trial.SAVING_SHARE = 1e9  # a checkpoint after every unit
shoestring.store.store.WRITE_EVERY_S = float(sys.argv[3])
runpy.run_path(sys.argv[1])["search"](pathlib.Path(sys.argv[2]))
"""
CHUNK = 512
WRITE_EVERY_S = (1000.0, 0.0)  # all commits in the redo log, or all in the database


def search(folder: Path) -> shoestring.Answer:
    """Asks the question of a run, or resumes it."""
    return shoestring.search(
        f"{folder.parent / 'target.py'}:train",
        {"x": shoestring.Choice(["c", "b", "a"])},
        metric="loss",
        goal="min",
        budget="60 epochs",
        horizon=9,
        scheduler="async-hyperband",
        sampler="grid",
        runner="inline",
        confirm=False,
        store=folder,
    )


def killed(folder: Path, write_every_s: float) -> Path:
    """Returns the folder of a run whose engine was killed; what was committed is in the redo log, or mostly in the database."""
    (folder.parent / "target.py").write_text(TARGET)
    command = [sys.executable, "-c", PROGRAM, __file__, str(folder), str(write_every_s)]
    done = subprocess.run(command, env=os.environ | {"KILL": "1"}, check=False)
    assert done.returncode == -signal.SIGKILL, done.returncode
    return folder


def places(path: Path, n: int) -> Iterator[int]:
    """Yields ``n`` places in every line of a file of lines, and in every chunk of another."""
    data = path.read_bytes()
    if path.name in ("redo.log", "events.jsonl"):
        ends = [i for i, byte in enumerate(data) if byte == 10] if path.name == "events.jsonl" else _ends(data)
        begins = [0, *(end + 1 for end in ends[:-1])]
        spans = list(zip(begins, [end + 1 for end in ends], strict=True))
    else:
        spans = [(begin, min(begin + CHUNK, len(data))) for begin in range(0, len(data), CHUNK)]
    for begin, end in spans:
        yield from sorted({begin + (end - begin - 1) * i // max(1, n - 1) for i in range(n)})


def what_it_says(folder: Path) -> tuple[object, ...]:
    """Resumes a run and returns all of its answer that a flipped byte must not change."""
    answer = search(folder)
    run = Run.read(folder)
    seen = {(row["trial_id"], row["unit"], row["metrics"]) for row in run.observations}
    repeated = sum(row["lost_units"] for row in run.ledger)
    return answer.status, str(answer.finding), seen, answer.spent.units - repeated, answer.n_trials


def flip(whole: Path, name: str, place: int, expected: tuple[object, ...]) -> str:
    """Returns what came of one flip: ``same``, ``refused`` or ``silent``."""
    folder = whole.with_name("flipped")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    data = bytearray((folder / name).read_bytes())
    data[place] ^= 1 << place % 7
    (folder / name).write_bytes(data)
    try:
        said = what_it_says(folder)
    except StoreError as refusal:
        return "refused" if Path(name).name in str(refusal) else f"refused without its name: {refusal}"
    return "same" if said == expected else "silent"


def flips(folder: Path, n: int, every: int = 1) -> dict[str, Counter[str]]:
    """Flips bytes in all files of killed runs below a folder; returns what came of it by kind of file."""
    found: dict[str, Counter[str]] = {}
    for write_every_s in WRITE_EVERY_S:
        whole = killed(folder / f"{write_every_s}" / "run", write_every_s)
        expected = what_it_says(Path(shutil.copytree(whole, whole.with_name("resumed"))))
        names = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file() and path.name not in ("lock", "log.txt")]
        for name in names:
            for place in list(places(whole / name, n))[::every]:
                outcome = flip(whole, str(name), place, expected)
                kind = "checkpoints" if name.suffix == ".ckpt" else name.name
                found.setdefault(kind, Counter())[outcome] += 1
                if outcome not in ("same", "refused"):
                    print(f"{name} at byte {place}: {outcome}", file=sys.stderr)
    return found


def _ends(data: bytes) -> list[int]:
    """Returns where the lines of a redo log end that are not of zeros."""
    return [i for i, byte in enumerate(data) if byte == 10 and data[i - 1 : i] == b"}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=3, help="in every line or chunk")
    parser.add_argument("--every", type=int, default=1, help="only every N-th of them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        for write_every_s in WRITE_EVERY_S:
            (Path(folder) / str(write_every_s)).mkdir()
        found = flips(Path(folder), given.places, given.every)
    print(json.dumps({kind: dict(counts) for kind, counts in found.items()}, indent=1))
    sys.exit(any(outcome not in ("same", "refused") for counts in found.values() for outcome in counts))


if __name__ == "__main__":
    main()
