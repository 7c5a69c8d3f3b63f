"""The claims of the paper and of later work, each with the ablation or the null under which it must not hold.

What decides is the accuracy on the other training seed and on test images. An interval speaks of other searches on this table, not of
other spaces. That all nine comparisons with random search hold needs no correction: it is claimed only where each of them does.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from shoestring import Answer, Claim, Ruling, UsageError, compare
from shoestring.answer import Status
from shoestring.budget import Budget, Cost
from shoestring.claim import Asks, Rule, better, equivalent
from shoestring.systems.nas_rl.missing import Missing
from shoestring.systems.nas_rl.table import nasbench201
from shoestring.systems.nas_rl.training import QUERIES

SEEDS = 50
WITHIN = 0.01  # one percentage point of accuracy
_TRAINING = "shoestring.systems.nas_rl.training"
_PAPER = "12,800 children of 50 epochs on 800 GPUs"

_searches = partial(compare, train=f"{_TRAINING}:train", goal="max", seeds=SEEDS, unit="hundred queries", runner="inline")
_gate = partial(compare, train=f"{_TRAINING}:gate", goal="max", seeds=SEEDS, runner="inline")


def _beats_random(k: int, n: int, budget: str) -> Claim:
    question = partial(_searches, metric=f"top{k}", horizon=n // QUERIES)
    arms = {method: {"method": method} for method in ("policy-gradient", "random")}
    return Claim(
        name=f"beats-random-top{k}-n{n}",
        statement=f"After {n} queries, the best {k} children that the policy gradient found are better than those of random search.",
        source="section 4.3, figure 6 (recurrent cells there)",
        question=partial(question, arms),
        budget=budget,
        rule=better("policy-gradient"),
        control=partial(question, {name: {**arm, "shuffled": True} for name, arm in arms.items()}),
        paper_cost=_PAPER,
    )
