"""Kills a small study with `kill -9` at random moments, runs the same command again until it answers, and counts what was lost.

    python benchmarks/crash.py --runs 200

Four studies: trials in the engine's own process, in child processes (one and two at once), and a script behind a command template. Killed
are the engine, a worker, the server that forks the workers, or several of them. After each kill nothing may be left of what died
but what a living engine watches over; after each study, what the trials themselves wrote down is compared with store and ledger.
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil

from shoestring.engine.run import Run

HERE = Path(__file__).resolve().parent
COMMAND = str(Path(sys.executable).with_name("shoestring"))
QUESTION = ["x=0:1", "--metric", "loss", "--goal", "min", "--horizon", "27", "--eta", "9", "--scheduler", "halving", "--sampler", "random"]
BUDGET = ["--budget", "2000 epochs", "--budget", "10m"]
SCRIPT = ["--", sys.executable, "-S", str(HERE / "crash_target.py"), "{x}"]
MODES = {
    "inline": [f"{HERE / 'crash_target.py'}:train", "--runner", "inline"],
    "process": [f"{HERE / 'crash_target.py'}:train", "--runner", "process", "--workers", "1"],
    "process, 2 workers": [f"{HERE / 'crash_target.py'}:train", "--runner", "process", "--workers", "2"],
    "script": ["--runner", "process", "--workers", "1"],
}
VICTIMS = {
    "inline": ["engine"],
    "process": ["engine", "worker", "server", "engine and worker", "engine and server", "all"],
}
MARK = "SHOESTRING_CRASH"
LONGEST_WAIT_S = 60.0


@dataclass
class Tally:
    """What was seen in one study, or in all of a mode."""

    studies: int = 0
    starts: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    units_begun: int = 0
    units_charged: int = 0
    charged_before_begun: int = 0  # the kill fell between the engine's record and the trial's own
    uncharged: int = 0
    reported: int = 0
    lost_reports: int = 0
    orphans: int = 0
    slowest_death_s: float = 0.0
    other_answers: int = 0
    open_leases: int = 0
    troubles: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Adds another tally to this one."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, max(mine, value) if name == "slowest_death_s" else mine + value)

    @property
    def sound(self) -> bool:
        """Whether no promise was broken."""
        kills = sum(self.kills.values())
        broken = self.uncharged + self.lost_reports + self.orphans + self.other_answers + self.open_leases + len(self.troubles)
        return broken == 0 and self.charged_before_begun <= kills


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="kills, over all modes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="studies at once")
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES, metavar="MODE", help=", ".join(MODES))
    parser.add_argument("--out", type=Path, help="JSON file for the result")
    options = parser.parse_args()
    began = time.monotonic()
    per_line = -(-options.runs // (len(options.modes) * options.jobs))
    with tempfile.TemporaryDirectory(prefix="shoestring-crash-") as scratch, ThreadPoolExecutor(options.jobs) as pool:
        expected = dict(zip(options.modes, pool.map(lambda mode: undisturbed(mode, Path(scratch)), options.modes), strict=True))
        work = [(mode, options.seed * 1000 + line) for line in range(options.jobs) for mode in options.modes]
        tallies = {mode: Tally() for mode in options.modes}
        for (mode, _), tally in zip(
            work, pool.map(lambda item: torment(*item, per_line, expected[item[0]], Path(scratch)), work), strict=True
        ):
            tallies[mode].add(tally)
    result = {"command": ["benchmarks/crash.py", *sys.argv[1:]], "seconds": round(time.monotonic() - began, 1), "sound": True}
    result |= {"modes": {mode: vars(tally) for mode, tally in tallies.items()}}
    result["sound"] = all(tally.sound for tally in tallies.values())
    show(tallies)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if result["sound"] else 1)


def show(tallies: dict[str, Tally]) -> None:
    """Prints the table."""
    columns = (
        "studies",
        "starts",
        "kills",
        "units_begun",
        "units_charged",
        "uncharged",
        "charged_before_begun",
        "reported",
        "lost_reports",
        "orphans",
        "other_answers",
    )
    print(f"{'':22s}" + "".join(f"{name.replace('_', ' '):>22s}" for name in columns))
    for mode, tally in tallies.items():
        cells = [sum(value.values()) if isinstance(value := getattr(tally, name), Counter) else value for name in columns]
        print(f"{mode:22s}" + "".join(f"{cell:22d}" for cell in cells))
        for trouble in tally.troubles:
            print(f"    {trouble}")


def undisturbed(mode: str, scratch: Path) -> tuple[object, ...]:
    """Returns the answer of a study that nobody disturbs."""
    store = scratch / f"undisturbed-{mode.replace(', ', '-').replace(' ', '-')}"
    process, _ = start(mode, store)
    process.wait(LONGEST_WAIT_S)
    return answer_of(store)


def torment(mode: str, seed: int, kills: int, expected: tuple[object, ...], scratch: Path) -> Tally:
    """Kills studies of a mode until there were enough kills; every study is brought to its answer."""
    rng = random.Random(f"{mode} {seed}")
    total = Tally()
    while sum(total.kills.values()) < kills:
        store = scratch / f"{mode.replace(', ', '-').replace(' ', '-')}-{seed}-{total.studies}"
        tally = Tally(studies=1)
        most = min(rng.randint(1, 6), kills - sum(total.kills.values()))
        while not one_start(mode, store, rng, tally, most):
            pass
        compare(mode, store, expected, tally)
        total.add(tally)
        shutil.rmtree(store, ignore_errors=True)
    return total


def one_start(mode: str, store: Path, rng: random.Random, tally: Tally, most: int) -> bool:
    """Runs the command once, killing on the way, up to a number of kills; True if it answered."""
    process, mark = start(mode, store)
    tally.starts += 1
    try:
        while sum(tally.kills.values()) < most and process.poll() is None:
            await_moment(process, store, rng)
            if process.poll() is None:
                kill(process.pid, mark, rng.choice(VICTIMS.get(mode, VICTIMS["process"])), tally)
        code = process.wait(LONGEST_WAIT_S)
    except subprocess.TimeoutExpired:
        tally.troubles.append(f"{mode}: did not end within {LONGEST_WAIT_S:g} s")
        process.kill()
        return True
    await_end_of(list(marked(mark)), tally)
    if code not in (0, 4, -signal.SIGKILL):  # 4: resumable, as when the second server is killed while it starts
        tally.troubles.append(f"{mode}: exit code {code}: {(store.parent / f'{store.name}.err').read_text()[-600:]}")
        return True
    return code == 0


def start(mode: str, store: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Starts the command; every process that comes of it carries a mark in its environment."""
    mark = uuid.uuid4().hex
    arguments = [COMMAND, "search", *MODES[mode], *QUESTION, *BUDGET, "--store", str(store), *(SCRIPT if mode == "script" else [])]
    with open(store.parent / f"{store.name}.err", "wb") as errors:
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=errors, env=os.environ | {MARK: mark})
    return process, mark


