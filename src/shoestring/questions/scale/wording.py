"""How a report words a question about growth."""

from __future__ import annotations

from collections.abc import Iterator

from shoestring.questions.scale.question import Scale
from shoestring.values.finding import Finding, in_words, plural


def title(question: Scale) -> str:
    """Returns the question in one sentence."""
    return f"How does {question.metric} change with {question.over}?"


def facts(question: Scale) -> Iterator[tuple[str, str]]:
    """Yields what was asked, as names and values."""
    yield "sizes", f"{question.over} = {', '.join(f'{size:g}' for size in question.sizes)}, {plural(question.seeds, 'seed')} each"
    yield "the rest", in_words(question.config) or "as it is"
    yield "what decides", f"the last {question.metric} of each run"
    yield "predictions asked for", ", ".join(f"{size:g}" for size in question.extrapolate) or "none"


def statistic(_: Finding) -> str:
    """Returns what the numbers are means of."""
    return "means over seeds at each size"
