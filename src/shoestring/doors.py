"""The front doors ``search``, ``compare``, ``scale`` and ``largest``: plain arguments in, the answer out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

from shoestring.answer import Answer
from shoestring.budget import Budget, Price
from shoestring.errors import UnknownName, UsageError
from shoestring.launch import RunnerName, launch
from shoestring.naming import folder_of, name_of
from shoestring.orders import Config
from shoestring.questions.compare import Arm, Compare, Mode
from shoestring.questions.scale import Largest, Scale, condition_of
from shoestring.questions.search import Goal, Search
from shoestring.run import Run
from shoestring.runners import Runner
from shoestring.runners.arms import Arms, One, Target, from_plain
from shoestring.space import Parameter, Space
from shoestring.spending import Spending
from shoestring.study import Study


def search(
    train: One,
    space: Mapping[str, Parameter] | Space,
    *,
    metric: str,
    goal: Goal,
    budget: str | Sequence[str],
    horizon: int = 1,
    unit: str | None = None,
    seed: int = 0,
    scheduler: str | None = None,
    sampler: str | None = None,
    eta: int = 3,
    n_trials: int | None = None,
    confirm: bool = True,
    default: Config | None = None,
    runner: RunnerName | Runner = "process",
    workers: int | None = None,
    price: str | Sequence[str] = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
    on_progress: Callable[[Study], None] = lambda _study: None,
    began: float | None = None,
) -> Answer:
    """Searches for the best configuration within a budget.

    The same call on the same ``store`` goes on where an earlier one stopped, however it was stopped.

    Args:
        train: the training function, of one argument (the trial); or ``"file.py:function"``; or a ``Script``.
        space: parameters by name.
        metric: the metric that decides, among those that the trials report.
        goal: ``"min"`` or ``"max"``.
        budget: such as ``"10m"`` or ``["1h", "100 epochs"]``; see ``Budget``.
        horizon: units of a full training.
        unit: what a unit is called; that of the budget, or ``"epoch"``.
        seed: where all randomness of the study comes from.
        scheduler: fixed, halving, hyperband, async-hyperband or one-step; async-hyperband if the horizon is above 1, else fixed.
        sampler: random, sobol, grid, tpe, kde, gp or cma-es; random if the horizon is above 1, else tpe (docs/decisions/0012).
        eta: one trial in ``eta`` goes on at each rung.
        n_trials: the most trials that may start; None for as many as the budget carries.
        confirm: compare the best with the default configuration on fresh seeds, for which up to a quarter of the budget is set aside.
        default: parameters of that configuration, where it is not the space's default.
        runner: ``"process"``, ``"inline"``, a runner of your own, or ``"replay"``, for which ``train(config, seed)`` gives a learning
            curve: the metrics after each unit, one second of a virtual clock apart.
        workers: how many trials run at once; None for one a GPU, or half the cores.
        price: such as ``"2.5/gpu-hour"``; needed for a budget in usd.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        grace: seconds in which a trial may save itself before it is killed.
        store: the run's folder; ``":memory:"`` keeps nothing; None for ``runs/<file>-<function>-search``.
        on_progress: called now and then with the study.
        began: when the study began, on ``time.monotonic``; now if None. Start-up from then on is charged.
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = time.monotonic() if began is None else began
    spending = Spending(Budget(*_listed(budget)), Price(*_listed(price)), grace, watts, workers)
    question = search_question(
        name_of(train),
        Space.of(space),
        metric=metric,
        goal=goal,
        horizon=horizon,
        unit=unit or spending.budget.unit or "epoch",
        seed=seed,
        scheduler=scheduler,
        sampler=sampler,
        eta=eta,
        n_trials=n_trials,
        confirm=confirm,
        default=default,
    )
    return launch(train, question, spending, runner, folder_of(store, question), on_progress, began)


