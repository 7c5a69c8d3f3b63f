"""A comparison in which one arm is so cheap that it runs several times for each run of the other.

Not for pairs of equal cost, which are served better by SEQ-FLIP. On each seed there is one block: one expensive run and k cheap ones. If
the arms do not differ, any of the k + 1 runs could have been the expensive one; that gives (k + 1)**n relabellings instead of 2**n sign
patterns, so that with k = 3 four blocks can decide. Exact if the runs of a block are exchangeable under the null.

Source: own construction, a block permutation test (Fisher 1935) with the spending of ``seqflip``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.crashes import with_floor
from shoestring.stats.inversion import kept_interval
from shoestring.stats.pair_test import Differences, Stop, check_settings, outcomes, within
from shoestring.stats.seqflip import RHO, budget, largest

N_RELABELLINGS = 1000


@final
@dataclass(frozen=True, slots=True)
class BlockFlip:
    """The sequential block permutation test.

    Results are passed as two arrays: ``expensive (n,)`` and ``cheap (n, k)``, in seed order.

    Args:
        horizon: the most blocks, at least 2.
        k: cheap runs in a block, at least 1.
        alpha: error rate, one-sided if ``one_sided``.
        seed: of the random relabellings; record it with the study.
        rho: how early the error rate is spent.
        one_sided: only that the expensive arm is above can be declared.
    Raises:
        ValueError: a setting is out of range.
    """

    horizon: int
    k: int
    alpha: float
    seed: int
    rho: float = RHO
    one_sided: bool = False
    name: ClassVar[str] = "BLOCK-FLIP"

    def __post_init__(self) -> None:
        check_settings(self.horizon, self.alpha, 2)
        if self.k < 1 or not self.rho > 0:
            raise ValueError(f"k={self.k} and rho={self.rho} cannot be used; k must be at least 1, rho above 0.")
        if N_RELABELLINGS * self.alpha < 1:
            raise ValueError(f"alpha={self.alpha:g} cannot be reached with {N_RELABELLINGS} relabellings; at least {1 / N_RELABELLINGS:g}.")

    def stop(self, expensive: Differences, cheap: NDArray[np.float64]) -> Stop | None:
        """Returns the first n at which the observed labels are among the rejected, with the sign of expensive less cheap."""
        return self._stop(self._blocks(expensive, cheap), self.one_sided)

    def interval(self, expensive: Differences, cheap: NDArray[np.float64]) -> tuple[float, float]:
        """Returns the shifts of the expensive arm that are not rejected; at level 1 - alpha, or 1 - 2 alpha if one-sided.

        Infinite before the first block at which anything can be rejected, and where a run crashed.
        """
        blocks = self._blocks(expensive, cheap)
        if not len(blocks):
            return -math.inf, math.inf
        if not np.all(np.isfinite(blocks)):
            return -math.inf, math.inf
        found = effects(blocks)
        scale = float(np.std(found)) or float(np.std(blocks)) or 1.0
        return kept_interval(lambda shift: self._rejects(blocks, shift), (float(found.mean()), float(np.median(found))), scale)

    def centre(self, expensive: Differences, cheap: NDArray[np.float64]) -> float:
        """Returns the mean of expensive minus the mean of cheap; not finite where a run crashed."""
        with np.errstate(invalid="ignore"):
            return float(np.mean(effects(self._blocks(expensive, cheap))))

    def _rejects(self, blocks: NDArray[np.float64], shift: float) -> bool:
        moved = blocks - np.eye(1, self.k + 1)[0] * shift
        return self._stop(moved, self.one_sided) is not None or (self.one_sided and self._stop(-moved, True) is not None)

    def _stop(self, blocks: NDArray[np.float64], one_sided: bool) -> Stop | None:
        n, sign = block_stops(blocks[None], self.horizon, self.alpha, self.seed, self.rho, one_sided=one_sided)
        return Stop(int(n[0]), int(sign[0])) if n[0] else None

    def _blocks(self, expensive: Differences, cheap: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns ``(n, k + 1)``, the expensive run first."""
        first, others = within(expensive, self.horizon), np.asarray(cheap, dtype=np.float64)
        if others.shape != (len(first), self.k):
            raise ValueError(
                f"cheap runs of shape {others.shape} do not fit; {len(first)} blocks of k={self.k} need {(len(first), self.k)}."
            )
        outcomes(others.ravel())
        return np.column_stack([first, others])


