"""What the calibration simulates: paired differences of many studies at once, under laws of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]

DIVERGED = -10.0  # where a diverged run ends, in standard deviations of a difference between two that did not


def normal(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Standard normal differences."""
    return rng.standard_normal(size)


def log_normal_arms(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Each arm's results are log-normal."""
    return rng.lognormal(size=size) - rng.lognormal(size=size)


def student(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Differences with the heavy tails of Student's t with 3 degrees of freedom."""
    return rng.standard_t(3, size)


def accuracy(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Each arm's results are beta distributed about 0.9 with standard deviation 0.014."""
    return rng.beta(414, 46, size) - rng.beta(414, 46, size)


def bimodal(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """One run in ten of each arm diverges; differences between runs that do not are standard normal."""
    arms = [rng.normal(scale=np.sqrt(0.5), size=size) + DIVERGED * (rng.random(size) < 0.1) for _ in range(2)]
    return arms[0] - arms[1]


def ties(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Each arm is right on so many of 100 test items, with probability 0.9 each."""
    return (rng.binomial(100, 0.9, size) - rng.binomial(100, 0.9, size)) / 100


def two_point(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Each difference is +1 or -1."""
    return rng.choice([-1.0, 1.0], size)


def skewed(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Exponential differences about a mean of 0: the means are equal, the distributions are not."""
    return rng.exponential(size=size) - 1


def one_arm_crashes(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """One run in ten of the first arm crashes and the others are so much better that the means are equal."""
    crashed = rng.random(size) < 0.1
    return rng.standard_normal(size) + DIVERGED * (crashed - 0.1)


NULLS: dict[str, Draw] = {
    "normal": normal,
    "log-normal arms": log_normal_arms,
    "t with 3 degrees of freedom": student,
    "beta accuracy": accuracy,
    "one run in ten diverges": bimodal,
    "ties, 100 test items": ties,
    "two-point ±1": two_point,
}
EQUAL_MEANS_ONLY: dict[str, Draw] = {"skewed, mean 0": skewed, "only one arm crashes, equal means": one_arm_crashes}
