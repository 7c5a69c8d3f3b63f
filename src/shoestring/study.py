"""A study: the one loop that turns a question, a budget and a runner into an answer, and goes on where an earlier process stopped."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from shoestring import schema
from shoestring.answer import Answer, Status
from shoestring.casebook import DIVERGED, FAILED, LIVE, WAITING, Casebook, TrialRecord
from shoestring.errors import StoreUnwritable, UnknownName, UsageError
from shoestring.interrupts import on_interrupt
from shoestring.lease import Exit, Lease, Report
from shoestring.ledger import Ledger
from shoestring.orders import Advance, Order
from shoestring.questions import Question, Strategy
from shoestring.runners import Runner
from shoestring.store import Store

HEARTBEAT_S = 0.5  # a crash of everything leaves at most this much time uncharged, if no trial wrote anything since
PATIENCE_WITH_LOSSES = 3  # leases lost in a row, without a new checkpoint, before a trial counts as failed

_OUTCOMES = {"failed": "failed", "crashed": "failed", "killed": "killed", "lost": "lost", "orphaned": "lost", "unwritable": "lost"}


@dataclass
class _OpenLease:
    lease: Lease
    trial: TrialRecord
    begun: int = 0
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
        pilot: where given, all work is booked as pilot work, and no lease is given once this many were; the study can go on from it.
    """

    def __init__(
        self,
        question: Question,
        strategy: Strategy,
        runner: Runner,
        store: Store,
        ledger: Ledger,
        *,
        grace: float = 2.0,
        on_progress: Callable[[Study], None] = lambda _study: None,
        pilot: float | None = None,
    ) -> None:
        self.question = question
        self.ledger = ledger
        self.store = store
        self.messages: deque[str] = deque(maxlen=200)
        self._strategy = strategy
        self._casebook = Casebook(question, strategy, store, self.say)
        self._runner = runner
        self._grace = grace
        self._on_progress = on_progress
        self._pilot = pilot
        self._open: dict[int, _OpenLease] = {}
        self._orders: deque[Order] = deque()
        self._stop_requested = False
        self._budget_is_spent = False
        self._n_given = 0
        self._saved_at = runner.now()
        self._happened: deque[Report | Exit] = deque()  # what the runner told and was not taken in yet

    @property
    def trials(self) -> Mapping[int, TrialRecord]:
        """All trials by number."""
        return self._casebook.trials

    @property
    def progress(self) -> str:
        """The state of things in a few words, empty while nothing is known."""
        return self._strategy.progress()

    @property
    def running(self) -> list[TrialRecord]:
        """The trials that have a lease now."""
        return [open_lease.trial for open_lease in self._open.values()]

    def run(self) -> Answer:
        """Runs until the question is answered, the budget is spent, or someone asks it to stop.

        Raises:
            UsageError: the training function does not do what was said, such as reporting the metric.
            DifferentQuestion: the stored decisions cannot be made again by this version.
            StoreUnwritable: the disk is full or read-only; the run can be resumed.
        """
        with on_interrupt(self.stop):
            self._recover()
            while self._fill() or self._open or self._settle():
                for happened in self._poll():
                    self._take(happened)
                self._keep_time()
                self._on_progress(self)
        return self._answer()

    def stop(self) -> None:
        """Lets every running trial save itself and ends the study, resumable."""
        self._stop_requested = True
        self.say("stopping: running trials save themselves; Ctrl-C again stops at once")
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
        self.ledger.aside = self._strategy.aside(self.ledger.budget.limits, self.ledger.unit_cost())
        while len(self._open) < self._runner.capacity and self._may_give_more():
            order = self._orders.popleft() if self._orders else self._casebook.next_order()
            if order is None:
                break
            if any(open_lease.trial.id == order.trial_id for open_lease in self._open.values()):
                continue  # its value was seen before its lease has ended; when that ends below the new target, it goes on
            lease = self._grant(order)
            if lease is None:
                self._orders.appendleft(order)
                self._budget_is_spent = not self._open
                break
            given.append(lease)
            self._n_given += 1
        if given:
            self.ledger.save()
        self._casebook.commit()  # reserved before it runs
        for lease in given:
            self._runner.start(lease)
            self._open[lease.token].started = True
        if self._stop_requested:  # by a signal, while these were being written down
            self._stop_leases()
        return bool(given)

    def _may_give_more(self) -> bool:
        pilot_is_over = self._pilot is not None and self._n_given >= self._pilot
        return not (self._stop_requested or self._budget_is_spent or pilot_is_over or self._strategy.done or self._casebook.is_hopeless)

    def _settle(self) -> bool:
        """Settles how many seeds the budget pays for, once that is all that is open; True if it was to be settled."""
        cost = self._strategy.undecided_cost
        if cost is None or self._stop_requested or self._pilot is not None or self._casebook.is_hopeless:
            return False
        self.ledger.aside = {}
        self._orders.clear()  # what the search would still have done
        self._casebook.settle(self.ledger.affordable(cost))
        self._budget_is_spent = False
        return True

    def _grant(self, order: Order) -> Lease | None:
        trial = self.trials[order.trial_id]
        estimate_s = self.ledger.seconds_per_unit() * (order.to - trial.checkpoint)
        reservation = self.ledger.reserve(trial.id, trial.checkpoint, order.to, self._purpose_of(trial), estimate_s)
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
            trial.arm,
        )
        trial.state = LIVE
        self._casebook.keep(trial)
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
        self._casebook.keep(trial)
        if event.get("token") != report.token:
            return  # an outdated worker wrote it
        if "begin" in event:
            open_lease.begun += 1
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
        if self.question.metric in metrics:
            self._casebook.observed(trial, unit, float(metrics[self.question.metric]))

    def _take_exit(self, open_lease: _OpenLease, exit_: Exit) -> None:
        trial, token = open_lease.trial, open_lease.lease.token
        self.ledger.charge(token, units=open_lease.begun, usage=exit_.usage)
        end = open_lease.end or {"end": "crashed" if exit_.how == "ended" else exit_.how}
        lost = 0
        match end["end"]:
            case "paused" if end["at"] >= trial.target:
                self._casebook.reached(trial)
            case "paused":
                self._go_on(trial)
            case "finished":
                self._casebook.finished(trial)
            case "diverged":
                self._casebook.diverged(trial, end["at"])
            case "failed":
                self._casebook.failed(trial, end["error"]["type"], end["error"]["message"], end["error"]["traceback"])
            case "restarts":
                trial.checkpoint, lost = 0, open_lease.begun
                self._go_on(trial)
                self.say(f"trial {trial.id}: the script began again from zero; it keeps no state in SHOESTRING_CHECKPOINT_DIR")
            case "crashed":
                self._casebook.failed(trial, "crashed", exit_.note or "its process ended in the middle of a unit, without an error")
            case "killed" | "orphaned" | "lost" if trial.checkpoint >= trial.target:
                self._casebook.reached(trial)  # it died after its last checkpoint, before it could say so
            case "killed" | "orphaned" | "unwritable":
                lost = _lost_units(open_lease)
                self._go_on(trial)
            case "lost":
                lost = _lost_units(open_lease)
                self._lost(trial, exit_.note or "")
        if end["end"] == "paused":
            lost, trial.redo = min(open_lease.begun, trial.redo), max(0, end["at"] - trial.checkpoint)
        outcome = _OUTCOMES.get(end["end"], self._purpose_of(trial))
        error = f"{trial.error['type']}: {trial.error['message']}"[:300] if trial.error else None
        self.ledger.settle(token, outcome, lost, exit_.note or error)
        self._casebook.keep(trial)

    def _purpose_of(self, trial: TrialRecord) -> str:
        return trial.purpose if self._pilot is None else "pilot"

    def _go_on(self, trial: TrialRecord) -> None:
        """Has a trial go on to where it was ordered, before anyone else."""
        trial.state = WAITING
        self._orders.appendleft(Advance(trial.id, trial.target))

    def _complain(self, open_lease: _OpenLease, exit_: Exit) -> None:
        """Ends the study for what no other trial would do better."""
        reported, end = open_lease.seen, open_lease.end or {"end": exit_.how}
        if exit_.how == "unwritable":
            self._casebook.commit()
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
            if not self._casebook.has_shown:
                self.store.note("void", f"no trial reported {self.question.metric!r}")
            self._stop_and_save()
            who = f"arm {open_lease.trial.arm!r} reports" if open_lease.trial.arm else "the trials report"
            raise UnknownName("metric", self.question.metric, reported, hint=f"These are what {who}.")
        if end["end"] == "failed" and end["error"]["usage"]:
            self._stop_and_save()
            raise UsageError(f"trial {open_lease.trial.id}: {end['error']['message']}")

    def _lost(self, trial: TrialRecord, note: str) -> None:
        trial.losses += 1
        if trial.losses >= PATIENCE_WITH_LOSSES:
            self._casebook.failed(trial, "lost", f"it was taken away {trial.losses} times in a row without getting on ({note})")
        else:
            self.say(f"trial {trial.id}: lost ({note}); it goes on from {self.question.unit} {trial.checkpoint}")
            self._go_on(trial)

    # --- time, stopping, ending ----------------------------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        self.ledger.tick()
        now = self._runner.now()
        if now - self._saved_at >= HEARTBEAT_S:
            self._saved_at = now
            for token in self._open:
                self.ledger.charge(token, usage=self._runner.usage(token), process=self._runner.process(token))
            self.ledger.save()
            self._casebook.commit()
        exhausted = self.ledger.exhausted()
        self._budget_is_spent |= exhausted
        if exhausted or self._strategy.done:
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
        self._casebook.commit()

    def _answer(self) -> Answer:
        self.ledger.tick()
        self.ledger.save()
        self._casebook.commit()
        begun = self._casebook.begun()
        finding = self._strategy.finding(self._why_it_ended())
        if self._stop_requested:
            status = Status.STOPPED
        elif finding.answers:
            status = Status.ANSWERED
        elif begun and all(trial.state in (FAILED, DIVERGED) for trial in begun):
            status = Status.ALL_FAILED
        else:
            status = Status.UNANSWERED
        answer = Answer(
            status,
            finding,
            self.ledger.spent(),
            self.ledger.budget,
            self.question.unit,
            len(begun),
            self.store.folder if self.store.is_on_disk else None,
            (*self._casebook.notes(), *self._leftover()),
        )
        if status in (Status.ANSWERED, Status.UNANSWERED) and self._pilot is None:
            ended = {"status": status.name, "limits": dict(answer.budget.limits), "notes": answer.notes, "n_trials": answer.n_trials}
            self.store.note("ended", ended)
            self._casebook.commit()
        self.say(f"{status}: {len(begun)} trials")
        return answer

    def _why_it_ended(self) -> str:
        if self._stop_requested:
            return "it was stopped on request"
        return "too many runs failed in a row" if self._casebook.is_hopeless else "the budget is spent"

    def _leftover(self) -> Iterator[str]:
        left = self.ledger.left().get("units", 0)
        if self._budget_is_spent and left >= 1 and self._orders:
            yield f"{left:g} {self.question.unit}s are left"

    # --- going on after a stop or a crash --------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Brings everything to where the stored run stands: decisions made again, crashed leases settled, what was written read in."""
        with self.store.reading():
            self._casebook.restore()
        self._settle_crashed()
        waiting = [trial for trial in self.trials.values() if trial.has_order]
        self._orders = deque(Advance(trial.id, trial.target) for trial in waiting)
        if self.trials:
            self.say(f"going on: {len(self.trials)} trials are known, {len(waiting)} of them under way")
        self._casebook.commit()

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
