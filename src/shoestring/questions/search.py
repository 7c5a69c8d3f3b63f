"""The question "which configuration is best?"."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from shoestring.budget import UNITS
from shoestring.errors import UnknownName, UsageError
from shoestring.orders import Config, Observation, Order, Sampler, Scheduler
from shoestring.space import Space

Goal = Literal["min", "max"]


@dataclass(frozen=True)
class Search:
    """Which configuration of a space gives the best value of a metric?

    Attributes:
        target: what is trained, in words: the training function or the command.
        space: the configurations.
        metric: the metric that decides.
        goal: ``"min"`` or ``"max"``.
        horizon: units of a full training.
        unit: what a unit is called.
        seed: where all randomness of the study comes from.
        scheduler: name of the scheduler.
        sampler: name of the sampler.
        eta: the share kept at each rung is ``1/eta``.
        n_trials: the most trials that may start, None for no limit.
    Raises:
        UsageError: a goal, unit, horizon or seed that makes no sense.
    """

    target: str
    space: Space
    metric: str
    goal: Goal
    horizon: int
    unit: str = "epoch"
    seed: int = 0
    scheduler: str = "async-hyperband"
    sampler: str = "random"
    eta: int = 3
    n_trials: int | None = None

    def __post_init__(self) -> None:
        if self.goal not in ("min", "max"):
            raise UnknownName("goal", str(self.goal), ("min", "max"))
        if self.unit not in UNITS:
            raise UnknownName("unit", self.unit, UNITS)
        if not self.metric:
            raise UsageError("the metric has no name; name one that the trials report, such as metric='loss'.")
        if self.horizon < 1:
            raise UsageError(
                f"horizon={self.horizon} leaves nothing to train; it is the number of {self.unit}s of a full training, 1 or more."
            )
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed={self.seed} is outside of 0 to 2**63 - 1.")

    def loss(self, value: float) -> float:
        """Returns a metric's value as a loss: lower is better, ``inf`` if it is not finite."""
        return math.inf if not math.isfinite(value) else value if self.goal == "min" else -value

    def to_json(self) -> dict[str, Any]:
        """Returns the question as plain data; two studies ask the same if these are equal."""
        fields = ("target", "metric", "goal", "horizon", "unit", "seed", "scheduler", "sampler", "eta", "n_trials")
        return {"question": "search"} | {name: getattr(self, name) for name in fields} | {"space": self.space.to_json()}


class SearchStrategy:
    """A scheduler at work on a search, keeping the best that was seen."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.best: Observation | None = None

    def ask(self) -> Order | None:
        """Returns the next order, or None if there is none now."""
        return self._scheduler.ask()

    def tell(self, observation: Observation) -> None:
        """Lets the scheduler, and through it the sampler, learn from an observation."""
        if math.isfinite(observation.loss) and (self.best is None or observation.loss < self.best.loss):
            self.best = observation
        self._scheduler.tell(observation)


class Remembering:
    """A sampler that first hands out the configurations chosen before a restart, in place of choosing again."""

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
