"""A study that was interrupted at any decision decides from there on as if it had not been: every sampler, scheduler and question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import pytest

from shoestring.budget import Budget
from shoestring.engine.journal import Journal
from shoestring.engine.launch import make_strategy
from shoestring.engine.ledger import Ledger
from shoestring.engine.study import Study
from shoestring.questions.compare.question import Arm, Compare
from shoestring.questions.largest.question import Largest
from shoestring.questions.scale.question import Scale
from shoestring.questions.search.question import Search
from shoestring.runners.replay import ReplayRunner
from shoestring.samplers import SAMPLERS
from shoestring.schedulers import NAMES
from shoestring.space import Choice, Int, Space
from shoestring.store import schema
from shoestring.store.store import Store

pytestmark = pytest.mark.slow

SPACE = Space({"x": Int(0, 3, default=1), "k": Choice(["a", "b"])})
SEARCH = Search("t", SPACE, "loss", "min", 9)
A, B, C = Arm("a", {"x": 0.0}), Arm("b", {"x": 0.2}), Arm("c", {"x": 2.0})
COMPARE = Compare("t", (A, B), "loss", "min", 3)
EVERY = {"gp": 60, "tpe": 25, "policy-gradient": 25, "cma-es": 20, "evolution": 9, "kde": 9, "screened": 20, "ablation": 9, "compare": 3}

SEARCHES = {
    f"{sampler} {scheduler}": replace(SEARCH, sampler=sampler, scheduler=scheduler)
    for sampler, scheduler in product(sorted(SAMPLERS), NAMES)
}
OTHERS = {
    "grid of one": replace(SEARCH, space=Space({"x": Choice([3])}), default=None, sampler="grid"),
    "random, few trials": replace(SEARCH, n_trials=4, horizon=1),
    "compare": COMPARE,
    "compare, fixed": replace(COMPARE, seeds=8),
    "compare, for ever": replace(COMPARE, seeds="open"),
    "compare, extended": replace(COMPARE, seeds=4, reserve=12),
    "compare, repeats": replace(COMPARE, arms=(A, replace(B, repeats=3)), seeds=5),
    "compare, a stated value": replace(COMPARE, arms=(A, Arm("published", value=0.5)), seeds=8),
    "race": replace(COMPARE, arms=(A, B, C), seeds=8),
    "pick": replace(COMPARE, arms=(A, B, C), mode="pick", seeds=8),
    "ablation": replace(COMPARE, arms=(A, B, C), mode="ablation", full="a", seeds=8),
    "scale": Scale("t", "x", (1, 2, 4, 8, 16), "loss", "min", horizon=2),
    "largest": Largest("t", "x", "loss", "min", 4.0, 4, horizon=2, max_trials=20),
    "largest, proved": Largest("t", "x", "loss", "min", 4.0, 4, horizon=2, max_trials=20, strict=True),
}


def curve(config, seed):
    """Losses that the seed moves; one trial in nine diverges, and one in seven ends early."""
    rng = np.random.default_rng([seed, 1])
    level, length = float(config["x"]) + rng.normal() / 4, 2 if seed % 7 == 3 else 9
    losses = [level + 1 / unit for unit in range(1, length + 1)]
    return [{"loss": float("nan") if seed % 9 == 5 and unit == 1 else loss} for unit, loss in enumerate(losses)]


@dataclass
class Recorded:
    """A strategy whose every ask, tell and settling is recorded, the asks that gave nothing too."""

    strategy: object
    log: list = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.strategy, name)

    def ask(self):
        order = self.strategy.ask()
        self.log.append(("ask", order))
        return order

    def tell(self, observation):
        self.log.append(("tell", observation))
        self.strategy.tell(observation)

    def settle(self, n):
        self.log.append(("settle", n))
        self.strategy.settle(n)


@dataclass
class Prefix:
    """What a store holds after the first ``n`` decisions."""

    store: Store
    n: int
    folder: str = "run"

    def reading(self):
        return nullcontext()

    def noted(self, key):
        return self.store.noted(key)

    def rows(self, table):
        decided = self.store.rows(schema.decisions)[: self.n]
        started = {row["trial_id"] for row in decided if row["kind"] == "start"}
        key = "id" if table is schema.trials else "trial_id"
        return decided if table is schema.decisions else [row for row in self.store.rows(table) if row[key] in started]


def played(question, store, workers, pilot=False) -> list:
    """Runs a whole study; returns what its strategy was asked and told."""
    runner = ReplayRunner(curve, workers)
    ledger = Ledger(store, Budget("150 epochs"), clock=runner.now, rates=runner.rates, slots=workers)
    strategy = Recorded(make_strategy(question, store, pilot=pilot))
    Study(question, strategy, runner, store, ledger, pilot=float("inf") if pilot else None).run()
    return strategy.log


def continued(strategy, log) -> Iterator[tuple[str, object]]:
    """Asks and tells a strategy what another was asked and told, and yields what it answers."""
    for kind, value in log:
        if kind == "ask":
            yield kind, strategy.ask()
        else:
            getattr(strategy, kind)(value)
            yield kind, value


def check_prefixes(name, question, workers=3) -> None:
    every = EVERY.get(name.split()[0].strip(","), 1)
    with closing(Store.in_memory()) as store:
        log = played(question, store, workers)
        at = [i for i, (_, value) in enumerate(log) if value is not None]  # one entry a stored decision
        assert len(at) == len(store.rows(schema.decisions)) > 3
        for n in range(len(at) % every, len(at) + 1, every):
            stored = Prefix(store, n)
            strategy = make_strategy(question, stored)

            Journal(question, strategy, stored, print).restore()

            rest = log[at[n - 1] + 1 if n else 0 :]
            assert list(continued(strategy, rest)) == rest, f"interrupted after decision {n} of {len(at)}"


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search(name):
    if name.startswith("gp"):
        pytest.importorskip("torch")
    check_prefixes(name, SEARCHES[name])


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_question(name):
    check_prefixes(name, OTHERS[name])


@pytest.mark.parametrize(("played_as", "resumed_as"), [({"pilot": True}, {}), ({}, {"extended": True})])
def test_what_a_pilot_or_a_study_decided_is_decided_again_by_what_follows_it(played_as, resumed_as):
    question = OTHERS["compare, extended"]
    with closing(Store.in_memory()) as store:
        played(question, store, 3, **played_as)
        for n in range(len(store.rows(schema.decisions)) + 1):
            stored = Prefix(store, n)

            Journal(question, make_strategy(question, stored, **resumed_as), stored, print).restore()
