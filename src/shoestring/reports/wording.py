"""The words in which every form of the report names a run's question."""

from __future__ import annotations

from collections.abc import Iterator

from shoestring.budget import Cost, describe
from shoestring.engine.run import Run
from shoestring.questions.compare import Compare
from shoestring.questions.scale import Scale
from shoestring.questions.search import Search
from shoestring.space.text import format_space
from shoestring.values.finding import in_words, short

__all__ = ["amounts", "facts", "in_words", "n_started", "plural", "progress", "short", "title"]


def title(run: Run) -> str:
    """Returns the question in one sentence."""
    question = run.question
    if isinstance(question, Search):
        return f"Which configuration gives the best {question.metric}?"
    if isinstance(question, Compare):
        names = [arm.name for arm in question.arms]
        if question.mode == "ablation":
            return f"Which changes to {question.full} make a difference to {question.metric}?"
        if question.mode == "pick":
            return f"Which of {', '.join(names)} is the one to bet on for {question.metric}?"
        if len(names) == 2:
            return f"Is {names[0]} or {names[1]} better in {question.metric}?"
        return f"Which of {', '.join(names)} is best in {question.metric}?"
    if isinstance(question, Scale):
        return f"How does {question.metric} change with {question.over}?"
    return f"What is the largest {question.over} that is still solved?"


def facts(run: Run) -> Iterator[tuple[str, str]]:
    """Yields what was asked, as names and values."""
    question = run.question
    yield "target", question.target
    yield "metric", f"{question.metric}, {'the lower the better' if question.goal == 'min' else 'the higher the better'}"
    yield "full training", describe("units", question.horizon, question.unit)
    yield "budget", str(run.budget)
    yield "seed of the study", str(question.seed)
    if isinstance(question, Search):
        halving = f" (eta = {question.eta})" if question.horizon > 1 else ""
        yield "scheduler and sampler", f"{question.scheduler}{halving}, {question.sampler}"
        yield "space", format_space(question.space)
        yield "rule of choice", f"the best {question.metric} that any trial showed at any {question.unit}"
        yield "confirmation", "the best against the default, on fresh seeds" if question.confirm else "not asked for"
    elif isinstance(question, Compare):
        yield from _compared(question)
    elif isinstance(question, Scale):
        yield "sizes", f"{question.over} = {', '.join(f'{size:g}' for size in question.sizes)}, {plural(question.seeds, 'seed')} each"
        yield "the rest", in_words(question.config) or "as it is"
        yield "what decides", f"the last {question.metric} of each run"
        yield "predictions asked for", ", ".join(f"{size:g}" for size in question.extrapolate) or "none"
    else:
        yield "solved means", f"{question.metric} {'at least' if question.goal == 'max' else 'at most'} {question.threshold:g} at the end"
        yield "sizes allowed", f"{question.over} from {question.smallest} to {question.most}, the first {question.start}"
        yield "the rest", in_words(question.config) or "as it is"
        yield "looked for", f"the size solved in {question.p_star:.0%} of runs, ends within a factor of {question.ratio:g}"


def _compared(question: Compare) -> Iterator[tuple[str, str]]:
    for arm in question.arms:
        stated = f"a stated value of {short(arm.value)}" if arm.value is not None else in_words(arm.config) or "as it is"
        repeats = f", {arm.repeats} runs a seed" if arm.repeats > 1 else ""
        yield f"arm {arm.name}", f"{stated}{repeats}{f' ({arm.target})' if arm.target else ''}"
    yield "what decides", f"the last {question.metric} of each run, seed by seed"
    yield (
        "seeds at most",
        "open" if question.seeds == "open" else str(question.seeds or "as many as the budget pays for, settled before any look"),
    )
    yield "error rate", f"{question.alpha:g} over all looks{', one-sided' if question.one_sided else ''}"
    if question.margin is not None:
        yield "smallest difference of interest", f"{question.margin:g}"
    if question.worst is not None:
        yield "score of a failed run", f"{question.worst:g}"


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


def plural(n: int, noun: str) -> str:
    """Returns a number of things, such as ``1 trial`` or ``3 trials``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
