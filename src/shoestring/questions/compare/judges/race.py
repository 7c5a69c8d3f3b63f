"""Several arms: an elimination race to the best one, with a proof; or a cheaper pick of one to bet on, without."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from shoestring.questions.compare.finding import PairResult
from shoestring.questions.compare.judges import Ruling, Scores
from shoestring.questions.compare.judges.pairing import pair_result
from shoestring.questions.compare.question import Compare
from shoestring.stats.crashes import paired, standing
from shoestring.stats.picking import Picking
from shoestring.stats.race import Race


class RaceJudge:
    """Decides between several arms; an arm that was beaten is parked, and resumed only if the winner has not met it yet.

    Args:
        question: what is asked; its mode is ``"prove"`` or ``"pick"``.
        horizon: the most seeds.
    """

    def __init__(self, question: Compare, horizon: int) -> None:
        self._question = question
        n_arms = len(question.arms)
        stated = any(arm.value is not None for arm in question.arms)
        race = Race(n_arms, horizon, question.alpha, question.seed, "strict" if question.strict else "direct", against_value=stated)
        self._test = race.test()
        self._race: Race | Picking = Picking(n_arms, horizon) if question.mode == "pick" else race
        self._ended: Ruling | None = None

    @property
    def method(self) -> str:
        """The race and its test, or that there is none."""
        if self._question.mode == "pick":
            return "successive halving, no test"
        return f"elimination race of {self._test.name}{', strict' if self._question.strict else ''}"

    def rule(self, scores: Scores) -> Ruling:
        """Returns what follows from the results so far."""
        if self._ended:
            return self._ended
        state = self._race.state(scores)
        picked = state.best if self._question.mode == "pick" else None
        better = None if self._question.mode == "pick" else state.best
        ruling = Ruling(state.wants, state.ended or "", better, picked, state.surviving)
        if ruling.ended:
            self._ended = ruling
        return ruling

    def pairs(self, scores: Scores) -> tuple[PairResult, ...]:
        """Returns all pairs, the winner against its nearest rival first."""
        question = self._question
        found: dict[tuple[int, int], PairResult] = {}
        for first, second in combinations(range(len(question.arms)), 2):
            diffs = paired(scores[first], scores[second])
            stop = self._test.stop(diffs)
            found[first, second] = pair_result(question, self._test, first, second, diffs[: stop.n] if stop else diffs, stop)
        return _ordered(found, scores)


def _ordered(found: Mapping[tuple[int, int], PairResult], scores: Scores) -> tuple[PairResult, ...]:
    """Returns the pairs with the two best arms' first, by the mean over the seeds that all have run."""
    n = min(len(own) for own in scores)
    ranked = sorted(range(len(scores)), key=lambda arm: (standing(scores[arm][:n]), arm))
    headline = tuple(sorted(ranked[:2]))
    return tuple(found[key] for key in sorted(found, key=lambda key: (key != headline, key)))
