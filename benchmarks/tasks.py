"""Search tasks made from tables of finished training runs, and the meter that sells their learning curves unit by unit.

A proposal is answered by the table's nearest configuration in the encoded unit cube, for every method alike: a float counts its
position between its bounds (on a log scale where it has one), a choice 0 or 1 for equal or not. Several proposals can land on one row.
Not a simulator of machines: one worker, and the only clock is the number of units paid.

Sources: TaskSet (Metz et al. 2020, arXiv:2002.11887), DeepOBS (Schneider et al. 2019), NAS-Bench-201 (Dong and Yang 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class Spent(Exception):
    """The budget is spent: the end of every run, and no error."""


@dataclass(frozen=True)
class Float:
    """A number between ``low`` and ``high``, searched on a log scale."""

    low: float
    high: float

    def distance(self, column: np.ndarray, value: float) -> np.ndarray:
        return np.abs(np.log(column) - np.log(value)) / np.log(self.high / self.low)


@dataclass(frozen=True)
class Choice:
    """One of a few names."""

    choices: tuple[str, ...]

    def distance(self, column: np.ndarray, value: str) -> np.ndarray:
        return (column != value).astype(float)


@dataclass(frozen=True)
class Task:
    """One table: configurations and their learning curves, lower is better.

    Attributes:
        losses: ``(n_configs, horizon)`` array as published but for the missing: NaN is ``inf``. Values up to 1e34 are left in.
        diverged: what a regression model is shown at most, twice the loss before training: a user knows it, and no 1e34 can blind the model.
    """

    name: str
    family: str
    space: Mapping[str, Float | Choice]
    columns: Mapping[str, np.ndarray]
    losses: np.ndarray
    diverged: float

    @property
    def horizon(self) -> int:
        return self.losses.shape[1]

    def row(self, config: Mapping[str, object]) -> int:
        return int(np.argmin(sum(p.distance(self.columns[n], config[n]) ** 2 for n, p in self.space.items())))

    def regret(self, loss: float) -> float:
        """Returns how far ``loss`` is from the table's best, in units of the distance from the median final loss to it, at most 1.

        The median and the cut at 1 make it indifferent to how badly the worst configurations diverged.
        """
        best, final = self.losses.min(), self.losses[:, -1]
        return float(min(1.0, (loss - best) / (np.median(final[np.isfinite(final)]) - best)))


class Meter:
    """Trains by the table until ``budget`` units are paid, and notes the best loss seen at every price.

    Two clocks run at once, for a method decides the same on both: a trial taken from unit a to unit b costs b - a units where it can be
    continued, and b where it has to be trained again.
    """

    def __init__(self, task: Task, budget: int) -> None:
        self.task, self.budget = task, budget
        self.resumed = self.restarted = 0
        self.seen: list[tuple[int, int, float]] = []

    def train(self, config: Mapping[str, object], start: int, to: int) -> Iterator[tuple[int, float]]:
        """Yields ``(unit, loss)`` for each unit after ``start`` up to ``to``.

        Raises:
            Spent: the next unit cannot be paid on either clock.
        """
        row = self.task.row(config)
        self.restarted += start
        for unit in range(start + 1, to + 1):
            if self.resumed >= self.budget:
                raise Spent
            self.resumed += 1
            self.restarted += 1
            loss = float(self.task.losses[row, unit - 1])
            self.seen.append((self.resumed, self.restarted, loss))
            yield unit, loss

    def capped(self, loss: float) -> float:
        return min(loss, self.task.diverged)

    def best(self, units: float, *, resume: bool) -> float:
        """Returns the lowest loss seen at any unit of any trial for at most this price, ``inf`` for none."""
        return min((loss for resumed, restarted, loss in self.seen if (resumed if resume else restarted) <= units), default=float("inf"))


def load(folder: Path) -> list[Task]:
    """Returns the seven tasks of the tables in ``folder``."""
    return [*_taskset(folder / "taskset_4tasks.npz"), *_deepobs(folder / "deepobs_2problems.npz"), *_nasbench(folder / "nasbench201_cifar10.npz")]


def _taskset(path: Path) -> Iterator[Task]:
    """Optimizer settings (8 floats) over 50 evaluations; the first of the 51 points is before training and left out."""
    table = np.load(path)
    space = {
        "learning_rate": Float(1e-8, 1e1),
        "one_minus_beta1": Float(1e-4, 1e0),
        "one_minus_beta2": Float(1e-6, 1e0),
        "epsilon": Float(1e-10, 1e3),
        "l1": Float(1e-8, 1e1),
        "l2": Float(1e-8, 1e1),
        "linear_decay": Float(1e-7, 1e-4),
        "exponential_decay": Float(1e-6, 1e-3),
    }
    hp = table["hp"].copy()
    hp[:, 1:3] = 1 - hp[:, 1:3]
    curves = table["loss"][:, :, list(table["split"]).index("valid"), :]
    for name, curve in zip(table["tasks"], curves, strict=True):
        columns = dict(zip(space, hp.T, strict=True))
        yield Task(str(name).removeprefix("FixedTextRNNClassification_"), "taskset", space, columns, _finite(curve[:, 1:]), 2 * float(np.nanmedian(curve[:, 0])))


def _deepobs(path: Path) -> Iterator[Task]:
    """Learning rate and optimizer (36 x 3 runs of the first seed) over 100 epochs; error rate, or loss where there is none.

    DeepOBS publishes a test split and no validation split: the values searched on are the test split's.
    """
    table = np.load(path)
    space = {"lr": Float(1e-5, 1e2), "optimizer": Choice(tuple(map(str, np.unique(table["optimizer"]))))}
    for problem, metric in (("fmnist_2c2d", "test_accuracy"), ("quadratic_deep", "test_loss")):
        keep = (table["problem"] == problem) & (table["seed"] == 42)
        curve = table["curves"][keep, list(table["metric"]).index(metric), : table["n_points"][keep][0]]
        curve = 1 - curve if metric == "test_accuracy" else curve
        columns = {"lr": table["lr"][keep], "optimizer": table["optimizer"][keep]}
        yield Task(problem, "deepobs", space, columns, _finite(curve[:, 1:]), 2 * float(np.nanmedian(curve[:, 0])))


def _nasbench(path: Path) -> Iterator[Task]:
    """Six operations of a cell; error rate after 200 epochs, mean of the seeds there are. No curves: the horizon is 1."""
    table = np.load(path)
    ops = tuple(map(str, table["ops"]))
    space = {f"edge{i}": Choice(ops) for i in range(table["arch"].shape[1])}
    columns = dict(zip(space, np.array(ops)[table["arch"]].T, strict=True))
    for name, accuracy in zip(table["datasets"], table["valid_acc"], strict=True):
        yield Task(f"nb201_{name}", "nasbench201", space, columns, _finite(1 - np.nanmean(accuracy, axis=1, keepdims=True) / 100), 1.0)


def _finite(losses: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(losses), losses, np.inf)
