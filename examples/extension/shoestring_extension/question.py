"""A question of another kind: is the mean of a metric over some runs at least so much?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shoestring.engine.asked import Asked, verb
from shoestring.engine.naming import name_of
from shoestring.engine.run import Run
from shoestring.questions.kinds import Kind, Wording, register
from shoestring.questions.protocol import Unreserved, loss_of
from shoestring.reports.table import Table, table
from shoestring.reports.view import View
from shoestring.reports.views import show
from shoestring.values.orders import Observation, Start


@dataclass(frozen=True)
class Mean:
    """What is asked. One run a seed, from 0 on."""

    target: str
    metric: str
    least: float
    n: int
    goal: str = "max"
    horizon: int = 1
    unit: str = "epoch"
    seed: int = 0

    def loss(self, value: float) -> float:
        """Returns what is to be made small."""
        return loss_of(value, self.goal)

    def to_json(self) -> dict[str, Any]:
        """Returns it as it is stored."""
        return {"question": "mean"} | asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Mean:
        """Returns what was stored."""
        return cls(**{name: value for name, value in data.items() if name != "question"})


@dataclass(frozen=True)
class Found:
    """What is found: the mean, None before the last run, and whether it is enough."""

    mean: float | None
    enough: bool

    @property
    def answers(self) -> bool:
        """Whether the question is answered."""
        return self.mean is not None

    def lines(self) -> Iterator[str]:
        """Yields the answer in words."""
        yield f"the mean is {self.mean}, which is {'enough' if self.enough else 'too little'}"

    def to_json(self) -> dict[str, Any]:
        """Returns it for other programs."""
        return asdict(self)


class Averaging(Unreserved):
    """Orders the runs, and keeps what they come to."""

    def __init__(self, question: Mean) -> None:
        self.question, self.n, self.values = question, 0, dict[int, float]()

    @property
    def done(self) -> bool:
        """Whether every run has reported."""
        return len(self.values) == self.question.n

    def ask(self) -> Start | None:
        """Returns the next run."""
        if self.n == self.question.n:
            return None
        order = Start(self.n, {}, 1, self.question.seed + self.n)
        self.started(order)
        return order

    def started(self, order: Start) -> None:
        """Counts a run."""
        self.n += 1

    def tell(self, observation: Observation) -> None:
        """Hears a result."""
        self.values[observation.trial_id] = -observation.loss

    def progress(self) -> str:
        """Returns a line for the terminal."""
        return f"{len(self.values)} of {self.question.n} runs"

    def finding(self, ended: str) -> Found:
        """Returns what all results so far come to."""
        mean = sum(self.values.values()) / len(self.values) if self.done else None
        return Found(mean, mean is not None and mean >= self.question.least)


MEAN = Kind(
    name="mean",
    question=Mean,
    strategy=lambda question, _: Averaging(question),
    tally=lambda question, _: Averaging(question),
    parameters=lambda _: {"": ()},
    wording=Wording(
        title=lambda question: f"Is the mean {question.metric} at least {question.least:g}?",
        facts=lambda question: [("runs", str(question.n))],
        statistic=lambda _: "the mean over all runs",
        varied=lambda _: "nothing",
        choice=lambda _: "nothing was chosen",
    ),
)


@verb
def mean(train: Any, *, metric: str, least: float, n: int, **options: Any) -> Asked[Found]:
    """Asks it, as ``shoestring.search`` asks for the best configuration."""
    return Asked(train, Mean(name_of(train), metric, least, n), options)


def _every_run(run: Run) -> Iterator[Table]:
    yield table("Every run.", ("run", run.question.metric), [(trial.id, value) for trial, value, _ in run.ranked()])


register(MEAN)
show("mean", View(tables=_every_run))
