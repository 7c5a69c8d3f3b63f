"""Two arms: the sequential test, and the two reasons to stop when it has found nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shoestring.questions.compare.finding import PairResult
from shoestring.questions.compare.judges import Ruling, Scores
from shoestring.questions.compare.judges.pairing import pair_result
from shoestring.questions.compare.question import Compare
from shoestring.stats.crashes import paired
from shoestring.stats.equivalence import is_equivalent
from shoestring.stats.futility import is_hopeless
from shoestring.stats.pair_test import PairTest
from shoestring.stats.tmix import interval, log_c


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
        diffs = paired(*scores)
        stop = self._test.stop(diffs) if self._end is None else None
        while self._end is None and self._looked < len(diffs):
            self._looked += 1
            ruling = self._rule_at(self._looked, diffs[: self._looked], stop.sign if stop and stop.n == self._looked else 0)
            if ruling:
                self._end = (self._looked, ruling)
        return self._end[1] if self._end else Ruling((0, 1), surviving=(0, 1))

    def pairs(self, scores: Scores) -> tuple[PairResult, ...]:
        """Returns the one pair, up to the seed at which it was decided."""
        diffs = paired(*scores)
        if self._end:
            diffs = diffs[: self._end[0]]
        pair = pair_result(self._question, self._test, 0, 1, diffs, self._test.stop(diffs))
        if self._end and self._end[1].equivalent:
            # The interval that excluded the difference: of T-MIX, at 1 - 2 alpha.
            up = 1.0 if self._question.goal == "max" else -1.0
            limits = interval(diffs, log_c(self._horizon, 2 * self._question.alpha), resolution=self._question.resolution)
            low, high = sorted(up * limit for limit in limits)
            pair = replace(pair, difference=up * float(diffs.mean()), interval=(low, high))
        return (pair,)

    def _rule_at(self, n: int, diffs: NDArray[np.float64], sign: int) -> Ruling | None:
        question = self._question
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
        return f"; --extend continues to {reserve}" if reserve is not None and reserve != self._horizon else ""
