"""Gives random time budgets to trials that do not want to end, and measures by how much the budget is overspent.

    python benchmarks/budget.py --runs 100

Each run is one `shoestring search` with the process runner. Its overshoot is what the ledger charged above the budget; and, by a clock
outside, how much later than the budget allowed the last trial's process was gone. Both may be at most the grace and half a second.
Where starting Python and its imports alone took longer than the budget, no trial was begun; such a run is counted apart. Nothing that
was started may be left when the command has ended.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from budget_target import KINDS

from shoestring.engine.run import Run

TARGET = f"{Path(__file__).resolve().parent / 'budget_target.py'}:train"
COMMAND = str(Path(sys.executable).with_name("shoestring"))
MARK = "SHOESTRING_MARK"
ALLOWED_S = 0.5  # above the grace


@dataclass(frozen=True)
class Spent:
    """What one run spent.

    Attributes:
        startup_s: seconds in the ledger while no trial ran.
        by_ledger_s: all seconds in the ledger.
        by_clock_s: from the first lease to the end of the last trial's process, None if there was no trial.
        left: processes that were still there at the end of the command.
    """

    kind: str
    budget_s: float
    grace_s: float
    startup_s: float
    by_ledger_s: float
    by_clock_s: float | None
    exit_code: int
    left: int

    def overshoots(self) -> tuple[float, float]:
        """Returns seconds above the budget, by the ledger and by the clock."""
        assert self.by_clock_s is not None, "asked only where a trial ran"
        return self.by_ledger_s - self.budget_s, self.startup_s + self.by_clock_s - self.budget_s


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument("--out", type=Path, help="JSON file for the result")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    plans = [(list(KINDS)[run % len(KINDS)], round(rng.uniform(0.5, 5.0), 3), rng.choice((0.2, 0.5, 2.0))) for run in range(options.runs)]
    with tempfile.TemporaryDirectory(prefix="shoestring-budget-") as scratch, ThreadPoolExecutor(options.jobs) as pool:
        runs = list(pool.map(lambda item: spend(*item[1], Path(scratch, f"run{item[0]}")), enumerate(plans)))
    sys.exit(0 if show(runs, options.out) else 1)


def spend(kind: str, budget_s: float, grace_s: float, store: Path) -> Spent:
    """Runs one study; what it left running is killed and counted."""
    mark, pids = uuid.uuid4().hex, store.with_suffix(".pids")
    question = ["x=0:1", "--metric", "loss", "--goal", "min", "--sampler", "random", "--scheduler", "fixed"]
    limits = ["--budget", f"{budget_s}s", "--grace", str(grace_s), "--workers", "1", "--store", str(store)]
    environment = os.environ | {MARK: mark, "KIND": kind, "PIDS": str(pids)}
    command = [COMMAND, "search", TARGET, *question, *limits]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        gone = watch(process, pids)
    left = marked(mark)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    ledger = Run.read(store).ledger
    startup_s = sum(row["wall_s"] for row in ledger if row["trial_id"] is None)
    first = min((row["opened_at"] for row in ledger if row["trial_id"] is not None), default=None)
    by_clock_s = None if first is None or gone is None else gone - first
    return Spent(kind, budget_s, grace_s, startup_s, sum(row["wall_s"] for row in ledger), by_clock_s, process.returncode, len(left))


def watch(process: subprocess.Popen[bytes], pids: Path) -> float | None:
    """Waits for a command to end and returns when the last of its trials' processes was gone, in seconds since 1970."""
    seen, gone, poll = set[str](), None, select.poll()
    ended = False
    while not ended or poll.poll(0):
        ended = process.poll() is not None
        for pid in set(pids.read_text(encoding="ascii").split() if pids.exists() else ()) - seen:
            seen.add(pid)
            with suppress(ProcessLookupError):
                poll.register(os.pidfd_open(int(pid)), select.POLLIN)
        for file, _ in poll.poll(5):
            gone = time.time()
            poll.unregister(file)
            os.close(file)
    return gone


def marked(mark: str) -> list[int]:
    """Returns the processes that carry a mark in their environment."""
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            if entry.isdigit() and f"{MARK}={mark}".encode() in Path("/proc", entry, "environ").read_bytes():
                found.append(int(entry))
    return found


def show(runs: list[Spent], out: Path | None) -> bool:
    """Prints the distributions and keeps them; True if every promise held."""
    trained = [run for run in runs if run.by_clock_s is not None]
    figures = {}
    for which, name in enumerate(("ledger", "outside clock")):
        overs = sorted(run.overshoots()[which] for run in trained)
        beyond = max(run.overshoots()[which] - run.grace_s for run in trained)
        p95 = overs[int(0.95 * (len(overs) - 1))]
        figures[name] = {"median_s": statistics.median(overs), "p95_s": p95, "max_s": overs[-1], "max_beyond_grace_s": beyond}
        print(f"overshoot by {name:14s}" + "  ".join(f"{key} {value:+.3f}" for key, value in figures[name].items()))
    left = sum(run.left for run in runs)
    print(f"{len(runs)} runs, {len(trained)} of them trained before their budget was spent; processes left: {left}")
    for kind in KINDS:
        of_kind = [max(run.overshoots()) - run.grace_s for run in trained if run.kind == kind]
        if of_kind:
            middle, most = statistics.median(of_kind), max(of_kind)
            print(f"    {kind:10s} {len(of_kind):3d} runs, beyond the grace: median {middle:+.3f} s, max {most:+.3f} s")
    sound = left == 0 and all(figure["max_beyond_grace_s"] <= ALLOWED_S for figure in figures.values())
    if out:
        result = {"command": ["benchmarks/budget.py", *sys.argv[1:]], "sound": sound, "trained": len(trained), "left": left}
        result |= {"overshoot": figures, "runs": [asdict(run) for run in runs]}
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return sound


if __name__ == "__main__":
    main()
