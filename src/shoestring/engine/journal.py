"""The journal of a study: what is known of every trial, and every decision about it, recorded as it is made.

A decision is an order that the strategy gave, or an observation that it was told. Making the stored ones again, in their order, brings a
new strategy to where the run stands.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from shoestring.cleaning import MOST, storable
from shoestring.errors import DifferentQuestion
from shoestring.questions.protocol import Question, Strategy
from shoestring.store import schema
from shoestring.store.protocol import Row
from shoestring.store.store import Store
from shoestring.values.orders import Config, Observation, Order, Purpose, Start

FAILURES_TO_GIVE_UP = 5  # if the first trials of a session all fail, the fault is not theirs
_SHOWN = 500  # characters of a message in a line for people
FAILURES_IN_A_ROW = 50  # nor if so many fail one after the other later on

WAITING = "waiting"  # it has an order and no lease
LIVE = "running"
PAUSED = "paused"
COMPLETE = "complete"
FINISHED = "finished"  # it returned early
DIVERGED = "diverged"
FAILED = "failed"
DROPPED = "dropped"  # it was ordered, and the search ended before any of it was run

_BARE = "bare"  # a note's key

_COLUMNS = ("id", "seed", "target", "arm", "purpose", "state", "checkpoint", "offset", "losses")


@dataclass
class TrialRecord:
    """What is known of one trial.

    Attributes:
        target: the unit it was last ordered to.
        checkpoint: unit of its newest checkpoint.
        offset: bytes of its event file that were read.
        losses: leases lost in a row without a new checkpoint.
        told: the last unit that the strategy was told of, and the loss there.
        redo: units that were paid for and kept by no checkpoint; if it goes on, they are trained again.
        arm: what of several things it trains.
        purpose: what its cost is booked as.
    """

    id: int
    config: Config
    seed: int
    target: int
    arm: str = ""
    purpose: Purpose = "useful"
    state: str = WAITING
    checkpoint: int = 0
    offset: int = 0
    losses: int = 0
    error: dict[str, Any] | None = None
    told: tuple[int, float] = (0, math.inf)
    redo: int = 0

    @property
    def has_order(self) -> bool:
        """Whether it is still to do what it was last ordered to do."""
        return self.state in (WAITING, LIVE)

    @property
    def begun(self) -> bool:
        """Whether anything of it was run."""
        return self.told[0] > 0 or self.state not in (WAITING, DROPPED)

    def row(self) -> Row:
        """Returns the trial as a row of the store."""
        plain = {name: getattr(self, name) for name in _COLUMNS}
        return plain | {"config": self._config_text, "error": self.error and json.dumps(self.error)}

    @cached_property
    def _config_text(self) -> str:
        return json.dumps(dict(self.config))


class Journal:
    """Keeps what is known of the trials of a study.

    Args:
        question: what is asked.
        strategy: a new one.
        store: where everything is recorded.
        say: takes a line for people.

    Attributes:
        trials: all trials by number.
    """

    def __init__(self, question: Question, strategy: Strategy, store: Store, say: Callable[[str], None]) -> None:
        self.trials: dict[int, TrialRecord] = {}
        self._question = question
        self._strategy = strategy
        self._store = store
        self._say = say
        self._changed: dict[int, TrialRecord] = {}
        self._seq = 0
        self._failures = 0  # in a row
        self._shown = False  # whether any trial showed a finite value
        self._bare: str | None = None  # what was said of trials that resume with nothing restored
        self._headline = ""  # of what was last said of progress

    @property
    def has_shown(self) -> bool:
        """Whether any trial has shown a finite value of the metric."""
        return self._shown

    @property
    def is_hopeless(self) -> bool:
        """Whether so many trials failed in a row that more of the same would be no use."""
        return self._failures >= (FAILURES_IN_A_ROW if self._shown else FAILURES_TO_GIVE_UP)

    def begun(self) -> list[TrialRecord]:
        """Returns the trials of which anything was run."""
        return [trial for trial in self.trials.values() if trial.begun]

    def next_order(self) -> Order | None:
        """Returns the strategy's next order, recorded, or None if there is none now."""
        order = self._strategy.ask()
        if order is None:
            return None
        if isinstance(order, Start):
            self.trials[order.trial_id] = self._new_trial(order)
        trial = self.trials[order.trial_id]
        trial.state, trial.target = WAITING, order.to
        self._write_down("start" if isinstance(order, Start) else "advance", trial.id, order.to)
        self.keep(trial)
        return order

    def settle(self, n: int) -> None:
        """Tells the strategy how many more seeds of each arm the budget pays for, and writes that down."""
        self._write_down("horizon", -1, n)
        self._strategy.settle(n)

    def keep(self, trial: TrialRecord) -> None:
        """Has a trial recorded at the next ``commit``."""
        self._changed[trial.id] = trial

    def commit(self) -> None:
        """Writes down all that has changed, together with what others have put into the store.

        Raises:
            StoreUnwritable: the disk is full or read-only.
        """
        for trial in self._changed.values():
            self._store.put(schema.trials, trial.row())
        self._changed.clear()
        self._store.commit()

    def observed(self, trial: TrialRecord, unit: int, value: float) -> None:
        """Tells the strategy the metric's value at a unit, unless it was told of one as late before."""
        if unit > trial.told[0]:
            self._tell(trial, Observation(trial.id, unit, self._question.loss(value)))

    def reached(self, trial: TrialRecord) -> None:
        """A trial has done what it was ordered to do; its last value stands for the unit it was ordered to."""
        unit, loss = trial.told
        if unit == 0:
            self.never_reported(trial, f"by {self._question.unit} {trial.target}, where the trial was to be judged")
            return
        trial.state = COMPLETE if trial.target >= self._question.horizon else PAUSED
        if unit < trial.target:
            self._tell(trial, Observation(trial.id, trial.target, loss))

    def finished(self, trial: TrialRecord) -> None:
        """A trial has returned early: its last value is final."""
        if trial.told[0] == 0:
            self.never_reported(trial, "before the trial returned")
        else:
            self._ended(trial, FINISHED, trial.told[1])

    def diverged(self, trial: TrialRecord, unit: int) -> None:
        """The metric of a trial was not finite: it ends there, as bad as can be."""
        self._ended(trial, DIVERGED, math.inf)
        self._say(f"trial {trial.id}: {self._question.metric} is not finite at {self._question.unit} {unit}; it ends there")

    def never_reported(self, trial: TrialRecord, when: str) -> None:
        """A trial has failed for want of a value to judge it by."""
        message = f"{self._question.metric!r} was not reported {when}; report it in every {self._question.unit}"
        self.failed(trial, "metric never reported", message)

    def failed(self, trial: TrialRecord, kind: str, message: str, traceback: str = "") -> None:
        """A trial has failed: it ends there, as bad as can be, with its error kept."""
        kind, message, traceback = storable(kind, 200), storable(message), storable(traceback, 2 * MOST)
        trial.error = {"type": kind, "message": message, "traceback": traceback}
        self._failures += 1
        self._ended(trial, FAILED, math.inf)
        last = [storable(line, _SHOWN) for line in traceback.splitlines() if line.strip()][-3:]
        self._say(f"trial {trial.id} failed: {kind}: {storable(message, _SHOWN)}" + "".join(f"\n    {line}" for line in last))

    def resumed_bare(self, trial: TrialRecord, unit: int, handed: bool) -> None:
        """A trial has resumed with nothing restored; the first time, this is told, and from then on it stands in the answer."""
        if self._bare is None:
            what = "nothing of what it handed to trial.steps() had changed" if handed else "it handed nothing to trial.steps()"
            self._bare = (
                f"Trial {trial.id} resumed at {self._question.unit} {unit} with nothing restored: {what}. "
                "If it trains anything, results after a pause are wrong. "
                "Hand in all that changes, as in trial.steps(net=net, opt=opt), or run without pauses: --scheduler fixed."
            )
            self._store.note(_BARE, self._bare)
            self._say(self._bare)

    def restore(self) -> None:
        """Reads the stored trials, and makes the stored decisions again.

        Raises:
            DifferentQuestion: this version decides otherwise.
        """
        for row in self._store.rows(schema.trials):
            known = {name: row[name] for name in _COLUMNS}
            error = row["error"] and json.loads(row["error"])
            self.trials[row["id"]] = TrialRecord(config=json.loads(row["config"]), error=error, **known)
        for row in self._store.rows(schema.decisions):
            self._seq = row["seq"]
            if row["kind"] in ("start", "advance"):
                self._order_again(row)
            elif row["kind"] == "horizon":
                self._strategy.settle(row["unit"])
            else:
                loss = math.inf if row["loss"] is None else row["loss"]
                self.trials[row["trial_id"]].told = (row["unit"], loss)
                self._shown |= math.isfinite(loss)
                self._strategy.tell(Observation(row["trial_id"], row["unit"], loss, row["kind"] == "ended"))
        self._headline = _headline(self._strategy.progress())
        self._bare = self._store.noted(_BARE)
        self._restore_repeated()

    def notes(self) -> Iterator[str]:
        """Yields sentences about the trials that did not end well, or that a pause may have changed."""
        if self._bare:
            yield self._bare
        begun = self.begun()
        for state in (FAILED, DIVERGED):
            if trials := [trial for trial in begun if trial.state == state]:
                first = trials[0]
                why = f"; trial {first.id}: {first.error['type']}: {storable(first.error['message'], _SHOWN)}" if first.error else ""
                yield f"{len(trials)} of {len(begun)} trials {state}{why}"

    def _restore_repeated(self) -> None:
        """Works out what each trial will train again: the units that were paid for, were not lost, and are in no checkpoint."""
        trained: Counter[int] = Counter()
        for row in self._store.rows(schema.leases):
            if row["trial_id"] is not None and row["outcome"] is not None:
                trained[row["trial_id"]] += row["units"] - row["lost_units"]
        for trial in self.trials.values():
            trial.redo = max(0, trained[trial.id] - trial.checkpoint)

    def _order_again(self, row: Row) -> None:
        order = self._strategy.ask()
        made = order and ("start" if isinstance(order, Start) else "advance", order.trial_id, order.to)
        if made != (row["kind"], row["trial_id"], row["unit"]):
            raise DifferentQuestion(
                f"{self._store.folder}: decision {row['seq']} cannot be made again "
                f"(stored: {row['kind']} trial {row['trial_id']} to {row['unit']}; now: {order}). "
                "It was made by other code. Resume with that version, or choose another --store."
            )

    def _ended(self, trial: TrialRecord, state: str, loss: float) -> None:
        trial.state = state
        self._tell(trial, Observation(trial.id, trial.told[0], loss, ended=True))

    def _tell(self, trial: TrialRecord, observation: Observation) -> None:
        trial.told = (observation.unit, observation.loss)
        self._write_down("ended" if observation.ended else "tell", trial.id, observation.unit, observation.loss)
        if math.isfinite(observation.loss):
            self._failures, self._shown = 0, True
        self._strategy.tell(observation)
        progress = self._strategy.progress()
        if _headline(progress) != self._headline:  # another trial is the best, another seed is through
            self._headline = _headline(progress)
            self._say(progress)

    def _new_trial(self, order: Start) -> TrialRecord:
        seed = order.seed
        if seed is None:
            seed = int(np.random.SeedSequence([self._question.seed, order.trial_id]).generate_state(1, np.uint32)[0])
        elif order.purpose == "confirmation" and any(trial.seed == seed for trial in self.trials.values() if trial.purpose == "useful"):
            raise RuntimeError(f"confirming seed {seed} was used by the search: a confirmation on it would not be fresh")
        return TrialRecord(order.trial_id, order.config, seed, order.to, order.arm, order.purpose)

    def _write_down(self, kind: str, trial_id: int, unit: int, loss: float | None = None) -> None:
        self._seq += 1
        finite = loss if loss is not None and math.isfinite(loss) else None
        self._store.put(schema.decisions, {"seq": self._seq, "kind": kind, "trial_id": trial_id, "unit": unit, "loss": finite})


def _headline(progress: str) -> str:
    return progress.partition(":")[0]
