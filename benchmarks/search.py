"""Compares searches on tables of finished training runs: the regret after 5, 10, 20 and 50 full trainings.

    python benchmarks/search.py PATH/TO/TABLES [--seeds 20] [--methods ours-async-hyperband-kde,optuna-tpe] [--out benchmarks/search.json]

Every method works on the same tasks with the same seeds and budgets, one trial at a time, paying by the unit. What it has found at a
price is the lowest validation loss it has seen at any unit of any trial for at most that price; the regret is that loss's distance from the
table's best, in units of the distance from the median final loss to the best. Each run is read on two clocks: *resume* (from unit a
to unit b costs b - a) and *restart* (it costs b). Runs that the JSON file has already are not run again, unless by ``--fresh`` or
because the method's version or the tasks are others. ``--engine`` runs ours through the whole engine rather than a short loop, which has to
give the same decisions and takes several times as long.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tasks
from numpy.typing import NDArray
from tasks import Meter, Spent, Task

TRAININGS = (5, 10, 20, 50)
N_SEEDS = 20
N_BOOTSTRAP = 10_000
CLOCKS = ("resume", "restart")

Regrets: TypeAlias = dict[str, dict[str, list[float]]]  # task, clock, one for each of TRAININGS

OURS = [
    *((scheduler, sampler) for scheduler in ("async-hyperband", "hyperband") for sampler in ("random", "screened", "kde", "cma-es", "tpe")),
    ("one-step", "random"),
    ("fixed", "screened"),
    ("fixed", "kde"),
]
# name: (module.function, its distribution, the clock the tool works on as it is)
METHODS = {
    **{f"ours-{scheduler}-{sampler}": ("ours.run", "shoestring", "resume") for scheduler, sampler in OURS},
    "random": ("peers.random_search.run", "numpy", "resume"),
    "optuna-tpe": ("peers.optuna_tpe.tpe", "optuna", "resume"),
    "optuna-tpe-hyperband": ("peers.optuna_tpe.tpe_hyperband", "optuna", "resume"),
    "syne-tune-asha": ("peers.syne_tune_asha.asha", "syne-tune", "resume"),
    "syne-tune-asha-bore": ("peers.syne_tune_asha.asha_bore", "syne-tune", "resume"),
    "syne-tune-asha-cqr": ("peers.syne_tune_asha.asha_cqr", "syne-tune", "resume"),
    "syne-tune-bohb": ("peers.syne_tune_asha.bohb", "syne-tune", "resume"),
    "dehb": ("peers.dehb_dehb.run", "DEHB", "restart"),
    "smac-hyperband": ("peers.smac_hyperband.run", "smac", "restart"),
}


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, help="a folder of tables, or one of them")
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--engine", action="store_true", help="run ours through the whole engine")
    parser.add_argument("--fresh", action="store_true", help="run again what --out has already")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    chosen = tasks.load(options.tables)
    families = {task.name: task.family for task in chosen}
    results = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    if results.get("tasks") != families:
        results = {"trainings": TRAININGS, "tasks": families, "methods": {}}
    for name in options.methods.split(","):
        version, clock = _version(name), METHODS[name][2]
        kept = results["methods"].get(name, {})
        runs = kept["runs"][: options.seeds] if kept.get("version") == version and not options.fresh else []
        for seed in range(len(runs), options.seeds):
            start = time.perf_counter()
            runs.append({task.name: regrets(_function(name, engine=options.engine), task, seed) for task in chosen})
            print(f"{name:34} seed {seed:3} {time.perf_counter() - start:8.1f} s", file=sys.stderr, flush=True)
            results["methods"][name] = {"version": version, "clock": clock, "runs": runs, "summary": summary(runs, families)}
            results["methods"] = {known: results["methods"][known] for known in METHODS if known in results["methods"]}
            options.out.write_text(json.dumps(results, separators=(",", ":")) + "\n", encoding="utf-8")
    show(results, options.seeds)


def regrets(run: Callable[[Meter, int], None], task: Task, seed: int) -> dict[str, list[float]]:
    """Runs a method once and returns its regret at each budget on each clock."""
    meter = Meter(task, max(TRAININGS) * task.horizon)
    np.random.seed(seed)  # some peers draw from the global generator
    with suppress(Spent):
        run(meter, seed)
    return {clock: [round(task.regret(meter.best(n * task.horizon, resume=clock == "resume")), 6) for n in TRAININGS] for clock in CLOCKS}


def summary(runs: list[Regrets], families: dict[str, str]) -> dict[str, dict[str, list[list[float]]]]:
    """Returns, on each clock, for every task, every family and all tasks, ``[mean, low, high]`` at each budget."""
    groups = {name: [name] for name in families}
    for family in dict.fromkeys(families.values()):
        groups[f"[{family}]"] = [name for name, its in families.items() if its == family]
    groups["[all]"] = list(families)
    return {
        clock: {group: interval(np.array([[run[n][clock] for run in runs] for n in names])) for group, names in groups.items()}
        for clock in CLOCKS
    }


def interval(values: NDArray[np.float64]) -> list[list[float]]:
    """Returns ``[mean, low, high]`` for each budget: the mean and its 95% bootstrap interval over seeds, tasks weighing the same.

    Seeds are drawn anew within each task: the interval speaks of other seeds on these tasks, not of other tasks.

    Args:
        values: ``(n_tasks, n_seeds, n_budgets)``.
    """
    n_tasks, n_seeds, n_budgets = values.shape
    rng = np.random.default_rng(0)
    means = np.zeros((N_BOOTSTRAP, n_budgets))
    for task in values:
        times = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=N_BOOTSTRAP)  # how often each seed is drawn
        means += times @ task / n_seeds / n_tasks
    bounds = np.quantile(means, (0.025, 0.975), axis=0)
    return [[round(float(x), 6) for x in row] for row in np.vstack([values.mean(axis=(0, 1)), bounds]).T]


def show(results: dict[str, Any], n_seeds: int) -> None:
    """Prints a table for each task, each family and all tasks."""
    methods = results["methods"]
    for group in next(iter(methods.values()))["summary"]["resume"]:
        print(f"\n{group}: regret (95% interval over seeds) after full trainings")
        print(f"{'method':31}{'seeds':>6} {'clock':9}" + "".join(f"{n:>20}" for n in TRAININGS))
        for name, method in methods.items():
            n = len(method["runs"])
            for clock in CLOCKS:
                cells = method["summary"][clock][group]
                if clock == "restart" and cells == method["summary"]["resume"][group]:
                    continue
                mark = "*" if clock == method["clock"] else ""
                shown = "".join(f"  {mean:.3f} ({low:.3f}-{high:.3f})" for mean, low, high in cells)
                print(f"{name:31}{n:>5}{'!' if n < n_seeds else ' '} {clock + mark:9}{shown}")
    print(f"\n* the clock the tool works on as it is; one line where nothing is trained twice.  ! fewer than {n_seeds} seeds")


def _function(name: str, *, engine: bool) -> Callable[[Meter, int], None]:
    module, _, function = METHODS[name][0].rpartition(".")
    if module != "ours":
        found: Callable[[Meter, int], None] = getattr(importlib.import_module(module), function)
        return found
    scheduler, sampler = next(pair for pair in OURS if name == "ours-" + "-".join(pair))
    return partial(getattr(importlib.import_module(module), "run_engine" if engine else "run"), scheduler=scheduler, sampler=sampler)


def _version(name: str) -> str:
    distribution = METHODS[name][1]
    return f"{distribution} {importlib.metadata.version(distribution)}"


if __name__ == "__main__":
    main()
