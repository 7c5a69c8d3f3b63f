"""The leases of a study: given, followed while they run, and settled, after a crash of the engine too."""

from __future__ import annotations

import errno
import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shoestring.engine.journal import LIVE, WAITING, Journal, TrialRecord
from shoestring.engine.ledger import Ledger
from shoestring.errors import StoreUnwritable, UnknownName, UsageError
from shoestring.machine.files import unwritable
from shoestring.questions.protocol import Question
from shoestring.runners.protocol import Runner
from shoestring.store import schema
from shoestring.store.integrity import making_sense
from shoestring.store.store import Store
from shoestring.store.unread import EVENTS, check_event, check_known
from shoestring.trial.lease import Exit, Lease, Report
from shoestring.values.orders import Advance, Order

STOPPING_POLL_S = 0.5
_UNITS_REMEMBERED = 16  # of a lease, in case that something more is reported of them
WAITING_S = 30.0  # after the last unit of a lease, before anything is said of a trial that still runs
_ROOM = 1 << 20  # bytes free, below which a disk counts as full
PATIENCE_WITH_LOSSES = 3  # leases lost in a row, without a new checkpoint, before a trial counts as failed

_OUTCOMES = {
    "failed": "failed",
    "crashed": "failed",
    "damaged": "failed",
    "killed": "killed",
    "lost": "lost",
    "orphaned": "lost",
    "unwritable": "lost",
}


@dataclass
class _OpenLease:
    lease: Lease
    trial: TrialRecord
    begun: int = 0
    end: dict[str, Any] | None = None
    started: bool = False
    stopping: bool = False
    seen: set[str] = field(default_factory=set)
    metrics: dict[int, dict[str, float | str]] = field(default_factory=dict)  # by unit, of the last few
    untold: dict[int, float] = field(default_factory=dict)  # the deciding metric of units that may still be reported again
    done: int = 0
    last_sign: float = 0.0
    patience: float = WAITING_S

    @property
    def metrics_unit(self) -> int:
        return max(self.metrics, default=0)

    @property
    def has_done_all(self) -> bool:
        """Whether every unit that was given is trained, so that only time is still charged."""
        return max(self.done, self.metrics_unit, self.trial.checkpoint) >= self.lease.to


