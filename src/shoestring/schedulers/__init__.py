"""Schedulers decide which trial runs next, and how far; they know of no process, file or clock.

=================  =====================  ====================================================================  =================
name               class                  what it does                                                          source
=================  =====================  ====================================================================  =================
fixed              ``Fixed``              everyone goes to the horizon
halving            ``SuccessiveHalving``  the best 1/eta of each rung continue; one bracket                        arXiv:1502.07943
hyperband          ``Hyperband``          halvings from many short trials to few long ones, round after round   arXiv:1603.06560
async-hyperband    ``AsyncHyperband``     a halving in which no rung waits                                      arXiv:1810.05934
one-step           ``OneStep``            everyone gets one unit, the best k go to the horizon                  arXiv:2307.15422
=================  =====================  ====================================================================  =================

All pause and resume trials, rank by the lowest loss and then by trial number, and never promote a loss of ``inf``. They hold no randomness:
the same asks and tells give the same orders. ``shoestring.testing.SCHEDULER_CHECKS`` is what a new member has to pass.
"""

from __future__ import annotations

from shoestring.members import Members
from shoestring.schedulers.async_hyperband import AsyncHyperband
from shoestring.schedulers.fixed import Fixed
from shoestring.schedulers.halving import SuccessiveHalving
from shoestring.schedulers.hyperband import Hyperband
from shoestring.schedulers.one_step import OneStep
from shoestring.schedulers.rungs import Bracket, brackets
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

MEMBERS: Members[Scheduler] = Members(
    "scheduler",
    {
        "async-hyperband": "shoestring.schedulers.making:async_hyperband",
        "fixed": "shoestring.schedulers.making:fixed",
        "halving": "shoestring.schedulers.making:halving",
        "hyperband": "shoestring.schedulers.making:hyperband",
        "one-step": "shoestring.schedulers.making:one_step",
    },
)
NAMES = MEMBERS.names


def make_scheduler(name: str, sampler: Sampler, horizon: int, eta: int = 3, n_trials: int | None = None) -> Scheduler:
    """Returns the scheduler of that name.

    Args:
        name: one of ``NAMES``, of an installed package, or ``module:Name`` of your own: a class or function of these four arguments.
        sampler: proposes the trials.
        horizon: the most units a trial can get.
        eta: one trial in ``eta`` continues at each rung; fixed and one-step have no use for it but to size one-step.
        n_trials: how many trials start; None: no limit, but ``eta**s_max`` for halving and one-step. Hyperband sizes its own brackets.

    Raises:
        UnknownName: there is no scheduler of that name.
        UsageError: a number that makes no sense, ``n_trials`` for hyperband, or what is named makes no scheduler.
    """
    return MEMBERS.make(name, sampler, horizon, eta, n_trials, verbs=("ask", "tell"))
