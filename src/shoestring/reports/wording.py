"""The words in which every form of the report names a run's question."""

from __future__ import annotations

from collections.abc import Iterator

from shoestring.budget import Cost, describe
from shoestring.engine.run import Run
from shoestring.questions.kinds import kind_of
from shoestring.values.finding import in_words, plural, short

__all__ = ["amounts", "facts", "in_words", "n_started", "plural", "progress", "short", "title"]


def title(run: Run) -> str:
    """Returns the question in one sentence."""
    return kind_of(run.question).wording.title(run.question)


def facts(run: Run) -> Iterator[tuple[str, str]]:
    """Yields what was asked, as names and values."""
    question = run.question
    yield "target", question.target
    yield "metric", f"{question.metric}, {'the lower the better' if question.goal == 'min' else 'the higher the better'}"
    yield "full training", describe("units", question.horizon, question.unit)
    yield "budget", str(run.budget)
    yield "seed of the study", str(question.seed)
    yield from kind_of(question).wording.facts(question)


def progress(run: Run) -> str:
    """Returns what was spent of each limit."""
    spent, unit = run.spent(), run.question.unit
    return ", ".join(
        f"{describe(name, getattr(spent, name), unit)} of {describe(name, limit, unit)}" for name, limit in run.budget.limits.items()
    )


def amounts(cost: Cost, unit: str) -> str:
    """Returns a cost in words, without what is nothing."""
    return ", ".join(describe(name, amount, unit) for name, amount in cost.as_dict().items() if amount) or "nothing"


def n_started(run: Run) -> int:
    """Returns how many trials were started, those included that failed before their first unit."""
    return len({row["trial_id"] for row in run.ledger if row["trial_id"] is not None})
