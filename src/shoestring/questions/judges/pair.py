"""Two arms: the sequential test, and the two reasons to stop when it has found nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shoestring.comparison import PairResult
from shoestring.questions.compare import Compare
from shoestring.questions.judges import Ruling, Scores
from shoestring.questions.judges.pairing import differences, pair_result, score_of
from shoestring.stats.equivalence import is_equivalent
from shoestring.stats.futility import is_hopeless
from shoestring.stats.pair_test import PairTest
from shoestring.stats.tmix import TMix

LEAST_TO_CALL_FIXED = 3  # results in a row that are equal to the last bit show that the seeds change nothing


class PairJudge:
    """Decides between two arms.

    Args:
        question: what is asked.
        test: the test, made for the horizon.
        horizon: the most seeds, None for an open horizon.
    """

    def __init__(self, question: Compare, test: PairTest, horizon: int | None) -> None:
        self._question = question
        self._test = test
        self._horizon = horizon
        self._looked = 0
        self._end: tuple[int, Ruling] | None = None

    @property
    def method(self) -> str:
        """The test's name."""
        return self._test.name

    def rule(self, scores: Scores) -> Ruling:
        """Looks at the seeds that came in since the last time, one by one."""
        diffs = differences(*scores)
        stop = self._test.stop(diffs) if self._end is None else None
        while self._end is None and self._looked < len(diffs):
            self._looked += 1
            ruling = self._rule_at(self._looked, scores, diffs[: self._looked], stop.sign if stop and stop.n == self._looked else 0)
            if ruling:
                self._end = (self._looked, ruling)
        return self._end[1] if self._end else Ruling((0, 1), surviving=(0, 1))

    def pairs(self, scores: Scores) -> tuple[PairResult, ...]:
        """Returns the one pair, up to the seed at which it was decided."""
        diffs = differences(*scores)
        if self._end:
            diffs = diffs[: self._end[0]]
        pair = pair_result(self._question, self._test, 0, 1, diffs, self._test.stop(diffs))
        if self._end and self._end[1].equivalent:
            # The interval that excluded the difference: of T-MIX, at 1 - 2 alpha.
            by_mean = TMix(self._horizon, 2 * self._question.alpha, resolution=self._question.resolution)
            up = 1.0 if self._question.goal == "max" else -1.0
            low, high = sorted(up * limit for limit in by_mean.interval(diffs))
            pair = replace(pair, difference=up * by_mean.centre(diffs), interval=(low, high))
        return (pair,)

    def _rule_at(self, n: int, scores: Scores, diffs: NDArray[np.float64], sign: int) -> Ruling | None:
        question = self._question
        if n == LEAST_TO_CALL_FIXED and seeds_change_nothing(question, scores):
            return Ruling((), "the seeds change nothing", _better(diffs), deterministic=True)
        if sign:
            return Ruling((), "the evidence is enough", 0 if sign > 0 else 1)
        if question.margin is not None and is_equivalent(diffs, question.margin, self._horizon, question.alpha, question.resolution):
            return Ruling((), f"a difference above {question.margin:g} is excluded", equivalent=True)
        if self._horizon is not None and n >= self._horizon:
            return Ruling((), f"all {self._horizon} seeds have run{self._reserve()}", surviving=(0, 1))
        if (
            self._horizon is not None
            and question.margin is None
            and is_hopeless(diffs, self._horizon, question.alpha, one_sided=question.one_sided)
        ):
            return Ruling((), f"the seeds left would hardly change it (a chance below 5%){self._reserve()}", surviving=(0, 1))
        return None

    def _reserve(self) -> str:
        reserve = self._question.reserve
        return f"; --extend goes on to {reserve}" if reserve is not None and reserve != self._horizon else ""


def seeds_change_nothing(question: Compare, scores: Scores) -> bool:
    """Returns whether the first results of every arm that is run are equal to the last bit."""
    if question.resolution > 0 or any(own[:1] == [score_of(question, math.inf)] for own in scores):
        return False  # a coarse metric may well repeat itself, and runs that all fail say nothing of seeds
    run = [arm_scores for arm, arm_scores in zip(question.arms, scores, strict=True) if arm.value is None]
    return all(len(own) >= LEAST_TO_CALL_FIXED and len(set(own[:LEAST_TO_CALL_FIXED])) == 1 for own in run)


def _better(diffs: NDArray[np.float64]) -> int | None:
    return None if diffs[0] == 0 else 0 if diffs[0] > 0 else 1
