"""The question "is one arm better than another, and by how much?"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from shoestring.arguments import checked_class
from shoestring.errors import UnknownName, UsageError
from shoestring.questions.compare.finding import Judged
from shoestring.questions.protocol import check_common, loss_of
from shoestring.questions.search.question import Goal
from shoestring.values.orders import Config

Mode = Literal["prove", "pick", "ablation"]
MODES = ("prove", "pick", "ablation")
OPEN = "open"
MOST_SEEDS = 200
LEAST_SEEDS = 3
LARGEST_VALUE = 1e100  # differences stay far from overflow
LEAST_ALPHA = 0.001  # of one test; an ablation shares its error rate among its arms, and a planned extension takes a fifth
PILOT_SEEDS = 3  # how many pairs tell what a run costs, before the number of seeds is settled


@checked_class
@dataclass(frozen=True)
class Arm:
    """One of the things that are compared.

    Attributes:
        name: what it is called.
        config: its configuration.
        target: what is trained, in words; empty where all arms train the same.
        value: a stated value of the metric, such as a published one, that the others are compared with; None for an arm that is run.
        repeats: runs on each seed; more than 1 for an arm that costs little beside another.
    """

    name: str
    config: Config = field(default_factory=dict)
    target: str = ""
    value: float | None = None
    repeats: int = 1

    def to_json(self) -> dict[str, Any]:
        """Returns the arm as plain data."""
        return {
            "name": self.name,
            "config": dict(self.config),
            "target": self.target,
            "value": self.value,
            "repeats": self.repeats,
        }


@checked_class
@dataclass(frozen=True)
class Compare:
    """Which arm gives the better metric, over seeds?

    Every arm runs on the same seeds, in the same order, so that two arms are compared seed by seed.

    Attributes:
        target: what is trained, in words.
        arms: what is compared.
        metric: the metric that decides.
        goal: ``"min"`` or ``"max"``.
        horizon: units of a full training.
        unit: what a unit is called.
        seed: where all randomness of the study comes from.
        seeds: the most seeds that will ever be run; ``"open"`` for a study without a last look; None for what the budget pays for,
            which is settled from the cost of the first pairs, before any test looks at them.
        alpha: the error rate, over all looks.
        margin: the smallest difference of interest, in the metric's units: the study also stops once a larger one is excluded.
        worst: the score of a run that crashes or diverges, such as chance level; None: worse than any number.
        resolution: the step in which the metric moves, such as one test item; 0 for a continuous one.
        mode: ``"prove"`` that an arm is best, ``"pick"`` one to bet on without a claim, or ``"ablation"``: which arms differ from ``full``.
        full: the arm that the others are ablations of.
        reserve: the seeds of one planned extension, for which a fifth of the error rate is kept back; None for none.
        one_sided: only the first arm being better is looked for.
        strict: with more than two arms, also the chance that the best is ever dropped is at most ``alpha``.
        judged: what of a run counts: the ``"last"`` value that it reports, or the ``"best"``, as a search sees its trials.
    Raises:
        UsageError: settings that are not allowed.
    """

    target: str
    arms: tuple[Arm, ...]
    metric: str
    goal: Goal
    horizon: int = 1
    unit: str = "epoch"
    seed: int = 0
    seeds: int | Literal["open"] | None = None
    alpha: float = 0.05
    margin: float | None = None
    worst: float | None = None
    resolution: float = 0.0
    mode: Mode = "prove"
    full: str | None = None
    reserve: int | None = None
    one_sided: bool = False
    strict: bool = False
    judged: Judged = "last"

    def __post_init__(self) -> None:
        check_common(self)
        self._check_arms()
        self._check_seeds()
        shares = len(self.arms) - 1 if self.mode == "ablation" else 5 if self.reserve is not None else 1
        if not LEAST_ALPHA * shares * (1 - 1e-9) <= self.alpha <= 0.2:
            raise UsageError(f"alpha={self.alpha} must be an error rate of {LEAST_ALPHA * shares:g} to 0.2, such as 0.05.")
        if self.margin is not None and not (math.isfinite(self.margin) and self.margin > 0):
            raise UsageError(f"difference={self.margin:g} must be above 0: the smallest difference of interest. Give one, or leave it out.")
        if self.worst is not None and not math.isfinite(self.worst):
            raise UsageError(f"worst={self.worst} must be a finite value of {self.metric}, or leave it out.")
        if not (math.isfinite(self.resolution) and self.resolution >= 0):
            raise UsageError(f"resolution={self.resolution} must be 0 or more: the step in which the metric moves.")

    def loss(self, value: float) -> float:
        """Returns a metric's value as a loss: lower is better, ``inf`` if it is not finite."""
        return loss_of(value, self.goal)

    @property
    def runs_a_seed(self) -> int:
        """Runs that one more seed takes, over all arms."""
        return sum(arm.repeats for arm in self.arms if arm.value is None)

    def to_json(self) -> dict[str, Any]:
        """Returns the question as plain data."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "arms"}
        if self.judged == "last":
            del plain["judged"]  # as in runs that were stored before there was a choice
        return {"question": "compare"} | plain | {"arms": [arm.to_json() for arm in self.arms]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Compare:
        """Returns the question that ``to_json`` described."""
        arms = tuple(Arm(**arm) for arm in data["arms"])
        return cls(**{name: value for name, value in data.items() if name not in ("question", "arms")}, arms=arms)

    def _check_arms(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(names) < 2:
            given = f"one arm ({names[0]})" if names else "no arm"
            raise UsageError(f"{given} cannot be compared; give at least two, such as --arm plain --arm wide:width=256.")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"two arms are called {twice!r}; give each a name of its own.")
        if any(not name for name in names):
            raise UsageError("an arm has no name; write NAME:key=value, such as --arm wide:width=256.")
        if stated := next((arm for arm in self.arms if arm.value is not None and not abs(arm.value) <= LARGEST_VALUE), None):
            raise UsageError(f"arm {stated.name!r} states {stated.value}; give a finite value of {self.metric}, up to {LARGEST_VALUE:g}.")
        if self.runs_a_seed == 0:
            raise UsageError("every arm is a stated value, so there is nothing to run; give at least one arm that is trained.")
        if self.mode not in MODES:
            raise UnknownName("mode", self.mode, MODES)
        if (self.mode == "ablation") != (self.full is not None):
            raise UsageError("an ablation needs the full model's arm, such as --ablation-of full, and no other mode takes one.")
        if self.full is not None and self.full not in names:
            raise UnknownName("arm", self.full, names)
        if any(arm.repeats < 1 for arm in self.arms):
            raise UsageError("an arm runs at least once on each seed; give --repeats NAME:2 or more, or leave it out.")
        self._check_repeats()

    def _check_repeats(self) -> None:
        repeated = [arm for arm in self.arms if arm.repeats > 1]
        if not repeated:
            return
        if len(self.arms) > 2 or len(repeated) > 1:
            raise UsageError(
                f"{len(repeated)} of {len(self.arms)} arms are repeated; only one arm of two can run more often than the other."
            )
        if self.margin is not None or self.reserve is not None or self.one_sided or not isinstance(self.seeds, int | None):
            raise UsageError("repeated runs go with a fixed number of seeds only, without --difference and --reserve.")

    def _check_seeds(self) -> None:
        for name, seeds in (("seeds", self.seeds), ("reserve", self.reserve)):
            if isinstance(seeds, int) and not LEAST_SEEDS <= seeds <= MOST_SEEDS:
                raise UsageError(
                    f"{name}={seeds} cannot be tested; give {LEAST_SEEDS} to {MOST_SEEDS} seeds "
                    "(fewer than 6 pairs show nothing without assuming normal differences), or --seeds open for more."
                )
        if isinstance(self.seeds, str) and self.seeds != OPEN:
            raise UsageError(f"seeds={self.seeds!r} cannot be read; give a number, or 'open' for a study without a last look.")
        if self.seeds == OPEN and (self.mode != "prove" or len(self.arms) > 2):
            raise UsageError("an open horizon works for two arms; give a number of seeds for more, such as --seeds 20.")
        if self.reserve is not None and (not isinstance(self.seeds, int) or self.reserve <= self.seeds or len(self.arms) > 2):
            raise UsageError(
                f"reserve={self.reserve} must be more than the seeds of the study ({self.seeds}), for two arms; "
                "give for example --seeds 10 --reserve 30."
            )
