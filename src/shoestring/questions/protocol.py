"""What a question, its strategy and its tally are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from shoestring.budget import plural_of, unit_word
from shoestring.errors import UnknownName, UsageError
from shoestring.values.finding import Finding
from shoestring.values.orders import Observation, Order, Start

MOST_UNITS = 10**12  # of one trial


class Question(Protocol):
    """What is asked: plain data that never changes; two studies ask the same if ``to_json`` says the same."""

    @property
    def target(self) -> str:
        """What is trained, in words."""

    @property
    def metric(self) -> str:
        """The metric that decides."""

    @property
    def goal(self) -> str:
        """``"min"`` or ``"max"``."""

    @property
    def horizon(self) -> int:
        """Units of a full training."""

    @property
    def unit(self) -> str:
        """What a unit is called."""

    @property
    def seed(self) -> int:
        """Where all randomness of the study comes from."""

    def loss(self, value: float) -> float:
        """Returns a metric's value as a loss: lower is better, ``inf`` if it is not finite."""

    def to_json(self) -> dict[str, Any]:
        """Returns the question as plain data."""


class Tally(Protocol):
    """What the trials of a study have shown, and what follows from it; enough to read a stored run."""

    def started(self, order: Start) -> None:
        """Takes note of a new trial."""

    def tell(self, observation: Observation) -> None:
        """Learns from one observation."""

    def settle(self, n: int) -> None:
        """Takes note of how many more seeds of each arm the budget pays for, where that was open."""

    def finding(self, ended: str) -> Finding:
        """Returns what is known now; ``ended`` says why no more is run, unless nothing more is needed, and is empty if it goes on."""


class Strategy(Protocol):
    """Answers a question: orders out, observations in, always in the same way for the same observations."""

    @property
    def done(self) -> bool:
        """Whether nothing more needs to be run, so that what still runs may stop."""

    @property
    def undecided_cost(self) -> int | None:
        """Units that one more seed of each arm costs, where it is open how many seeds the budget pays for; None otherwise."""

    def aside(self, limits: Mapping[str, float], unit_cost: Mapping[str, float]) -> Mapping[str, float]:
        """Returns how much of each limited resource is reserved for later.

        Args:
            limits: the budget.
            unit_cost: what a unit of training has cost so far, of each resource; 0 where that is not known yet.
        """

    def ask(self) -> Order | None:
        """Returns the next order, or None if there is none now."""

    def tell(self, observation: Observation) -> None:
        """Learns from one observation."""

    def settle(self, n: int) -> None:
        """Is told how many more seeds of each arm the budget pays for; may then have orders again."""

    def progress(self) -> str:
        """Returns the state of things for people, empty while nothing is known: what has changed last, a colon, and the figures."""

    def finding(self, ended: str) -> Finding:
        """Returns what is known now; ``ended`` says why no more is run, unless nothing more is needed, and is empty if it goes on."""


class Unreserved:
    """A strategy that knows from the start which runs it may order: all of the budget is for them."""

    undecided_cost: int | None = None

    def aside(self, limits: Mapping[str, float], unit_cost: Mapping[str, float]) -> Mapping[str, float]:
        """Returns nothing: nothing is reserved for later."""
        return {}

    def settle(self, n: int) -> None:
        """Has nothing to settle."""


def check_common(question: Question) -> None:
    """Checks what all questions have in common.

    Raises:
        UsageError: a goal, unit, metric, horizon or seed that is not allowed.
    """
    if question.goal not in ("min", "max"):
        raise UnknownName("goal", str(question.goal), ("min", "max"))
    if unit_word(question.unit) != question.unit:
        raise UsageError(f"unit={question.unit!r} must be in lower case and in the singular, such as {unit_word(question.unit)}.")
    if not question.metric:
        raise UsageError("the metric has no name; name one that the trials report, such as --metric loss.")
    if not 1 <= question.horizon <= MOST_UNITS:
        raise UsageError(f"horizon={question.horizon} cannot be used; a full training has 1 to {MOST_UNITS} {plural_of(question.unit)}.")
    if not 0 <= question.seed < 2**63:
        raise UsageError(f"seed={question.seed} is outside of 0 to 2**63 - 1.")


def loss_of(value: float, goal: str) -> float:
    """Returns a metric's value as a loss: lower is better, ``inf`` if it is not finite."""
    return math.inf if not math.isfinite(value) else value if goal == "min" else -value
