"""How often A beats B, and how often a run may crash although none has: two counts with honest limits.

Neither tests for a difference in means: a small but steady advantage wins nearly always, a large one in two runs of ten hardly ever.

Source: Robbins 1970, "Statistical methods related to the law of the iterated logarithm", for the sequence of intervals; Bouthillier et al.
2021, "Accounting for variance in machine learning benchmarks", arXiv:2103.03098, for the rule; Clopper and Pearson 1934 for crashes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import betaincinv, betaln, xlog1py, xlogy

from shoestring.stats.pair_test import Differences, outcomes, some

MEANINGFUL = 0.75

_TOLERANCE = 1e-12


@final
@dataclass(frozen=True, slots=True)
class Superiority:
    """How often A beat B.

    Attributes:
        n: seeds.
        wins: on how many of them A was better.
        ties: on how many both were equal.
        interval: limits of P(A > B), a tie counting half; valid at whatever moment one stops.
    """

    n: int
    wins: int
    ties: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        """The estimate of P(A > B), a tie counting half."""
        return (self.wins + self.ties / 2) / self.n

    @property
    def words(self) -> str:
        """What the rule of Bouthillier et al. says of A."""
        low, high = self.interval
        if low > 0.5:
            return "significant and meaningful" if high > MEANINGFUL else "significant, but too small to be meaningful"
        return "not significant"


def superiority(differences: Differences, alpha: float) -> Superiority:
    """Returns how often the difference was above 0.

    Args:
        differences: ``(n,)``, A less B where more is better, in seed order, at least one.
        alpha: the chance allowed that the interval ever misses, two-sided.
    Raises:
        ValueError: no differences, or alpha not between 0 and 1.
    """
    array = some(outcomes(differences))
    wins, ties = int(np.sum(array > 0)), int(np.sum(array == 0))
    return Superiority(array.size, wins, ties, win_interval(wins + ties / 2, array.size, alpha))


def win_interval(wins: float, n: int, alpha: float) -> tuple[float, float]:
    """Returns the probabilities p that are in keeping with ``wins`` of ``n``, whenever one stopped.

    They are those with ``B(W + 1/2, n - W + 1/2) / B(1/2, 1/2) < p**W * (1 - p)**(n - W) / alpha``. Half a win, from a
    tie, keeps the level: the likelihood ratio of a tie lies below the mean of those of a win and a loss.

    Raises:
        ValueError: not ``0 <= wins <= n``, or alpha not between 0 and 1.
    """
    _check_count("wins", wins, n, alpha)
    return _lower_limit(wins, n, alpha), 1 - _lower_limit(n - wins, n, alpha)


def _lower_limit(wins: float, n: int, alpha: float) -> float:
    mixture = float(betaln(wins + 0.5, n - wins + 0.5) - betaln(0.5, 0.5)) + math.log(alpha)

    def excess(p: float) -> float:
        return float(xlogy(wins, p) + xlog1py(n - wins, -p)) - mixture

    low, high = 0.0, wins / n  # the excess grows up to the share itself, where it is above 0
    while wins and high - low > _TOLERANCE:
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) > 0 else (middle, high)
    return low


def crash_rate_bound(crashes: int, n: int, alpha: float) -> float:
    """Returns the exact upper limit of the chance that a run crashes, for ``n`` fixed in advance.

    Without a crash it is ``1 - alpha**(1 / n)``: 35% after 7 runs, 9.5% after 30.

    Raises:
        ValueError: not ``0 <= crashes <= n``, n is 0, or alpha not between 0 and 1.
    """
    _check_count("crashes", crashes, n, alpha)
    if n == 0:
        raise ValueError("the crash rate of no runs is not bounded; at least one run is needed.")
    return 1.0 if crashes == n else float(betaincinv(crashes + 1, n - crashes, 1 - alpha))


def _check_count(what: str, count: float, n: int, alpha: float) -> None:
    if not 0 <= count <= n:
        raise ValueError(f"{what}={count} of n={n} is impossible; it must lie between 0 and n.")
    if not 0 < alpha < 1:
        raise ValueError(f"the error rate alpha={alpha} must lie between 0 and 1.")
