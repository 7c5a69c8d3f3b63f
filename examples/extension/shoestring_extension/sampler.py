"""A sampler that draws in pairs: after each random configuration, its mirror image."""

from __future__ import annotations

import numpy as np

from shoestring import Space
from shoestring.values.orders import Config, Observation


class Antithetic:
    """Antithetic variates (Hammersley and Morton, 1956): half the draws, and the other half opposite."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial, which depends on the seed and its number alone."""
        point = np.random.default_rng([self.seed, trial_id // 2]).random(len(self.space.names))
        return self.space.decode(1 - point if trial_id % 2 else point)

    def adopt(self, trial_id: int, config: Config) -> None:
        """Hears what was chosen before a restart; nothing follows from it here."""

    def tell(self, observation: Observation) -> None:
        """Hears a result; nothing follows from it here."""
