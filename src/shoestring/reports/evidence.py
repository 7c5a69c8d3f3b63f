"""The path of the evidence: what the test of a comparison would have said after each seed. It decides nothing anew."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shoestring.engine.run import Run
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.compare.judges.choose import judge_for
from shoestring.questions.compare.judges.pairing import score_of
from shoestring.questions.compare.question import Compare


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was known of the headline pair after a number of seeds.

    Attributes:
        n: seeds of both arms.
        difference: estimate of the first's metric less the second's, None before there is one.
        low, high: its interval, None where there is no limit yet.
        p: anytime-valid p-value.
    """

    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float


def evidence(run: Run, finding: Comparison, question: Compare) -> list[Evidence]:
    """Returns what was known after each seed, in their order; nothing where there was no test.

    Args:
        question: what was asked: by the run, or by the confirmation of a search.
    """
    if finding.deterministic or finding.mode == "pick" or (finding.horizon is not None and finding.horizon < 3):
        return []
    headline = finding.headline
    scores = _scores(question, finding)
    path = []
    for n in range(1, headline.n + 1):
        judge = judge_for(question, _planned(question, finding), run.extended)
        until = [
            own[: n * arm.repeats] if arm.name in (headline.first, headline.second) else []
            for own, arm in zip(scores, question.arms, strict=True)
        ]
        pair = next(pair for pair in judge.pairs(until) if {pair.first, pair.second} == {headline.first, headline.second})
        turned = pair.first != headline.first
        low, high = (pair.interval[1], pair.interval[0]) if turned else pair.interval
        sign = -1.0 if turned else 1.0
        path.append(Evidence(n, _times(sign, pair.difference), _times(sign, low), _times(sign, high), pair.p))
    return path


def _planned(question: Compare, finding: Comparison) -> int | None:
    """Returns the most seeds before any extension."""
    return int(question.seeds) if question.reserve is not None and question.seeds is not None else finding.horizon


def _scores(question: Compare, finding: Comparison) -> list[list[float]]:
    scores = [
        [score_of(question, math.inf if value is None else question.loss(value)) for value in result.values] for result in finding.arms
    ]
    longest = max(len(own) // arm.repeats for own, arm in zip(scores, question.arms, strict=True))
    return [own * longest if arm.value is not None else own for own, arm in zip(scores, question.arms, strict=True)]


def _times(sign: float, value: float | None) -> float | None:
    return None if value is None else sign * value
