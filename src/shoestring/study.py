"""A study: the one loop that turns a question, a budget and a runner into an answer, and goes on where an earlier process stopped."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

import numpy as np

from shoestring import schema
from shoestring.answer import Answer, Best, Status
from shoestring.errors import DifferentQuestion, StoreUnwritable, UnknownName, UsageError
from shoestring.lease import Exit, Lease, Report
from shoestring.ledger import Ledger
from shoestring.orders import Advance, Config, Observation, Order, Start
from shoestring.questions.search import Search
from shoestring.runners import Runner
from shoestring.store import Row, Store

HEARTBEAT_S = 0.5  # a crash of everything leaves at most this much time uncharged, if no trial wrote anything since
PATIENCE_WITH_LOSSES = 3  # leases lost in a row, without a new checkpoint, before a trial counts as failed
FAILURES_TO_GIVE_UP = 5  # if the first trials all fail, the fault is not theirs

_OUTCOMES = {"failed": "failed", "crashed": "failed", "killed": "killed", "lost": "lost", "orphaned": "lost", "unwritable": "lost"}
LIVE, PAUSED, COMPLETE, FINISHED, DIVERGED, FAILED = "running", "paused", "complete", "finished", "diverged", "failed"


class Strategy(Protocol):
    """What a question is answered with: a scheduler's two verbs, and the best that was seen."""

    best: Observation | None

    def ask(self) -> Order | None:
        """Returns the next order, or None if there is none now."""

    def tell(self, observation: Observation) -> None:
        """Learns from one observation."""


@dataclass
class TrialRecord:
    """What the study knows of one trial.

    Attributes:
        target: the unit it was last ordered to.
        checkpoint: unit of its newest checkpoint.
        offset: bytes of its event file that were read.
        losses: leases lost in a row without a new checkpoint.
        told: the last unit that the strategy was told of, and the loss there.
        redo: units that were paid for, kept by no checkpoint, and are now trained again.
    """

    id: int
    config: Config
    seed: int
    target: int
    state: str = LIVE
    checkpoint: int = 0
    offset: int = 0
    losses: int = 0
    error: dict[str, Any] | None = None
    told: tuple[int, float] = (0, math.inf)
    redo: int = 0

    def row(self) -> Row:
        """Returns the trial as a row of the store."""
        plain = {name: getattr(self, name) for name in ("id", "seed", "target", "state", "checkpoint", "offset", "losses")}
        return plain | {"config": json.dumps(dict(self.config)), "error": self.error and json.dumps(self.error)}


@dataclass
class _OpenLease:
    lease: Lease
    trial: TrialRecord
    begun: int = 0
    last_unit: int = 0
    end: dict[str, Any] | None = None
    started: bool = False
    stopping: bool = False
    seen: set[str] = field(default_factory=set)
    metrics: dict[str, float | str] = field(default_factory=dict)
    metrics_unit: int = 0