def await_moment(process: subprocess.Popen[bytes], store: Path, rng: random.Random) -> None:
    """Waits for a random moment: one time in four of the start-up, otherwise of the work."""
    until = time.monotonic() + rng.uniform(0.0, 1.0)
    if rng.random() < 0.75:
        before = written(store)
        while process.poll() is None and written(store) == before:
            time.sleep(0.002)
        until = time.monotonic() + rng.choice((0.0, rng.uniform(0.0, 0.1), rng.uniform(0.0, 1.0)))
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, until - time.monotonic()))


def written(store: Path) -> int:
    """Returns how much the trials have written."""
    sizes = 0
    for path in store.glob("trials/*/*.jsonl"):
        with suppress(OSError):
            sizes += path.stat().st_size
    return sizes


def kill(engine: int, mark: str, whom: str, tally: Tally) -> None:
    """Kills some of a study's processes and waits for what must die with them."""
    server = next((process for process in children(engine) if "shoestring.runners.server" in " ".join(cmdline(process))), None)
    workers = children(server.pid) if server else []
    chosen = {
        "engine": [engine],
        "worker": [process.pid for process in workers[:1]],
        "server": [server.pid] if server else [],
        "engine and worker": [engine, *(process.pid for process in workers[:1])],
        "engine and server": [engine, *([server.pid] if server else [])],
        "all": [process.pid for process in marked(mark)],
    }[whom]
    doomed = {"engine": list(marked(mark)), "server": [*([server] if server else []), *workers]}
    killed = 0
    for pid in chosen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed = 1
    tally.kills[whom] += killed
    if engine in chosen:
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, engine, os.WEXITED | os.WNOWAIT)
        await_end_of([process for process in doomed["engine"] if process.pid != engine], tally)
    elif whom == "server":
        await_end_of(doomed["server"], tally)


