"""How a report words a question about the largest size."""

from __future__ import annotations

from collections.abc import Iterator

from shoestring.questions.largest.question import Largest
from shoestring.values.finding import Finding, in_words


def title(question: Largest) -> str:
    """Returns the question in one sentence."""
    return f"What is the largest {question.over} that is still solved?"


def facts(question: Largest) -> Iterator[tuple[str, str]]:
    """Yields what was asked, as names and values."""
    yield "solved means", f"{question.metric} {'at least' if question.goal == 'max' else 'at most'} {question.threshold:g} at the end"
    yield "sizes allowed", f"{question.over} from {question.smallest} to {question.most}, the first {question.start}"
    yield "the rest", in_words(question.config) or "as it is"
    yield "looked for", f"the size solved in {question.p_star:.0%} of runs, ends within a factor of {question.ratio:g}"


def statistic(_: Finding) -> str:
    """Returns what the numbers are means of."""
    return "single runs, each solved or not"