def search_question(
    target: str,
    space: Space,
    *,
    metric: str,
    goal: str,
    horizon: int,
    unit: str,
    seed: int,
    scheduler: str | None,
    sampler: str | None,
    eta: int,
    n_trials: int | None,
    confirm: bool,
    default: Config | None,
) -> Search:
    """Returns the question with its defaults filled in."""
    return Search(
        target,
        space,
        metric,
        cast(Goal, goal),
        horizon,
        unit,
        seed,
        scheduler or ("async-hyperband" if horizon > 1 else "fixed"),
        sampler or ("random" if horizon > 1 else "tpe"),
        eta,
        n_trials,
        confirm,
        None if default is None else space.active({**space.default(), **default}),
    )


def compare(
    arms: Mapping[str, One | Config | float],
    train: One | None = None,
    *,
    metric: str,
    goal: Goal,
    budget: str | Sequence[str],
    seeds: int | Literal["open"] | None = None,
    difference: float | None = None,
    alpha: float = 0.05,
    worst: float | None = None,
    resolution: float = 0.0,
    mode: Mode = "prove",
    full: str | None = None,
    repeats: Mapping[str, int] | None = None,
    reserve: int | None = None,
    extend: bool = False,
    strict: bool = False,
    horizon: int = 1,
    unit: str | None = None,
    seed: int = 0,
    runner: RunnerName | Runner = "process",
    workers: int | None = None,
    price: str | Sequence[str] = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
    on_progress: Callable[[Study], None] = lambda _study: None,
    began: float | None = None,
) -> Answer:
    """Compares arms over seeds: is one better, and by how much? The error rate holds whenever it stops.

    Args:
        arms: by name: a training function, ``"file.py:function"``, a ``Script``; or a configuration of ``train``; or a number, for a stated
            value that the others are compared with.
        train: what the arms that are configurations train.
        metric: the metric that decides; the last value that a run reports counts.
        goal: ``"min"`` or ``"max"``.
        budget: as in ``search``.
        seeds: the most seeds that will ever be run; ``"open"`` for no limit; None for what the budget pays for.
        difference: the smallest difference of interest, in the metric's units; the study then also stops when a larger one is excluded.
        alpha: the error rate, over all looks.
        worst: the score of a run that crashes or diverges, such as chance level; None for worse than any number.
        resolution: the step in which the metric moves, such as one test item; 0 for a continuous one.
        mode: ``"prove"`` which arm is best, ``"pick"`` one to bet on without a claim, or ``"ablation"``: which arms differ from ``full``.
        full: the arm that the others are ablations of.
        repeats: runs on each seed by arm; for an arm that costs little beside the other.
        reserve: the seeds of one planned extension.
        extend: take that extension up.
        strict: with more than two arms: the chance that the best one is ever put aside is at most ``alpha`` too.
        horizon: units of a full training.
        unit, seed, runner, workers, price, watts, grace, store, on_progress, began: as in ``search``.
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = time.monotonic() if began is None else began
    spending = Spending(Budget(*_listed(budget)), Price(*_listed(price)), grace, watts, workers)
    target, question = compare_question(
        arms,
        train,
        metric=metric,
        goal=goal,
        seeds=seeds,
        difference=difference,
        alpha=alpha,
        worst=worst,
        resolution=resolution,
        mode=mode,
        full=full,
        repeats=repeats or {},
        reserve=reserve,
        strict=strict,
        horizon=horizon,
        unit=unit or spending.budget.unit or "epoch",
        seed=seed,
    )
    return launch(target, question, spending, runner, folder_of(store, question), on_progress, began, extend=extend)


def compare_question(
    arms: Mapping[str, One | Config | float],
    train: One | None,
    *,
    metric: str,
    goal: str,
    seeds: int | Literal["open"] | None,
    difference: float | None,
    alpha: float,
    worst: float | None,
    resolution: float,
    mode: Mode,
    full: str | None,
    repeats: Mapping[str, int],
    reserve: int | None,
    strict: bool,
    horizon: int,
    unit: str,
    seed: int,
) -> tuple[Target, Compare]:
    """Returns what is trained, and the question.

    Raises:
        UsageError: as ``compare``.
    """
    target, members = _arms_of(arms, train, repeats)
    question = Compare(
        name_of(target),
        members,
        metric,
        cast(Goal, goal),
        horizon,
        unit,
        seed,
        seeds,
        alpha,
        difference,
        worst,
        resolution,
        mode,
        full,
        reserve,
        strict=strict,
    )
    return target, question


def _arms_of(arms: Mapping[str, One | Config | float], train: One | None, repeats: Mapping[str, int]) -> tuple[Target, tuple[Arm, ...]]:
    """Returns what is trained, and the arms as the question names them.

    Raises:
        UsageError: a configuration without ``train``, or ``train`` beside arms that bring their own.
        UnknownName: ``repeats`` names no arm.
    """
    for name in repeats:
        if name not in arms:
            raise UnknownName("arm", name, arms)
    own: dict[str, One] = {}
    members = []
    for name, what in arms.items():
        n = repeats.get(name, 1)
        if isinstance(what, int | float):
            members.append(Arm(name, value=float(what)))
        elif isinstance(what, Mapping):
            members.append(Arm(name, dict(what), repeats=n))
        else:
            own[name] = what
            members.append(Arm(name, target=name_of(what), repeats=n))
    configured = [arm.name for arm in members if arm.value is None and arm.name not in own]
    if own and (configured or train is not None):
        raise UsageError(f"arm {next(iter(own))!r} brings its own function; give all arms one each, or all a configuration of one.")
    if configured and train is None:
        raise UsageError(f"arm {configured[0]!r} is a configuration of nothing; say what is trained, such as train='train.py:train'.")
    return (Arms(own) if train is None else train), tuple(members)


def scale(
    train: One,
    *,
    over: str,
    sizes: Sequence[float],
    metric: str,
    goal: Goal,
    budget: str | Sequence[str],
    config: Config | None = None,
    seeds: int = 3,
    extrapolate: Sequence[float] = (),
    unverified: bool = False,
    horizon: int = 1,
    unit: str | None = None,
    seed: int = 0,
    runner: RunnerName | Runner = "process",
    workers: int | None = None,
    price: str | Sequence[str] = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
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
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = time.monotonic() if began is None else began
    spending = Spending(Budget(*_listed(budget)), Price(*_listed(price)), grace, watts, workers)
    question = Scale(
        name_of(train),
        over,
        tuple(sizes),
        metric,
        goal,
        dict(config or {}),
        seeds,
        tuple(extrapolate),
        unverified,
        horizon,
        unit or spending.budget.unit or "epoch",
        seed,
    )
    return launch(train, question, spending, runner, folder_of(store, question), on_progress, began)


def largest(
    train: One,
    *,
    over: str,
    solved: str,
    start: int,
    budget: str | Sequence[str],
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
    price: str | Sequence[str] = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
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
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = time.monotonic() if began is None else began
    spending = Spending(Budget(*_listed(budget)), Price(*_listed(price)), grace, watts, workers)
    metric, goal, threshold = condition_of(solved)
    question = Largest(
        name_of(train),
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
        unit or spending.budget.unit or "epoch",
        seed,
    )
    return launch(train, question, spending, runner, folder_of(store, question), on_progress, began)


def resume(folder: Path, on_progress: Callable[[Study], None] = lambda _study: None, began: float | None = None) -> Answer:
    """Goes on with a stored study, exactly as it was asked.

    Raises:
        UsageError: it was started with a function that no other process can import; run that program again.
        StoreError: the folder holds no run, or one that cannot be read.
    """
    run = Run.read(folder)
    request = run.request
    if request["target"] is None:
        raise UsageError(
            f"{folder} was started from a program with a function of its own ({run.question.target}); run that program again to go on."
        )
    spending = Spending(run.budget, Price(*request["price"]), request["grace"], request["watts"], request["workers"])
    folder = folder.resolve()
    os.chdir(request["cwd"])
    return launch(from_plain(request["target"]), run.question, spending, request["runner"], folder, on_progress, began)


def _listed(texts: str | Sequence[str]) -> Sequence[str]:
    return texts if isinstance(texts, list | tuple) else (texts,)
