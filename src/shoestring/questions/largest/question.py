"""The question "what is the largest size that is still solved?"."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from shoestring.arguments import checked_class
from shoestring.errors import UsageError, shown
from shoestring.questions.protocol import check_common, loss_of
from shoestring.questions.search.question import Goal
from shoestring.values.orders import Config

_CONDITION = re.compile(r"\s*(?P<metric>[^<>=\s]+)\s*(?P<sign>>=|<=)\s*(?P<threshold>\S+)\s*")


@checked_class
@dataclass(frozen=True)
class Largest:
    """What is the largest size that is still solved?

    A run solves its size if the metric's last value reaches the threshold. The capacity is the size at which a run does so with
    probability ``p_star``.

    Attributes:
        target: what is trained, in words.
        over: the parameter that grows.
        metric: what tells whether a run has solved its size.
        goal: ``"max"`` if at least the threshold solves, ``"min"`` if at most.
        threshold: the value to reach.
        start: the first size to try.
        config: the other parameters.
        p_star: the chance of a run that defines the capacity.
        ratio: stop when the upper end is at most so many times the lower one.
        strict: prove both ends, assuming nothing but that larger is harder.
        smallest, most: the sizes allowed.
        max_trials: never more runs than this.
        horizon, unit, seed: as in ``Search``.
    Raises:
        UsageError: settings that are not allowed.
    """

    target: str
    over: str
    metric: str
    goal: Goal
    threshold: float
    start: int
    config: Config = field(default_factory=dict)
    p_star: float = 0.5
    ratio: float = 4.0
    strict: bool = False
    smallest: int = 1
    most: int = 2**20
    max_trials: int = 60
    horizon: int = 1
    unit: str = "epoch"
    seed: int = 0

    def __post_init__(self) -> None:
        check_common(self)
        if not math.isfinite(self.threshold):
            raise UsageError(f"{self.metric} can never reach {self.threshold}; give a finite threshold, such as 'accuracy>=0.99'.")
        if not 1 <= self.smallest <= self.start <= self.most:
            raise UsageError(f"from {self.start} cannot be used; the first size lies between {self.smallest} and {self.most}.")
        if not 0.01 < self.p_star < 0.99:
            raise UsageError(f"p_star={self.p_star} cannot be used; it lies between 0.01 and 0.99 (0.9 needs 29 solved runs in a row).")
        if not self.ratio > 1:
            raise UsageError(f"ratio={self.ratio} cannot be used; the interval's upper end over its lower end is above 1, such as 4.")
        if self.max_trials < 1:
            raise UsageError(f"max_trials={self.max_trials} leaves nothing to run; give 1 or more.")
        if self.over in self.config:
            raise UsageError(f"{self.over} is both the size and fixed to {self.config[self.over]!r}; leave one of them out.")

    def loss(self, value: float) -> float:
        """Returns a metric's value as a loss: lower is better, ``inf`` if it is not finite."""
        return loss_of(value, self.goal)

    def solves(self, loss: float) -> bool:
        """Returns whether a run with this loss at its end has solved its size."""
        return loss <= self.loss(self.threshold)

    def to_json(self) -> dict[str, Any]:
        """Returns the question as plain data."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {"question": "scale", "kind": "largest"} | plain | {"config": dict(self.config)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Largest:
        """Returns the question that ``to_json`` described."""
        return cls(**{name: value for name, value in data.items() if name not in ("question", "kind")})


def condition_of(text: str) -> tuple[str, Goal, float]:
    """Returns metric, goal and threshold of a condition such as ``accuracy>=0.99``.

    Raises:
        UsageError: it cannot be read.
    """
    found = _CONDITION.fullmatch(text)
    try:
        threshold = float(found["threshold"]) if found else math.nan
    except ValueError:
        threshold = math.nan
    if found is None or math.isnan(threshold):
        raise UsageError(f"the condition {shown(text)} cannot be read; write METRIC>=NUMBER or METRIC<=NUMBER, such as 'accuracy>=0.99'.")
    return found["metric"], "max" if found["sign"] == ">=" else "min", threshold