def await_end_of(processes: list[psutil.Process], tally: Tally) -> None:
    """Counts as orphans what is still there after a second."""
    began = time.monotonic()
    while alive := [process for process in processes if process.is_running() and status(process) != psutil.STATUS_ZOMBIE]:
        if time.monotonic() - began > 1.0:
            tally.orphans += len(alive)
            tally.troubles += [f"left over: {' '.join(cmdline(process))[:100]}" for process in alive]
            for process in alive:
                with suppress(psutil.Error):
                    process.kill()
            break
        time.sleep(0.005)
    tally.slowest_death_s = max(tally.slowest_death_s, time.monotonic() - began)


def compare(mode: str, store: Path, expected: tuple[object, ...], tally: Tally) -> None:
    """Holds what the trials wrote down against what store and ledger hold."""
    try:
        run = Run.read(store)
    except Exception as error:
        tally.troubles.append(f"{mode}: the store does not open: {error}")
        return
    begun, reported = Counter(dict(recorded(store, "begun"))), list(recorded(store, "reported"))
    charged: Counter[int] = Counter()
    for row in run.ledger:
        if row["trial_id"] is not None:
            charged[row["trial_id"]] += row["units"]
    tally.open_leases = sum(row["outcome"] is None for row in run.ledger)
    leases = sorted((row["trial_id"], row["opened_at"], row["closed_at"]) for row in run.ledger if row["trial_id"] is not None)
    twice = [trial for (trial, _, closed), (other, opened, _) in pairwise(leases) if trial == other and opened < closed]
    tally.troubles += [f"{mode}: two leases at once of trial {trial}" for trial in twice]
    tally.units_begun, tally.units_charged = sum(begun.values()), sum(charged.values())
    tally.charged_before_begun, tally.uncharged = sum((charged - begun).values()), sum((begun - charged).values())
    stored = {(row["trial_id"], row["unit"], float(json.loads(row["metrics"])["loss"])) for row in run.observations}
    tally.reported, tally.lost_reports = len(reported), sum(report not in stored for report in reported)
    if mode != "process, 2 workers" and answer_of(store) != expected:
        tally.other_answers = 1
        tally.troubles.append(f"{mode}: {answer_of(store)} in place of {expected}")


def recorded(store: Path, name: str) -> Iterator[tuple[int, ...]]:
    """Yields for ``begun`` each trial and how many units it began, for ``reported`` each trial, unit and value."""
    for path in sorted(store.glob(f"trials/*/scratch/{name}")):
        trial, lines = int(path.parent.parent.name), path.read_text().splitlines()
        if name == "begun":
            yield trial, len(lines)
        else:
            yield from ((trial, *json.loads(line)) for line in lines)


def answer_of(store: Path) -> tuple[object, ...]:
    """Returns the best trial, its configuration, value and unit, and how many trials there are."""
    run = Run.read(store)
    trial, value, unit = run.ranked()[0]
    return trial.id, tuple(trial.config.items()), value, unit, len(run.trials)


def marked(mark: str) -> Iterator[psutil.Process]:
    """Yields the living processes that carry a mark."""
    wanted = f"{MARK}={mark}".encode()
    for entry in os.listdir("/proc"):
        with suppress(OSError, psutil.Error):
            if entry.isdigit() and wanted in Path("/proc", entry, "environ").read_bytes():
                yield psutil.Process(int(entry))


def children(pid: int) -> list[psutil.Process]:
    """Returns the children of a process, none if it is gone."""
    with suppress(psutil.Error):
        return psutil.Process(pid).children()
    return []


def cmdline(process: psutil.Process) -> list[str]:
    """Returns the arguments of a process, none if it is gone."""
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def status(process: psutil.Process) -> str:
    """Returns the state of a process; one that is gone counts as a zombie."""
    with suppress(psutil.Error):
        return process.status()
    return psutil.STATUS_ZOMBIE


if __name__ == "__main__":
    main()
