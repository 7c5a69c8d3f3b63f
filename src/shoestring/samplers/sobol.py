"""A scrambled Sobol' sequence: even coverage of the space, whatever was seen.

Source: Sobol' 1967; scrambling by Owen 1998, as in ``scipy.stats.qmc``.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from shoestring.space import Space
from shoestring.values.orders import Config, Observation

_MIN_LOG2_POINTS = 6


class Sobol:
    """Proposes the points of one scrambled Sobol' sequence, in order.

    Args:
        space: what to sample from; its default, if it has one, is trial 0 and the sequence begins with trial 1.
        seed: at least 0; decides the scrambling.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._points = np.empty((0, len(space.names)))

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        if trial_id == 0 and self._space.has_default:
            return self._space.default()
        index = trial_id - self._space.has_default
        if index >= len(self._points):
            engine = qmc.Sobol(len(self._space.names), scramble=True, rng=np.random.default_rng(self._seed))
            self._points = engine.random_base2(max(_MIN_LOG2_POINTS, index.bit_length()))
        return self._space.decode(self._points[index])

    def adopt(self, trial_id: int, config: Config) -> None:
        """Does nothing: a point depends on its number alone."""

    def tell(self, observation: Observation) -> None:
        """Does nothing: the sequence does not depend on what was seen."""
