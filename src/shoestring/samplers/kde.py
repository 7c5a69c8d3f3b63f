"""A kernel density of the good configurations, as in BOHB: proposals fall near what was good, and a third of them anywhere.

Not Optuna's TPE: nothing is maximised, so that proposals stay spread out, and one costs well under a millisecond.
Source: Falkner, Klein and Hutter 2018, "BOHB", arXiv:1807.01774.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from shoestring.samplers.random import Random
from shoestring.samplers.scores import Scores
from shoestring.space import Choice, Space
from shoestring.values.orders import Config, Observation, Value

_GOOD = 0.15  # the share of the scored trials that counts as good, BOHB's
_RANDOM = 1 / 3  # the share of proposals drawn from the whole space, BOHB's
_UNIFORM_WIDTH = 1.06 * 12**-0.5  # the normal reference rule's factor (Scott 1992) times the standard deviation of a uniform draw
_TRIES = 5  # draws from the model, and then from the whole space, to find a configuration that was not tried yet


class Kde:
    """Draws from a kernel density of the good trials.

    The best 15 % of the trials by their scores are good, but at least one more than there are parameters. A proposal starts from one of
    them, picked at random: each number is moved by a normal step that stays within the bounds, each choice is drawn again with the step's
    width as its probability, and a parameter that the picked one lacks is drawn from its range. The width shrinks slowly with the number
    of good ones. One proposal in three is drawn from the space, and so are all before three more trials than parameters have shown
    something. A configuration that was tried already is drawn again, a few times.
    Differs: BOHB's width shrinks with the spread of the good ones too, and it takes the best of 64 candidates by the ratio to the density
    of the bad ones; so done it came back to what it knew (a regret of .25 on the TaskSet tables of ``benchmarks`` after 50 full
    trainings, against .15 as it is here, seeds 100 to 109). With asynchronous Hyperband random draws did better there than either
    (.10 against .17, seeds 0 to 19); where every trial is trained in full the two were alike within the intervals.

    Args:
        space: what to sample from; its default, if it has one, is trial 0.
        seed: at least 0.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._random = Random(space, seed)
        self._choices = np.array([isinstance(param, Choice) for param in space.params.values()])
        self._points: dict[int, NDArray[np.float64]] = {}
        self._tried: dict[tuple[tuple[str, Value], ...], int] = {}  # by which trial first
        # BOHB's least number of points, d + 1, and the two more that it asks for.
        self._scores = Scores(enough=len(space.names) + 3)

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        config = self._random.ask(trial_id) if trial_id == 0 else self._propose(trial_id)
        self.adopt(trial_id, config)
        return config

    def adopt(self, trial_id: int, config: Config) -> None:
        """Takes note of a configuration as if ``ask`` had returned it."""
        there = [name in config for name in self._space.names]
        self._points[trial_id] = np.where(there, self._space.encode(config), np.nan)
        key = tuple(config.items())
        self._tried[key] = min(trial_id, self._tried.get(key, trial_id))

    def tell(self, observation: Observation) -> None:
        """Learns what a trial showed."""
        self._scores.tell(observation)

    def _propose(self, trial_id: int) -> Config:
        rng = np.random.default_rng([self._seed, trial_id])
        config = self._random.ask(trial_id)
        if rng.random() >= _RANDOM and (good := self._good(trial_id)) is not None:
            for _ in range(_TRIES):
                config = self._space.decode(self._near(good, rng))
                if self._is_new(trial_id, config):
                    return config
        for _ in range(_TRIES):
            if self._is_new(trial_id, config):
                break
            config = self._space.sample(rng)
        return config

    def _is_new(self, trial_id: int, config: Config) -> bool:
        return self._tried.get(tuple(config.items()), trial_id) >= trial_id

    def _good(self, trial_id: int) -> NDArray[np.float64] | None:
        """Returns the good trials in the unit cube, ``(n_good, n_params)``, NaN where a parameter is absent; None if it is too early."""
        scores = {i: score for i, score in self._scores.values().items() if i in self._points and i != trial_id}
        n_params = len(self._space.names)
        if len(scores) < n_params + 3:
            return None
        n_good = max(n_params + 1, math.ceil(_GOOD * len(scores)))
        return np.array([self._points[i] for i in sorted(scores, key=scores.__getitem__)[:n_good]])

    def _near(self, good: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Draws a point near one of the good ones."""
        width = _UNIFORM_WIDTH * len(good) ** (-1 / (4 + len(self._choices)))
        centre = good[rng.integers(len(good))]
        anew, where = rng.random((2, len(centre)))
        low, high = ndtr(-centre / width), ndtr((1 - centre) / width)
        moved = np.clip(centre + width * ndtri(low + where * (high - low)), 0.0, 1.0)
        moved = np.where(self._choices, np.where(anew < width, where, centre), moved)
        drawn: NDArray[np.float64] = np.where(np.isnan(centre), where, moved)
        return drawn
