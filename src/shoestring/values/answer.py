"""The answer of a study: what was found, what it cost, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any, Generic

from typing_extensions import TypeVar

from shoestring.arguments import checked_class
from shoestring.budget import RESOURCES, Budget, Cost, describe, plural_of
from shoestring.cleaning import for_line
from shoestring.machine.files import shown
from shoestring.values.finding import Best, Finding

F = TypeVar("F", bound=Finding, covariant=True, default=Finding)


class Status(StrEnum):
    """How a study ended; each has its exit code."""

    ANSWERED = "answered"
    UNANSWERED = "no answer within this budget"
    STOPPED = "stopped; run the same command to resume"
    ALL_FAILED = "every trial failed"

    @property
    def exit_code(self) -> int:
        """The exit code of the command line: 0, 3, 4 or 5."""
        return {Status.ANSWERED: 0, Status.UNANSWERED: 3, Status.STOPPED: 4, Status.ALL_FAILED: 5}[self]


@checked_class
@dataclass(frozen=True)
class Answer(Generic[F]):
    """The answer to a question.

    Attributes:
        status: how the study ended.
        finding: what was found, of type ``F``: a ``Selection``, a ``Comparison``, a ``Law`` or a ``Capacity``.
        spent: the sum of the ledger.
        budget: the limits.
        unit: what a unit of training is called.
        n_trials: how many trials were begun.
        run: the run's folder, None for a study in memory.
        notes: sentences about what went wrong or was left, for people.
    """

    status: Status
    finding: F
    spent: Cost
    budget: Budget
    unit: str
    n_trials: int
    run: Path | None
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Best | None:
        """The best of a search; None if no trial showed anything, or something else was asked."""
        best = getattr(self.finding, "best", None)
        return best if isinstance(best, Best) else None

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as plain data, as ``--json`` prints it."""
        return {
            "status": self.status.name.lower(),
            **self.finding.to_json(),
            "spent": named(self.spent.as_dict(), self.unit),
            "budget": named(self.budget.limits, self.unit),
            "n_trials": self.n_trials,
            "run": self.run and str(self.run),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        lines = [f"{self.status}: {self.n_trials} trials, {self._spent_text()} spent of {self.budget}"]
        lines += self.finding.lines()
        lines += self.notes
        if self.run:
            lines.append(f"saved in {shown(self.run)}")
        return "\n".join(map(for_line, lines))

    def _repr_html_(self) -> str:
        """Returns the answer as a notebook shows it: sentences and a table, no script."""
        said = "".join(f"<li>{_html(line)}</li>" for line in (*self.finding.lines(), *self.notes))
        rows = {"status": str(self.status), "trials": str(self.n_trials), "spent": f"{self._spent_text()} of {self.budget}"}
        rows |= {"saved in": shown(self.run)} if self.run else {}
        cells = "".join(f"<tr><th style='text-align:left'>{_html(name)}</th><td>{_html(value)}</td></tr>" for name, value in rows.items())
        return f"<div><table>{cells}</table><ul>{said}</ul></div>"

    def _spent_text(self) -> str:
        limited = [describe(name, getattr(self.spent, name), self.unit) for name in self.budget.limits]
        shown = limited + [
            describe(name, getattr(self.spent, name), self.unit) for name in ("units", "wall_s") if name not in self.budget.limits
        ]
        return ", ".join(shown)


def _html(text: str) -> str:
    return escape(for_line(text))


def named(amounts: Mapping[str, float], unit: str) -> dict[str, float]:
    """Returns amounts by resource as ``--json`` names them: units by the study's own word, such as ``epochs``."""
    return {plural_of(unit) if resource == "units" else resource: amounts[resource] for resource in RESOURCES if resource in amounts}
