"""Rules: each turns the answer of a comparison into "holds", "fails" or "undecided", with the number that it rests on.

A rule of one's own is any function from an ``Answer`` to a ``Ruling``; ``both`` joins rules.
"""

from __future__ import annotations

import math

from shoestring.errors import UnknownName, UsageError
from shoestring.questions.compare.finding import Comparison, PairResult
from shoestring.values.answer import Answer
from shoestring.verdicts.claim import Rule, Ruling, Word

LEVEL = 0.05  # of a share's limits, each


def comparison(answer: Answer) -> Comparison:
    """Returns what a comparison found.

    Raises:
        UsageError: the claim asks something else.
    """
    if not isinstance(answer.finding, Comparison):
        raise UsageError("this rule needs a comparison, and the claim asks something else.")
    return answer.finding


def values_of(answer: Answer, arm: str) -> tuple[float | None, ...]:
    """Returns the metric of an arm's runs in seed order, None where one crashed.

    Raises:
        UsageError: the claim asks something else than a comparison.
        UnknownName: there is no such arm.
    """
    arms = {one.name: one.values for one in comparison(answer).arms}
    if arm not in arms:
        raise UnknownName("arm", arm, arms)
    return arms[arm]


def better(arm: str) -> Rule:
    """Returns the rule of "``arm`` is the best": holds if it was shown, fails if another was, or if they were shown to be equivalent."""

    def rule(answer: Answer) -> Ruling:
        found = comparison(answer)
        pair = found.headline
        word: Word = "holds" if found.better == arm else "fails" if found.better or found.equivalent else "undecided"
        return Ruling(word, pair.difference, pair.interval)

    return rule


def equivalent() -> Rule:
    """Returns the rule of "the arms differ by no more than the difference of interest": fails if one was shown to be better."""

    def rule(answer: Answer) -> Ruling:
        found = comparison(answer)
        if found.margin is None:
            raise UsageError("the rule equivalent() needs a comparison with a difference of interest; give difference=.")
        word: Word = "holds" if found.equivalent else "fails" if found.better else "undecided"
        return Ruling(word, found.headline.difference, found.headline.interval)

    return rule


def ordered(*orders: tuple[str, str]) -> Rule:
    """Returns the rule of "each first arm is better than its second": holds if all were shown, fails if the reverse of one was.

    The estimate is of the order that is closest to failing: its first arm's metric less its second's.

    Args:
        *orders: two arms each, the better one first; the comparison must have been asked for each pair.
    """

    def rule(answer: Answer) -> Ruling:
        found = comparison(answer)
        pairs = {frozenset((pair.first, pair.second)): pair for pair in found.pairs}
        asked = [(_pair(pairs, order), order[0]) for order in orders]
        shown = [(pair.better, first) for pair, first in asked]
        up = 1.0 if found.goal == "max" else -1.0
        estimates = [_turned(pair, first) for pair, first in asked]
        estimate, interval = min(estimates, key=lambda one: -math.inf if one[0] is None else up * one[0])
        is_refuted = any(winner not in (None, first) for winner, first in shown)
        word: Word = "holds" if all(winner == first for winner, first in shown) else "fails" if is_refuted else "undecided"
        return Ruling(word, estimate, interval)

    return rule


def always(arm: str, least: float = -math.inf, most: float = math.inf, *, seeds: int = 1) -> Rule:
    """Returns the rule of "every run of ``arm`` lies within these limits": one that does not, or that crashed, refutes it.

    The estimate is the mean, the interval from the lowest run to the highest.

    Args:
        arm: whose runs.
        least, most: the limits, both within.
        seeds: with fewer runs nothing is said to hold.
    """

    def rule(answer: Answer) -> Ruling:
        values = values_of(answer, arm)
        finite = [value for value in values if value is not None]
        is_refuted = len(finite) < len(values) or any(not least <= value <= most for value in finite)
        word: Word = "fails" if is_refuted else "holds" if len(values) >= max(1, seeds) else "undecided"
        return Ruling(word, sum(finite) / len(finite), (min(finite), max(finite))) if finite else Ruling(word)

    return rule


def share(arm: str, least: float, *, each: int, seeds: int) -> Rule:
    """Returns the rule of "at least this share of all models": holds if the lower limit is, fails if the upper one is below.

    For a metric that is the share of a run's models that pass. Limits are Clopper and Pearson's, one-sided at 95% each, over the models of
    all runs; in a run that crashed none passes.

    Args:
        arm: whose models.
        least: the share.
        each: models of a run.
        seeds: with fewer runs it is undecided.
    """

    def rule(answer: Answer) -> Ruling:
        from scipy.stats import beta  # half a second to import

        values = values_of(answer, arm)
        n = each * len(values)
        passed = round(sum((value or 0.0) * each for value in values))
        if len(values) < seeds:
            return Ruling("undecided", passed / n if n else None)
        low = float(beta.ppf(LEVEL, passed, n - passed + 1)) if passed else 0.0
        high = float(beta.ppf(1 - LEVEL, passed + 1, n - passed)) if passed < n else 1.0
        word: Word = "holds" if low >= least else "fails" if high < least else "undecided"
        return Ruling(word, passed / n, (low, high))

    return rule


def both(first: Rule, *others: Rule) -> Rule:
    """Returns the rule that holds if all do and fails if one does; estimate and interval are those of the first."""

    def rule(answer: Answer) -> Ruling:
        rulings = [one(answer) for one in (first, *others)]
        words = {ruling.word for ruling in rulings}
        word: Word = "fails" if "fails" in words else "holds" if words == {"holds"} else "undecided"
        return Ruling(word, rulings[0].estimate, rulings[0].interval)

    return rule


def _pair(pairs: dict[frozenset[str], PairResult], order: tuple[str, str]) -> PairResult:
    if frozenset(order) not in pairs:
        raise UsageError(f"this rule needs {order[0]!r} compared with {order[1]!r}; ask for that pair (mode='ablation', full=).")
    return pairs[frozenset(order)]


def _turned(pair: PairResult, first: str) -> tuple[float | None, tuple[float | None, float | None]]:
    """Returns difference and interval as of ``first`` less the other arm."""
    if pair.first == first or pair.difference is None:
        return pair.difference, pair.interval
    low, high = (None if limit is None else -limit for limit in pair.interval)
    return -pair.difference, (high, low)
