"""What a study found out, what it cost, and where it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from shoestring.budget import RESOURCES, Budget, Cost, describe
from shoestring.orders import Config


class Status(StrEnum):
    """How a study ended; each has its exit code."""

    ANSWERED = "answered"
    UNANSWERED = "budget spent without an answer"
    STOPPED = "stopped; the same command goes on"
    ALL_FAILED = "every trial failed"

    @property
    def exit_code(self) -> int:
        """The exit code of the command line: 0, 3, 4 or 5."""
        return {Status.ANSWERED: 0, Status.UNANSWERED: 3, Status.STOPPED: 4, Status.ALL_FAILED: 5}[self]


@dataclass(frozen=True, slots=True)
class Best:
    """The best that was seen: value ``value`` of the metric after ``unit`` units of trial ``trial``.

    It was selected for being best, so the value is optimistic: no estimate of what a fresh run would give.
    """

    trial: int
    config: Config
    value: float
    unit: int


@dataclass(frozen=True)
class Answer:
    """The answer to a search.

    Attributes:
        status: how the study ended.
        best: the best trial, or None if none showed a finite metric.
        metric: name of the metric.
        spent: the sum of the ledger.
        budget: the limits.
        unit: what a unit of training is called.
        n_trials: how many trials were begun.
        run: the run's folder, None for a study in memory.
        notes: sentences about what went wrong or was left, for people.
    """

    status: Status
    best: Best | None
    metric: str
    spent: Cost
    budget: Budget
    unit: str
    n_trials: int
    run: Path | None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as plain data, as ``--json`` prints it."""
        best = self.best
        return {
            "status": self.status.name.lower(),
            "best": best and {"trial": best.trial, "config": dict(best.config), "value": best.value, "unit": best.unit},
            "spent": named(self.spent.as_dict(), self.unit),
            "budget": named(self.budget.limits, self.unit),
            "n_trials": self.n_trials,
            "run": self.run and str(self.run),
        }

    def __str__(self) -> str:
        lines = [f"{self.status}: {self.n_trials} trials, {self._spent_text()} spent of {self.budget}"]
        if self.best:
            config = "  ".join(f"{name}={_short(value)}" for name, value in self.best.config.items())
            lines.append(
                f"best {self.metric} {self.best.value:.6g} after {describe('units', self.best.unit, self.unit)} "
                f"of trial {self.best.trial}: {config}"
            )
            lines.append("this value was selected for being best and is optimistic; a fresh run may give less")
        lines += self.notes
        if self.run:
            lines.append(f"kept in {self.run}")
        return "\n".join(lines)

    def _spent_text(self) -> str:
        limited = [describe(name, getattr(self.spent, name), self.unit) for name in self.budget.limits]
        shown = limited + [
            describe(name, getattr(self.spent, name), self.unit) for name in ("units", "wall_s") if name not in self.budget.limits
        ]
        return ", ".join(shown)


def named(amounts: Mapping[str, float], unit: str) -> dict[str, float]:
    """Returns amounts by resource as ``--json`` names them: units by the study's own word, such as ``epochs``."""
    return {f"{unit}s" if resource == "units" else resource: amounts[resource] for resource in RESOURCES if resource in amounts}


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
