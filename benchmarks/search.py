"""Compares searches on tables of finished training runs: the regret after 5, 10, 20 and 50 full trainings.

    python benchmarks/search.py /work/shared/bench [--seeds 20] [--methods ours-async-tpe,optuna-tpe] [--out benchmarks/search.json]

Every method works on the same tasks with the same seeds and budgets, one trial at a time, paying by the unit. What it has found at a price is the
lowest validation loss it has seen at any unit of any trial for at most that price; the regret is that loss's distance from the
table's best, in units of the distance from the median final loss to the best. Each run is read on two clocks: *resume* (from unit a
to unit b costs b - a) and *restart* (it costs b). Runs that the JSON file has already are not run again, unless by ``--fresh`` or
because the method's version is another.
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
from pathlib import Path

import numpy as np
import tasks
from tasks import Meter, Spent, Task

TRAININGS = (5, 10, 20, 50)
N_BOOTSTRAP = 10_000

# name: (module.function, its distribution, the clock the tool works on as it is)
METHODS = {
    "random": ("peers.random_search.run", "numpy", "resume"),
    "optuna-tpe": ("peers.optuna_tpe.tpe", "optuna", "resume"),
    "optuna-tpe-hyperband": ("peers.optuna_tpe.tpe_hyperband", "optuna", "resume"),
    "syne-tune-asha": ("peers.syne_tune_asha.asha", "syne-tune", "resume"),
    "syne-tune-asha-bore": ("peers.syne_tune_asha.asha_bore", "syne-tune", "resume"),
    "syne-tune-asha-cqr": ("peers.syne_tune_asha.asha_cqr", "syne-tune", "resume"),
    "syne-tune-bohb": ("peers.syne_tune_asha.bohb", "syne-tune", "resume"),
    "smac-hyperband": ("peers.smac_hyperband.run", "smac", "restart"),
    "dehb": ("peers.dehb_dehb.run", "DEHB", "restart"),
}


def regrets(run: Callable[[Meter, int], None], task: Task, seed: int) -> dict[str, list[float]]:
    """Runs a method once and returns its regret at each budget on each clock."""
    meter = Meter(task, max(TRAININGS) * task.horizon)
    np.random.seed(seed)  # noqa: NPY002 - some peers draw from the global generator
    try:
        run(meter, seed)
    except Spent:
        pass
    return {clock: [task.regret(meter.best(n * task.horizon, resume=clock == "resume")) for n in TRAININGS] for clock in ("resume", "restart")}


def interval(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float]:
    """Returns mean and 95% bootstrap interval over the seeds of a ``(n_tasks, n_seeds)`` array, tasks weighing the same.

    Seeds are drawn anew within each task: the interval speaks of other seeds on these tasks, not of other tasks.
    """
    n_tasks, n_seeds = values.shape
    drawn = rng.integers(n_seeds, size=(N_BOOTSTRAP, n_tasks, n_seeds))
    means = values[np.arange(n_tasks)[:, None], drawn].mean(axis=(1, 2))
    low, high = np.quantile(means, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def summary(runs: list[dict[str, dict[str, list[float]]]], families: dict[str, str], clock: str) -> dict[str, list[list[float]]]:
    """Returns, for every task, every family and all tasks, ``(mean, low, high)`` at each budget."""
    groups = {name: [name] for name in families}
    for family in dict.fromkeys(families.values()):
        groups[f"[{family}]"] = [name for name, its in families.items() if its == family]
    groups["[all]"] = list(families)
    rng = np.random.default_rng(0)
    arrays = {name: np.array([seed[name][clock] for seed in runs]) for name in families}
    return {group: [list(interval(np.array([arrays[n][:, i] for n in names]), rng)) for i in range(len(TRAININGS))] for group, names in groups.items()}


def show(results: dict) -> None:
    methods = results["methods"]
    for group in next(iter(methods.values()))["summary"]["resume"]:
        print(f"\n{group}: regret (95% interval over seeds) after full trainings")
        print(f"{'method':34}{'clock':9}" + "".join(f"{n:>22}" for n in TRAININGS))
        for name, method in methods.items():
            for clock in ("resume", "restart"):
                cells = method["summary"][clock][group]
                if clock == "restart" and cells == method["summary"]["resume"][group]:
                    continue
                mark = "*" if clock == method["clock"] else ""
                print(f"{name:34}{clock + mark:9}" + "".join(f"{m:9.4f} ({low:.4f}-{high:.4f})" if m < 10 else "" for m, low, high in cells))
    print("\n* the clock the tool works on as it is; stop-type tools never train anything twice, so both are one.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", type=Path, help="the folder of the tables")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--fresh", action="store_true", help="run again what --out has already")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")

    chosen = tasks.load(arguments.tables)
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {"trainings": TRAININGS, "methods": {}}
    for name in arguments.methods.split(","):
        target, distribution, clock = METHODS[name]
        version = f"{distribution} {importlib.metadata.version(distribution)}"
        kept = results["methods"].get(name, {})
        runs = kept["runs"][: arguments.seeds] if kept.get("version") == version and not arguments.fresh else []
        module, _, function = target.rpartition(".")
        run = getattr(importlib.import_module(module), function)
        for seed in range(len(runs), arguments.seeds):
            start = time.perf_counter()
            runs.append({task.name: regrets(run, task, seed) for task in chosen})
            print(f"{name:34} seed {seed:3} {time.perf_counter() - start:8.1f} s", file=sys.stderr, flush=True)
            results["methods"][name] = {"version": version, "command": " ".join(sys.argv), "clock": clock, "runs": runs}
            arguments.out.write_text(json.dumps(results))
    for method in results["methods"].values():
        method["summary"] = {clock: summary(method["runs"], {task.name: task.family for task in chosen}, clock) for clock in ("resume", "restart")}
    arguments.out.write_text(json.dumps(results))
    show(results)


if __name__ == "__main__":
    main()
