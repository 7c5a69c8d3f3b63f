"""The interquartile mean over many tasks, with a stratified bootstrap interval.

It describes; it is not valid when one stops by looking at it. For a decision, average the paired differences over tasks seed by seed and
give those to a ``PairTest``. Source: Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice",
arXiv:2108.13264.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def iqm(scores: Sequence[Sequence[float] | NDArray[np.float64]]) -> float:
    """Returns the mean of the middle half of all scores, whatever task they are from.

    As many scores are left out at each end as make up at most a quarter.

    Args:
        scores: one list of results a task, one result a seed, not necessarily equally many; no NaN.
    Raises:
        ValueError: fewer than four scores in all (nothing would be left out), a task without any, or one that is not finite.
    """
    return float(_middle(np.concatenate(_tasks(scores))[None, :])[0])


def iqm_interval(
    scores: Sequence[Sequence[float] | NDArray[np.float64]], rng: np.random.Generator, *, draws: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Returns a percentile interval for the interquartile mean: seeds are drawn again within each task, tasks are kept.

    It speaks about new seeds on these tasks, not about new tasks. With 3 to 10 seeds a task it is too narrow.

    Args:
        scores: one list of results a task, one result a seed.
        rng: draws the resamples.
        draws: how many resamples, at least 1.
        level: between 0 and 1.
    Raises:
        ValueError: as in ``iqm``, or ``draws`` or ``level`` out of range.
    """
    tasks = _tasks(scores)
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws={draws}, level={level} cannot be used; draws must be at least 1 and level between 0 and 1.")
    resampled = np.concatenate([task[rng.integers(task.size, size=(draws, task.size))] for task in tasks], axis=1)
    lower, upper = np.quantile(_middle(resampled), [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def _tasks(scores: Sequence[Sequence[float] | NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    tasks = [np.asarray(task, dtype=np.float64) for task in scores]
    if sum(task.size for task in tasks) < 4:
        raise ValueError(f"{sum(task.size for task in tasks)} scores are too few for an interquartile mean; at least 4 are needed.")
    for number, task in enumerate(tasks):
        if task.ndim != 1 or not task.size or not np.all(np.isfinite(task)):
            raise ValueError(f"task {number} has scores of shape {task.shape}; each task needs one list of at least one finite number.")
    return tasks


def _middle(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    cut = samples.shape[1] // 4
    return np.asarray(np.sort(samples, axis=1)[:, cut : samples.shape[1] - cut].mean(axis=1), dtype=np.float64)
