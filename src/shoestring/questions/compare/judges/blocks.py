"""Two arms of which one is cheap and runs several times on each seed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from shoestring.questions.compare.finding import PairResult
from shoestring.questions.compare.judges import Ruling, Scores
from shoestring.questions.compare.judges.pairing import bounded
from shoestring.questions.compare.question import Compare
from shoestring.stats.blocks import BlockFlip, effects
from shoestring.stats.crashes import with_floor
from shoestring.stats.superiority import superiority


class BlockJudge:
    """Decides between one run of an expensive arm and several of a cheap one on each seed.

    Args:
        question: what is asked; one of its two arms has repeats.
        horizon: the most seeds.
    """

    def __init__(self, question: Compare, horizon: int) -> None:
        self._question = question
        self._horizon = horizon
        self._cheap = 0 if question.arms[0].repeats > 1 else 1
        self._repeats = question.arms[self._cheap].repeats
        self._test = BlockFlip(horizon, self._repeats, question.alpha, question.seed)

    @property
    def method(self) -> str:
        """The test's name, and how the runs go together."""
        return f"{self._test.name}, {self._repeats} runs to one"

    def rule(self, scores: Scores) -> Ruling:
        """Returns what follows from the whole blocks so far."""
        expensive, cheap = self._blocks(scores)
        if stop := self._test.stop(expensive, cheap):
            return Ruling((), "the evidence is enough", 1 - self._cheap if stop.sign > 0 else self._cheap)
        if len(expensive) >= self._horizon:
            return Ruling((), f"all {self._horizon} seeds have run", surviving=(0, 1))
        return Ruling((0, 1), surviving=(0, 1))

    def pairs(self, scores: Scores) -> tuple[PairResult, ...]:
        """Returns the one pair, up to the seed at which it was decided."""
        question = self._question
        expensive, cheap = self._blocks(scores)
        stop = self._test.stop(expensive, cheap)
        n = stop.n if stop else len(expensive)
        expensive, cheap = expensive[:n], cheap[:n]
        up = (1.0 if question.goal == "max" else -1.0) * (1.0 if self._cheap == 1 else -1.0)
        low, high = sorted(up * limit for limit in self._test.interval(expensive, cheap)) if n else (-math.inf, math.inf)
        runs = with_floor(np.column_stack([expensive, cheap]).ravel()).reshape(n, -1)  # numbers, to say which of two is better
        diffs = effects(runs) * (1.0 if self._cheap == 1 else -1.0)
        wins = superiority(diffs, question.alpha) if n else None
        names = [arm.name for arm in question.arms]
        better = None if stop is None else names[1 - self._cheap] if stop.sign > 0 else names[self._cheap]
        return (
            PairResult(
                names[0],
                names[1],
                n,
                better,
                bounded(up * self._test.centre(expensive, cheap)) if n else None,
                (bounded(low), bounded(high)),
                question.alpha if stop else 1.0,
                wins.share if wins else None,
                wins.interval if wins else (0.0, 1.0),
                tuple((diffs * (1.0 if question.goal == "max" else -1.0)).tolist()),
                wins.ties if wins else 0,
            ),
        )

    def _blocks(self, scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the expensive runs ``(n,)`` and the cheap ones ``(n, k)`` of the blocks that are whole."""
        cheap, expensive = scores[self._cheap], scores[1 - self._cheap]
        n = min(len(expensive), len(cheap) // self._repeats)
        blocks = np.asarray(cheap[: n * self._repeats], dtype=np.float64).reshape(n, self._repeats)
        return np.asarray(expensive[:n], dtype=np.float64), blocks