def effects(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the expensive run minus the mean of the cheap ones of each block, ``(..., n)`` from ``(..., n, k + 1)``."""
    return np.asarray(blocks[..., 0] - blocks[..., 1:].mean(axis=-1))


@lru_cache(maxsize=4)
def relabellings(horizon: int, k: int, seed: int) -> NDArray[np.int_]:
    """Returns which run of each block is taken for the expensive one, ``(1000, horizon)``; row 0 is as observed, the others are random."""
    chosen = np.random.default_rng(seed).integers(0, k + 1, size=(N_RELABELLINGS, horizon))
    chosen[0] = 0
    chosen.flags.writeable = False
    return chosen


def block_stops(
    blocks: NDArray[np.float64], horizon: int, alpha: float, seed: int, rho: float = RHO, *, one_sided: bool = False
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Returns where the test stops, for many studies at once.

    Args:
        blocks: ``(n_studies, n, k + 1)``, the expensive run first; ``-inf`` for a crash.
        horizon: the most blocks.
        alpha: error rate.
        seed: of the relabellings, shared by all studies.
        rho: exponent of the spending.
        one_sided: only the expensive arm above the cheap one is looked for.
    Returns:
        ``(n_studies,)`` each: n, 0 where it has not stopped, and the sign.
    """
    n_studies, n_blocks, runs = blocks.shape
    chosen = relabellings(horizon, runs - 1, seed)
    allowed = budget(horizon, (alpha,), rho, N_RELABELLINGS)[:, 0]
    total, size = np.zeros((n_studies, N_RELABELLINGS)), np.zeros((n_studies, 1))
    crashed = np.isneginf(blocks).any()
    alive = np.ones(total.shape, dtype=bool)
    stopped, sign, used = (np.zeros(n_studies, dtype=np.int_) for _ in range(3))
    for i in range(n_blocks):
        seen, first = blocks, i
        if crashed:  # where a crash lies depends on all runs seen by then, so all blocks are summed anew
            seen, first = with_floor(blocks[:, : i + 1].reshape(n_studies, -1)).reshape(n_studies, i + 1, runs), 0
            total, size = np.zeros_like(total), np.zeros_like(size)
        for j in range(first, i + 1):
            effect = (runs * seen[:, j] - seen[:, j].sum(axis=1, keepdims=True)) / (runs - 1)
            total += effect[:, chosen[:, j]]
            size = np.maximum(size, np.abs(effect).max(axis=1, keepdims=True))
        statistic = (total if one_sided else np.abs(total)) / np.where(size > 0, size, 1.0)
        want = allowed[i] - used
        for count in np.unique(want[(want > 0) & (stopped == 0)]):
            rows = np.flatnonzero((want == count) & (stopped == 0))
            rejected = largest(np.where(alive[rows], statistic[rows], -np.inf), int(count))
            used[rows] += rejected.sum(axis=1)
            alive[rows] &= ~rejected
            hit = rows[rejected[:, 0]]
            stopped[hit], sign[hit] = i + 1, np.sign(total[hit, 0])
    return stopped, sign


def cheap_runs(cost_expensive: float, cost_cheap: float) -> int:
    """Returns how many cheap runs to make for each expensive one: the root of the cost ratio, rounded, at least 1.

    Raises:
        ValueError: a cost is not above 0.
    """
    if not (cost_expensive > 0 and cost_cheap > 0):
        raise ValueError(f"costs of {cost_expensive} and {cost_cheap} cannot be compared; both must be above 0.")
    return max(1, round(math.sqrt(cost_expensive / cost_cheap)))
