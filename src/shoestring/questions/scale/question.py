"""The question "how does a metric change with size?"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from shoestring.arguments import checked_class
from shoestring.errors import UsageError
from shoestring.questions.protocol import check_common, loss_of
from shoestring.questions.search.question import Goal
from shoestring.stats.scaling_law import FARTHEST, MIN_SIZES
from shoestring.values.orders import Config

_CLOSEST = math.sqrt(2)


@checked_class
@dataclass(frozen=True)
class Scale:
    """Which law does a metric follow as one parameter grows, and what does it predict?

    Attributes:
        target: what is trained, in words.
        over: the parameter that grows.
        sizes: its values.
        metric: what follows the law: a loss, above 0.
        goal: ``"min"``: the laws are those of a loss.
        config: the other parameters.
        seeds: runs at each size.
        extrapolate: sizes at which to predict.
        unverified: allow predictions beyond 4 times the largest size without a run there first.
        horizon, unit, seed: as in ``Search``.
    Raises:
        UsageError: settings that are not allowed.
    """

    target: str
    over: str
    sizes: tuple[float, ...]
    metric: str
    goal: Goal
    config: Config = field(default_factory=dict)
    seeds: int = 3
    extrapolate: tuple[float, ...] = ()
    unverified: bool = False
    horizon: int = 1
    unit: str = "epoch"
    seed: int = 0

    def __post_init__(self) -> None:
        check_common(self)
        if self.goal != "min":
            raise UsageError(
                f"a scaling law is that of a loss, and {self.metric} is to be maximised; "
                "report a loss, such as 1 - accuracy, with goal 'min'."
            )
        shown = ", ".join(f"{size:g}" for size in self.sizes)
        if len(self.sizes) < MIN_SIZES:
            raise UsageError(f"{len(self.sizes)} sizes ({shown}) carry no law; give at least {MIN_SIZES}, best each twice the one before.")
        if not all(0 < size < math.inf for size in self.sizes):
            raise UsageError(f"the sizes {shown} must be finite and above 0; a law is one of growth by a factor.")
        for before, after in zip(self.sizes, self.sizes[1:], strict=False):
            if after < before * _CLOSEST * (1 - 1e-9):
                raise UsageError(f"size {after:g} comes after {before:g}; each must be at least 1.42 times the one before, best twice.")
        if self.seeds < 2:
            raise UsageError(f"seeds={self.seeds} leaves the noise unknown, by which a law is judged; give at least 2, better 3.")
        if self.over in self.config:
            raise UsageError(f"{self.over} is both the size and fixed to {self.config[self.over]!r}; leave one of them out.")
        farthest = self.farthest
        for size in self.extrapolate:
            if not 0 < size < math.inf:
                raise UsageError(f"{self.over}={size:g} must be a finite size above 0 to extrapolate to.")
            if size > farthest and not self.unverified:
                raise UsageError(
                    f"{self.over}={size:g} is beyond {farthest:g}, {FARTHEST:g} times the largest size: a law can bend there unseen. "
                    f"Run one at {2 * self.sizes[-1]:g} or more first, or accept an unverified prediction with --unverified."
                )

    @property
    def farthest(self) -> float:
        """The largest size for which a prediction needs no run beyond the sizes first."""
        return FARTHEST * self.sizes[-1]

    def loss(self, value: float) -> float:
        """Returns a metric's value as a loss: lower is better, ``inf`` if it is not finite."""
        return loss_of(value, self.goal)

    def to_json(self) -> dict[str, Any]:
        """Returns the question as plain data."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        changed = {"sizes": list(self.sizes), "extrapolate": list(self.extrapolate), "config": dict(self.config)}
        return {"question": "scale", "kind": "law"} | plain | changed

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scale:
        """Returns the question that ``to_json`` described."""
        known = {name: value for name, value in data.items() if name not in ("question", "kind")}
        return cls(**known | {"sizes": tuple(data["sizes"]), "extrapolate": tuple(data["extrapolate"])})
