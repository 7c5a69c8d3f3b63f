"""The arithmetic of confirming a search's winner on fresh seeds: what to set aside for it, how many pairs that pays, which test.

The score that won a search is too good, for it was chosen for being good. A claim "better than the default" is only made on seeds that the
search never used. Nothing is run here. Source: winner's curse figures and protocol in ``docs/explanation/calibration.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

from shoestring.stats.choose import MIN_HORIZON, choose_test
from shoestring.stats.pair_test import PairTest

SHARE = 0.25  # of the budget, at most; with PAIRS a judgement: 12 pairs find differences of about 1 standard deviation
PAIRS = 12
MOST_PAIRS = 20
LEAST_PAIRS = MIN_HORIZON


@final
@dataclass(frozen=True, slots=True)
class Confirmation:
    """What can be confirmed.

    Attributes:
        reserve: set aside before the search, in the budget's unit.
        horizon: most pairs of runs that it pays for, one of the winner and one of the default each; at most 20.
        test: the one-sided test of "winner minus default is above 0"; None where fewer than 3 pairs can be paid.
    """

    reserve: float
    horizon: int
    test: PairTest | None


def reserve(budget: float, cost_best_most: float, cost_default: float) -> float:
    """Returns what to set aside before a search: the price of 12 pairs, but at most a quarter of the budget.

    Args:
        budget: of search and confirmation together, above 0.
        cost_best_most: the most that one full run of whatever wins can cost, in the same unit, above 0.
        cost_default: of one full run of the default, in the same unit, at least 0 (0: its runs exist already).
    Raises:
        ValueError: an argument out of its range.
    """
    _check(budget, cost_best_most, cost_default)
    return min(SHARE * budget, PAIRS * (cost_best_most + cost_default))


def reserve_of(limits: Mapping[str, float], pair_cost: Mapping[str, float]) -> dict[str, float]:
    """Returns what to set aside of each limited resource, by the rule of ``reserve``; a quarter where the price is not known yet.

    Args:
        limits: the budget, by resource.
        pair_cost: what a full run of the best and one of the default cost at most, by resource; 0 or missing: not known yet.
    """
    known = {name: PAIRS * pair_cost.get(name, 0.0) for name in limits}
    return {name: min(SHARE * limit, known[name] or math.inf) for name, limit in limits.items()}


def confirmation(
    reserved: float, cost_best: float, cost_default: float, alpha: float, seed: int, *, assume_normal: bool = False
) -> Confirmation:
    """Returns how many pairs the reserve pays, now that the winner and its cost are known, and the test that decides them.

    Args:
        reserved: what was set aside, in any unit, above 0.
        cost_best: of one full run of the winner, same unit, above 0.
        cost_default: of one full run of the default, same unit, at least 0.
        alpha: one-sided error rate.
        seed: of the test's random sign patterns.
        assume_normal: as in ``choose_test``.
    Raises:
        ValueError: an argument out of its range.
    """
    _check(reserved, cost_best, cost_default)
    horizon = min(MOST_PAIRS, math.floor(reserved / (cost_best + cost_default) * (1 + 1e-12)))  # 12 x 0.1 pays 12 runs of 0.1
    test = choose_test(horizon, alpha, seed, one_sided=True, assume_normal=assume_normal) if horizon >= MIN_HORIZON else None
    return Confirmation(reserved, horizon, test)


def check_fresh(confirming: Iterable[int], searched: Iterable[int]) -> None:
    """Checks that no seed of the confirmation was used in the search.

    Raises:
        ValueError: one was, or a confirming seed occurs twice.
    """
    seeds = list(confirming)
    if used := sorted(set(seeds) & set(searched)):
        raise ValueError(
            f"confirming seeds {used[:5]} were used in the search; what was chosen on a seed cannot be confirmed on it. Take fresh seeds."
        )
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"confirming seeds {seeds} hold one twice; each pair needs a seed of its own.")


def _check(amount: float, cost_best: float, cost_default: float) -> None:
    if not (amount > 0 and cost_best > 0 and cost_default >= 0 and math.isfinite(amount + cost_best + cost_default)):
        raise ValueError(
            f"budget={amount}, cost_best={cost_best}, cost_default={cost_default} cannot be used; "
            "the first two must be above 0, the last at least 0, in one unit."
        )
