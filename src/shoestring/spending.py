"""How a study may spend: budget, prices, grace, workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shoestring.budget import Budget, Price
from shoestring.errors import BudgetTooSmall, UsageError
from shoestring.questions import Question


@dataclass(frozen=True)
class Spending:
    """How a study may spend.

    Attributes:
        budget: the limits.
        price: what resources cost.
        grace: seconds in which a trial may save itself before it is killed.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        workers: how many trials run at once, None for one a GPU, or half the cores.
    """

    budget: Budget
    price: Price
    grace: float = 2.0
    watts: float | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if "usd" in self.budget.limits and not self.price.per:
            raise UsageError("a budget in usd needs a price, such as price='2.5/gpu-hour' (--price 2.5/gpu-hour).")
        if not 0 <= self.grace < float("inf"):
            raise UsageError(f"grace={self.grace} is no number of seconds; give 0 or more.")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers={self.workers} can run nothing; give 1 or more.")

    @classmethod
    def of(
        cls,
        budget: str | Sequence[str],
        price: str | Sequence[str] = (),
        grace: float = 2.0,
        watts: float | None = None,
        workers: int | None = None,
    ) -> Spending:
        """Returns what budgets and prices in words come to.

        Raises:
            InvalidBudget, UsageError: they make no sense.
        """
        return cls(Budget(*_listed(budget)), Price(*_listed(price)), grace, watts, workers)


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
        raise UsageError(f"the budget is in {budget.unit}s and the study's unit is {unit!r}; use one word for both (--unit {budget.unit}).")
    needed = runs * question.horizon
    if units < needed:
        carried = "one trial" if runs == 1 else f"{runs} runs"
        raise BudgetTooSmall(
            f"budget of {units:g} {unit}s cannot carry {carried} to horizon={question.horizon}; needs {needed}. "
            "Lower --horizon or raise --budget.",
            given=units,
            needed=needed,
        )


def _listed(texts: str | Sequence[str]) -> Sequence[str]:
    return texts if isinstance(texts, list | tuple) else (texts,)
