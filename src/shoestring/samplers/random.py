"""Random search: independent draws from the space.

Source: Bergstra and Bengio 2012, "Random search for hyper-parameter optimization", JMLR 13.
"""

from __future__ import annotations

import numpy as np

from shoestring.space import Space
from shoestring.values.orders import Config, Observation


class Random:
    """Draws each configuration from the space, whatever was seen.

    Args:
        space: what to sample from; its default, if it has one, is trial 0.
        seed: at least 0; together with a trial's number it decides what is drawn.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        if trial_id == 0 and self._space.has_default:
            return self._space.default()
        return self._space.sample(np.random.default_rng([self._seed, trial_id]))

    def adopt(self, trial_id: int, config: Config) -> None:
        """Does nothing: a draw does not depend on earlier ones."""

    def tell(self, observation: Observation) -> None:
        """Does nothing: a draw does not depend on what was seen."""
