"""What a question about the largest size found: an interval, and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Capacity:
    """What was found about the largest size that is still solved.

    Attributes:
        over: the parameter that grows.
        condition: what solving means, such as ``accuracy >= 0.99``.
        p_star: the chance of a run that defines the capacity.
        lower: the capacity is at least this; 0 where even the smallest size may be too large.
        upper: and at most this; ``inf`` where even the largest may be solved.
        estimate: in between.
        level: how sure the two ends are.
        method: how it was found.
        trials: size and whether it was solved, in the order of their results.
        stopped: why it stopped.
        complete: whether the interval is as narrow as was asked for.
    """

    over: str
    condition: str
    p_star: float
    lower: float
    upper: float
    estimate: float
    level: float
    method: str
    trials: tuple[tuple[float, bool], ...]
    stopped: str
    complete: bool

    @property
    def answers(self) -> bool:
        """Whether the interval is as narrow as was asked for."""
        return self.complete

    def lines(self) -> Iterator[str]:
        """Yields the interval and what it rests on."""
        upper = "no upper end found" if math.isinf(self.upper) else f"at most {self.upper:.4g}"
        solved = sum(ok for _, ok in self.trials)
        what = f"largest {self.over} solved ({self.condition} in {self.p_star:.0%} of runs)"
        yield f"{what}: at least {self.lower:.4g}, {upper}, {self.level:.0%}"
        yield f"best estimate {self.estimate:.4g}; {len(self.trials)} runs, {solved} solved ({self.method}); stopped: {self.stopped}"
        if self.method == "BAYES":
            yield "the ends hold on average over places of the capacity, if larger is never easier"

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data, as ``--json`` prints it."""
        largest = {
            "lower": self.lower,
            "upper": None if math.isinf(self.upper) else self.upper,
            "estimate": self.estimate,
            "level": self.level,
            "method": self.method,
            "trials": len(self.trials),
        }
        return dict.fromkeys(("form", "exponent", "interval", "refused", "prediction")) | {"largest": largest}
