"""CMA-ES: evolution of a normal distribution over the unit cube.

Source: Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv:1604.00772; the ``cmaes`` package, Nomura and Shibata 2024.
"""

from __future__ import annotations

import math

import numpy as np
from cmaes import CMA  # type: ignore[import-untyped]  # has no annotations to find
from numpy.typing import NDArray

from shoestring.samplers.scores import Scores
from shoestring.space import Space
from shoestring.values.orders import Config, Observation

_SIGMA = 0.3  # what Hansen 2016 advises for an optimum somewhere in a cube of side 1


class CmaEs:
    """Draws from a normal distribution that each generation of trials moves, widens and turns towards its better half.

    All parameters take part, encoded in the unit cube: numbers on their scale, choices by bins of equal width.
    A generation is the next ``4 + 3 ln(d)`` trials by number among those that have shown anything, so that it may mix proposals made
    before and after the last update. The distribution is computed anew from the whole history at each proposal, because the scores of
    trials stopped early change as others go on: hidden state would have to be revised.
    Differs: Optuna's CmaEsSampler draws choices at random, and keeps its state in the trials that it made itself.

    Args:
        space: what to sample from; its default, if it has one, is trial 0 and the first mean.
        seed: at least 0.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._points: dict[int, NDArray[np.float64]] = {}
        self._population = 4 + math.floor(3 * math.log(len(space.names)))
        self._scores = Scores(enough=self._population)

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        if trial_id == 0 and self._space.has_default:
            config = self._space.default()
        else:
            config = self._space.decode(self._distribution(trial_id).ask())
        self.adopt(trial_id, config)
        return config

    def adopt(self, trial_id: int, config: Config) -> None:
        """Takes note of a configuration as if ``ask`` had returned it."""
        self._points[trial_id] = self._space.encode(config)

    def tell(self, observation: Observation) -> None:
        """Learns what a trial showed."""
        self._scores.tell(observation)

    def _distribution(self, trial_id: int) -> CMA:
        n_params = len(self._space.names)
        seed = int(np.random.default_rng([self._seed, trial_id]).integers(2**32))
        seen = [(self._points[i], score) for i, score in self._scores.values().items() if i in self._points]
        restarts = np.random.default_rng(self._seed)
        cma = self._fresh(self._space.encode(self._space.default()) if self._space.has_default else np.full(n_params, 0.5), seed)
        for end in range(self._population, len(seen) + 1, self._population):
            cma.tell(seen[end - self._population : end])
            if cma.should_stop():
                cma = self._fresh(restarts.random(n_params), seed)
        return cma

    def _fresh(self, mean: NDArray[np.float64], seed: int) -> CMA:
        n_params = len(mean)
        return CMA(
            mean=mean,
            sigma=_SIGMA,
            bounds=np.tile([0.0, 1.0], (n_params, 1)),
            n_max_resampling=10 * n_params,
            seed=seed,
            population_size=self._population,
            cov=None,
            lr_adapt=False,
        )
