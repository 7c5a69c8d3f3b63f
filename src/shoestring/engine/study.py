"""A study: the one loop that turns a question, a budget and a runner into an answer, and resumes where an earlier process stopped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from shoestring.budget import describe
from shoestring.cleaning import for_terminal
from shoestring.engine.dispatcher import Dispatcher
from shoestring.engine.journal import DIVERGED, DROPPED, FAILED, PAUSED, Journal, TrialRecord
from shoestring.engine.ledger import Ledger
from shoestring.errors import StoreCorrupt
from shoestring.machine.files import open_own
from shoestring.machine.signals import on_interrupt
from shoestring.questions.protocol import Question, Strategy
from shoestring.runners.protocol import Runner
from shoestring.store.store import Store
from shoestring.values.answer import Answer, Status
from shoestring.values.finding import plural
from shoestring.values.orders import Advance

HEARTBEAT_S = 0.5  # a crash of everything leaves at most this much time uncharged, if no trial wrote anything since


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
        self._journal = Journal(question, strategy, store, self.say)
        self._dispatcher = Dispatcher(question, self._journal, runner, store, ledger, grace=grace, pilot=pilot is not None, say=self.say)
        self._now = runner.now
        self._on_progress = on_progress
        self._pilot = pilot
        self._stop_requested = False
        self._budget_is_spent = False
        self._n_given = 0
        self._saved_at = runner.now()

    @property
    def trials(self) -> Mapping[int, TrialRecord]:
        """All trials by number."""
        return self._journal.trials

    @property
    def progress(self) -> str:
        """The state of things in a few words, empty while nothing is known."""
        return self._strategy.progress()

    @property
    def running(self) -> list[TrialRecord]:
        """The trials that have a lease now."""
        return self._dispatcher.running

    def run(self) -> Answer:
        """Runs until the question is answered, the budget is spent, or someone asks it to stop.

        Raises:
            UsageError: the training function does not do what was said, such as reporting the metric.
            DifferentQuestion: the stored decisions cannot be made again by this version.
            StoreUnwritable: the disk is full or read-only; the run can be resumed.
        """
        with on_interrupt(self.stop):
            self._recover()
            while self._fill() or self.running or self._settle():
                if self.running:  # nothing comes from nobody, and waiting for it is charged
                    self._dispatcher.follow(HEARTBEAT_S)
                self._keep_time()
                self._on_progress(self)
        return self._answer()

    def stop(self) -> None:
        """Lets every running trial save itself and ends the study, resumable."""
        self._stop_requested = True
        self.say("stopping: running trials save themselves; Ctrl-C again stops at once")
        self._dispatcher.stop()

    def say(self, message: str) -> None:
        """Keeps a line for people: in the run's log, and for whoever shows progress."""
        message = for_terminal(message)
        self.messages.append(message)
        with (
            suppress(OSError, StoreCorrupt),
            open(self.store.folder / "log.txt", "a", encoding="utf-8", errors="backslashreplace", opener=open_own) as log,
        ):  # a log that cannot be written ends no study
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}\n")

    def _fill(self) -> bool:
        """Gives leases while there are orders, room and budget; True if any was given."""
        given, orders = 0, self._dispatcher.orders
        self.ledger.aside = self._strategy.aside(self.ledger.budget.limits, self.ledger.unit_cost())
        while not self._dispatcher.is_full and self._may_give_more():
            order = orders.popleft() if orders else self._journal.next_order()
            if order is None:
                break
            if any(trial.id == order.trial_id for trial in self.running):
                continue  # its value was seen before its lease has ended; when that ends below the new target, it goes on
            if not self._dispatcher.give(order):
                orders.appendleft(order)
                self._budget_is_spent = not self.running
                break
            given += 1
            self._n_given += 1
        if given:
            self.ledger.save()
        self._journal.commit()  # reserved before it runs
        self._dispatcher.start()
        if self._stop_requested:  # by a signal, while these were being recorded
            self._dispatcher.stop()
        return given > 0

    def _may_give_more(self) -> bool:
        pilot_is_over = self._pilot is not None and self._n_given >= self._pilot
        return not (self._stop_requested or self._budget_is_spent or pilot_is_over or self._strategy.done or self._journal.is_hopeless)

    def _settle(self) -> bool:
        """Settles how many seeds the budget pays for, once that is all that is open; True if it was to be settled."""
        cost = self._strategy.undecided_cost
        if cost is None or self._stop_requested or self._pilot is not None or self._journal.is_hopeless:
            return False
        self.ledger.aside = {}
        for order in self._dispatcher.orders:  # what the search would still have done
            trial = self.trials[order.trial_id]
            trial.state = PAUSED if trial.begun else DROPPED
            self._journal.keep(trial)
        self._dispatcher.orders.clear()
        self._journal.settle(self.ledger.affordable(cost))
        self._budget_is_spent = False
        return True

    def _keep_time(self) -> None:
        self.ledger.tick()
        now = self._now()
        if now - self._saved_at >= HEARTBEAT_S:
            self._saved_at = now
            self._dispatcher.sample()
            self.ledger.save()
            self._journal.commit()
        exhausted = self.ledger.exhausted()
        self._budget_is_spent |= exhausted
        if exhausted or self._strategy.done:
            self._dispatcher.stop()

    def _answer(self) -> Answer:
        self.ledger.tick()
        self.ledger.save()
        self._journal.commit()
        begun = self._journal.begun()
        finding = self._strategy.finding(self._why_it_ended())
        if self._stop_requested:
            status = Status.STOPPED
        elif begun and all(trial.state in (FAILED, DIVERGED) for trial in begun):
            status = Status.ALL_FAILED
        elif finding.answers:
            status = Status.ANSWERED
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
            (*self._journal.notes(), *self._leftover()),
        )
        if status in (Status.ANSWERED, Status.UNANSWERED) and self._pilot is None:
            ended = {"status": status.name, "limits": dict(answer.budget.limits), "notes": answer.notes, "n_trials": answer.n_trials}
            ended["at"] = time.time()
            self.store.note("ended", ended)
            self._journal.commit()
        self.say(f"{status}: {len(begun)} trials")
        return answer

    def _why_it_ended(self) -> str:
        if self._stop_requested:
            return "it was stopped on request"
        return "too many runs failed in a row" if self._journal.is_hopeless else "the budget is spent"

    def _leftover(self) -> Iterator[str]:
        if self._strategy.done and not self._n_given:
            yield "this was decided before, and more budget changes nothing; ask in another --store for a new study"
        left = self.ledger.left().get("units", 0)
        if self._budget_is_spent and left >= 1 and self._dispatcher.orders:
            yield f"{describe('units', left, self.question.unit)} are left"

    def _recover(self) -> None:
        """Brings everything to where the stored run stands: decisions made again, crashed leases settled, what was written read in."""
        with self.store.reading():
            self._journal.restore()
        self._dispatcher.settle_crashed()
        waiting = [trial for trial in self.trials.values() if trial.has_order]
        self._dispatcher.orders = deque(Advance(trial.id, trial.target) for trial in waiting)
        if self.trials:
            self.say(f"resuming: {plural(len(self.trials), 'trial')} recorded, {len(waiting) or 'none'} of them under way")
        self._journal.commit()
