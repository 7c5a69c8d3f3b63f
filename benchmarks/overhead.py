"""Measures what a report with its decision costs in Shoestring, in Optuna and in Syne Tune, once there are 100, 1,000 and 10,000 trials.

    python benchmarks/overhead.py [--repeats 3] [--out benchmarks/overhead.json]

Training takes no time here: a unit is one random loss, the horizon 9 units, one in three goes on at each rung. Shoestring is its front
door ``search`` with the inline runner, on disk and in memory: what is measured is everything between two reports, the lease, the ledger
and the event file included. Optuna is report and ``should_prune`` with its SuccessiveHalvingPruner, and ask and tell; Syne Tune is its
ASHA scheduler alone, which keeps nothing. Wall-clock time, of the ``WINDOW`` trials that follow the n-th; medians of the repeats, in turns.
Nothing is removed before the end: ext4 passes over each inode that was removed in the last five minutes before it gives out a new one.
Optuna's storages are filled by ``add_trial`` before the window. What would take too long is extrapolated along a straight line through
the two smaller sizes, and marked.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import sqlalchemy
from optuna.trial import TrialState
from syne_tune.backend.trial_status import Trial as SyneTuneTrial
from syne_tune.config_space import uniform
from syne_tune.optimizer.baselines import ASHA
from syne_tune.optimizer.scheduler import SchedulerDecision

import shoestring as ss

SIZES = (100, 1_000, 10_000)
WINDOW = 100
HORIZON, ETA = 9, 3


def ours(sizes: tuple[int, ...], store: str) -> dict[int, float]:
    """Returns seconds a report at each size, all from one study."""
    rng = np.random.default_rng(0)
    at: dict[int, float] = {}
    n_started = n_reports = 0
    marks: dict[int, tuple[float, int]] = {}

    def train(trial: ss.Trial) -> None:
        nonlocal n_started, n_reports
        for done in trial.steps():
            if done == 0:
                n_started += 1
                marks[n_started] = time.perf_counter(), n_reports
            n_reports += 1
            trial.report(loss=rng.random())

    n_trials = max(sizes) + WINDOW + 1
    ss.search(
        train,
        {"x": ss.Float(0, 1)},
        metric="loss",
        goal="min",
        budget=f"{HORIZON * n_trials} epochs",
        horizon=HORIZON,
        eta=ETA,
        n_trials=n_trials,
        scheduler="async-hyperband",
        sampler="random",
        runner="inline",
        store=store,
    )
    for n in sizes:
        (began, before), (ended, after) = marks[n], marks[n + WINDOW]
        at[n] = (ended - began) / (after - before)
    return at


def ours_on_disk(sizes: tuple[int, ...], folder: Path) -> dict[int, float]:
    """Returns seconds a report with the run kept in a folder."""
    return ours(sizes, str(folder / "run"))


def ours_in_memory(sizes: tuple[int, ...], folder: Path) -> dict[int, float]:
    """Returns seconds a report with nothing kept."""
    return ours(sizes, ":memory:")


def optuna_in_memory(sizes: tuple[int, ...], folder: Path) -> dict[int, float]:
    """Returns seconds a report with Optuna's default storage."""
    return _optuna(sizes, None)


def optuna_sqlite(sizes: tuple[int, ...], folder: Path) -> dict[int, float]:
    """Returns seconds a report with Optuna's SQLite storage."""
    return _optuna(sizes, f"sqlite:///{folder / 'optuna.db'}")


def optuna_journal(sizes: tuple[int, ...], folder: Path) -> dict[int, float]:
    """Returns seconds a report with Optuna's journal file."""
    return _optuna(sizes, optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))))


def _optuna(sizes: tuple[int, ...], storage: object) -> dict[int, float]:
    """Runs ``WINDOW`` trials at each size; an SQLite file does not wait for the disk while it is filled, and does while it is measured."""
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=ETA)
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    space = {"x": optuna.distributions.FloatDistribution(0, 1)}
    at = {}
    for n in sizes:
        _wait_for_disk(study, wait=False)
        for _ in range(n - len(study.get_trials(deepcopy=False))):
            # A trial that was pruned at the first rung, as two in three are.
            loss = float(rng.random())
            attrs = {"completed_rung_0": loss}
            study.add_trial(
                optuna.create_trial(
                    state=TrialState.PRUNED,
                    params={"x": 0.5},
                    distributions=space,
                    value=loss,
                    intermediate_values={1: loss},
                    system_attrs=attrs,
                )
            )
        _wait_for_disk(study, wait=True)
        n_reports, began = 0, time.perf_counter()
        for _ in range(WINDOW):
            trial = study.ask(space)
            for unit in range(1, HORIZON + 1):
                loss = float(rng.random())
                trial.report(loss, unit)
                n_reports += 1
                if trial.should_prune():
                    study.tell(trial, state=TrialState.PRUNED)
                    break
            else:
                study.tell(trial, loss)
        at[n] = (time.perf_counter() - began) / n_reports
    return at


