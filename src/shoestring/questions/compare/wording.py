"""How a report words a comparison."""

from __future__ import annotations

from collections.abc import Iterator

from shoestring.questions.compare.question import Compare
from shoestring.values.finding import Finding, in_words, plural, short


def title(question: Compare) -> str:
    """Returns the question in one sentence."""
    names = [arm.name for arm in question.arms]
    if question.mode == "ablation":
        return f"Which changes to {question.full} make a difference to {question.metric}?"
    if question.mode == "pick":
        return f"Which of {', '.join(names)} is the one to bet on for {question.metric}?"
    if len(names) == 2:
        return f"Is {names[0]} or {names[1]} better in {question.metric}?"
    return f"Which of {', '.join(names)} is best in {question.metric}?"


def facts(question: Compare) -> Iterator[tuple[str, str]]:
    """Yields what was asked, as names and values."""
    for arm in question.arms:
        stated = f"a stated value of {short(arm.value)}" if arm.value is not None else in_words(arm.config) or "as it is"
        repeats = f", {arm.repeats} runs a seed" if arm.repeats > 1 else ""
        yield f"arm {arm.name}", f"{stated}{repeats}{f' ({arm.target})' if arm.target else ''}"
    yield "what decides", f"the last {question.metric} of each run, seed by seed"
    most = "open" if question.seeds == "open" else str(question.seeds or "as many as the budget pays for, settled before any look")
    yield "seeds at most", most
    yield "error rate", f"{question.alpha:g} over all looks{', one-sided' if question.one_sided else ''}"
    if question.margin is not None:
        yield "smallest difference of interest", f"{question.margin:g}"
    if question.worst is not None:
        yield "score of a failed run", f"{question.worst:g}"


def varied(question: Compare) -> str:
    """Returns which hyperparameters were varied."""
    return f"{plural(len(question.arms), 'arm')}, listed in the report"


def choice(question: Compare) -> str:
    """Returns the rule of choice."""
    return f"the last {question.metric} of each run, seed by seed (mode {question.mode})"


def statistic(_: Finding) -> str:
    """Returns what the numbers are means of."""
    return "differences of paired runs, their centre and interval; means by arm"
