"""The arithmetic of confirming a search's winner on fresh seeds: what to reserve for it, and from which budget on.

The score that won a search is too good, for it was chosen for being good. A claim "better than the default" is only made on seeds that the
search never used. Nothing is run here. Source: winner's curse figures in ``docs/explanation/calibration.md``; the shares were weighed
against the search in ``docs/decisions/0019-what-a-confirmation-may-cost.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from shoestring.stats.choose import MIN_HORIZON

SHARE = 0.25  # of the budget, where that pays for more than the fewest pairs
MOST_SHARE = 0.5  # of the budget, for the fewest pairs
PAIRS = 12  # a judgement: 12 pairs find differences of about 1 standard deviation
MOST_PAIRS = 20
SLACK = 1.2  # of what was estimated from the runs so far, so that the fewest pairs are not missed by a little


def least_trainings() -> int:
    """Returns the full trainings that a budget must pay for, so that the best of a search can be confirmed."""
    return math.ceil(2 * MIN_HORIZON / MOST_SHARE)


def reserve_of(limits: Mapping[str, float], pair_cost: Mapping[str, float]) -> dict[str, float]:
    """Returns what to reserve of each limited resource; nothing where one of them does not carry a test.

    It is a quarter of the budget, or what 3 pairs cost if that is more and at most half of the budget, and never more than 12 pairs cost.

    Args:
        limits: the budget, by resource.
        pair_cost: what a full run of the best and one of the default cost, by resource; 0 or missing: not known yet.
    """
    kept = {}
    for name, limit in limits.items():
        pair = pair_cost.get(name, 0.0)
        if MIN_HORIZON * pair > MOST_SHARE * limit * (1 + 1e-12):
            return {}
        least = MIN_HORIZON * pair * (1.0 if name == "units" else SLACK)
        kept[name] = min(max(SHARE * limit, least), PAIRS * pair or math.inf)
    return kept


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
