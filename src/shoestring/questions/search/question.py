"""The question "which configuration is best?"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shoestring.arguments import checked_class
from shoestring.questions.compare.finding import Judged
from shoestring.questions.protocol import check_common, loss_of
from shoestring.space import Space
from shoestring.values.orders import Config

Goal = Literal["min", "max"]


@checked_class
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
        confirm: whether the best is compared with the default on fresh seeds, for which a share of the budget is reserved.
        default: the configuration to compare it with; the space's default if None.
        judged: what of a confirming run counts: its ``"best"`` value, as in the search, or the ``"last"``, as in runs of older versions.
    Raises:
        UsageError: a goal, unit, horizon or seed that is not allowed.
        InvalidSpace: the default is not in the space.
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
    confirm: bool = True
    default: Config | None = None
    judged: Judged = "best"

    def __post_init__(self) -> None:
        check_common(self)
        if self.default is not None:
            self.space.validate(self.default)

    def loss(self, value: float) -> float:
        """Returns a metric's value as a loss: lower is better, ``inf`` if it is not finite."""
        return loss_of(value, self.goal)

    def to_json(self) -> dict[str, Any]:
        """Returns the question as plain data; two studies ask the same if these are equal."""
        fields = ("target", "metric", "goal", "horizon", "unit", "seed", "scheduler", "sampler", "eta", "n_trials", "confirm")
        default = self.default and dict(self.default)
        plain = (
            {"question": "search"} | {name: getattr(self, name) for name in fields} | {"space": self.space.to_json(), "default": default}
        )
        return plain | ({"judged": "best"} if self.judged == "best" else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Search:
        """Returns the question that ``to_json`` described."""
        known = {name: value for name, value in data.items() if name not in ("question", "space")}
        return cls(**{"judged": "last"} | known, space=Space.from_json(data["space"]))
