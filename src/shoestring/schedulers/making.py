"""The schedulers as a search makes them: each of a sampler, a horizon, ``eta`` and the most trials that may start."""

from __future__ import annotations

from shoestring.errors import UsageError
from shoestring.schedulers.async_hyperband import AsyncHyperband
from shoestring.schedulers.fixed import Fixed
from shoestring.schedulers.halving import SuccessiveHalving
from shoestring.schedulers.hyperband import Hyperband
from shoestring.schedulers.one_step import OneStep
from shoestring.schedulers.rungs import s_max
from shoestring.values.orders import Sampler


def fixed(sampler: Sampler, horizon: int, _eta: int, n_trials: int | None) -> Fixed:
    """Returns a scheduler that trains every trial to the horizon."""
    return Fixed(sampler, horizon, n_trials)


def halving(sampler: Sampler, horizon: int, eta: int, n_trials: int | None) -> SuccessiveHalving:
    """Returns one bracket of successive halving."""
    return SuccessiveHalving(sampler, horizon, eta, n_trials)


def hyperband(sampler: Sampler, horizon: int, eta: int, n_trials: int | None) -> Hyperband:
    """Returns Hyperband, round after round.

    Raises:
        UsageError: a number of trials is given.
    """
    if n_trials is not None:
        raise UsageError(f"n_trials={n_trials} cannot be given to hyperband, which sizes its own brackets; leave it out or take halving.")
    return Hyperband(sampler, horizon, eta)


def async_hyperband(sampler: Sampler, horizon: int, eta: int, n_trials: int | None) -> AsyncHyperband:
    """Returns a halving in which no rung waits."""
    return AsyncHyperband(sampler, horizon, eta, n_trials=n_trials)


def one_step(sampler: Sampler, horizon: int, eta: int, n_trials: int | None) -> OneStep:
    """Returns a scheduler that gives every trial one unit, and the best the whole horizon."""
    return OneStep(sampler, horizon, eta ** s_max(horizon, eta) if n_trials is None else n_trials)
