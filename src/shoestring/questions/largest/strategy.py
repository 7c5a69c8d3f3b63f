"""The strategy of a question about the largest size: one size after the other, each chosen by what the runs before it have shown."""

from __future__ import annotations

from shoestring.questions.compare.strategy import seed_of
from shoestring.questions.largest.finding import Capacity
from shoestring.questions.largest.question import Largest
from shoestring.questions.protocol import Unreserved
from shoestring.stats.capacity_bayes import LEVEL, CapacityBayes, CapacityState
from shoestring.stats.capacity_strict import CapacityStrict
from shoestring.values.orders import Observation, Start

_ALPHA = 0.05
_REACHED = ("interval narrow enough", "both ends proved")


class Sizing(Unreserved):
    """Tries one size after the other, each chosen by what the runs before it have shown.

    Args:
        question: what is asked.
    """

    def __init__(self, question: Largest) -> None:
        self._question = question
        self._settings: CapacityBayes | CapacityStrict
        if question.strict:
            self._settings = CapacityStrict(question.start, question.p_star, _ALPHA, question.smallest, question.most)
        else:
            self._settings = CapacityBayes(
                question.start, question.p_star, question.ratio, question.max_trials, question.smallest, question.most
            )
        self._sizes: dict[int, float] = {}
        self._results: list[tuple[float, bool]] = []
        self._state: CapacityState = self._settings.state([])

    @property
    def done(self) -> bool:
        """Whether the interval is found, or no more runs are allowed."""
        return self._state.ended is not None

    def ask(self) -> Start | None:
        """Returns the next run; a proof waits for each result, a Bayesian search tries the same size again meanwhile."""
        question, size = self._question, self._state.next_size
        under_way = len(self._sizes) - len(self._results)
        if size is None or len(self._sizes) >= question.max_trials or (question.strict and under_way):
            return None
        nth = len(self._sizes)
        order = Start(nth, {**question.config, question.over: size}, question.horizon, seed_of(question.seed, nth))
        self.started(order)
        return order

    def started(self, order: Start) -> None:
        """Takes note of a new run."""
        self._sizes[order.trial_id] = float(str(order.config[self._question.over]))

    def tell(self, observation: Observation) -> None:
        """Takes in a result; only the last value of a run counts."""
        if observation.unit < self._question.horizon and not observation.ended:
            return
        if self._state.ended is None:
            self._results.append((self._sizes[observation.trial_id], self._question.solves(observation.loss)))
            self._state = self._settings.state(self._results)

    def progress(self) -> str:
        """Returns the interval so far."""
        if not self._results:
            return ""
        size, solved = self._results[-1]
        return (
            f"run {len(self._results)}: {self._question.over} {size:g} {'solved' if solved else 'not solved'}; "
            f"the largest is {self._state.lower:.3g} to {self._state.upper:.3g}"
        )

    def finding(self, ended: str) -> Capacity:
        """Returns the interval."""
        question, state = self._question, self._state
        return Capacity(
            question.over,
            f"{question.metric} {'>=' if question.goal == 'max' else '<='} {question.threshold:g}",
            question.p_star,
            state.lower,
            state.upper,
            state.estimate,
            1 - _ALPHA if question.strict else LEVEL,
            "STRICT" if question.strict else "BAYES",
            tuple(self._results),
            state.ended or ended,
            state.ended in _REACHED,
        )
