"""Judges: from the results of all arms in seed order, which arm is to run its next seed, and whether the comparison is decided.

========  =====================================================================================
pair      two arms: is one better?
race      several arms: which is the best, proven?
pick      several arms: which would one bet on, without a claim?
ablation  several arms against the full one: which of them differ from it?
========  =====================================================================================

Scores are such that higher is better. A judge looks at the seeds one by one, in their order, however the results arrive, so that what it
decides depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from shoestring.questions.compare.finding import PairResult

Scores: TypeAlias = Sequence[Sequence[float]]  # by arm, in seed order; an arm with repeats has that many scores a seed


@dataclass(frozen=True)
class Ruling:
    """What a judge says.

    Attributes:
        wants: the arms that should run their next seed.
        ended: why no arm is to run any more, empty while some are.
        better: the arm shown to be best, None if that is open.
        picked: the arm to bet on.
        surviving: the arms that may still be the best.
        equivalent: whether a difference of interest was excluded.
        deterministic: whether the seeds change nothing.
    """

    wants: tuple[int, ...]
    ended: str = ""
    better: int | None = None
    picked: int | None = None
    surviving: tuple[int, ...] = ()
    equivalent: bool = False
    deterministic: bool = False


class Judge(Protocol):
    """Decides a comparison."""

    @property
    def method(self) -> str:
        """What the report calls the test."""

    def rule(self, scores: Scores) -> Ruling:
        """Returns what follows from the results so far."""

    def pairs(self, scores: Scores) -> tuple[PairResult, ...]:
        """Returns the pairs that the answer is about, as of the moment of the ruling."""
