"""A lease: permission to run one trial from one unit to another, up to a deadline.

The worker obeys it without asking again and the runner enforces it from outside, so a step costs no round trip, and the same contract
serves one process, many processes and a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from shoestring.values.orders import Config


@dataclass(frozen=True, slots=True)
class Lease:
    """Permission to run one trial.

    Attributes:
        token: fencing token; grows with every lease of a run, so what an outdated worker writes is known as such.
        trial_id: the trial.
        config: its configuration.
        seed: the seed of all its random number generators.
        start: units done at the newest checkpoint that the engine knows of.
        to: the unit at which to pause; at most ``to - start`` units may be begun.
        horizon: the most units that the trial can ever get.
        unit: what a unit is called.
        metric: the metric that decides; a trial in which it is not finite ends there.
        folder: the trial's folder.
        offset: bytes of its event file that the engine has already read.
        seconds: how long the lease lasts, None for as long as it takes.
        grace: seconds between the first request to stop and the kill.
        durable: whether what is written must survive a power failure; False for a study in memory.
        arm: what of several things is trained, where there are several.
    """

    token: int
    trial_id: int
    config: Config
    seed: int
    start: int
    to: int
    horizon: int
    unit: str
    metric: str
    folder: Path
    offset: int = 0
    seconds: float | None = None
    grace: float = 2.0
    durable: bool = True
    arm: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the lease as plain data."""
        return asdict(self) | {"config": dict(self.config), "folder": str(self.folder)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Lease:
        """Returns the lease that ``to_json`` described."""
        return cls(**{**data, "folder": Path(data["folder"])})


@dataclass(frozen=True, slots=True)
class Usage:
    """What one lease has used so far, as the runner can tell.

    Attributes:
        busy_s: seconds from its start.
        cpu_s: processor seconds of the worker and everything it started.
        gpu_s: seconds of holding GPUs, over all GPUs.
        kwh: energy, of GPUs and processor.
        peak_bytes: largest resident memory seen, 0 where unknown.
        provenance: for each figure ``measured``, ``sampled`` or ``estimated``.
    """

    busy_s: float = 0.0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    kwh: float = 0.0
    peak_bytes: int = 0
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """One event that a worker wrote for its lease; ``offset`` is where the next one begins in its file."""

    token: int
    event: Mapping[str, Any]
    offset: int


@dataclass(frozen=True, slots=True)
class Exit:
    """A lease has ended and nothing of it runs any more.

    Attributes:
        token: the lease.
        usage: what it used in the end.
        how: ``"ended"`` if the worker wrote its own ``end`` event; ``"killed"`` by the runner when its time and grace were over;
            ``"crashed"`` if it died by its own doing, out of memory included; ``"lost"`` if something outside took it away;
            ``"orphaned"`` if its engine died, or the process that had started it; ``"unwritable"`` if the disk did not take its events;
            ``"damaged"`` if its event file was changed by something else.
        note: what is known about its death.
    """

    token: int
    usage: Usage
    how: Literal["ended", "killed", "crashed", "lost", "orphaned", "unwritable", "damaged"] = "ended"
    note: str | None = None
