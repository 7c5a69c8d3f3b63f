"""Kills, stops and hangs up studies of every question at random moments, resumes them, and counts what was lost or left running.

    python benchmarks/siege.py --blows 200

Nine kinds of command are struck: searches with the grid and with the fixed scheduler, with a confirmation, with two workers, scripts, also
behind a shell wrapper, comparisons, scaling, and `claims`. The blows are `kill -9` of one process, of all but one, or of all, and the
signals that a terminal sends: hang-up, interrupt, stop and continue. After every blow that ends the command, no process of the run may be
left; after every study, the trials' own records must agree with store and ledger, and the answer must be that of a study that nobody
touched.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import psutil

from shoestring.engine.run import Run

HERE = Path(__file__).resolve().parent
COMMAND = str(Path(sys.executable).with_name("shoestring"))
TARGET = f"{HERE / 'siege_target.py'}:train"
MARK = "SHOESTRING_SIEGE"
LONGEST_S = 120.0
DEATH_S = 3.0  # what died may leave helpers behind for this long
ENDED = (0, 4, -signal.SIGKILL)  # answered, stopped and resumable, killed
BUDGET = ("--budget", "4000 epochs", "--budget", "10m")
LOSS = ("--metric", "loss", "--goal", "min", *BUDGET)
SCRIPT = ("--", sys.executable, "-S", str(HERE / "siege_target.py"), "{x}", "{seed}")
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WRAPPER = ("--", "sh", str(HERE / "siege_wrapper.sh"), sys.executable, "{x}", "{seed}")
INLINE, ONE, TWO = ("--runner", "inline"), ("--runner", "process", "--workers", "1"), ("--runner", "process", "--workers", "2")
GRID = ("x=0,1,2,3,4,5", "--sampler", "grid", "--horizon", "9")
RANDOM = ("--sampler", "random", "--horizon", "27", "--eta", "9")

KINDS: dict[str, tuple[str, ...]] = {
    "grid, halving, confirmed": ("search", TARGET, *GRID, "--scheduler", "halving", *LOSS, *INLINE),
    "grid, hyperband, process": ("search", TARGET, *GRID, "--scheduler", "hyperband", "--confirm", "none", *LOSS, *ONE),
    "grid, fixed, 2 workers": ("search", TARGET, *GRID, "--scheduler", "fixed", "--confirm", "none", *LOSS, *TWO),
    "random, script": ("search", "x=0:5", *RANDOM, "--scheduler", "halving", "--confirm", "none", *LOSS, *ONE, *SCRIPT),
    "wrapper, process": ("search", *GRID, "--scheduler", "halving", "--confirm", "none", *LOSS, *ONE, *WRAPPER),
    "wrapper, inline": ("search", *GRID, "--scheduler", "fixed", "--confirm", "none", *LOSS, *INLINE, *WRAPPER),
    "compare, 2 workers": ("compare", TARGET, "--arm", "a:x=2", "--arm", "b:x=3", "--seeds", "10", "--horizon", "6", *LOSS, *TWO),
    "scale": ("scale", TARGET, "--over", "size=1,2,4,8,16", "--seeds", "3", "--horizon", "6", *LOSS, *ONE),
    "claims": ("claims", str(HERE / "siege_claims.py"), "--controls"),
}


@dataclass
class Tally:
    """What was seen in some studies of one kind."""

    studies: int = 0
    starts: int = 0
    blows: Counter[str] = field(default_factory=Counter)
    units_begun: int = 0
    uncharged: int = 0
    charged_before_begun: int = 0  # the blow fell between the engine's record and the trial's own
    reported: int = 0
    lost_reports: int = 0
    left_running: int = 0
    other_answers: int = 0
    open_leases: int = 0
    troubles: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Adds another tally to this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def is_sound(self) -> bool:
        """Whether no promise was broken."""
        return not (self.uncharged or self.lost_reports or self.left_running or self.other_answers or self.open_leases or self.troubles)


@dataclass
class Siege:
    """One study, its command and what is expected of it."""

    kind: str
    store: Path
    rng: random.Random
    tally: Tally
    mark: str = ""

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the command in a session of its own, as a terminal does; all that comes of it carries a mark."""
        self.mark = uuid.uuid4().hex
        self.tally.starts += 1
        with open(f"{self.store}.out", "wb") as out, open(f"{self.store}.err", "wb") as errors:
            verb, *rest = KINDS[self.kind]
            command = [COMMAND, verb, "--store", str(self.store), "--json", *rest]
            return subprocess.Popen(command, stdout=out, stderr=errors, env=os.environ | {MARK: self.mark}, start_new_session=True)

    def run_once(self, most: int) -> bool:
        """Runs the command once, striking up to ``most`` times; True if it answered or cannot go on."""
        process = self.start()
        try:
            while self.tally.blows.total() < most and process.poll() is None:
                self.await_moment(process)
                if process.poll() is None:
                    self.strike(process)
            code = process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            self.tally.troubles.append(f"did not end within {LONGEST_S:g} s; after {dict(self.tally.blows)}")
            for left in self.marked():
                left.kill()
            process.wait()
            return True
        self.await_end_of_all()
        said = Path(f"{self.store}.err").read_text(errors="replace")
        if -code in STOPPING and not said and not Path(f"{self.store}.out").stat().st_size:
            return False  # Python was still starting, and had run nothing of ours
        if code not in ENDED or "Traceback" in said or (code == 4 and not said.strip()):
            self.tally.troubles.append(f"exit code {code}: {said[-600:]}")
            return True
        return code == 0

    def await_moment(self, process: subprocess.Popen[bytes]) -> None:
        """Waits for a random moment: one time in four of the start-up, otherwise of the work."""
        until = time.monotonic() + self.rng.uniform(0.0, 1.0)
        if self.rng.random() < 0.75:
            before = self.written()
            while process.poll() is None and self.written() == before:
                time.sleep(0.002)
            until = time.monotonic() + self.rng.choice((0.0, self.rng.uniform(0.0, 0.1), self.rng.uniform(0.0, 1.0)))
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, until - time.monotonic()))

    def written(self) -> int:
        """Returns how many bytes the trials have written."""
        sizes = 0
        for path in self.store.glob("**/trials/*/*.jsonl"):
            with suppress(OSError):
                sizes += path.stat().st_size
        return sizes

    def strike(self, process: subprocess.Popen[bytes]) -> None:
        """Strikes a study's processes in one of the ways of ``BLOWS``."""
        others = [other.pid for other in self.marked() if other.pid != process.pid]
        name = self.rng.choice([name for name in BLOWS if others or name not in NEEDS_OTHERS])
        if name == "kill one other":  # a trainer that dies behind its wrapper (exit code 137) is a failed trial, and another answer
            others = [pid for pid in others if not _is_script(pid, process.pid)] or [process.pid]
        with suppress(ProcessLookupError):
            BLOWS[name](process.pid, others, self.rng)
            self.tally.blows[name] += 1
        if not name.startswith(("stop", "kill one")):  # these must end the command
            with suppress(subprocess.TimeoutExpired):
                process.wait(LONGEST_S)

    def await_end_of_all(self) -> None:
        """Counts what is still there some seconds after the command has ended, and removes it."""
        until = time.monotonic() + DEATH_S
        while (left := list(self.marked())) and time.monotonic() < until:
            time.sleep(0.01)
        for process in left:
            self.tally.left_running += 1
            with suppress(psutil.Error):
                self.tally.troubles.append(f"left running after {dict(self.tally.blows)}: {' '.join(process.cmdline())[:120]}")
                process.kill()

    def marked(self) -> Iterator[psutil.Process]:
        """Yields the living processes that come from this command."""
        wanted = f"{MARK}={self.mark}".encode()
        for entry in os.listdir("/proc"):
            with suppress(OSError, psutil.Error):
                if entry.isdigit() and wanted in Path("/proc", entry, "environ").read_bytes():
                    process = psutil.Process(int(entry))
                    if process.status() != psutil.STATUS_ZOMBIE:
                        yield process


