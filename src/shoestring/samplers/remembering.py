"""A sampler's memory: the configurations that were chosen before a restart are handed out again."""

from __future__ import annotations

from shoestring.values.orders import Config, Observation, Sampler


class Remembering:
    """A sampler that first hands out the configurations chosen before a restart, instead of choosing again."""

    def __init__(self, sampler: Sampler, chosen: dict[int, Config]) -> None:
        self._sampler = sampler
        self._chosen = chosen

    def ask(self, trial_id: int) -> Config | None:
        """Returns the configuration that was chosen for this trial, or a new one."""
        if trial_id not in self._chosen:
            return self._sampler.ask(trial_id)
        config = self._chosen[trial_id]
        self._sampler.adopt(trial_id, config)
        return config

    def adopt(self, trial_id: int, config: Config) -> None:
        """Passes it on."""
        self._sampler.adopt(trial_id, config)

    def tell(self, observation: Observation) -> None:
        """Passes it on."""
        self._sampler.tell(observation)
