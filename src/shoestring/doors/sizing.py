"""The front doors ``scale`` and ``largest``: how does a metric change with size, and what is the largest size still solved?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from shoestring.arguments import checked
from shoestring.doors.words import Limits, Metric, Prices, Trained
from shoestring.engine.launch import RunnerName, launch
from shoestring.engine.naming import folder_of, name_of
from shoestring.engine.spending import Spending
from shoestring.engine.study import Study
from shoestring.machine import clock
from shoestring.questions.scale import Largest, Scale, condition_of
from shoestring.questions.search import Goal
from shoestring.runners import Runner
from shoestring.runners.arms import One
from shoestring.values.answer import Answer
from shoestring.values.orders import Config


@checked
def scale(
    train: Trained,
    *,
    over: str,
    sizes: Sequence[float],
    metric: Metric,
    goal: Goal,
    budget: Limits,
    config: Config | None = None,
    seeds: int = 3,
    extrapolate: Sequence[float] = (),
    unverified: bool = False,
    horizon: int = 1,
    unit: str | None = None,
    seed: int = 0,
    runner: RunnerName | Runner = "process",
    workers: int | None = None,
    price: Prices = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
    accept_changes: bool = False,
    on_progress: Callable[[Study], None] = lambda _study: None,
    began: float | None = None,
) -> Answer:
    """Fits the law by which a loss changes with size, and predicts with it if the data carry it.

    Args:
        train: the training function, ``"file.py:function"``, or a ``Script``.
        over: the parameter that grows.
        sizes: at least 5 of its values, each at least 1.42 times the one before.
        metric: a loss above 0.
        goal: ``"min"``.
        config: the other parameters.
        seeds: runs at each size, at least 2.
        extrapolate: sizes at which to predict.
        unverified: allow predictions beyond 4 times the largest size without a run there first.
        horizon: units of a full training.
        budget, unit, seed, runner, workers, price, watts, grace, store, on_progress, began: as in ``search``.
        accept_changes: as in ``search``.
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = clock.monotonic() if began is None else began
    spending = Spending.of(budget, price, grace, watts, workers, unit)
    question = Scale(
        name_of(cast(One, train)),
        over,
        tuple(sizes),
        metric,
        goal,
        dict(config or {}),
        seeds,
        tuple(extrapolate),
        unverified,
        horizon,
        spending.unit,
        seed,
    )
    folder = folder_of(store, question)
    return launch(cast(One, train), question, spending, runner, folder, on_progress, began, accept_changes=accept_changes)


@checked
def largest(
    train: Trained,
    *,
    over: str,
    solved: str,
    start: int,
    budget: Limits,
    config: Config | None = None,
    p_star: float = 0.5,
    ratio: float = 4.0,
    strict: bool = False,
    smallest: int = 1,
    most: int = 2**20,
    max_trials: int = 60,
    horizon: int = 1,
    unit: str | None = None,
    seed: int = 0,
    runner: RunnerName | Runner = "process",
    workers: int | None = None,
    price: Prices = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
    accept_changes: bool = False,
    on_progress: Callable[[Study], None] = lambda _study: None,
    began: float | None = None,
) -> Answer:
    """Finds the largest size that is still solved, by noisy trials.

    Args:
        train: the training function, ``"file.py:function"``, or a ``Script``.
        over: the parameter that grows, a whole number.
        solved: when a run has solved its size, such as ``"accuracy>=0.99"``.
        start: the first size to try.
        config: the other parameters.
        p_star: the chance of a run to solve that defines the capacity.
        ratio: stop when the upper end is at most so many times the lower one.
        strict: prove both ends, assuming nothing but that larger is harder, at about three times the price.
        smallest: the smallest size allowed.
        most: the largest size allowed.
        max_trials: never more runs than this.
        horizon: units of a full training.
        budget, unit, seed, runner, workers, price, watts, grace, store, on_progress, began: as in ``search``.
        accept_changes: as in ``search``.
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = clock.monotonic() if began is None else began
    spending = Spending.of(budget, price, grace, watts, workers, unit)
    metric, goal, threshold = condition_of(solved)
    question = Largest(
        name_of(cast(One, train)),
        over,
        metric,
        goal,
        threshold,
        start,
        dict(config or {}),
        p_star,
        ratio,
        strict,
        smallest,
        most,
        max_trials,
        horizon,
        spending.unit,
        seed,
    )
    folder = folder_of(store, question)
    return launch(cast(One, train), question, spending, runner, folder, on_progress, began, accept_changes=accept_changes)
