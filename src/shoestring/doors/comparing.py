"""The front door ``compare``: is one arm better than another, and by how much?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

from shoestring.arguments import checked
from shoestring.doors.words import Limits, Metric, Prices, Trained
from shoestring.engine.launch import RunnerName, launch
from shoestring.engine.naming import folder_of, name_of
from shoestring.engine.spending import Spending
from shoestring.engine.study import Study
from shoestring.errors import UnknownName, UsageError
from shoestring.machine import clock
from shoestring.questions.compare import Arm, Compare, Mode
from shoestring.questions.search import Goal
from shoestring.runners import Runner
from shoestring.runners.arms import Arms, One, Target
from shoestring.values.answer import Answer
from shoestring.values.orders import Config


@checked
def compare(
    arms: Annotated[Mapping[str, One | Config | float], "a mapping of names to functions, configurations of train, or numbers"],
    train: Trained | None = None,
    *,
    metric: Metric,
    goal: Goal,
    budget: Limits,
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
    price: Prices = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
    accept_changes: bool = False,
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
        accept_changes: as in ``search``.
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = clock.monotonic() if began is None else began
    spending = Spending.of(budget, price, grace, watts, workers, unit)
    target, question = compare_question(
        arms,
        cast(One | None, train),
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
        unit=spending.unit,
        seed=seed,
    )
    return launch(
        target, question, spending, runner, folder_of(store, question), on_progress, began, extend=extend, accept_changes=accept_changes
    )


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
