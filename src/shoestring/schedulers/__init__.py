"""Schedulers decide which trial runs next, and how far; they know of no process, file or clock.

=================  =====================  ====================================================================  =================
name               class                  what it does                                                          source
=================  =====================  ====================================================================  =================
fixed              ``Fixed``              everyone goes to the horizon
halving            ``SuccessiveHalving``  the best 1/eta of each rung go on; one bracket                        arXiv:1502.07943
hyperband          ``Hyperband``          halvings from many short trials to few long ones, round after round   arXiv:1603.06560
async-hyperband    ``AsyncHyperband``     a halving in which no rung waits                                      arXiv:1810.05934
one-step           ``OneStep``            everyone gets one unit, the best k go to the horizon                  arXiv:2307.15422
=================  =====================  ====================================================================  =================

All pause and resume trials, rank by the lowest loss and then by trial number, and never promote a loss of ``inf``. They hold no randomness:
the same asks and tells give the same orders. ``tests/contracts/test_schedulers.py`` is what a new member has to pass.
"""

from __future__ import annotations

from shoestring.errors import UnknownName, UsageError
from shoestring.schedulers.async_hyperband import AsyncHyperband
from shoestring.schedulers.fixed import Fixed
from shoestring.schedulers.halving import SuccessiveHalving
from shoestring.schedulers.hyperband import Hyperband
from shoestring.schedulers.one_step import OneStep
from shoestring.schedulers.rungs import Bracket, brackets, s_max
from shoestring.values.orders import Sampler, Scheduler

__all__ = [
    "NAMES",
    "AsyncHyperband",
    "Bracket",
    "Fixed",
    "Hyperband",
    "OneStep",
    "SuccessiveHalving",
    "brackets",
    "make_scheduler",
]

NAMES = ("fixed", "halving", "hyperband", "async-hyperband", "one-step")


def make_scheduler(name: str, sampler: Sampler, horizon: int, eta: int = 3, n_trials: int | None = None) -> Scheduler:
    """Returns the scheduler of that name.

    Args:
        name: one of ``NAMES``.
        sampler: proposes the trials.
        horizon: the most units a trial can get.
        eta: one trial in ``eta`` goes on at each rung; fixed and one-step have no use for it but to size one-step.
        n_trials: how many trials start; None: no limit, but ``eta**s_max`` for halving and one-step. Hyperband sizes its own brackets.

    Raises:
        UnknownName: there is no scheduler of that name.
        UsageError: a number that makes no sense, or ``n_trials`` for hyperband.
    """
    match name:
        case "fixed":
            return Fixed(sampler, horizon, n_trials)
        case "halving":
            return SuccessiveHalving(sampler, horizon, eta, n_trials)
        case "hyperband":
            if n_trials is not None:
                raise UsageError(
                    f"n_trials={n_trials} cannot be given to hyperband, which sizes its own brackets; leave it out or take halving."
                )
            return Hyperband(sampler, horizon, eta)
        case "async-hyperband":
            return AsyncHyperband(sampler, horizon, eta, n_trials=n_trials)
        case "one-step":
            return OneStep(sampler, horizon, eta ** s_max(horizon, eta) if n_trials is None else n_trials)
    raise UnknownName("scheduler", name, NAMES)
