"""An exact sequential test of a chance of success, for at most ``horizon`` trials.

The error that may be spent by trial n grows like ``(n / horizon)**0.75``; the boundary comes from the exact distribution of the number
of successes, so nothing is approximated. It makes no interval. Source: alpha spending of Lan and DeMets 1983, "Discrete sequential
boundaries for clinical trials", with exact binomial probabilities instead of normal ones.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

_RHO = 0.75


@functools.lru_cache(maxsize=256)
def boundary(horizon: int, p_star: float, alpha: float) -> tuple[int, ...]:
    """Returns the number of successes at which "the chance is above ``p_star``" is declared after n = 1, 2, ... trials.

    A number above n means that it cannot be declared yet. If the chance is ``p_star`` or less, it is declared with a chance of at most
    ``alpha``, however one stops.

    Args:
        horizon: most trials, at least 1.
        p_star: between 0 and 1.
        alpha: between 0 and 1.
    Raises:
        ValueError: an argument out of its range.
    """
    if horizon < 1 or not 0 < p_star < 1 or not 0 < alpha < 1:
        raise ValueError(f"horizon={horizon}, p_star={p_star}, alpha={alpha} cannot be used; at least 1, and between 0 and 1.")
    alive = np.ones(1)  # chance of each number of successes without having been declared
    spent, limits = 0.0, []
    for n in range(1, horizon + 1):
        alive = np.append(alive * (1 - p_star), 0.0) + np.append(0.0, alive * p_star)
        allowed = alpha * (n / horizon) ** _RHO - spent
        from_top = np.cumsum(alive[::-1])
        declared = int(np.count_nonzero(from_top <= allowed))  # how many of the largest counts fit
        limit = n + 1 - declared
        # counts above what can still be alive have chance 0 and always fit: the limit is meant for those that can occur
        spent += float(alive[limit:].sum())
        alive[limit:] = 0.0
        limits.append(limit)
    return tuple(limits)


def above(outcomes: Sequence[bool], horizon: int, p_star: float, alpha: float) -> int | None:
    """Returns after how many outcomes "the chance is above ``p_star``" was declared; None: not (yet).

    Args:
        outcomes: in order; those after ``horizon`` do not count.
        horizon: most trials, at least 1.
        p_star: between 0 and 1.
        alpha: chance of a false declaration, between 0 and 1.
    """
    successes = 0
    for n, (solved, limit) in enumerate(zip(outcomes, boundary(horizon, p_star, alpha), strict=False), start=1):
        successes += bool(solved)
        if successes >= limit:
            return n
    return None


def can_still(outcomes: Sequence[bool], horizon: int, p_star: float, alpha: float) -> bool:
    """Returns whether "above ``p_star``" could still be declared if all remaining trials succeeded."""
    limits, n, successes = boundary(horizon, p_star, alpha), len(outcomes), sum(map(bool, outcomes))
    return any(successes + later - n >= limits[later - 1] for later in range(n + 1, horizon + 1))
