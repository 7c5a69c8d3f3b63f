"""The claims of the paper, each with the ablation or the null under which it must not hold.

What decides is the test error of what a search returns, the mean of both networks, on the paper's clock (a promoted trial is trained
again from nothing). Rows are drawn from one table: an interval speaks of other searches on these 400 curves, not of other curves.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

from shoestring import Claim, compare, datasets
from shoestring.verdicts.rules import better, ordered

Arms: TypeAlias = dict[str, Any]

SEEDS = 200
REACHED = 0.005  # half a percentage point of test error: to reach an error is to be less than this above it
WITHIN = 0.05
BRACKETS = tuple(f"bracket-{s}" for s in (4, 3, 2, 1, 0))
CROSSED = 0.02  # one more full training at 5R gains .024: the least of 5 uniform numbers is 1/6 on average, of 6 it is 1/7

_TRIALS = "shoestring.systems.hyperband.trials"
_LONG = "at R = 81 and eta = 3"
_PAPER = "over a year of GPU time for all of its experiments"

_replayed = partial(compare, train=f"{_TRIALS}:replayed", metric="test_error", goal="min", seeds=SEEDS)
_gap = partial(compare, train=f"{_TRIALS}:gap", metric="gap", goal="min", seeds=SEEDS)
_gaps = partial(_gap, mode="ablation", full="allowed")
_crossed = partial(compare, train=f"{_TRIALS}:crossed", metric="gap", goal="min", seeds=SEEDS)
_live = partial(compare, train="shoestring.systems.hyperband.training:live", metric="test_error", goal="min", seeds=10, workers=2)


def _beats_random_2x(budget: int) -> Claim:
    def arms(blind: bool) -> Arms:
        return {
            "hyperband": {"method": "hyperband", "budget": budget, "blind": blind},
            "random-2x": {"method": "random", "budget": 2 * budget, "blind": blind},
        }

    return Claim(
        name=f"beats-random-2x-at-{budget}R",
        statement=f"At a price of {budget}R, Hyperband's test error is below that of random search at twice the price, {_LONG}.",
        source="Li et al. 2018, JMLR 18, section 4.1",
        question=partial(_replayed, arms(blind=False)),
        budget="16s" if budget == 25 else "12s",
        rule=better("hyperband"),
        control=partial(_replayed, arms(blind=True)),
        paper_cost=_PAPER,
    )


def _reaches_random(name: str, share: str, budget: float) -> Claim:
    def arms(blind: bool) -> Arms:
        return {"hyperband": {"budget": budget, "rival": "random", "rival_budget": 50, "blind": blind}, "allowed": REACHED}

    return Claim(
        name=name,
        statement=f"Hyperband reaches random search's test error at 50R, within {REACHED}, for {share} of the price, {_LONG}.",
        source="Li et al. 2018, JMLR 18, section 4.1: over 20 times faster; the first 5R often match others at 50R",
        question=partial(_gap, arms(blind=False)),
        budget="8s",
        rule=better("hyperband"),
        control=partial(_gap, arms(blind=True)),
        paper_cost=_PAPER,
    )


def _near_the_best_bracket() -> Claim:
    def arms(blind: bool) -> Arms:
        rivals = {name: {"rival": name, "rival_budget": 25} for name in BRACKETS}
        return {"allowed": 0.0} | {name: {"budget": 25, "within": WITHIN, "blind": blind} | rival for name, rival in rivals.items()}

    return Claim(
        name="near-the-best-bracket",
        statement=f"At a price of 25R, Hyperband's test error is less than 5 % above that of each of its brackets repeated alone, {_LONG}.",
        source="Li et al. 2018, JMLR 18, section 3.3: nearly as good as the best bracket, which is not known",
        question=partial(_gaps, arms(blind=False)),
        budget="22s",
        rule=ordered(*((name, "allowed") for name in BRACKETS)),
        control=partial(_gaps, arms(blind=True)),
        paper_cost=_PAPER,
    )


def _crossing() -> Claim:
    return Claim(
        name="crossing-costs-at-most-five",
        statement="Where early results point the wrong way, Hyperband at 25R is no worse than random search at 5R, within .02 of a range "
        "of 1: it loses a factor of s_max + 1 = 5 at most.",
        source="Li et al. 2018, JMLR 18, Algorithm 1: every bracket, random search among them, gets one share of s_max + 1",
        question=partial(_crossed, {"hyperband": {"method": "hyperband"}, "allowed": CROSSED}),
        budget="10s",
        rule=better("hyperband"),
        # Successive halving alone, without the brackets that Hyperband adds to it.
        control=partial(_crossed, {"hyperband": {"method": "bracket-4"}, "allowed": CROSSED}),
        paper_cost="nothing: it is arithmetic",
    )


def _searched_live() -> Claim:
    def arms(blind: bool) -> Arms:
        return {
            "hyperband": {"scheduler": "hyperband", "budget": 5, "blind": blind},
            "random-2x": {"scheduler": "fixed", "budget": 10, "blind": blind},
        }

    return Claim(
        name="live",
        statement="In ten live searches, 5R of real training by Hyperband find a lower test error than 10R by random search, at R = 27.",
        source="Li et al. 2018, JMLR 18, section 4.1: ten trials a method",
        question=partial(_live, arms(blind=False)),
        budget="70s",
        rule=better("hyperband"),
        control=partial(_live, arms(blind=True)),
        paper_cost=_PAPER,
        needs=datasets.fashion_mnist,
    )


CLAIMS = [
    *(_beats_random_2x(budget) for budget in (5, 10, 25)),
    _reaches_random("reaches-random-at-a-quarter", "a quarter", 12.5),
    _reaches_random("reaches-random-at-a-tenth", "a tenth", 5),
    _near_the_best_bracket(),
    _crossing(),
    _searched_live(),
]
