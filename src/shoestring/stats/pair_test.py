"""What every sequential test of paired differences offers, and what it returns; no test itself.

A difference is ``D_i = A_i - B_i``, the results of two arms on the i-th seed of one list that was fixed in advance. It is infinite where
one of the two runs crashed (``crashes``). A test is a pure function of its frozen settings and of the differences in seed order: it
replays every n = 1, 2, ..., so neither batches nor the moment of asking can change what it decides.

Source: Ramdas et al. 2023, "Game-theoretic statistics and safe anytime-valid inference", arXiv:2210.01948.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.crashes import HUGE

Differences = Sequence[float] | NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """Where a test stopped.

    Attributes:
        n: after how many seeds.
        sign: +1: the centre of the differences is above 0; -1: below.
    """

    n: int
    sign: int


class PairTest(Protocol):
    """One sequential test of paired differences, valid at whatever moment one stops up to its horizon; frozen, so it can be a key."""

    def __hash__(self) -> int:
        """Equal settings, equal hash."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    @property
    def horizon(self) -> int | None:
        """The most seeds that it may ever see; None: no limit."""

    @property
    def alpha(self) -> float:
        """The error rate as asked for: two-sided, or one-sided if ``one_sided``."""

    @property
    def one_sided(self) -> bool:
        """True: only that the centre is above 0 can be declared."""

    def stop(self, differences: Differences) -> Stop | None:
        """Returns where the test first stopped on the way through the differences, or None if it has not yet."""

    def p_value(self, differences: Differences) -> float:
        """Returns the smallest error rate known at which the test would have stopped by now; valid at any moment."""

    def interval(self, differences: Differences) -> tuple[float, float]:
        """Returns the confidence interval now, at level 1 - alpha (1 - 2 alpha if one-sided), infinite as long as there is none."""

    def centre(self, differences: Differences) -> float:
        """Returns the estimate that the interval surrounds."""


def finite(differences: Differences) -> NDArray[np.float64]:
    """Returns the differences as ``(n,)`` numbers; beyond 1e150 they count as 1e150, so that their squares stay finite.

    Raises:
        ValueError: not one-dimensional, or a number is NaN or infinite.
    """
    return _checked(differences, np.isfinite, "finite")


def outcomes(differences: Differences) -> NDArray[np.float64]:
    """Returns the differences as ``finite`` does, but leaves those that are infinite, because a run crashed, as they are.

    Raises:
        ValueError: not one-dimensional, or a number is NaN.
    """
    return _checked(differences, lambda array: ~np.isnan(array), "numbers, or infinite where a run crashed")


def _checked(differences: Differences, allowed: Callable[[NDArray[np.float64]], NDArray[np.bool_]], what: str) -> NDArray[np.float64]:
    array = np.asarray(differences, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"differences of shape {array.shape} cannot be tested; one number a seed is needed, of shape (n,).")
    wrong = np.flatnonzero(~allowed(array))
    if wrong.size:
        first = int(wrong[0])
        raise ValueError(f"differences of shape {array.shape} hold {array[first]} at index {first}; all must be {what}.")
    return np.where(np.isinf(array), array, np.clip(array, -HUGE, HUGE))


def some(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the differences, of which there must be at least one.

    Raises:
        ValueError: there are none.
    """
    if not differences.size:
        raise ValueError("no differences were given, and none have no centre; at least one is needed.")
    return differences


def within(differences: Differences, horizon: int | None) -> NDArray[np.float64]:
    """Returns the differences as ``outcomes`` does, at most ``horizon`` of them.

    Raises:
        ValueError: as ``outcomes``, or there are more than the horizon allows.
    """
    array = outcomes(differences)
    if horizon is not None and len(array) > horizon:
        raise ValueError(
            f"{len(array)} differences were given to a test that was planned for at most {horizon}; its error rate holds only up to there "
            "(at .05, continuing from 10 to 30 makes it .073). Plan the longest horizon in advance, or a reserve."
        )
    return array


def check_settings(horizon: int | None, alpha: float, least: int) -> None:
    """Checks what every test is made from.

    Raises:
        ValueError: ``horizon`` below ``least``, or ``alpha`` not between 0 and .5.
    """
    if horizon is not None and horizon < least:
        raise ValueError(f"horizon={horizon} is too short for this test; at least {least} seeds are needed.")
    if not 0 < alpha < 0.5:
        raise ValueError(f"the error rate alpha={alpha} must lie between 0 and 0.5.")
