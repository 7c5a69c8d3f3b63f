"""Which pair test a comparison gets, by how many seeds its budget can ever pay for; no test itself."""

from __future__ import annotations

from shoestring.stats.eprocess import SignFlipProcess
from shoestring.stats.pair_test import PairTest
from shoestring.stats.seqflip import SeqFlip
from shoestring.stats.tmix import TMix

MIN_HORIZON = 3
MIN_EXACT_HORIZON = 8


def choose_test(
    horizon: int | None,
    alpha: float,
    seed: int,
    *,
    one_sided: bool = False,
    assume_normal: bool = False,
    resolution: float = 0.0,
    against_value: bool = False,
) -> PairTest:
    """Returns the standard test: SEQ-FLIP, T-MIX below 8 seeds or by choice, the sign-flip e-process without a horizon.

    Args:
        horizon: the largest number of seeds that the budget could ever pay for; None: there is no last look.
        alpha: error rate, one-sided if ``one_sided``.
        seed: of the random sign patterns; recorded with the study.
        one_sided: only that the centre is above 0 can be declared.
        assume_normal: the differences are taken to be normal, which saves about one seed and makes the error rate depend on it.
        resolution: the smallest step of the metric, 0 if it is continuous; only T-MIX needs it.
        against_value: the differences are those to one stated value; only T-MIX needs to know.
    Raises:
        ValueError: the horizon is below 3, or the test does not know such an alpha.
    """
    if horizon is None:
        if not assume_normal:
            return SignFlipProcess(alpha, one_sided)
        return TMix(None, alpha, 1.0, resolution, one_sided, against_value)
    if horizon < MIN_HORIZON:
        raise ValueError(
            f"horizon={horizon} allows no comparison: with fewer than {MIN_HORIZON} seeds an arm no test can tell a difference from luck. "
            f"Raise the budget to at least {MIN_HORIZON} seeds, better to {MIN_EXACT_HORIZON}."
        )
    if horizon < MIN_EXACT_HORIZON or assume_normal:
        return TMix(horizon, alpha, resolution=resolution, one_sided=one_sided, against_value=against_value)
    return SeqFlip(horizon, alpha, seed, one_sided=one_sided)
