"""How a report words a search."""

from __future__ import annotations

from collections.abc import Iterator

from shoestring.questions.search.finding import Selection
from shoestring.questions.search.question import Search
from shoestring.space.text import format_space
from shoestring.values.finding import Finding


def title(question: Search) -> str:
    """Returns the question in one sentence."""
    return f"Which configuration gives the best {question.metric}?"


def facts(question: Search) -> Iterator[tuple[str, str]]:
    """Yields what was asked, as names and values."""
    halving = f" (eta = {question.eta})" if question.horizon > 1 else ""
    yield "scheduler and sampler", f"{question.scheduler}{halving}, {question.sampler}"
    yield "space", format_space(question.space)
    yield "rule of choice", f"the best {question.metric} that any trial showed at any {question.unit}"
    yield "confirmation", "the best against the default, on fresh seeds" if question.confirm else "not asked for"


def varied(question: Search) -> str:
    """Returns which hyperparameters were varied."""
    return f"space {format_space(question.space)}"


def choice(question: Search) -> str:
    """Returns the rule of choice."""
    return f"best {question.metric} of any trial at any {question.unit}; {question.scheduler}, {question.sampler}"


def statistic(finding: Finding) -> str:
    """Returns what the numbers are means of."""
    if isinstance(finding, Selection) and finding.confirmation is not None:
        return "the best of a search is a selected single run; the confirmation gives means over fresh seeds"
    return "a selected single run: no mean was taken"
