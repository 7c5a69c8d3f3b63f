"""Which optimizers differ on DeepOBS (10 seeds each), what the answer costs, and what a test at the fixed number of seeds says.

    python benchmarks/deepobs.py ../shared/bench [--out benchmarks/deepobs.json]

The stored learning curves are replayed through ``shoestring.compare`` as if they were trained now; the k-th seed of a study is the k-th
stored one. The fixed-n answer is the paired t-test on all 10 seeds, without any look before.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

import shoestring as ss
from shoestring.questions.compare.strategy import seed_of

ALPHA = 0.05


def curves_of(table, problem):
    """Returns metric, goal and, by optimizer, the curves of its 10 seeds, ``(10, epochs)``, in the order of their seeds."""
    metrics = list(table["metric"])
    of_problem = table["problem"] == problem
    metric = "test_accuracy" if np.isfinite(table["curves"][of_problem, metrics.index("test_accuracy"), 0]).any() else "test_loss"
    found = {}
    for optimizer in np.unique(table["optimizer"][of_problem]):
        own = of_problem & (table["optimizer"] == optimizer)
        rates, counts = np.unique(table["lr"][own], return_counts=True)
        rows = np.flatnonzero(own & (table["lr"] == rates[counts.argmax()]))
        rows = rows[np.argsort(table["seed"][rows])]
        length = int(table["n_points"][rows].min())
        found[str(optimizer).removesuffix("Optimizer")] = table["curves"][rows, metrics.index(metric), :length]
    return metric, "max" if metric == "test_accuracy" else "min", found


def replay(metric, goal, curves, **changes):
    """Returns the answer of a comparison of these arms."""
    n_seeds, horizon = next(iter(curves.values())).shape
    place = {seed_of(0, nth): nth for nth in range(n_seeds)}

    def curve(config, seed):
        return [{metric: float(value)} for value in curves[config["optimizer"]][place[seed]]]

    arms = {name: {"optimizer": name} for name in curves}
    budget = f"{n_seeds * horizon * len(arms)} epochs"
    settings = {"metric": metric, "goal": goal, "budget": budget, "seeds": n_seeds, "horizon": horizon, "runner": "replay"}
    return ss.compare(arms, curve, store=":memory:", **(settings | changes))


def main() -> None:
    """Prints the table and keeps it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    rows = []
    for path in sorted(options.tables.glob("deepobs*.npz")):
        table = np.load(path)
        for problem in np.unique(table["problem"]):
            metric, goal, curves = curves_of(table, problem)
            n_seeds, horizon = next(iter(curves.values())).shape
            for first, second in combinations(curves, 2):
                found = replay(metric, goal, {first: curves[first], second: curves[second]}).finding
                diffs = curves[first][:, -1] - curves[second][:, -1]
                p_fixed = float(stats.ttest_1samp(diffs, 0.0).pvalue)
                rows.append(
                    {
                        "problem": str(problem), "metric": metric, "arms": [first, second], "better": found.better, "seeds": found.n,
                        "of": n_seeds, "difference": found.headline.difference, "interval": found.headline.interval, "p": found.headline.p,
                        "fixed_mean": float(diffs.mean()), "fixed_p": p_fixed, "fixed_says": p_fixed <= ALPHA, "stopped": found.stopped,
                    }
                )  # fmt: skip
            race = replay(metric, goal, curves)
            share = race.spent.units / (len(curves) * n_seeds * horizon)
            about = {"problem": str(problem), "metric": metric, "arms": list(curves), "stopped": race.finding.stopped}
            rows.append(about | {"better": race.finding.better, "surviving": race.finding.surviving, "share_of_full_price": share})
    for row in rows:
        print(json.dumps(row))
    options.out.write_text(
        json.dumps({"command": "benchmarks/deepobs.py ../shared/bench", "rows": rows}, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
