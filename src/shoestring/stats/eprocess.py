"""The sign-flip e-process: a test of symmetry without a horizon, for studies that may be continued for ever.

No assumption on the shape of the distribution, as for SEQ-FLIP, and slower than it where a horizon is known. Each seed is a bet on the sign
of its difference, of a size that depends on its magnitude; E is the wealth, averaged over ten fixed ways of betting. E-values of this test
may be multiplied across independent studies and averaged across arms.

Source: Vovk and Wang 2024, "Nonparametric e-tests of symmetry", arXiv:2208.08925; the bets and their mixture are our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.inversion import shifts_kept
from shoestring.stats.pair_test import Differences, Stop, check_settings, outcomes
from shoestring.stats.winsor import WINSOR, winsorised_mean

_BETS = np.array([0.25, 0.5, 1.0, 2.0, 4.0])


@final
@dataclass(frozen=True, slots=True)
class SignFlipProcess:
    """The test as a ``PairTest``; it stops when E reaches 1 / alpha, after 6 seeds at the earliest for a two-sided .05.

    Args:
        alpha: error rate, one-sided if ``one_sided``.
        one_sided: only a centre above 0 can be declared; then all bets are on plus.
    Raises:
        ValueError: alpha is not between 0 and .5.
    """

    alpha: float
    one_sided: bool = False
    horizon: ClassVar[None] = None
    name: ClassVar[str] = "sign-flip e-process"

    def __post_init__(self) -> None:
        check_settings(None, self.alpha, 1)

    def stop(self, differences: Differences) -> Stop | None:
        """Returns the first n at which E reached 1 / alpha, with the sign of the larger half of the bets."""
        up, down = log_wealth(outcomes(differences))
        reached = np.flatnonzero(self._log_e(up, down) >= -math.log(self.alpha))
        if not reached.size:
            return None
        first = int(reached[0])
        return Stop(first + 1, 1 if self.one_sided or up[first] >= down[first] else -1)

    def p_value(self, differences: Differences) -> float:
        """Returns 1 over the largest E so far, at most 1."""
        return math.exp(-max(0.0, float(np.max(self._log_e(*log_wealth(outcomes(differences))), initial=0.0))))

    def e_value(self, differences: Differences) -> float:
        """Returns E now, which unlike the largest E so far may be multiplied and averaged."""
        array = outcomes(differences)
        return math.exp(float(self._log_e(*log_wealth(array))[-1])) if array.size else 1.0

    def interval(self, differences: Differences) -> tuple[float, float]:
        """Returns the shifts at which E has not reached 1 / alpha by now; if one-sided, the bets on minus bound it from above."""
        array = outcomes(differences)
        if not array.size:
            return -math.inf, math.inf
        return shifts_kept(array, self._rejects)

    def centre(self, differences: Differences) -> float:
        """Returns the winsorised mean."""
        return winsorised_mean(outcomes(differences))

    def _log_e(self, up: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
        return up if self.one_sided else log_e(up, down)

    def _rejects(self, array: NDArray[np.float64]) -> bool:
        up, down = log_wealth(array)
        evidence = np.maximum(up, down) if self.one_sided else log_e(up, down)
        return bool(np.max(evidence) >= -math.log(self.alpha))


def log_wealth(differences: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the logarithm of the mean wealth of the five bets on plus, and of the five on minus, after each seed.

    A bet multiplies its wealth by ``1 + s * sign(D_i) * tanh(b * |D_i| / r_i)``, with ``r_i`` the root mean square of the first i
    differences: under symmetry a sign is independent of all magnitudes up to its own. A crash counts as 2.5 r_i and is left out of r_i.

    Args:
        differences: ``(..., n)``, infinite where a run crashed.
    Returns:
        two arrays ``(..., n)``.
    """
    crashed = np.isinf(differences)
    numbers = np.where(crashed, 0.0, differences)
    largest = np.maximum.accumulate(np.abs(numbers), axis=-1)
    share = numbers / np.where(largest > 0, largest, 1.0)
    # r_i / largest_i, by recursion, so that neither huge nor tiny differences lose their squares
    n = np.maximum(np.cumsum(~crashed, axis=-1), 1)
    ratio = np.ones_like(share)
    ratio[..., 1:] = np.where(largest[..., 1:] > 0, largest[..., :-1] / np.where(largest[..., 1:] > 0, largest[..., 1:], 1.0), 1.0)
    total = np.empty_like(share)
    running = np.zeros(share.shape[:-1])
    for i in range(share.shape[-1]):
        running = running * ratio[..., i] ** 2 + share[..., i] ** 2
        total[..., i] = running
    root = np.sqrt(total / n)
    size = np.where(crashed, np.copysign(WINSOR, differences), share / np.where(root > 0, root, 1.0))
    stake = _BETS[:, None] * size[..., None, :]
    return _mean_wealth(stake), _mean_wealth(-stake)


def _mean_wealth(stake: NDArray[np.float64]) -> NDArray[np.float64]:
    gains = math.log(2) - np.logaddexp(0.0, -2 * stake)  # log(1 + tanh(stake)), without loss where it is near 0
    return np.asarray(np.logaddexp.reduce(np.cumsum(gains, axis=-1), axis=-2) - math.log(len(_BETS)))


def log_e(up: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithm of the mean of the wealth on plus and on minus."""
    return np.asarray(np.logaddexp(up, down) - math.log(2))