def _is_script(pid: int, engine: int) -> bool:
    """Tells whether a process is a script, or is about to become one: a fork has its parent's command line until it starts its program."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        command, parents = process.cmdline(), process.parents()
        if not command or any(part.endswith(("siege_target.py", "siege_wrapper.sh")) for part in command[:3]):
            return True
        # A fork of the engine, or of a worker, which is itself a fork of the server.
        alike = list(takewhile(lambda parent: parent.cmdline() == command, parents))
        return engine in (parent.pid for parent in alike) or len(alike) > 1
    return False


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _pause(pids: list[int], rng: random.Random) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    time.sleep(rng.uniform(0.1, 1.5))
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _freeze_and_kill(engine: int, _others: list[int], rng: random.Random) -> None:
    os.kill(engine, signal.SIGSTOP)
    time.sleep(rng.uniform(0.1, 1.0))
    os.kill(engine, signal.SIGKILL)


def _interrupt_twice(engine: int, _others: list[int], rng: random.Random) -> None:
    os.killpg(engine, signal.SIGINT)
    time.sleep(rng.uniform(0.0, 0.3))
    os.killpg(engine, signal.SIGINT)


BLOWS: dict[str, Callable[[int, list[int], random.Random], None]] = {
    "kill the engine": lambda engine, _others, _rng: _kill([engine]),
    "kill one other": lambda _engine, others, rng: _kill([rng.choice(others)]),
    "kill the engine and one other": lambda engine, others, rng: _kill([engine, rng.choice(others)]),
    "kill the engine and all others but one": lambda engine, others, rng: _kill([engine, *rng.sample(others, len(others) - 1)]),
    "kill all": lambda engine, others, _rng: _kill([engine, *others]),
    "freeze the engine and kill it": _freeze_and_kill,
    "hang up": lambda engine, _others, _rng: os.killpg(engine, signal.SIGHUP),
    "terminate": lambda engine, _others, _rng: os.kill(engine, signal.SIGTERM),
    "interrupt": lambda engine, _others, _rng: os.killpg(engine, signal.SIGINT),
    "interrupt twice": _interrupt_twice,
    "stop one other and continue": lambda _engine, others, rng: _pause([rng.choice(others)], rng),
    "stop the terminal's group and continue": lambda engine, _others, rng: _pause(_group(engine), rng),
}
NEEDS_OTHERS = {name for name in BLOWS if "other" in name}


def _group(leader: int) -> list[int]:
    members = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            members += [process.pid] if os.getpgid(process.pid) == leader else []
    return members


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blows", type=int, default=200, help="over all kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="studies at once")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS, metavar="KIND", help="; ".join(KINDS))
    parser.add_argument("--out", type=Path, help="JSON file for the result")
    options = parser.parse_args()
    began = time.monotonic()
    each = -(-options.blows // len(options.kinds))
    with tempfile.TemporaryDirectory(prefix="shoestring-siege-") as scratch, ThreadPoolExecutor(options.jobs) as pool:
        work = [pool.submit(besiege, kind, options.seed, each, Path(scratch) / f"{number}") for number, kind in enumerate(options.kinds)]
        tallies = dict(zip(options.kinds, (task.result() for task in work), strict=True))
    show(tallies)
    is_sound = all(tally.is_sound for tally in tallies.values())
    result = {"command": ["benchmarks/siege.py", *sys.argv[1:]], "seconds": round(time.monotonic() - began, 1), "sound": is_sound}
    if options.out:
        result["kinds"] = {kind: vars(tally) for kind, tally in tallies.items()}
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.exit(not is_sound)


def besiege(kind: str, seed: int, blows: int, folder: Path) -> Tally:
    """Strikes studies of a kind until there were enough blows; every study is brought to its answer."""
    folder.mkdir()
    rng, total = random.Random(f"{kind} {seed}"), Tally()
    expected = answered(Siege(kind, folder / "undisturbed", rng, Tally()), 0)
    while total.blows.total() < blows and len(total.troubles) < 5:
        store = folder / f"{total.studies}"
        siege = Siege(kind, store, rng, Tally(studies=1))
        answer = answered(siege, min(rng.randint(1, 6), blows - total.blows.total()))
        if answer != expected:
            siege.tally.other_answers = 1
            kept = shutil.copytree(store, tempfile.mkdtemp(prefix="shoestring-differs-"), dirs_exist_ok=True)
            failed = [
                f"trial {trial.id}: {trial.error}"
                for run in store.glob("**/study.db")
                for trial in Run.read(run.parent).trials
                if trial.error
            ]
            siege.tally.troubles.append(f"{answer} instead of {expected}; in {kept}; failed: {failed}; blows: {dict(siege.tally.blows)}")
        for run in store.glob("**/study.db"):
            audit(run.parent, siege.tally)
        siege.tally.troubles = [f"{kind}: {trouble}" for trouble in siege.tally.troubles]
        total.add(siege.tally)
        shutil.rmtree(store, ignore_errors=True)
    return total


def answered(siege: Siege, blows: int) -> Any:
    """Runs the command until it answers, and returns the answer without what differs between machines and days."""
    while not siege.run_once(blows):
        pass
    try:
        said = json.loads(Path(f"{siege.store}.out").read_text())
    except ValueError:
        return None
    return [_finding(entry) for entry in said] if isinstance(said, list) else _finding(said)


def _finding(answer: dict[str, Any]) -> Any:
    # With two workers, runs beyond the seeds that decided may have ended or not: "arms" lists those too.
    passing = {"arms", "spent", "run", "budget", "n_trials", "environment", "notes", "seconds", "detail", "price", "saved", "cost"}
    return {name: value for name, value in answer.items() if name not in passing}


def audit(folder: Path, tally: Tally) -> None:
    """Compares what the trials recorded with what store and ledger hold."""
    run = Run.read(folder)
    begun, reported = Counter(dict(recorded(folder, "begun"))), list(recorded(folder, "reported"))
    charged: Counter[int] = Counter()
    for row in run.ledger:
        if row["trial_id"] is not None:
            charged[row["trial_id"]] += row["units"]
    tally.open_leases += sum(row["outcome"] is None for row in run.ledger)
    leases = sorted((row["trial_id"], row["opened_at"], row["closed_at"]) for row in run.ledger if row["trial_id"] is not None)
    twice = {trial for (trial, _, closed), (other, opened, _) in pairwise(leases) if trial == other and closed and opened < closed}
    tally.troubles += [f"two leases at once of trial {trial}" for trial in sorted(twice)]
    tally.units_begun += begun.total()
    tally.uncharged += (begun - charged).total()
    tally.charged_before_begun += (charged - begun).total()
    stored = {(row["trial_id"], row["unit"], float(json.loads(row["metrics"])["loss"])) for row in run.observations}
    tally.reported += len(reported)
    tally.lost_reports += sum(report not in stored for report in reported)


def recorded(folder: Path, name: str) -> Iterator[tuple[int, ...]]:
    """Yields for ``begun`` each trial and how many units it began, for ``reported`` each trial, unit and value."""
    for path in sorted(folder.glob(f"trials/*/scratch/{name}")):
        trial, lines = int(path.parent.parent.name), path.read_text().splitlines()
        if name == "begun":
            yield trial, len(lines)
        else:
            yield from ((trial, *json.loads(line)) for line in lines)


def show(tallies: dict[str, Tally]) -> None:
    """Prints the table and the troubles."""
    columns = (
        "studies",
        "starts",
        "blows",
        "units_begun",
        "uncharged",
        "charged_before_begun",
        "reported",
        "lost_reports",
        "left_running",
        "other_answers",
    )
    print(f"{'':26s}" + "".join(f"{name.replace('_', ' '):>22s}" for name in columns))
    for kind, tally in tallies.items():
        cells = [value.total() if isinstance(value := getattr(tally, name), Counter) else value for name in columns]
        print(f"{kind:26s}" + "".join(f"{cell:22d}" for cell in cells))
    for tally in tallies.values():
        for trouble in tally.troubles:
            print(f"    {trouble}")


if __name__ == "__main__":
    main()
