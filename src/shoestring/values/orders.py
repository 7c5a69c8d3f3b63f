"""The words in which samplers, schedulers and studies talk to each other: orders out, observations in.

Inside the engine every metric is a ``loss``: lower is better, and a value that is not a finite number is ``inf``.
Nothing here knows of a process, a file or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Value: TypeAlias = bool | int | float | str | None
Config: TypeAlias = Mapping[str, Value]
Purpose: TypeAlias = Literal["useful", "confirmation"]


@dataclass(frozen=True, slots=True)
class Start:
    """Starts trial number ``trial_id`` (0, 1, 2, ... in the order of starting) and takes it to unit ``to``.

    Attributes:
        seed: seed of the trial; None for one of its own, drawn from the study's.
        arm: what of several things is trained, where there are several.
        purpose: what its cost is booked as.
    """

    trial_id: int
    config: Config
    to: int
    seed: int | None = None
    arm: str = ""
    purpose: Purpose = "useful"


@dataclass(frozen=True, slots=True)
class Advance:
    """Takes a paused trial on to unit ``to``."""

    trial_id: int
    to: int


Order: TypeAlias = Start | Advance


@dataclass(frozen=True, slots=True)
class Observation:
    """What one trial showed after ``unit`` units.

    Attributes:
        trial_id: the trial.
        unit: how many units it had then; 0 for a trial that died before its first report.
        loss: lower is better; ``inf`` where it diverged or died.
        ended: True if this trial will never report again (it returned early, or failed). ``loss`` is then its last one,
            or ``inf`` if it failed.
    """

    trial_id: int
    unit: int
    loss: float
    ended: bool = False


class Sampler(Protocol):
    """Proposes configurations and learns from what they showed.

    What ``ask(trial_id)`` returns depends on the seed, ``trial_id`` and what was told before, and on nothing else, so that a restarted
    study continues as if it had not stopped.
    """

    def ask(self, trial_id: int) -> Config | None:
        """Returns the configuration of a new trial, or None when there is none left (a grid)."""

    def adopt(self, trial_id: int, config: Config) -> None:
        """Takes note of a configuration that was chosen before a restart, instead of ``ask``."""

    def tell(self, observation: Observation) -> None:
        """Learns what a trial showed."""


class Scheduler(Protocol):
    """Decides which trial runs next, and how far.

    Pausing needs no order: a trial that is given none stays where it is.
    """

    def ask(self) -> Order | None:
        """Returns the next order, or None if nothing can be ordered before more is observed.

        None while no ordered trial is under way means that the scheduler is through.
        """

    def tell(self, observation: Observation) -> None:
        """Takes in one observation of one trial, unit by unit, in the order in which they arrive."""
