"""How a study may spend: budget, prices, grace, workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shoestring.budget import UNITS, Budget, Price, plural_of, unit_word
from shoestring.errors import BudgetTooSmall, UsageError
from shoestring.questions.protocol import Question

MOST_WORKERS = 10_000


@dataclass(frozen=True)
class Spending:
    """How a study may spend.

    Attributes:
        budget: the limits.
        price: what resources cost.
        grace: seconds in which a trial may save itself before it is killed.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        workers: how many trials run at once, None for one a GPU, or half the cores.
        unit: what a unit of training is called.
    """

    budget: Budget
    price: Price
    grace: float = 2.0
    watts: float | None = None
    workers: int | None = None
    unit: str = UNITS[0]

    def __post_init__(self) -> None:
        if "usd" in self.budget.limits and not self.price.per:
            raise UsageError("a budget in usd needs a price, such as price='2.5/gpu-hour' (--price 2.5/gpu-hour).")
        if not 0 <= self.grace < float("inf"):
            raise UsageError(f"grace={self.grace} must be 0 or more seconds.")
        if self.watts is not None and not 0 < self.watts < float("inf"):
            raise UsageError(f"watts={self.watts} must be the power of a core in watts: a number above 0, such as 10.")
        if self.workers is not None and not 1 <= self.workers <= MOST_WORKERS:
            raise UsageError(f"workers={self.workers} cannot be started; give 1 to {MOST_WORKERS}.")

    @classmethod
    def of(
        cls,
        budget: str | Sequence[str] | Budget,
        price: str | Sequence[str] = (),
        grace: float = 2.0,
        watts: float | None = None,
        workers: int | None = None,
        unit: str | None = None,
    ) -> Spending:
        """Returns what budgets and prices in words come to; ``unit`` is what a unit of training is called, None if nobody said.

        Raises:
            InvalidBudget, UsageError: they are not allowed.
        """
        limits = budget if isinstance(budget, Budget) else Budget(*_listed(budget), unit=unit)
        return cls(limits, Price(*_listed(price)), grace, watts, workers, unit_word(unit) if unit else limits.unit or UNITS[0])


def check_feasible(question: Question, budget: Budget, runs: int = 1) -> None:
    """Checks that a budget can carry so many full trainings.

    Raises:
        BudgetTooSmall: it cannot.
        UsageError: the budget counts other units than the question.
    """
    units, unit = budget.limits.get("units"), question.unit
    if units is None:
        return
    if budget.unit not in (unit, "unit"):
        raise UsageError(
            f"the budget is in {plural_of(str(budget.unit))} and the study's unit is {unit!r}; use one word (--unit {budget.unit})."
        )
    needed = runs * question.horizon
    if units < needed:
        carried = "one trial" if runs == 1 else f"{runs} runs"
        raise BudgetTooSmall(
            f"budget of {units:g} {plural_of(unit)} cannot carry {carried} to horizon={question.horizon}; needs {needed}. "
            "Lower --horizon or raise --budget.",
            given=units,
            needed=needed,
        )


def _listed(texts: str | Sequence[str]) -> Sequence[str]:
    return texts if isinstance(texts, list | tuple) else (texts,)
