"""Chooses the judge of a comparison, and its test."""

from __future__ import annotations

from shoestring.questions.compare.judges import Judge
from shoestring.questions.compare.judges.ablation import AblationJudge
from shoestring.questions.compare.judges.blocks import BlockJudge
from shoestring.questions.compare.judges.pair import PairJudge
from shoestring.questions.compare.judges.race import RaceJudge
from shoestring.questions.compare.question import Compare
from shoestring.stats.choose import choose_test
from shoestring.stats.pair_test import PairTest
from shoestring.stats.reserve import with_reserve


def judge_for(question: Compare, horizon: int | None, extended: bool = False) -> Judge:
    """Returns a new judge.

    Args:
        question: what is asked.
        horizon: the most seeds, before any extension; None for an open horizon.
        extended: whether the planned extension is under way.
    """

    def make(horizon: int | None, alpha: float) -> PairTest:
        stated = any(arm.value is not None for arm in question.arms)
        return choose_test(
            horizon, alpha, question.seed, one_sided=question.one_sided, resolution=question.resolution, against_value=stated
        )

    if horizon is not None and question.reserve is not None:
        test = with_reserve(make, horizon, question.reserve, question.alpha, extended=extended)
        return PairJudge(question, test, test.horizon)
    if horizon is not None and any(arm.repeats > 1 for arm in question.arms):
        return BlockJudge(question, horizon)
    if horizon is None or (len(question.arms) == 2 and question.mode == "prove"):
        return PairJudge(question, make(horizon, question.alpha), horizon)
    if question.mode == "ablation":
        return AblationJudge(question, make(horizon, question.alpha), horizon)
    return RaceJudge(question, horizon)