class Dispatcher:
    """Gives the leases of a study, and takes in what comes of them.

    Args:
        question: what is asked.
        journal: what is known of the trials.
        runner: what carries leases out.
        store: where the run is kept.
        ledger: what the run may spend and has spent.
        grace: seconds in which a trial may save itself before it is killed.
        pilot: whether all work is booked as pilot work.
        say: takes a line for people.

    Attributes:
        orders: what is to be run next, before anything new is asked for.
    """

    def __init__(
        self,
        question: Question,
        journal: Journal,
        runner: Runner,
        store: Store,
        ledger: Ledger,
        *,
        grace: float,
        pilot: bool,
        say: Callable[[str], None],
    ) -> None:
        self.orders: deque[Order] = deque()
        self._question = question
        self._journal = journal
        self._runner = runner
        self._store = store
        self._ledger = ledger
        self._grace = grace
        self._pilot = pilot
        self._say = say
        self._open: dict[int, _OpenLease] = {}
        self._said: set[str] = set()  # what was remarked of a trial
        self._happened: deque[Report | Exit] = deque()  # what the runner told and was not taken in yet

    @property
    def running(self) -> list[TrialRecord]:
        """The trials that have a lease now."""
        return [open_lease.trial for open_lease in self._open.values()]

    @property
    def is_full(self) -> bool:
        """Whether as many run as can."""
        return len(self._open) >= self._runner.capacity

    def give(self, order: Order) -> bool:
        """Gives a trial a lease for what it was ordered to do; False if the budget does not carry one more unit of it."""
        trial = self._journal.trials[order.trial_id]
        estimate_s = self._ledger.seconds_per_unit() * (order.to - trial.checkpoint)
        reservation = self._ledger.reserve(trial.id, trial.checkpoint, order.to, self._purpose_of(trial), estimate_s)
        if reservation is None:
            return False
        question = self._question
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
            self._store.trial_folder(trial.id),
            trial.offset,
            reservation.seconds,
            self._grace,
            self._store.is_on_disk,
            trial.arm,
        )
        trial.state = LIVE
        self._journal.keep(trial)
        self._open[reservation.token] = _OpenLease(lease, trial)
        return True

    def start(self) -> None:
        """Starts the leases that were given; what they reserve must have been committed before."""
        for token, open_lease in self._open.items():
            if not open_lease.started:
                self._runner.start(open_lease.lease)
                self._open[token].started = True

    def follow(self, timeout_s: float) -> None:
        """Takes in what has happened, waiting up to ``timeout_s`` for something to happen.

        Raises:
            UnknownName: a trial reports metrics, but not the one that decides.
            UsageError: the training function misuses Shoestring.
            StoreUnwritable: the disk is full or read-only.
        """
        for happened in self._poll(timeout_s):
            self._take(happened)

    def sample(self) -> None:
        """Charges what the running leases have used so far."""
        for token, open_lease in self._open.items():
            self._ledger.charge(token, usage=self._runner.usage(token), process=self._runner.process(token))
            self._mention(open_lease)

    def stop(self) -> None:
        """Asks every running lease to save itself and end."""
        for token, open_lease in self._open.items():
            if open_lease.started and not open_lease.stopping:
                open_lease.stopping = True
                self._runner.stop(token, self._grace)

    def settle_crashed(self) -> None:
        """Reads in what the leases of a dead engine wrote, and settles them as lost."""
        offsets = {trial.id: trial.offset for trial in self._journal.trials.values()}
        check_known(self._store.folder, offsets, self._ledger.newest_token)
        crashed = self._ledger.open_rows()
        observed = {row["token"]: row for row in self._store.rows(schema.observations)} if crashed else {}
        last_sign = 0.0
        for row in crashed:
            trial = self._journal.trials[row["trial_id"]]
            folder = self._store.trial_folder(trial.id)
            process = row["process"] and json.loads(row["process"])
            lease = Lease(row["token"], trial.id, trial.config, trial.seed, row["start"], row["to"], 0, "", self._question.metric, folder)
            open_lease = self._open[row["token"]] = _OpenLease(lease, trial, begun=row["units"])
            if last := observed.get(row["token"]):
                open_lease.metrics[last["unit"]] = json.loads(last["metrics"])
                if self._question.metric in open_lease.metrics[last["unit"]]:
                    open_lease.untold[last["unit"]] = float(open_lease.metrics[last["unit"]][self._question.metric])
            with making_sense(folder, EVENTS):
                reports = self._runner.recover(folder, row["token"], trial.offset, process)
                for report in reports:
                    check_event(report.event)
            for report in reports:
                self._take(report)
            if (folder / EVENTS).exists():
                last_sign = max(last_sign, (folder / EVENTS).stat().st_mtime)
        self._ledger.charge_unseen(last_sign)
        for row in crashed:
            open_lease = self._open[row["token"]]
            usage = self._ledger.estimated_usage(row["token"], last_sign)
            exit_ = Exit(row["token"], usage) if open_lease.end else Exit(row["token"], usage, "orphaned", "the engine died")
            del self._open[row["token"]]
            self._take_exit(open_lease, exit_)

    def _poll(self, timeout_s: float) -> Iterator[Report | Exit]:
        if not self._happened:
            self._happened.extend(self._runner.poll(timeout_s))
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
        open_lease.last_sign = self._runner.now()
        self._journal.keep(trial)
        if event.get("token") != report.token:
            return  # an outdated worker wrote it
        if "begin" in event:
            open_lease.begun += 1
            self._ledger.charge(report.token, units=open_lease.begun)
            self._tell(open_lease, event.get("done", 0))
        elif "metrics" in event:
            self._observe(open_lease, event["unit"], event["metrics"])
        elif "done" in event:
            open_lease.done = event["done"]
        elif "remark" in event:
            self._say_once(trial, event["remark"], event["note"])
        elif "checkpoint" in event:
            trial.checkpoint, trial.losses = event["checkpoint"], 0
        elif "bare" in event:
            self._journal.resumed_bare(trial, event["bare"], event["handed"])
        elif "refused" in event:
            self._say(
                f"trial {trial.id}: a report from process {event['refused']}, a child of the trial, was refused. "
                "Return the numbers to the training function and report them there."
            )
        elif "damaged" in event:
            unit = self._question.unit
            self._say(f"trial {trial.id}: its checkpoint at {unit} {event['damaged']} is damaged; it resumes from {unit} {event['from']}")
            trial.redo += event["damaged"] - event["from"]
        elif "end" in event:
            open_lease.end = dict(event)

    def _mention(self, open_lease: _OpenLease) -> None:
        """Says of a trial that has done all it was given, and does not end, that it is waited for; again after twice the time."""
        waited = self._runner.now() - open_lease.last_sign
        if open_lease.has_done_all and waited >= open_lease.patience:
            open_lease.patience = 2 * waited
            unit, trial = self._question.unit, open_lease.trial
            self._say(f"trial {trial.id}: it reported its last {unit} {waited:.0f} s ago and still runs; waiting for it to end")

    def _say_once(self, trial: TrialRecord, reason: str, note: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            self._say(f"trial {trial.id}: {note} (said once; events.jsonl has it for each trial)")

    def _observe(self, open_lease: _OpenLease, unit: int, metrics: dict[str, float | str]) -> None:
        """Keeps what was reported of a unit; the last report of a metric counts, until the strategy was told of it."""
        trial, decisive = open_lease.trial, self._question.metric
        self._tell(open_lease, unit - 1)
        known = open_lease.metrics.setdefault(unit, {})
        known |= {name: value for name, value in metrics.items() if name != decisive or name not in known or unit in open_lease.untold}
        while len(open_lease.metrics) > _UNITS_REMEMBERED:
            del open_lease.metrics[min(open_lease.metrics)]
        open_lease.seen |= metrics.keys()
        row = {"trial_id": trial.id, "unit": unit, "token": open_lease.lease.token}
        self._store.put(schema.observations, row | {"metrics": json.dumps(known)})
        if decisive in metrics:
            open_lease.untold[unit] = float(known[decisive])

    def _tell(self, open_lease: _OpenLease, up_to: float = math.inf) -> None:
        """Tells the strategy the deciding metric of the units that are over."""
        for unit in sorted(unit for unit in open_lease.untold if unit <= up_to):
            self._journal.observed(open_lease.trial, unit, open_lease.untold.pop(unit))

    def _take_exit(self, open_lease: _OpenLease, exit_: Exit) -> None:
        trial, token = open_lease.trial, open_lease.lease.token
        end = open_lease.end or {"end": "damaged" if exit_.how == "ended" else exit_.how}
        if end["end"] == "damaged":  # what it began may have been in what is gone
            open_lease.begun = max(open_lease.begun, open_lease.lease.to - open_lease.lease.start)
        self._ledger.charge(token, units=open_lease.begun, usage=exit_.usage)
        self._tell(open_lease)
        lost = 0
        match end["end"]:
            case "paused" if end["at"] >= trial.target:
                self._journal.reached(trial)
            case "paused":
                self._go_on(trial)
            case "finished":
                self._journal.finished(trial)
            case "diverged":
                self._journal.diverged(trial, end["at"])
            case "failed":
                self._journal.failed(trial, end["error"]["type"], end["error"]["message"], end["error"]["traceback"])
            case "restarts":
                trial.checkpoint, lost = 0, open_lease.begun
                self._go_on(trial)
                self._say(f"trial {trial.id}: the script began again from zero; it keeps no state in SHOESTRING_CHECKPOINT_DIR")
            case "crashed":
                self._journal.failed(trial, "crashed", exit_.note or "its process ended in the middle of a unit, without an error")
            case "damaged":
                file = open_lease.lease.folder / "events.jsonl"
                how = exit_.note or f"{file} lacks the end of the trial, so the file was deleted or changed while the trial ran"
                self._journal.failed(trial, "event file damaged", f"{how}. All that it may have trained is charged.")
            case "killed" | "orphaned" | "lost" if max(trial.checkpoint, open_lease.done) >= trial.target:
                self._journal.reached(trial)  # it died after its last unit, before it could say so
            case "killed" | "orphaned" | "unwritable":
                lost = _lost_units(open_lease)
                self._go_on(trial)
            case "lost":
                lost = _lost_units(open_lease)
                self._lost(trial, exit_.note or "")
        if end["end"] == "paused":
            lost, trial.redo = min(open_lease.begun, trial.redo), max(0, end["at"] - trial.checkpoint)
        outcome = _OUTCOMES.get(end["end"], self._purpose_of(trial))
        error = f"{trial.error['type']}: {trial.error['message']}" if trial.error else None
        self._ledger.settle(token, outcome, lost, exit_.note or error)
        self._journal.keep(trial)

    def _purpose_of(self, trial: TrialRecord) -> str:
        return "pilot" if self._pilot else trial.purpose

    def _go_on(self, trial: TrialRecord) -> None:
        """Has a trial continue to where it was ordered, before anyone else."""
        trial.state = WAITING
        self.orders.appendleft(Advance(trial.id, trial.target))

    def _complain(self, open_lease: _OpenLease, exit_: Exit) -> None:
        """Ends the study for what no other trial would do better."""
        reported, end = open_lease.seen, open_lease.end or {"end": exit_.how}
        if exit_.how == "unwritable":
            self._journal.commit()
            raise StoreUnwritable(exit_.note) if exit_.note else unwritable(open_lease.lease.folder, _guess(open_lease.lease.folder))
        # A trial that was cut short, or failed on the way, may not have come to where it reports the metric.
        came_through = end["end"] == "finished" or open_lease.metrics_unit >= open_lease.trial.target
        if reported and self._question.metric not in reported and open_lease.trial.told[0] == 0 and came_through:
            if not self._journal.has_shown:
                self._store.note("void", f"no trial reported {self._question.metric!r}")
            self._end_all()
            who = f"arm {open_lease.trial.arm!r} reports" if open_lease.trial.arm else "the trials report"
            raise UnknownName("metric", self._question.metric, reported, hint=f"These are what {who}.")
        if end["end"] == "failed" and (end["error"]["usage"] or (end["error"].get("unread") and not self._journal.has_shown)):
            if not self._journal.has_shown:
                self._store.note("void", end["error"]["message"])
            self._end_all()
            raise UsageError(f"trial {open_lease.trial.id}: {end['error']['message']}")

    def _lost(self, trial: TrialRecord, note: str) -> None:
        trial.losses += 1
        if trial.losses >= PATIENCE_WITH_LOSSES:
            self._journal.failed(trial, "lost", f"it was taken away {trial.losses} times in a row without getting on ({note})")
        else:
            self._say(f"trial {trial.id}: lost ({note}); it resumes from {self._question.unit} {trial.checkpoint}")
            self._go_on(trial)

    def _end_all(self) -> None:
        """Ends every other lease before an error is raised, so that nothing stays unsettled."""
        self.stop()
        while self._open:
            for happened in self._poll(STOPPING_POLL_S):
                if isinstance(happened, Report):
                    self._take_report(self._open[happened.token], happened)
                else:
                    open_lease = self._open.pop(happened.token)
                    self._ledger.charge(happened.token, units=open_lease.begun, usage=happened.usage)
                    self._ledger.settle(happened.token, "lost", _lost_units(open_lease), "the study ended")
        self._ledger.save()
        self._journal.commit()


def _lost_units(open_lease: _OpenLease) -> int:
    return max(0, open_lease.begun - max(0, open_lease.trial.checkpoint - open_lease.lease.start))


def _guess(folder: Path) -> OSError:
    """Returns why a worker could not write and could not even say why: its disk is full, unless there is room."""
    room = os.statvfs(folder if folder.exists() else folder.parents[1])
    number = errno.ENOSPC if room.f_bavail * room.f_frsize < _ROOM else errno.EIO
    return OSError(number, os.strerror(number))
