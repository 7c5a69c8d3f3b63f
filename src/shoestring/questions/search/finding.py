"""What a search found: the best of its trials, and whether fresh runs confirmed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shoestring.questions.compare.finding import Comparison
from shoestring.values.finding import Best, in_words


@dataclass(frozen=True)
class Selection:
    """What a search found.

    Attributes:
        metric: the metric that decided.
        unit: what a unit is called.
        best: the best trial, None if none showed a finite metric.
        confirmation: the comparison of its configuration with the default on fresh seeds, None if there was none.
        unconfirmed: why there was none.
        goal: ``"min"`` or ``"max"``.
        n_trials: how many trials showed a finite value.
        deterministic: whether the seeds change nothing, so that a fresh run gives the same value.
    """

    metric: str
    unit: str
    best: Best | None
    confirmation: Comparison | None = None
    unconfirmed: str = ""
    goal: str = "max"
    n_trials: int = 1
    deterministic: bool = False

    @property
    def confirmed(self) -> bool:
        """Whether fresh runs showed that the best is better than the default."""
        return self.confirmation is not None and self.confirmation.confirmed

    @property
    def caution(self) -> str:
        """What to expect of a fresh run, in one sentence."""
        worse = "lower" if self.goal == "max" else "higher"
        of = "the only trial that showed a value" if self.n_trials == 1 else f"the best of {self.n_trials} trials"
        return f"this is {of}, so it is optimistic: expect a fresh run to score {worse}"

    @property
    def answers(self) -> bool:
        """Whether any trial showed anything."""
        return self.best is not None

    def lines(self) -> Iterator[str]:
        """Yields the best and how far it can be trusted."""
        if self.best is None:
            return
        best = self.best
        plural = "" if best.unit == 1 else "s"
        yield f"best {self.metric} {best.value:.6g} after {best.unit} {self.unit}{plural} of trial {best.trial}: {in_words(best.config)}"
        if not self.deterministic:
            yield self.caution
        if self.confirmation is not None:
            yield from self.confirmation.confirming_lines()
        elif self.unconfirmed:
            yield f"not confirmed: {self.unconfirmed}"

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data."""
        best = self.best
        return {
            "best": best and {"trial": best.trial, "config": dict(best.config), "value": best.value, "unit": best.unit},
            "confirmed": self.confirmed,
            "unconfirmed": self.unconfirmed or None,
            "confirmation": self.confirmation and self.confirmation.to_json(),
        }