def _wait_for_disk(study: optuna.Study, *, wait: bool) -> None:
    """Sets SQLite's ``synchronous`` for all connections of a study that is kept there, FULL being what it is without."""
    backend = getattr(study._storage, "_backend", None)
    if isinstance(backend, optuna.storages.RDBStorage):
        backend.engine.dispose()

        @sqlalchemy.event.listens_for(backend.engine, "connect")
        def _settings(connection: Any, _record: object) -> None:
            connection.execute(f"PRAGMA synchronous={'FULL' if wait else 'OFF'}")


def syne_tune(sizes: tuple[int, ...], folder: Path) -> dict[int, float]:
    """Returns seconds a report with Syne Tune's ASHA scheduler, without its back end."""
    scheduler = ASHA(
        {"x": uniform(0, 1)}, metric="loss", time_attr="unit", max_t=HORIZON, grace_period=1, reduction_factor=ETA, random_seed=0
    )
    rng = np.random.default_rng(0)
    marks, n_reports = {}, 0
    for trial_id in range(max(sizes) + WINDOW + 1):
        marks[trial_id] = time.perf_counter(), n_reports
        trial = SyneTuneTrial(trial_id, scheduler.suggest().config, datetime.datetime.now())
        scheduler.on_trial_add(trial)
        for unit in range(1, HORIZON + 1):
            n_reports += 1
            if scheduler.on_trial_result(trial, {"loss": float(rng.random()), "unit": unit}) == SchedulerDecision.STOP:
                break
    return {n: (marks[n + WINDOW][0] - marks[n][0]) / (marks[n + WINDOW][1] - marks[n][1]) for n in sizes}


# name: (how, the largest size that is measured)
MEASURED: dict[str, tuple[Callable[[tuple[int, ...], Path], dict[int, float]], int]] = {
    "shoestring, on disk": (ours_on_disk, 10_000),
    "shoestring, in memory": (ours_in_memory, 10_000),
    "optuna, SQLite": (optuna_sqlite, 1_000),
    "optuna, journal": (optuna_journal, 1_000),
    "optuna, in memory": (optuna_in_memory, 1_000),
    "syne-tune ASHA, scheduler alone": (syne_tune, 10_000),
}


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--largest", type=int, default=max(SIZES), help="measure nothing at more trials than this")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("syne_tune").setLevel(logging.ERROR)
    load = [os.getloadavg()[0]]
    taken: dict[str, dict[int, list[float]]] = {name: {} for name in MEASURED}
    with tempfile.TemporaryDirectory() as scratch:
        for repeat in range(options.repeats):
            for name, (measure, largest) in MEASURED.items():
                # The largest size is measured once: it takes as long as all else together.
                limit = min(options.largest, largest if repeat == 0 else 1_000)
                folder = Path(scratch) / f"{repeat} {name}"
                folder.mkdir()
                for n, seconds in measure(tuple(n for n in SIZES if n <= limit), folder).items():
                    taken[name].setdefault(n, []).append(seconds)
                print(
                    f"repeat {repeat}: {name} { {n: round(values[-1] * 1e3, 3) for n, values in taken[name].items()} } ms",
                    file=sys.stderr,
                    flush=True,
                )
    load.append(os.getloadavg()[0])
    seconds, extrapolated = _medians(taken)
    show(seconds, extrapolated, load)
    versions = {name: importlib.metadata.version(name) for name in ("shoestring", "optuna", "syne-tune")}
    result = {"command": ["benchmarks/overhead.py", *sys.argv[1:]], "versions": versions, "cores": os.cpu_count(), "load_average": load}
    result |= {"seconds_per_report": seconds, "extrapolated": extrapolated, "repeats": taken}
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _medians(taken: dict[str, dict[int, list[float]]]) -> tuple[dict[str, dict[int, float]], list[str]]:
    """Returns the medians by name and size, and the names whose largest size is on the line through the others."""
    seconds = {name: {n: statistics.median(values) for n, values in sizes.items()} for name, sizes in taken.items()}
    first, second, last = SIZES
    extrapolated = [name for name, at in seconds.items() if last not in at and MEASURED[name][1] < last]
    for name in extrapolated:
        at = seconds[name]
        at[last] = at[second] + max(0.0, at[second] - at[first]) * (last - second) / (second - first)
    return seconds, extrapolated


def show(seconds: dict[str, dict[int, float]], extrapolated: list[str], load: list[float]) -> None:
    """Prints milliseconds a report, and as multiples of ours on disk."""
    ours_at = seconds["shoestring, on disk"]
    print(f"{'ms a report (times shoestring on disk)':40}" + "".join(f"{n:>22,}" for n in SIZES) + "   largest / 1,000")
    for name, at in seconds.items():
        cells = []
        for n in at:
            mark = "~" if n == SIZES[-1] and name in extrapolated else " "
            cells.append(f"{at[n] * 1e3:.3f}" + (f" ({at[n] / ours_at[n]:.2f}x)" if n in ours_at else "") + mark)
        growth = f"{at[SIZES[2]] / at[SIZES[1]]:18.2f}" if SIZES[2] in at else ""
        print(f"{name:40}" + "".join(f"{cell:>22}" for cell in cells) + growth)
    print(f"~ extrapolated along a straight line. Load average of {os.cpu_count()} cores before and after: {load[0]:.1f}, {load[1]:.1f}")


if __name__ == "__main__":
    main()
