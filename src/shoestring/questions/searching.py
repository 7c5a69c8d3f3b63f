"""The strategy of a search: a scheduler at work, and then the confirmation of its best on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping

from shoestring.orders import Config, Observation, Order, Scheduler, Start
from shoestring.questions.compare import Arm, Compare
from shoestring.questions.comparing import Comparing
from shoestring.questions.search import Search
from shoestring.selection import Best, Selection
from shoestring.stats.choose import MIN_HORIZON
from shoestring.stats.confirmation import MOST_PAIRS, reserve_of

_SALT = 1  # of the confirming seeds


class SearchTally:
    """What the trials of a search have shown, its confirmation included.

    Args:
        question: what is asked.
    """

    def __init__(self, question: Search) -> None:
        self._question = question
        self._configs: dict[int, Config] = {}
        self._best: Observation | None = None
        self.confirming: Comparing | None = None
        self._unconfirmed = "" if question.confirm else "no confirmation was asked for"

    @property
    def best(self) -> Best | None:
        """The best of the trials that searched."""
        if self._best is None:
            return None
        value = self._best.loss if self._question.goal == "min" else -self._best.loss
        return Best(self._best.trial_id, self._configs[self._best.trial_id], value, self._best.unit)

    @property
    def is_settled(self) -> bool:
        """Whether the search is over, and it was settled how its best is confirmed."""
        return self.confirming is not None or bool(self._unconfirmed)

    def started(self, order: Start) -> None:
        """Takes note of a new trial."""
        if order.purpose == "confirmation" and self.confirming is not None:
            self.confirming.started(order)
        else:
            self._configs[order.trial_id] = order.config

    def tell(self, observation: Observation) -> None:
        """Learns from one observation."""
        if observation.trial_id not in self._configs and self.confirming is not None:
            self.confirming.tell(observation)
        elif math.isfinite(observation.loss) and (self._best is None or observation.loss < self._best.loss):
            self._best = observation

    def settle(self, n: int) -> None:
        """Ends the search and plans the confirmation on ``n`` pairs of fresh seeds, if there is anything to confirm."""
        question, best = self._question, self.best
        if best is None:
            self._unconfirmed = "no trial showed anything"
        elif dict(best.config) == self._default():
            self._unconfirmed = "the best configuration is the default"
        elif n < MIN_HORIZON:
            needed = (
                f"{MIN_HORIZON} fresh trainings of both the best and the default, {2 * MIN_HORIZON * question.horizon} {question.unit}s"
            )
            self._unconfirmed = f"a quarter of the budget, the most that is set aside, does not carry {needed}"
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
            )
            self.confirming = Comparing(asked, first_trial=len(self._configs), purpose="confirmation", salt=_SALT)

    def finding(self, ended: str) -> Selection:
        """Returns the best so far, and how its confirmation stands."""
        confirmation = self.confirming.finding(ended) if self.confirming else None
        return Selection(self._question.metric, self._question.unit, self.best, confirmation, self._unconfirmed)

    def _default(self) -> Config:
        return self._question.space.default() if self._question.default is None else dict(self._question.default)


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

    @property
    def done(self) -> bool:
        """Whether the confirmation is decided."""
        return self._tally.confirming is not None and self._tally.confirming.done

    @property
    def undecided_cost(self) -> int | None:
        """Units that a pair of confirming runs costs, as long as it is open how many there will be."""
        return None if self._tally.is_settled else 2 * self._question.horizon

    def aside(self, limits: Mapping[str, float], unit_cost: Mapping[str, float]) -> dict[str, float]:
        """Returns how much of each limited resource is set aside for the confirmation.

        Args:
            limits: the budget.
            unit_cost: what a unit of training costs, of each resource; 0 where that is not known yet.
        """
        if self._tally.is_settled:
            return {}
        pair_cost = {name: 2 * self._question.horizon * cost for name, cost in unit_cost.items()}
        kept = reserve_of(limits, pair_cost)
        if any(amount < MIN_HORIZON * pair_cost[name] for name, amount in kept.items()):
            return {}  # too little for a test, so all of it is for the search
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
        order = self._scheduler.ask()
        if isinstance(order, Start):
            self._tally.started(order)
        return order

    def tell(self, observation: Observation) -> None:
        """Lets the scheduler, and through it the sampler, learn from an observation; a confirming run teaches them nothing."""
        self._tally.tell(observation)
        if self._tally.confirming is None:
            self._scheduler.tell(observation)

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
