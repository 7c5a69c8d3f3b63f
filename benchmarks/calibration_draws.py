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


def valued(k: int, p: float | None = None) -> Draw:
    """Returns the draw of two equal arms with ``k`` values: all as likely, or so many of ``k - 1`` items right at chance ``p``."""

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Array:
        one, other = (rng.integers(0, k, size) if p is None else rng.binomial(k - 1, p, size) for _ in range(2))
        return (one - other).astype(np.float64)

    return draw


def bistable(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Each arm's results lie close to one of two values, with equal chances."""
    one, other = ((rng.random(size) < 0.5) + 1e-3 * rng.standard_normal(size) for _ in range(2))
    return np.asarray(one - other)


def crashing(rates: tuple[float, float], draw: Draw = normal) -> Draw:
    """Returns the draw of two arms that crash at their rates, and whose other results differ as ``draw`` says."""

    def drawn(rng: np.random.Generator, size: tuple[int, int]) -> Array:
        first, second = (rng.random(size) < rate for rate in rates)
        return np.where(first & second, 0.0, np.where(first, -np.inf, np.where(second, np.inf, draw(rng, size))))

    return drawn


def stated(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Results of two values with equal chances, against a stated value half way between them."""
    return rng.choice([-0.5, 0.5], size)


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
COARSE: dict[str, Draw] = {
    "two values": valued(2),
    "two values, one of them in 9 of 10 runs": valued(2, 0.9),
    "3 values": valued(3),
    "4 values": valued(4),
    "6 values": valued(6),
    "right on 10 test items": valued(11, 0.9),
    "close to two values": bistable,
}
RATES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
CRASHES: dict[str, Draw] = {
    **{f"{rate:.0%} of the runs of both arms crash": crashing((rate, rate)) for rate in RATES},
    "30% of the runs of both arms crash, else two values": crashing((0.3, 0.3), valued(2)),
    "30% of the runs of both arms crash, else close to two values": crashing((0.3, 0.3), bistable),
    "30% of the runs of both arms crash, else log-normal": crashing((0.3, 0.3), log_normal_arms),
}
