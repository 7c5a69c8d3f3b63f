"""Grid search: each combination of a few values a parameter, once."""

from __future__ import annotations

import itertools
import math

import numpy as np

from shoestring.errors import UsageError
from shoestring.space import Space
from shoestring.space.parameter import Choice, Float, Parameter
from shoestring.values.orders import Config, Observation, Value

_MAX_COMBINATIONS = 100_000


class Grid:
    """Proposes every configuration of a grid in an order drawn by the seed, so that one cut short is not one-sided; then no more.

    Args:
        space: what to sample from.
        seed: at least 0; decides the order.
        points: how many values of each number to try, evenly spaced on its scale with both ends; choices are tried in full.
    Raises:
        UsageError: ``points`` is less than 1, or there are over 100 000 combinations.
    """

    def __init__(self, space: Space, seed: int, points: int = 5) -> None:
        if points < 1:
            raise UsageError(f"points={points} makes no grid; a number needs at least 1. Raise points.")
        axes = [_axis(param, points) for param in space.params.values()]
        n_combinations = math.prod(map(len, axes))
        if n_combinations > _MAX_COMBINATIONS:
            raise UsageError(
                f"the grid has {n_combinations} combinations; at most {_MAX_COMBINATIONS} are allowed. Lower points, or use sobol."
            )
        # Combinations that differ only in absent parameters are one configuration.
        distinct = dict.fromkeys(
            tuple(space.active(dict(zip(space.names, values, strict=True))).items()) for values in itertools.product(*axes)
        )
        configs = [dict(items) for items in distinct]
        self._configs = [configs[i] for i in np.random.default_rng(seed).permutation(len(configs))]

    def ask(self, trial_id: int) -> Config | None:
        """Returns the configuration of a trial, or None beyond the last one."""
        return self._configs[trial_id] if trial_id < len(self._configs) else None

    def adopt(self, trial_id: int, config: Config) -> None:
        """Does nothing: a configuration depends on its number alone."""

    def tell(self, observation: Observation) -> None:
        """Does nothing: the grid does not depend on what was seen."""


def _axis(param: Parameter, points: int) -> list[Value]:
    if isinstance(param, Choice):
        return list(param.options)
    places = [i / (points - 1) for i in range(points)] if points > 1 else [0.5]
    values = [_round(param, param.decode(u)) if isinstance(param, Float) else param.decode(u) for u in places]
    return list(dict.fromkeys(values))


def _round(param: Float, value: float) -> float:
    """Returns the value to 12 digits, for 0.01 rather than 0.010000000000000002."""
    return min(max(float(f"{value:.12g}"), param.low), param.high)
