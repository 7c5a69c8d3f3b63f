"""Several arms against the full one: which of them differ from it, with one error rate over all (Holm on anytime-valid p-values)."""

from __future__ import annotations

from shoestring.questions.compare.finding import PairResult
from shoestring.questions.compare.judges import Ruling, Scores
from shoestring.questions.compare.judges.pairing import pair_result
from shoestring.questions.compare.question import Compare
from shoestring.stats.crashes import paired
from shoestring.stats.futility import is_hopeless
from shoestring.stats.holm import holm
from shoestring.stats.pair_test import PairTest


class AblationJudge:
    """Decides which ablations differ from the full model.

    An ablation that was shown to differ, or hardly can be any more, is parked; the full model runs on as long as one is left.

    Args:
        question: what is asked; ``full`` names the full model.
        test: the test of every pair.
        horizon: the most seeds.
    """

    method: str

    def __init__(self, question: Compare, test: PairTest, horizon: int) -> None:
        self._question = question
        self._test = test
        self._horizon = horizon
        self._full = [arm.name for arm in question.arms].index(str(question.full))
        self._others = [i for i in range(len(question.arms)) if i != self._full]
        self.method = f"{test.name}, Holm over {len(self._others)} ablations"

    def rule(self, scores: Scores) -> Ruling:
        """Returns what follows from the results so far."""
        shown = self._shown(scores)
        left = [other for other in self._others if other not in shown and not self._is_over(scores, other)]
        if left:
            return Ruling((self._full, *left))
        if len(shown) == len(self._others):
            return Ruling((), "every ablation was shown to differ")
        if all(len(scores[other]) >= self._horizon for other in self._others if other not in shown):
            return Ruling((), f"all {self._horizon} seeds have run")
        return Ruling((), "the seeds left would hardly change it (a chance below 5%)")

    def pairs(self, scores: Scores) -> tuple[PairResult, ...]:
        """Returns the full model against each ablation."""
        shown, found = self._shown(scores), []
        for other in self._others:
            diffs = paired(scores[self._full], scores[other])
            stop = self._test.stop(diffs) if other in shown else None
            found.append(pair_result(self._question, self._test, self._full, other, diffs, stop))
        return tuple(found)

    def _shown(self, scores: Scores) -> set[int]:
        p_values = [self._test.p_value(paired(scores[self._full], scores[other])) for other in self._others]
        rejected = holm(p_values, self._question.alpha)
        return {other for other, is_rejected in zip(self._others, rejected, strict=True) if is_rejected}

    def _is_over(self, scores: Scores, other: int) -> bool:
        diffs = paired(scores[self._full], scores[other])
        return len(scores[other]) >= self._horizon or is_hopeless(diffs, self._horizon, self._question.alpha / len(self._others))
