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
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Spent(Exception):
    """The budget is spent: the end of every run, and no error."""


@dataclass(frozen=True)
class Float:
    """A number between ``low`` and ``high``, searched on a log scale."""

    low: float
    high: float

    def distance(self, column: NDArray[Any], value: Any) -> NDArray[np.float64]:
        """Returns how far each of a column's values is from one, 1 for the whole range."""
        away: NDArray[np.float64] = np.abs(np.log(column) - np.log(value)) / np.log(self.high / self.low)
        return away


@dataclass(frozen=True)
class Choice:
    """One of a few names."""

    choices: tuple[str, ...]

    def distance(self, column: NDArray[Any], value: Any) -> NDArray[np.float64]:
        """Returns 0 where a column's value is the one, 1 elsewhere."""
        differs: NDArray[np.float64] = (column != value).astype(float)
        return differs


@dataclass(frozen=True)
class Task:
    """One table: configurations and their learning curves, lower is better.

    Attributes:
        losses: ``(n_configs, horizon)`` array as published but for the missing: NaN is ``inf``. Values up to 1e34 are left in.
        diverged: what a peer is shown at most, twice the loss before training: a user knows it, and no 1e34 can blind the model.
    """

    name: str
    family: str
    space: Mapping[str, Float | Choice]
    columns: Mapping[str, NDArray[Any]]
    losses: NDArray[np.float64]
    diverged: float

    @property
    def horizon(self) -> int:
        """Units of a full training."""
        return int(self.losses.shape[1])

    def row(self, config: Mapping[str, Any]) -> int:
        """Returns the row of the nearest configuration."""
        away = np.zeros(len(self.losses))
        for name, param in self.space.items():
            away += param.distance(self.columns[name], config[name]) ** 2
        return int(np.argmin(away))

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

    def train(self, config: Mapping[str, Any], start: int, to: int) -> Iterator[tuple[int, float]]:
        """Yields ``(unit, loss)`` for each unit after ``start`` up to ``to``.

        Raises:
            Spent: the next unit cannot be paid with pauses.
        """
        row = self.task.row(config)
        self.restarted += start
        for unit in range(start + 1, to + 1):
            yield unit, self.unit(row, unit)

    def unit(self, row: int, unit: int) -> float:
        """Sells one unit of one configuration's training and returns the loss after it.

        Raises:
            Spent: it cannot be paid.
        """
        if self.resumed >= self.budget:
            raise Spent
        self.resumed += 1
        self.restarted += 1
        loss = float(self.task.losses[row, unit - 1])
        self.seen.append((self.resumed, self.restarted, loss))
        return loss

    def capped(self, loss: float) -> float:
        """Returns the loss as a peer is shown it."""
        return min(loss, self.task.diverged)

    def best(self, units: float, *, resume: bool) -> float:
        """Returns the lowest loss seen at any unit of any trial for at most this price, ``inf`` for none."""
        return min((loss for resumed, restarted, loss in self.seen if (resumed if resume else restarted) <= units), default=float("inf"))


def load(path: Path) -> list[Task]:
    """Returns a task for each problem of each table at ``path``, a file or a folder.

    Tables are known by how their names begin: ``taskset``, ``deepobs`` and ``nasbench201``; any number of them, each with any number of
    problems, under the array names that the readers below use.

    Raises:
        ValueError: there are no tables, or two tasks have one name.
    """
    found: list[Task] = []
    for family, read in (("taskset", _taskset), ("deepobs", _deepobs), ("nasbench201", _nasbench)):
        files = sorted(path.glob(f"{family}*.npz")) if path.is_dir() else [path] if path.name.startswith(family) else []
        found += [task for file in files for task in read(file)]
    names = [task.name for task in found]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{path} holds {len(names)} tasks, {len(set(names))} of different names; it needs one or more, all different.")
    return found


_TASKSET_SPACE = {  # as published; beta1 and beta2 by their distance from 1, on whose logarithm they were drawn
    "learning_rate": Float(1e-8, 1e1),
    "beta1": Float(1e-4, 1e0),
    "beta2": Float(1e-6, 1e0),
    "epsilon": Float(1e-10, 1e3),
    "l1": Float(1e-8, 1e1),
    "l2": Float(1e-8, 1e1),
    "linear_decay": Float(1e-7, 1e-4),
    "exponential_decay": Float(1e-6, 1e-3),
}


def _taskset(path: Path) -> Iterator[Task]:
    """Optimizer settings (8 floats) over 50 evaluations; the first of the 51 points is before training and left out."""
    table = np.load(path)
    settings = dict(zip(map(str, table["hp_names"]), table["hp"].T, strict=True))
    columns = {name: 1 - settings[name] if name in ("beta1", "beta2") else settings[name] for name in _TASKSET_SPACE}
    curves = table["loss"][:, :, list(table["split"]).index("valid"), :]
    for name, curve in zip(table["tasks"], curves, strict=True):
        yield Task(str(name), "taskset", _TASKSET_SPACE, columns, _finite(curve[:, 1:]), 2 * float(np.nanmedian(curve[:, 0])))


def _deepobs(path: Path) -> Iterator[Task]:
    """Learning rate and optimizer (the runs of the first seed); error rate, or loss where there is none.

    DeepOBS publishes a test split and no validation split: the values searched on are the test split's.
    """
    table = np.load(path)
    accuracies, losses = (table["curves"][:, list(table["metric"]).index(metric)] for metric in ("test_accuracy", "test_loss"))
    for problem in np.unique(table["problem"]):
        keep = table["problem"] == problem
        keep &= table["seed"] == table["seed"][keep].min()
        curve = 1 - accuracies[keep] if np.isfinite(accuracies[keep]).any() else losses[keep]
        curve = curve[:, : table["n_points"][keep].max()]
        columns = {"lr": table["lr"][keep], "optimizer": table["optimizer"][keep]}
        space: dict[str, Float | Choice] = {
            "lr": Float(float(columns["lr"].min()), float(columns["lr"].max())),
            "optimizer": Choice(tuple(map(str, np.unique(columns["optimizer"])))),
        }
        yield Task(str(problem), "deepobs", space, columns, _finite(curve[:, 1:]), 2 * float(np.nanmedian(curve[:, 0])))


def _nasbench(path: Path) -> Iterator[Task]:
    """The operations of a cell; error rate after 200 epochs, mean of the seeds there are. No curves: the horizon is 1."""
    table = np.load(path)
    ops = tuple(map(str, table["ops"]))
    space = {f"edge{i}": Choice(ops) for i in range(table["arch"].shape[1])}
    columns = dict(zip(space, np.array(ops)[table["arch"]].T, strict=True))
    for name, accuracy in zip(table["datasets"], table["valid_acc"], strict=True):
        yield Task(f"nb201_{name}", "nasbench201", space, columns, _finite(1 - np.nanmean(accuracy, axis=1, keepdims=True) / 100), 1.0)


def _finite(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(losses), losses, np.inf)
