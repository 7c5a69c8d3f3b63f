"""A stored run, read without disturbing whoever is working on it: for status, report and export."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from shoestring.budget import RESOURCES, Budget, Cost
from shoestring.engine.naming import name_of
from shoestring.errors import NotARun
from shoestring.questions.kinds import kind_of, question_of
from shoestring.questions.protocol import Question
from shoestring.runners.arms import Arms, from_plain
from shoestring.store import schema
from shoestring.store.integrity import making_sense
from shoestring.store.protocol import Row
from shoestring.store.store import Store
from shoestring.values.finding import Finding
from shoestring.values.orders import Config, Observation, Purpose, Start


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """One trial of a stored run.

    Attributes:
        curve: metrics by unit; where a unit was trained twice, what was reported first.
    """

    id: int
    config: Config
    seed: int
    arm: str
    purpose: Purpose
    state: str
    error: Mapping[str, Any] | None
    curve: dict[int, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A stored run.

    Attributes:
        folder: where it lies.
        question: what was asked.
        budget: the limits, as last given.
        request: target, runner, prices and the like, as last given.
        trials: all trials, in the order of starting.
        ledger: all rows, in the order of their tokens.
        observations: all rows, repeated units included.
        decisions: all rows, in the order in which they were made.
        extended: whether the planned extension of a comparison is under way.
        ended: how the study ended, as it was recorded then; None if it may continue.
    """

    folder: Path
    question: Question
    budget: Budget
    request: Mapping[str, Any]
    trials: tuple[StoredTrial, ...]
    ledger: tuple[Row, ...]
    observations: tuple[Row, ...]
    decisions: tuple[Row, ...]
    extended: bool
    ended: Mapping[str, Any] | None

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Reads a run.

        Raises:
            StoreError: the folder holds no run, or one that cannot be read.
        """
        store = Store.read(folder)
        try:
            with store.reading():
                asked, request = store.noted("question"), store.noted("request")
                if asked is None or request is None:
                    raise NotARun(f"{folder} holds a run that never began. Run its command again.")
                trials = {row["id"]: _trial(row) for row in store.rows(schema.trials)}
                observations = store.rows(schema.observations)
                for row in sorted(observations, key=lambda row: -row["token"]):
                    trials[row["trial_id"]].curve[row["unit"]] = {name: float(value) for name, value in json.loads(row["metrics"]).items()}
                for trial in trials.values():
                    in_order = sorted(trial.curve.items())
                    trial.curve.clear()
                    trial.curve.update(in_order)
                return cls(
                    folder,
                    _as_run(question_of(asked), request["target"]),
                    Budget(*request["budget"], unit=asked["unit"]),
                    request,
                    tuple(trials.values()),
                    tuple(store.rows(schema.leases)),
                    tuple(observations),
                    tuple(store.rows(schema.decisions)),
                    bool(store.noted("extended")),
                    store.noted("ended"),
                )
        finally:
            store.close()

    @cached_property
    def finding(self) -> Finding:
        """What the stored results come to."""
        with making_sense(self.folder):
            tally = kind_of(self.question).tally(self.question, self.extended)
            trials = {trial.id: trial for trial in self.trials}
            for row in self.decisions:
                if row["kind"] == "start":
                    trial = trials[row["trial_id"]]
                    tally.started(Start(trial.id, trial.config, row["unit"], trial.seed, trial.arm, trial.purpose))
                elif row["kind"] == "horizon":
                    tally.settle(row["unit"])
                elif row["kind"] in ("tell", "ended"):
                    loss = math.inf if row["loss"] is None else row["loss"]
                    tally.tell(Observation(row["trial_id"], row["unit"], loss, row["kind"] == "ended"))
            return tally.finding("the budget is spent" if self.ended else "")

    def best_of(self, trial: StoredTrial) -> tuple[float, int] | None:
        """Returns the best finite value of the metric in a trial and the unit where it was seen, or None."""
        values = [
            (value, unit) for unit, metrics in trial.curve.items() if math.isfinite(value := metrics.get(self.question.metric, math.nan))
        ]
        if not values:
            return None
        return min(values) if self.question.goal == "min" else max(values, key=lambda pair: (pair[0], -pair[1]))

    def ranked(self) -> list[tuple[StoredTrial, float, int]]:
        """Returns the trials that showed anything, with their best value and its unit, the best first; not the confirming ones."""
        shown = [(trial, *best) for trial in self.trials if trial.purpose == "useful" and (best := self.best_of(trial))]
        return sorted(shown, key=lambda entry: (self.question.loss(entry[1]), entry[0].id))

    def spent(self) -> Cost:
        """Returns the sum of the ledger."""
        return sum((cost_of(row) for row in self.ledger), Cost())

    def by_outcome(self) -> dict[str, tuple[int, Cost]]:
        """Returns for each outcome how many leases had it and what they cost together; open leases count as ``running``."""
        sums: dict[str, tuple[int, Cost]] = {}
        for row in self.ledger:
            outcome = row["outcome"] or "running"
            n, cost = sums.get(outcome, (0, Cost()))
            sums[outcome] = (n + 1, cost + cost_of(row))
        return sums

    def n_begun(self) -> int:
        """Returns how many trials were begun."""
        return len({row["trial_id"] for row in self.ledger if row["trial_id"] is not None and row["units"]})


def _as_run(question: Question, target: Any) -> Question:
    """Returns a question with the names of what would be run: the request's target is the one that counts, and the one that is shown."""
    if target is None:
        return question
    loaded = from_plain(target)
    members = loaded.members if isinstance(loaded, Arms) else {}
    named = replace(question, target=name_of(loaded))  # type: ignore[type-var]  # every question is a dataclass
    return kind_of(named).with_targets(named, {arm: name_of(member) for arm, member in members.items()})  # type: ignore[no-any-return]


def cost_of(row: Row) -> Cost:
    """Returns the cost in a row of the ledger."""
    return Cost(*(row[name] for name in RESOURCES))


def _trial(row: Row) -> StoredTrial:
    return StoredTrial(
        row["id"],
        json.loads(row["config"]),
        row["seed"],
        row["arm"],
        row["purpose"],
        row["state"],
        row["error"] and json.loads(row["error"]),
    )
