"""The strategy of a search: a scheduler at work, and then the confirmation of its best on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from shoestring.questions.compare.finding import SEEDS_CHANGE_NOTHING
from shoestring.questions.compare.question import Arm, Compare
from shoestring.questions.compare.strategy import Comparing
from shoestring.questions.search.finding import Selection
from shoestring.questions.search.question import Search
from shoestring.questions.search.reseeding import Reseeding
from shoestring.stats.choose import MIN_HORIZON
from shoestring.stats.confirmation import MOST_PAIRS, least_trainings, reserve_of
from shoestring.values.finding import Best
from shoestring.values.orders import Advance, Config, Observation, Order, Scheduler, Start

_SALT = 1  # of the confirming seeds
NOTHING_SHOWN = "no trial showed anything"
DEFAULT_IS_BEST = "the best configuration is the default"
RESEEDED = "another seed"  # the arm of a run that repeats one of the search


class SearchTally:
    """What the trials of a search have shown, its confirmation included.

    Args:
        question: what is asked.
    """

    def __init__(self, question: Search) -> None:
        self._question = question
        self._configs: dict[int, Config] = {}
        self._n_started = 0
        self._shown: set[int] = set()
        self._best: Observation | None = None
        self._reseeding = Reseeding(over=not question.confirm or question.judged == "last")
        self.confirming: Comparing | None = None
        self._unconfirmed = "" if question.confirm else "no confirmation was asked for"

    @property
    def n_started(self) -> int:
        """How many trials were started, whatever for."""
        return self._n_started

    @property
    def best(self) -> Best | None:
        """The best of the trials that searched."""
        if self._best is None:
            return None
        value = self._best.loss if self._question.goal == "min" else -self._best.loss
        return Best(self._best.trial_id, self._configs[self._best.trial_id], value, self._best.unit)

    @property
    def is_settled(self) -> bool:
        """Whether it is settled how the best is confirmed, or that it is not."""
        return self.confirming is not None or bool(self._unconfirmed)

    @property
    def done(self) -> bool:
        """Whether nothing more is to be run on fresh seeds."""
        return self.confirming is not None and (self.confirming.done or self._reseeding.changes_nothing)

    def reseeded(self) -> Start | None:
        """Returns the run that repeats one of the search on another seed, None if none is due."""
        due = None if self._best is None or self.is_settled else self._reseeding.due(self._best.trial_id)
        return due and Start(self._n_started, self._configs[due[0]], due[1], arm=RESEEDED, purpose="confirmation")

    def started(self, order: Start) -> None:
        """Takes note of a new trial."""
        self._n_started += 1
        if order.purpose != "confirmation":
            self._configs[order.trial_id] = order.config
        elif order.arm == RESEEDED and self._best is not None:
            self._reseeding.started(order.trial_id, self._best.trial_id)
        elif self.confirming is not None:
            self.confirming.started(order)

    def tell(self, observation: Observation) -> None:
        """Learns from one observation."""
        if observation.trial_id in self._configs:
            self._searched(observation)
        elif self._reseeding.is_repetition(observation.trial_id):
            self._reseeding.answered(observation.unit, observation.loss, observation.ended)
        elif self.confirming is not None:
            self.confirming.tell(observation)
            if self._best is not None and self._question.judged == "best":
                self._reseeding.compare(self._best.trial_id, self.confirming.curve(0))
        if self._reseeding.changes_nothing:
            self._unconfirmed = self._repeated()

    def _searched(self, observation: Observation) -> None:
        self._reseeding.observed(observation.trial_id, observation.unit, observation.loss)
        if not math.isfinite(observation.loss):
            return
        self._shown.add(observation.trial_id)
        if self._best is None or observation.loss < self._best.loss:
            self._best = observation

    def settle(self, n: int) -> None:
        """Ends the search and plans the confirmation on ``n`` pairs of fresh seeds, if there is anything to confirm."""
        question, best = self._question, self.best
        if best is None:
            self._unconfirmed = NOTHING_SHOWN
        elif dict(best.config) == self._default():
            self._unconfirmed = DEFAULT_IS_BEST
        elif n < MIN_HORIZON:
            self._unconfirmed = too_small(question)
        else:
            arms = (Arm("best", best.config), Arm("default", self._default()))
            asked = Compare(
                question.target,
                arms,
                question.metric,
                question.goal,
                question.horizon,
                question.unit,
                question.seed,
                seeds=min(n, MOST_PAIRS),
                one_sided=True,
                judged=question.judged if question.horizon > 1 else "last",
            )
            self.confirming = Comparing(asked, first_trial=self._n_started, purpose="confirmation", salt=_SALT)

    def finding(self, ended: str) -> Selection:
        """Returns the best so far, and how its confirmation stands."""
        question, fixed = self._question, self._reseeding.changes_nothing
        confirmation = self.confirming.finding(ended) if self.confirming and not fixed else None
        fixed |= confirmation is not None and confirmation.deterministic
        return Selection(question.metric, question.unit, self.best, confirmation, self._why(), question.goal, len(self._shown), fixed)

    def _why(self) -> str:
        """Returns why there is no confirmation; what was reserved for one may have found something since it was not needed."""
        best = self.best
        if self._unconfirmed in (NOTHING_SHOWN, DEFAULT_IS_BEST) and best is not None and dict(best.config) != self._default():
            return "this was found with the budget reserved for confirming, as nothing better than the default had been found by then"
        return self._unconfirmed

    def _default(self) -> Config:
        return self._question.space.default() if self._question.default is None else dict(self._question.default)

    def _repeated(self) -> str:
        trial, unit = self._reseeding.repeated
        return f"{SEEDS_CHANGE_NOTHING} (trial {trial}, up to {self._question.unit} {unit})"


def too_small(question: Search) -> str:
    """Returns why a budget carries no confirmation, and from which one on it would."""
    trainings, unit = least_trainings(), question.unit
    return (
        f"half of the budget does not pay for {MIN_HORIZON} fresh trainings each of the best and the default; "
        f"from {trainings} full trainings on ({trainings * question.horizon} {unit}s) the best would be confirmed"
    )


class Searching:
    """A scheduler at work on a search; its best is then confirmed.

    Args:
        question: what is asked.
        scheduler: a new one.
    """

    def __init__(self, question: Search, scheduler: Scheduler) -> None:
        self._question = question
        self._scheduler = scheduler
        self._tally = SearchTally(question)
        self._trials: list[int] = []  # the study's numbers of the scheduler's trials: a repeated run is none of those
        self._numbers: dict[int, int] = {}  # the scheduler's numbers of the study's trials

    @property
    def done(self) -> bool:
        """Whether the confirmation is decided."""
        return self._tally.done

    @property
    def undecided_cost(self) -> int | None:
        """Units that a pair of confirming runs costs, as long as it is open how many there will be."""
        return None if self._tally.is_settled else 2 * self._question.horizon

    def aside(self, limits: Mapping[str, float], unit_cost: Mapping[str, float]) -> dict[str, float]:
        """Returns how much of each limited resource is reserved for the confirmation.

        Args:
            limits: the budget.
            unit_cost: what a unit of training costs, of each resource; 0 where that is not known yet.
        """
        if self._tally.is_settled:
            return {}
        pair_cost = {name: 2 * self._question.horizon * cost for name, cost in unit_cost.items()}
        kept = reserve_of(limits, pair_cost)
        if "units" in kept:
            kept["units"] -= kept["units"] % pair_cost["units"]
        return kept

    def settle(self, n: int) -> None:
        """Ends the search and begins the confirmation, as far as the budget carries it."""
        self._tally.settle(n)

    def ask(self) -> Order | None:
        """Returns the next order, or None if there is none now."""
        if self._tally.confirming is not None:
            return self._tally.confirming.ask()
        if (order := self._tally.reseeded() or self._scheduler.ask()) is None:
            return None
        if isinstance(order, Start) and order.purpose == "useful":
            if order.trial_id != self._tally.n_started:
                order = replace(order, trial_id=self._tally.n_started)
            self._numbers[order.trial_id] = len(self._trials)
            self._trials.append(order.trial_id)
        elif isinstance(order, Advance):
            trial_id = self._trials[order.trial_id]
            order = order if trial_id == order.trial_id else replace(order, trial_id=trial_id)
        if isinstance(order, Start):
            self._tally.started(order)
        return order

    def tell(self, observation: Observation) -> None:
        """Lets the scheduler, and through it the sampler, learn from an observation; a run on fresh seeds teaches them nothing."""
        self._tally.tell(observation)
        if self._tally.confirming is None and (number := self._numbers.get(observation.trial_id)) is not None:
            self._scheduler.tell(observation if number == observation.trial_id else replace(observation, trial_id=number))

    def progress(self) -> str:
        """Returns the best so far."""
        if self._tally.confirming is not None:
            return self._tally.confirming.progress()
        if (best := self._tally.best) is None:
            return ""
        return f"trial {best.trial}: best {self._question.metric} so far, {best.value:.6g} at {self._question.unit} {best.unit}"

    def finding(self, ended: str) -> Selection:
        """Returns the best so far, and how its confirmation stands."""
        return self._tally.finding(ended)
