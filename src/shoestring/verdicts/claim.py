"""A claim: a statement that can fail, the question that decides it, and a control under which it must not hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from shoestring.arguments import checked_class
from shoestring.budget import Budget
from shoestring.errors import UsageError
from shoestring.values.answer import Answer

Word: TypeAlias = Literal["holds", "fails", "undecided"]


@checked_class
@dataclass(frozen=True, slots=True)
class Ruling:
    """What a rule says of an answer.

    Attributes:
        word: ``"holds"``, ``"fails"``, or ``"undecided"`` at this budget.
        estimate: the number that it rests on, None if there is none.
        interval: its interval, limits None where there are none.
    """

    word: Word
    estimate: float | None = None
    interval: tuple[float | None, float | None] = (None, None)


@runtime_checkable
class Asks(Protocol):
    """A question with everything but its budget and its place, such as ``functools.partial(shoestring.compare, arms, train, ...)``."""

    def __call__(self, *, budget: str, store: str | Path) -> Answer:
        """Answers it."""


Rule: TypeAlias = Callable[[Answer], Ruling]


@checked_class
@dataclass(frozen=True)
class Claim:
    """Something that a paper, or anyone, states, in a form that can be checked under a budget.

    Attributes:
        name: a short name, of letters, digits and dashes.
        statement: what is claimed, in one sentence that can be false.
        source: where it is claimed: paper, section, table.
        question: what decides it.
        budget: what checking it may cost by default, a duration such as ``"90s"``.
        rule: turns the answer into a ruling. It is fixed before the question is asked.
        control: the same question of an ablated system, or under a null, for which the rule must not say that the claim holds.
        paper_cost: what the source paid for its evidence, in words.
        needs: reads the data that the claim cannot do without, and raises ``UsageError`` where they are not on this machine: the question
            is not asked then, and the claim is undecided.
    Raises:
        UsageError: the name cannot name a folder.
        InvalidBudget: the budget cannot be read.
    """

    name: str
    statement: str
    source: str
    question: Asks
    budget: str
    rule: Rule
    control: Asks
    paper_cost: str = "not stated"
    needs: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        if not self.name or not all(letter.isalnum() or letter in "-_" for letter in self.name):
            raise UsageError(f"a claim cannot be called {self.name!r}; use letters, digits, - and _.")
        Budget(self.budget)


@checked_class
@dataclass(frozen=True)
class Verdict:
    """What came of a claim.

    Attributes:
        system: where the claim belongs.
        claim, statement, source, paper_cost: as in ``Claim``.
        ruling: of the claim.
        control: of its control; None if that was not run.
        spent: by resource, control included.
        budget: what it could spend.
        seeds: of the comparison that decided it, where it was one.
        detail: the answer, as ``--json`` prints it.
        machine: command, versions and hardware.
    """

    system: str
    claim: str
    statement: str
    source: str
    paper_cost: str
    ruling: Ruling
    control: Ruling | None
    spent: dict[str, float]
    budget: str
    seeds: tuple[int, ...]
    detail: dict[str, Any]
    machine: dict[str, Any]

    @property
    def is_sound(self) -> bool:
        """Whether the control, if it was run, did not hold: a rule that its control passes says nothing."""
        return self.control is None or self.control.word != "holds"

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict as plain data, as ``--json`` prints it."""
        return {
            "system": self.system,
            "claim": self.claim,
            "statement": self.statement,
            "verdict": self.ruling.word,
            "control_verdict": self.control and self.control.word,
            "estimate": self.ruling.estimate,
            "interval": list(self.ruling.interval),
            "spent": self.spent,
            "paper_cost": self.paper_cost,
        }

    def to_record(self) -> dict[str, Any]:
        """Returns all that is kept of the verdict."""
        more = {"source": self.source, "budget": self.budget, "seeds": list(self.seeds), "detail": self.detail, "machine": self.machine}
        return self.to_json() | more

    def __str__(self) -> str:
        ruling = self.ruling
        number = "" if ruling.estimate is None else f" ({ruling.estimate:.4g}, {_limits(ruling.interval)})"
        control = "" if self.control is None else f"; control: {self.control.word}{'' if self.is_sound else ', so the rule is unsound'}"
        not_asked = f", not asked: {self.detail['not_asked']}" if "not_asked" in self.detail else ""
        return f"{self.system} {self.claim}: {ruling.word}{number}{control}{not_asked}\n    {self.statement}"


def _limits(interval: tuple[float | None, float | None]) -> str:
    low, high = interval
    return f"{-math.inf if low is None else low:.4g} to {math.inf if high is None else high:.4g}"
