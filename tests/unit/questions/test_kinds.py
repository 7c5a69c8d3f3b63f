"""A fourth question is one class, its strategy and finding, and one row: registered from outside, run, resumed, read and reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

import shoestring as ss
from shoestring.engine.asked import Asked
from shoestring.errors import UsageError
from shoestring.plans import plan_of
from shoestring.questions import kinds
from shoestring.questions.kinds import Kind, Wording, kind_of, register
from shoestring.questions.protocol import Unreserved, loss_of
from shoestring.values.orders import Observation, Start


@dataclass(frozen=True)
class Mean:
    """Is the mean of a metric over ``n`` runs at least ``least``?"""

    target: str
    metric: str
    least: float
    n: int
    goal: str = "max"
    horizon: int = 1
    unit: str = "epoch"
    seed: int = 0

    def loss(self, value: float) -> float:
        return loss_of(value, self.goal)

    def to_json(self) -> dict[str, Any]:
        return {"question": "mean"} | asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Mean:
        return cls(**{name: value for name, value in data.items() if name != "question"})


@dataclass(frozen=True)
class Found:
    mean: float | None
    enough: bool

    @property
    def answers(self) -> bool:
        return self.mean is not None

    def lines(self) -> Iterator[str]:
        yield f"the mean is {self.mean}, which is {'enough' if self.enough else 'too little'}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Averaging(Unreserved):
    def __init__(self, question: Mean) -> None:
        self.question, self.n, self.values = question, 0, {}

    @property
    def done(self) -> bool:
        return len(self.values) == self.question.n

    def ask(self) -> Start | None:
        if self.n == self.question.n:
            return None
        order = Start(self.n, {}, 1, self.question.seed + self.n)
        self.started(order)
        return order

    def started(self, order) -> None:
        self.n += 1

    def tell(self, observation: Observation) -> None:
        self.values[observation.trial_id] = -observation.loss

    def progress(self) -> str:
        return ""

    def finding(self, ended: str) -> Found:
        mean = sum(self.values.values()) / len(self.values) if self.done else None
        return Found(mean, mean is not None and mean >= self.question.least)


def train(trial):
    for _ in trial.steps():
        trial.report(score=trial.seed / 10)


@pytest.fixture
def mean(monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", dict(kinds.KINDS))
    wording = Wording(
        title=lambda question: f"Is the mean {question.metric} at least {question.least:g}?",
        facts=lambda question: [("runs", str(question.n))],
        statistic=lambda _: "the mean over all runs",
        varied=lambda _: "nothing",
        choice=lambda _: "nothing was chosen",
    )
    register(
        Kind(
            name="mean",
            question=Mean,
            strategy=lambda question, _: Averaging(question),
            tally=lambda question, _: Averaging(question),
            parameters=lambda _: {"": ()},
            wording=wording,
        )
    )
    return Mean("test_kinds:train", "score", 0.4, 10)


def asked(question, folder, budget):
    return Asked(train, question, {"budget": budget, "runner": "inline", "store": folder})


def test_it_is_asked_resumed_and_read(mean, tmp_path):
    unanswered = asked(mean, tmp_path / "run", "4 epochs").run()
    answer = asked(mean, tmp_path / "run", "10 epochs").run()

    assert not unanswered.finding.answers
    assert (answer.finding, answer.n_trials) == (Found(0.45, True), 10)
    assert ss.load(tmp_path / "run").question == replace(mean, target=f"{__name__}:train")
    assert ss.load(tmp_path / "run").finding == answer.finding


def test_it_is_reported_in_its_own_words(mean, tmp_path):
    asked(mean, tmp_path / "run", "10 epochs").run()

    page, *_ = ss.report(tmp_path / "run")

    assert "Is the mean score at least 0.4?" in page.read_text()
    assert "the mean is 0.45, which is enough" in page.read_text().lower()


def test_without_a_plan_it_says_so(mean, tmp_path):
    with pytest.raises(UsageError, match="has no plan"):
        plan_of(asked(mean, tmp_path / "run", "10 epochs"))


def test_a_kind_that_nobody_registered_is_refused(mean):
    with pytest.raises(UsageError, match="is not known here"):
        kinds.question_of({"question": "median"})
    with pytest.raises(UsageError, match="not a known kind"):
        kind_of(object())