class Study:
    """Answers one question within one budget.

    Args:
        question: what is asked.
        strategy: how it is answered; it must be new, and is brought to where the stored run stands.
        runner: what carries out leases.
        store: where the run is kept.
        ledger: what the run may spend and has spent.
        grace: seconds in which a trial may save itself before it is killed.
        on_progress: called now and then, and after everything that happens, with the study.
        pilot: give one lease only, charged as pilot work; the study can go on from it.
    """

    def __init__(
        self,
        question: Search,
        strategy: Strategy,
        runner: Runner,
        store: Store,
        ledger: Ledger,
        *,
        grace: float = 2.0,
        on_progress: Callable[[Study], None] = lambda _study: None,
        pilot: bool = False,
    ) -> None:
        self.question = question
        self.ledger = ledger
        self.store = store
        self.trials: dict[int, TrialRecord] = {}
        self.messages: deque[str] = deque(maxlen=200)
        self._strategy = strategy
        self._runner = runner
        self._grace = grace
        self._on_progress = on_progress
        self._purpose = "pilot" if pilot else "search"
        self._open: dict[int, _OpenLease] = {}
        self._orders: deque[Order] = deque()
        self._seq = 0
        self._stop_requested = False
        self._first_failures: int | None = 0  # None as soon as a trial showed anything
        self._budget_is_spent = False
        self._pilot_is_given = False
        self._saved_at = runner.now()
        self._happened: deque[Report | Exit] = deque()  # what the runner told and was not taken in yet

    @property
    def running(self) -> list[TrialRecord]:
        """The trials that have a lease now."""
        return [open_lease.trial for open_lease in self._open.values()]

    @property
    def best(self) -> Best | None:
        """The best seen so far."""
        seen = self._strategy.best
        if seen is None:
            return None
        value = seen.loss if self.question.goal == "min" else -seen.loss
        return Best(seen.trial_id, self.trials[seen.trial_id].config, value, seen.unit)

    def run(self) -> Answer:
        """Runs until the question is answered, the budget is spent, or someone asks it to stop.

        Raises:
            UsageError: the training function does not do what was said, such as reporting the metric.
            DifferentQuestion: the stored decisions cannot be made again by this version.
            StoreUnwritable: the disk is full or read-only; the run can be resumed.
        """
        with self._interruptible():
            self._recover()
            while self._fill() or self._open:
                for happened in self._poll():
                    self._take(happened)
                self._keep_time()
                self._on_progress(self)
        return self._answer()

    def stop(self) -> None:
        """Lets every running trial save itself and ends the study, resumable."""
        self._stop_requested = True
        self.say("stopping: running trials save themselves")
        self._stop_leases()

    def say(self, message: str) -> None:
        """Keeps a line for people: in the run's log, and for whoever shows progress."""
        self.messages.append(message)
        with (
            suppress(OSError),
            open(self.store.folder / "log.txt", "a", encoding="utf-8", errors="replace") as log,
        ):  # a full disk ends no study here
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}\n")

    # --- giving leases -------------------------------------------------------------------------------------------------------------

    def _fill(self) -> bool:
        """Gives leases while there are orders, room and budget; True if any was given."""
        given = []
        while len(self._open) < self._runner.capacity and self._may_give_more():
            order = self._orders.popleft() if self._orders else self._next_order()
            if order is None:
                break
            lease = self._grant(order)
            if lease is None:
                self._orders.appendleft(order)
                self._budget_is_spent = not self._open
                break
            given.append(lease)
            self._pilot_is_given = self._purpose == "pilot"
        if given:
            self.ledger.save()
        self.store.commit()  # reserved before it runs
        for lease in given:
            self._runner.start(lease)
            self._open[lease.token].started = True
        if self._stop_requested:  # by a signal, while these were being written down
            self._stop_leases()
        return bool(given)

    def _may_give_more(self) -> bool:
        hopeless = self._first_failures is not None and self._first_failures >= FAILURES_TO_GIVE_UP
        return not (self._stop_requested or self._budget_is_spent or self._pilot_is_given or hopeless)

    def _next_order(self) -> Order | None:
        order = self._strategy.ask()
        if order is None:
            return None
        if isinstance(order, Start):
            seed = int(np.random.SeedSequence([self.question.seed, order.trial_id]).generate_state(1, np.uint32)[0])
            self.trials[order.trial_id] = TrialRecord(order.trial_id, order.config, seed, order.to)
        trial = self.trials[order.trial_id]
        trial.state, trial.target, trial.redo = LIVE, order.to, max(0, trial.told[0] - trial.checkpoint)
        self._decided("start" if isinstance(order, Start) else "advance", trial.id, order.to)
        self.store.put(schema.trials, trial.row())
        return order

    def _grant(self, order: Order) -> Lease | None:
        trial = self.trials[order.trial_id]
        estimate_s = self.ledger.seconds_per_unit() * (order.to - trial.checkpoint)
        reservation = self.ledger.reserve(trial.id, trial.checkpoint, order.to, self._purpose, estimate_s)
        if reservation is None:
            return None
        question = self.question
        lease = Lease(
            reservation.token,
            trial.id,
            trial.config,
            trial.seed,
            trial.checkpoint,
            reservation.to,
            question.horizon,
            question.unit,
            question.metric,
            self.store.trial_folder(trial.id),
            trial.offset,
            reservation.seconds,
            self._grace,
            self.store.is_on_disk,
        )
        self._open[reservation.token] = _OpenLease(lease, trial)
        return lease

    # --- taking in what happened ---------------------------------------------------------------------------------------------------

    def _poll(self) -> Iterator[Report | Exit]:
        self._happened.extend(self._runner.poll(HEARTBEAT_S))
        while self._happened:
            yield self._happened.popleft()

    def _take(self, happened: Report | Exit) -> None:
        if isinstance(happened, Report):
            self._take_report(self._open[happened.token], happened)
        else:
            open_lease = self._open.pop(happened.token)
            self._take_exit(open_lease, happened)
            self._complain(open_lease, happened)

    def _take_report(self, open_lease: _OpenLease, report: Report) -> None:
        trial, event = open_lease.trial, report.event
        trial.offset = report.offset
        self.store.put(schema.trials, trial.row())
        if event.get("token") != report.token:
            return  # an outdated worker wrote it
        if "begin" in event:
            open_lease.begun += 1
            open_lease.last_unit = event["begin"]
            self.ledger.charge(report.token, units=open_lease.begun)
        elif "metrics" in event:
            self._observe(open_lease, event["unit"], event["metrics"])
        elif "checkpoint" in event:
            trial.checkpoint, trial.losses = event["checkpoint"], 0
            if "sha256" in event:
                row = {"trial_id": trial.id, "unit": event["checkpoint"], "token": report.token}
                self.store.put(schema.checkpoints, row | {"sha256": event["sha256"], "bytes": event["bytes"]})
        elif "damaged" in event:
            self.say(f"trial {trial.id}: checkpoint {event['damaged'][:9]} is damaged and was passed over")
        elif "end" in event:
            open_lease.end = dict(event)

    def _observe(self, open_lease: _OpenLease, unit: int, metrics: dict[str, float | str]) -> None:
        trial = open_lease.trial
        open_lease.metrics = {**open_lease.metrics, **metrics} if unit == open_lease.metrics_unit else dict(metrics)
        open_lease.metrics_unit = unit
        open_lease.seen |= metrics.keys()
        row = {"trial_id": trial.id, "unit": unit, "token": open_lease.lease.token}
        self.store.put(schema.observations, row | {"metrics": json.dumps(open_lease.metrics)})
        if self.question.metric in metrics and unit > trial.told[0]:
            self._tell(trial, Observation(trial.id, unit, self.question.loss(float(metrics[self.question.metric]))))

    def _take_exit(self, open_lease: _OpenLease, exit_: Exit) -> None:
        trial, token = open_lease.trial, open_lease.lease.token
        self.ledger.charge(token, units=open_lease.begun, usage=exit_.usage)
        end = open_lease.end or {"end": "crashed" if exit_.how == "ended" else exit_.how}
        lost = 0
        match end["end"]:
            case "paused" if end["at"] >= trial.target:
                self._reached(open_lease)
            case "paused":
                self._orders.appendleft(Advance(trial.id, trial.target))
            case "finished" if trial.told[0] == 0:
                self._failed(trial, self._never_reported("before the trial returned"))
            case "finished":
                self._ended(trial, FINISHED, trial.told[1])
            case "diverged":
                self._ended(trial, DIVERGED, math.inf)
                self.say(f"trial {trial.id}: {self.question.metric} is not finite at {self.question.unit} {end['at']}; it ends there")
            case "failed":
                self._failed(trial, end["error"])
            case "restarts":
                trial.redo, trial.checkpoint, lost = max(trial.redo, trial.checkpoint), 0, open_lease.begun
                self._orders.appendleft(Advance(trial.id, trial.target))
                self.say(f"trial {trial.id}: the script began again from zero; it keeps no state in SHOESTRING_CHECKPOINT_DIR")
            case "crashed":
                message = exit_.note or "its process ended in the middle of a unit, without an error"
                self._failed(trial, {"type": "crashed", "message": message, "usage": False, "traceback": ""})
            case "killed" | "orphaned" | "lost" if trial.checkpoint >= trial.target:
                self._reached(open_lease)  # it died after its last checkpoint, before it could say so
            case "killed" | "orphaned" | "unwritable":
                lost = _lost_units(open_lease)
                self._orders.appendleft(Advance(trial.id, trial.target))
            case "lost":
                lost = _lost_units(open_lease)
                self._lost(trial, exit_.note or "")
        if end["end"] in ("paused", "finished"):
            lost, trial.redo = min(open_lease.begun, trial.redo), 0
        outcome = _OUTCOMES.get(end["end"], "useful" if self._purpose == "search" else self._purpose)
        error = f"{trial.error['type']}: {trial.error['message']}"[:300] if trial.error else None
        self.ledger.settle(token, outcome, lost, exit_.note or error)
        self.store.put(schema.trials, trial.row())

    def _reached(self, open_lease: _OpenLease) -> None:
        trial = open_lease.trial
        unit, loss = trial.told
        if unit == 0:
            self._failed(trial, self._never_reported(f"by {self.question.unit} {trial.target}, where the trial was to be judged"))
            return
        trial.state = COMPLETE if trial.target >= self.question.horizon else PAUSED
        if unit < trial.target:
            self._tell(trial, Observation(trial.id, trial.target, loss))

    def _never_reported(self, when: str) -> dict[str, Any]:
        message = f"{self.question.metric!r} was not reported {when}; report it in every {self.question.unit}"
        return {"type": "metric never reported", "message": message, "usage": False, "traceback": ""}

    def _complain(self, open_lease: _OpenLease, exit_: Exit) -> None:
        """Ends the study for what no other trial would do better."""
        reported, end = open_lease.seen, open_lease.end or {"end": exit_.how}
        if exit_.how == "unwritable":
            self.store.commit()
            folder = open_lease.lease.folder
            raise StoreUnwritable(
                f"{folder} could not be written: the disk is full or read-only. Free some space and run the same command again."
            )
        if (
            reported
            and self.question.metric not in reported
            and open_lease.trial.told[0] == 0
            and end["end"] in ("paused", "finished", "failed")
        ):
            if self._strategy.best is None:
                self.store.note("void", f"no trial reported {self.question.metric!r}")
            self._stop_and_save()
            raise UnknownName("metric", self.question.metric, reported, hint="These are what the trials report.")
        if end["end"] == "failed" and end["error"]["usage"]:
            self._stop_and_save()
            raise UsageError(f"trial {open_lease.trial.id}: {end['error']['message']}")

    def _lost(self, trial: TrialRecord, note: str) -> None:
        trial.losses += 1
        if trial.losses >= PATIENCE_WITH_LOSSES:
            message = f"it was taken away {trial.losses} times in a row without getting on ({note})"
            self._failed(trial, {"type": "lost", "message": message, "usage": False, "traceback": ""})
        else:
            self.say(f"trial {trial.id}: lost ({note}); it goes on from {self.question.unit} {trial.checkpoint}")
            self._orders.appendleft(Advance(trial.id, trial.target))

    def _failed(self, trial: TrialRecord, error: dict[str, Any]) -> None:
        trial.error = error
        if self._first_failures is not None:
            self._first_failures += 1
        self._ended(trial, FAILED, math.inf)
        last = [line for line in error["traceback"].splitlines() if line.strip()][-3:]
        self.say(f"trial {trial.id} failed: {error['type']}: {error['message']}" + "".join(f"\n    {line}" for line in last))

    def _ended(self, trial: TrialRecord, state: str, loss: float) -> None:
        trial.state = state
        self._tell(trial, Observation(trial.id, trial.told[0], loss, ended=True))

    def _tell(self, trial: TrialRecord, observation: Observation) -> None:
        trial.told = (observation.unit, observation.loss)
        self._decided("ended" if observation.ended else "tell", trial.id, observation.unit, observation.loss)
        if math.isfinite(observation.loss):
            self._first_failures = None
        before = self._strategy.best
        self._strategy.tell(observation)
        if (best := self.best) and (before is None or before.trial_id != best.trial):
            self.say(f"trial {best.trial}: best {self.question.metric} so far, {best.value:.6g} at {self.question.unit} {best.unit}")

    def _decided(self, kind: str, trial_id: int, unit: int, loss: float | None = None) -> None:
        self._seq += 1
        finite = loss if loss is not None and math.isfinite(loss) else None
        self.store.put(schema.decisions, {"seq": self._seq, "kind": kind, "trial_id": trial_id, "unit": unit, "loss": finite})

    # --- time, stopping, ending ----------------------------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        self.ledger.tick()
        now = self._runner.now()
        if now - self._saved_at >= HEARTBEAT_S:
            self._saved_at = now
            for token in self._open:
                self.ledger.charge(token, usage=self._runner.usage(token), process=self._runner.process(token))
            self.ledger.save()
            self.store.commit()
        if self.ledger.exhausted():
            self._budget_is_spent = True
            self._stop_leases()

    def _stop_leases(self) -> None:
        for token, open_lease in self._open.items():
            if open_lease.started and not open_lease.stopping:
                open_lease.stopping = True
                self._runner.stop(token, self._grace)

    def _stop_and_save(self) -> None:
        """Ends every other lease before an error is raised, so that nothing stays unsettled."""
        self._stop_requested = True
        self._stop_leases()
        while self._open:
            for happened in self._poll():
                if isinstance(happened, Report):
                    self._take_report(self._open[happened.token], happened)
                else:
                    open_lease = self._open.pop(happened.token)
                    self.ledger.charge(happened.token, units=open_lease.begun, usage=happened.usage)
                    self.ledger.settle(happened.token, "lost", _lost_units(open_lease), "the study ended")
        self.ledger.save()
        self.store.commit()

    def _answer(self) -> Answer:
        self.ledger.tick()
        self.ledger.save()
        self.store.commit()
        begun = [trial for trial in self.trials.values() if trial.told[0] > 0 or trial.state != LIVE]
        if self.best is not None and not self._stop_requested:
            status = Status.ANSWERED
        elif self._stop_requested:
            status = Status.STOPPED
        elif begun and all(trial.state in (FAILED, DIVERGED) for trial in begun):
            status = Status.ALL_FAILED
        else:
            status = Status.UNANSWERED
        answer = Answer(
            status,
            self.best,
            self.question.metric,
            self.ledger.spent(),
            self.ledger.budget,
            self.question.unit,
            len(begun),
            self.store.folder if self.store.is_on_disk else None,
            tuple(self._notes(begun)),
        )
        if status in (Status.ANSWERED, Status.UNANSWERED) and self._purpose == "search":
            self.store.note(
                "ended", answer.to_json() | {"status": status.name, "limits": dict(answer.budget.limits), "notes": answer.notes}
            )
            self.store.commit()
        self.say(f"{status}: {len(begun)} trials")
        return answer

    def _notes(self, begun: list[TrialRecord]) -> Iterator[str]:
        for state, what in ((FAILED, "failed"), (DIVERGED, "diverged")):
            if trials := [trial for trial in begun if trial.state == state]:
                first = trials[0]
                why = f"; trial {first.id}: {first.error['type']}: {first.error['message']}" if first.error else ""
                yield f"{len(trials)} of {len(begun)} trials {what}{why}"
        left = self.ledger.left()
        if self._budget_is_spent and left.get("units", 0) >= 1 and self._orders:
            yield f"{left['units']:g} {self.question.unit}s are left"

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM once: save and stop; Ctrl-C twice: now."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupted(number: int, _frame: FrameType | None) -> None:
            if self._stop_requested and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._stop_requested = True
            self._stop_leases()

        before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # --- going on after a stop or a crash --------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Brings everything to where the stored run stands: decisions made again, crashed leases settled, what was written read in."""
        with self.store.reading():
            for row in self.store.rows(schema.trials):
                known = {name: row[name] for name in ("id", "seed", "target", "state", "checkpoint", "offset", "losses")}
                error = row["error"] and json.loads(row["error"])
                self.trials[row["id"]] = TrialRecord(config=json.loads(row["config"]), error=error, **known)
            self._replay()
        self._settle_crashed()
        waiting = [trial for trial in self.trials.values() if trial.state == LIVE]
        self._orders = deque(Advance(trial.id, trial.target) for trial in waiting)
        if self.trials:
            self.say(f"going on: {len(self.trials)} trials are known, {len(waiting)} of them under way")
        self.store.commit()

    def _replay(self) -> None:
        for row in self.store.rows(schema.decisions):
            self._seq = row["seq"]
            if row["kind"] in ("start", "advance"):
                order = self._strategy.ask()
                made = order and ("start" if isinstance(order, Start) else "advance", order.trial_id, order.to)
                if made != (row["kind"], row["trial_id"], row["unit"]):
                    raise DifferentQuestion(
                        f"{self.store.folder}: decision {row['seq']} cannot be made again "
                        f"(stored: {row['kind']} trial {row['trial_id']} to {row['unit']}; now: {order}). "
                        "It was made by other code; go on with that version, or choose another --store."
                    )
            else:
                loss = math.inf if row["loss"] is None else row["loss"]
                self.trials[row["trial_id"]].told = (row["unit"], loss)
                self._strategy.tell(Observation(row["trial_id"], row["unit"], loss, row["kind"] == "ended"))
        if self._strategy.best:
            self._first_failures = None  # otherwise a mended training function gets another chance

    def _settle_crashed(self) -> None:
        """Reads in what the leases of a dead engine wrote, and settles them as lost."""
        crashed = self.ledger.open_rows()
        observed = {row["token"]: row for row in self.store.rows(schema.observations)} if crashed else {}
        last_sign = 0.0
        for row in crashed:
            trial = self.trials[row["trial_id"]]
            folder = self.store.trial_folder(trial.id)
            process = row["process"] and json.loads(row["process"])
            lease = Lease(row["token"], trial.id, trial.config, trial.seed, row["start"], row["to"], 0, "", self.question.metric, folder)
            open_lease = self._open[row["token"]] = _OpenLease(lease, trial, begun=row["units"])
            if last := observed.get(row["token"]):
                open_lease.metrics, open_lease.metrics_unit = json.loads(last["metrics"]), last["unit"]
            for report in self._runner.recover(folder, row["token"], trial.offset, process):
                self._take(report)
            if (folder / "events.jsonl").exists():
                last_sign = max(last_sign, (folder / "events.jsonl").stat().st_mtime)
        self.ledger.charge_unseen(last_sign)
        for row in crashed:
            open_lease = self._open[row["token"]]
            usage = self.ledger.estimated_usage(row["token"], last_sign)
            exit_ = Exit(row["token"], usage) if open_lease.end else Exit(row["token"], usage, "orphaned", "the engine died")
            del self._open[row["token"]]
            self._take_exit(open_lease, exit_)


def _lost_units(open_lease: _OpenLease) -> int:
    return max(0, open_lease.begun - max(0, open_lease.trial.checkpoint - open_lease.lease.start))
