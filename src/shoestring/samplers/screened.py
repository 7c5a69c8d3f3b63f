"""Random draws, screened by a small Gaussian process: the model rejects what looks hopeless and never says where to look.

Not a maximiser of what the model expects, as ``gp`` is: every proposal is a draw from the whole space, so it cannot come back to one place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shoestring.samplers.random import Random
from shoestring.samplers.scores import Scores
from shoestring.samplers.surrogate import Surrogate
from shoestring.space import Choice, Space
from shoestring.values.orders import Config, Observation, Value

_DRAWS = (1, 3, 9)  # among how many random draws a proposal is the most promising one; each is as likely


class Screened:
    """Proposes the most promising of 1, 3, 9 or 27 random draws, by expected improvement.

    How many is drawn anew for each proposal, so that it trusts the model not at all, somewhat or a lot, and one in four is a random draw.
    So are all before three more trials than parameters have shown something. A draw that was tried already is left out if another is not.
    The model is fitted anew at each proposal to the scores of all trials seen; parameters that are absent count as halfway.
    With asynchronous Hyperband it was level with random draws on the tables of ``benchmarks`` (docs/decisions/0014).

    Args:
        space: what to sample from; its default, if it has one, is trial 0.
        seed: at least 0.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._random = Random(space, seed)
        self._is_choice = np.array([isinstance(param, Choice) for param in space.params.values()])
        self._points: dict[int, NDArray[np.float64]] = {}
        self._tried: dict[tuple[tuple[str, Value], ...], int] = {}  # by which trial first
        self._enough = len(space.names) + 3
        self._scores = Scores(self._enough)

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        config = self._random.ask(trial_id)
        if trial_id > 0:
            config = self._most_promising(trial_id, config)
        self.adopt(trial_id, config)
        return config

    def adopt(self, trial_id: int, config: Config) -> None:
        """Takes note of a configuration as if ``ask`` had returned it."""
        self._points[trial_id] = self._space.encode(config)
        key = tuple(config.items())
        self._tried[key] = min(trial_id, self._tried.get(key, trial_id))

    def tell(self, observation: Observation) -> None:
        """Learns what a trial showed."""
        self._scores.tell(observation)

    def _most_promising(self, trial_id: int, drawn: Config) -> Config:
        """Returns the most promising of a first draw and as many more as this trial gets."""
        rng = np.random.default_rng([self._seed, trial_id, 1])
        n_draws = int(rng.choice(_DRAWS))
        draws = [drawn, *(self._space.sample(rng) for _ in range(n_draws - 1))]
        new = [draw for draw in draws if self._tried.get(tuple(draw.items()), trial_id) >= trial_id] or draws
        if len(new) == 1:
            return new[0]
        scores = {i: score for i, score in self._scores.values().items() if i in self._points and i != trial_id}
        if len(scores) < self._enough:
            return new[0]
        points = np.array([self._points[i] for i in scores])
        model = Surrogate(points, np.array(list(scores.values())), self._is_choice, rng)
        return new[int(np.argmax(model.expected_improvement(np.array([self._space.encode(draw) for draw in new]))))]
