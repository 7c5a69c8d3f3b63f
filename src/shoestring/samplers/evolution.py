"""Regularised evolution: tournaments in a population from which always the oldest goes.

No crossover, no model. Source: Real, Aggarwal, Huang and Le 2019, "Regularized evolution for image classifier architecture search",
arXiv:1802.01548, algorithm 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shoestring.samplers.random import Random
from shoestring.samplers.scores import Scores
from shoestring.space import Choice, Int, Parameter, Space
from shoestring.values.orders import Config, Observation, Value

_STEP = 0.2  # standard deviation of a number's mutation, as a share of its range


class Evolution:
    """Changes one parameter of the best of a few trials, drawn from the newest that have shown something.

    The population is the ``population`` trials of the highest numbers among those seen: each new one takes the place of the oldest, however
    good that was. Before there are so many, configurations are drawn at random. A parent is the best of ``sample`` draws, with repetition.
    A mutation takes one parameter: a choice becomes another option, a number moves by a normal step. Parameters that it brings into being
    are drawn at random.

    Args:
        space: what to sample from; its default, if it has one, is trial 0.
        seed: at least 0.
        population: at least 1. Differs: the paper's 100, and 25 for ``sample``, are for tens of thousands of trials.
        sample: at least 1.
    Source: Real et al. 2019, arXiv:1802.01548.
    """

    def __init__(self, space: Space, seed: int, population: int = 20, sample: int = 5) -> None:
        self._space = space
        self._seed = seed
        self._population = population
        self._sample = sample
        self._random = Random(space, seed)
        self._configs: dict[int, Config] = {}
        self._scores = Scores(enough=len(space.names) + 3)

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        scores = [(i, score) for i, score in self._scores.values().items() if i in self._configs and i != trial_id]
        alive = scores[-self._population :]
        if (trial_id == 0 and self._space.has_default) or len(alive) < self._population:
            config = self._random.ask(trial_id)
        else:
            rng = np.random.default_rng([self._seed, trial_id, 1])
            drawn = [alive[i] for i in rng.integers(len(alive), size=self._sample)]
            parent = min(drawn, key=lambda one: one[1])[0]
            config = self._mutated(self._configs[parent], rng)
        self.adopt(trial_id, config)
        return config

    def adopt(self, trial_id: int, config: Config) -> None:
        """Takes note of a configuration as if ``ask`` had returned it."""
        self._configs[trial_id] = config

    def tell(self, observation: Observation) -> None:
        """Learns what a trial showed."""
        self._scores.tell(observation)

    def _mutated(self, parent: Config, rng: np.random.Generator) -> Config:
        params = self._space.params
        free = [name for name in parent if _is_free(params[name])]
        if not free:
            return dict(parent)
        name = free[int(rng.integers(len(free)))]
        return self._space.active({**self._space_values(rng), **parent, name: _moved(params[name], parent[name], rng)})

    def _space_values(self, rng: np.random.Generator) -> dict[str, Value]:
        """Draws a value for every parameter, whether or not its condition holds."""
        return {name: param.decode(rng.random()) for name, param in self._space.params.items()}


def _is_free(param: Parameter) -> bool:
    return len(param.options) > 1 if isinstance(param, Choice) else param.high > param.low


def _moved(param: Parameter, value: Any, rng: np.random.Generator) -> Value:
    """Returns another value of a parameter: any other option, or a number a normal step away, turned back at the ends."""
    if isinstance(param, Choice):
        others = [option for option in param.options if option != value]
        return others[int(rng.integers(len(others)))]
    while True:
        u = param.encode(value) + _STEP * rng.standard_normal()
        moved = param.decode(1.0 - abs(1.0 - abs(u) % 2.0))
        if moved != value or not isinstance(param, Int):
            return moved
