"""What a user calls: the verbs of the package. Each says what is asked; the engine does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, ParamSpec, TypeAlias, Unpack, cast

from shoestring import reports, samplers, schedulers
from shoestring.arguments import LATER, bound, checked
from shoestring.budget import Budget
from shoestring.engine.arms import arms_of
from shoestring.engine.asked import Asked, asked_by, verb
from shoestring.engine.naming import name_of, run_named, runs_folder
from shoestring.engine.options import Options, quietly, spending_of
from shoestring.engine.resuming import resumption
from shoestring.engine.run import Run
from shoestring.engine.study import Study
from shoestring.machine.importing import written
from shoestring.pauses.check import Checker
from shoestring.pauses.verdict import Verdict as PauseVerdict
from shoestring.plans import AnyPlan, plan_of
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.compare.question import Compare, Mode
from shoestring.questions.largest.finding import Capacity
from shoestring.questions.largest.question import Largest, condition_of
from shoestring.questions.scale.finding import Law
from shoestring.questions.scale.question import Scale
from shoestring.questions.search.finding import Selection
from shoestring.questions.search.question import Goal, Search
from shoestring.runners.arms import One
from shoestring.runners.replay import Curve
from shoestring.space import Parameter, Space
from shoestring.values.answer import Answer
from shoestring.values.orders import Config, Sampler, Scheduler
from shoestring.verdicts import check as checking
from shoestring.verdicts.claim import Verdict

P = ParamSpec("P")
Trained: TypeAlias = Annotated[One | Curve, "a training function of one argument (the trial), 'file.py:function' or a Script"]
Metric: TypeAlias = Annotated[str, "the name of one metric (one metric decides; a trial may report others)"]

__all__ = ["check", "claims", "compare", "largest", "load", "plan", "report", "resume", "scale", "search"]


@verb
def search(
    train: Trained,
    space: Annotated[Mapping[str, Parameter] | Space, LATER],
    *,
    metric: Metric,
    goal: Goal,
    horizon: int = 1,
    seed: int = 0,
    scheduler: str | Callable[..., Scheduler] | None = None,
    sampler: str | Callable[..., Sampler] | None = None,
    eta: int = 3,
    n_trials: int | None = None,
    confirm: bool = True,
    default: Config | None = None,
    **options: Unpack[Options],
) -> Asked[Selection]:
    """Searches for the best configuration within a budget.

    Args:
        train: the training function, of one argument (the trial); or ``"file.py:function"``; or a ``Script``.
        space: parameters by name.
        metric: the metric that decides, among those that the trials report.
        goal: ``"min"`` or ``"max"``.
        horizon: units of a full training.
        seed: where all randomness of the study comes from.
        scheduler: fixed, halving, hyperband, async-hyperband or one-step; async-hyperband if the horizon is above 1, else fixed. Or one of
            your own: a class or function of sampler, horizon, ``eta`` and ``n_trials``, or its name as ``"file.py:Name"``.
        sampler: random, sobol, grid, tpe, kde, screened, gp, cma-es, evolution or policy-gradient; random if the horizon is above 1,
            else tpe (docs/decisions/0012). Or one of your own: a class or function of space and seed, or its name.
        eta: one trial in ``eta`` continues at each rung.
        n_trials: the most trials that may start; None for as many as the budget carries.
        confirm: compare the best with the default configuration on fresh seeds, for which a quarter of the budget is reserved, up to half
            of a small one.
        default: parameters of that configuration, where it is not the space's default.
        options: the budget, and how the study runs; see ``Options``.
    Raises:
        UsageError: an argument is not allowed; the message says what is.
        StoreError: the folder cannot be used, or holds another question.
    """
    trained, within = cast(One, train), Space.of(space)
    question = Search(
        name_of(trained),
        within,
        metric,
        goal,
        horizon,
        spending_of(options).unit,
        seed,
        schedulers.MEMBERS.name_of(scheduler or ("async-hyperband" if horizon > 1 else "fixed")),
        samplers.MEMBERS.name_of(sampler or ("random" if horizon > 1 else "tpe")),
        eta,
        n_trials,
        confirm,
        None if default is None else within.completed(default),
    )
    return Asked(trained, question, options)


@verb
def compare(
    arms: Annotated[Mapping[str, One | Config | float], "a mapping of names to functions, configurations of train, or numbers"],
    train: Trained | None = None,
    *,
    metric: Metric,
    goal: Goal,
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
    seed: int = 0,
    **options: Unpack[Options],
) -> Asked[Comparison]:
    """Compares arms over seeds: is one better, and by how much? The error rate holds whenever it stops.

    Args:
        arms: by name: a training function, ``"file.py:function"``, a ``Script``; or a configuration of ``train``; or a number, for a stated
            value that the others are compared with.
        train: what the arms that are configurations train.
        metric: the metric that decides; the last value that a run reports counts.
        goal: ``"min"`` or ``"max"``.
        seeds: the most seeds that will ever be run; ``"open"`` for no limit; None for what the budget pays for.
        difference: the smallest difference of interest, in the metric's units; the study then also stops when a larger one is excluded.
        alpha: the error rate, over all looks.
        worst: the score of a run that crashes or diverges, such as chance level; None for worse than any number.
        resolution: the step in which the metric moves, such as one test item; 0 for a continuous one.
        mode: ``"prove"`` which arm is best, ``"pick"`` one to bet on without a claim, or ``"ablation"``: which arms differ from ``full``.
        full: the arm that the others are ablations of.
        repeats: runs on each seed by arm; for an arm that costs little beside the other.
        reserve: the seeds of one planned extension.
        extend: run that extension.
        strict: with more than two arms: the chance that the best one is ever dropped is at most ``alpha`` too.
        horizon: units of a full training.
        seed: where all randomness of the study comes from.
        options: the budget, and how the study runs; see ``Options``.
    Raises:
        UsageError: an argument is not allowed; the message says what is.
        StoreError: the folder cannot be used, or holds another question.
    """
    target, members = arms_of(arms, cast(One | None, train), repeats or {})
    question = Compare(
        name_of(target),
        members,
        metric,
        goal,
        horizon,
        spending_of(options).unit,
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
    return Asked(target, question, options, extend)


@verb
def scale(
    train: Trained,
    *,
    over: str,
    sizes: Sequence[float],
    metric: Metric,
    goal: Goal,
    config: Config | None = None,
    seeds: int = 3,
    extrapolate: Sequence[float] = (),
    unverified: bool = False,
    horizon: int = 1,
    seed: int = 0,
    **options: Unpack[Options],
) -> Asked[Law]:
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
        seed: where all randomness of the study comes from.
        options: the budget, and how the study runs; see ``Options``.
    Raises:
        UsageError: an argument is not allowed; the message says what is.
        StoreError: the folder cannot be used, or holds another question.
    """
    unit, settings = spending_of(options).unit, dict(config or {})
    trained = cast(One, train)
    question = Scale(
        name_of(trained), over, tuple(sizes), metric, goal, settings, seeds, tuple(extrapolate), unverified, horizon, unit, seed
    )
    return Asked(trained, question, options)


@verb
def largest(
    train: Trained,
    *,
    over: str,
    solved: str,
    start: int,
    config: Config | None = None,
    p_star: float = 0.5,
    ratio: float = 4.0,
    strict: bool = False,
    smallest: int = 1,
    most: int = 2**20,
    max_trials: int = 60,
    horizon: int = 1,
    seed: int = 0,
    **options: Unpack[Options],
) -> Asked[Capacity]:
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
        seed: where all randomness of the study comes from.
        options: the budget, and how the study runs; see ``Options``.
    Raises:
        UsageError: an argument is not allowed; the message says what is.
        StoreError: the folder cannot be used, or holds another question.
    """
    metric, goal, threshold = condition_of(solved)
    unit, settings = spending_of(options).unit, dict(config or {})
    trained = cast(One, train)
    question = Largest(
        name_of(trained),
        over,
        metric,
        goal,
        threshold,
        start,
        settings,
        p_star,
        ratio,
        strict,
        smallest,
        most,
        max_trials,
        horizon,
        unit,
        seed,
    )
    return Asked(trained, question, options)


@bound
def plan(verb: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> AnyPlan:
    """Returns what a call of a verb would run, what that costs, and what it could find: ``plan(search, train, space, budget="10m", ...)``.

    A pilot is run, charged to the budget and part of the study that follows, where nothing has been measured in the run's folder.

    Args:
        verb: ``search``, ``compare``, ``scale`` or ``largest``.
        args, kwargs: what it would be called with.
    Raises:
        UsageError: the verb cannot be called so, or the runner is one of your own.
        StoreError: the folder cannot be used, or holds another question.
    """
    return plan_of(asked_by(verb, *args, **kwargs))


@checked
def check(
    train: Annotated[str | Callable[..., object], "a training function of one argument (the trial), or 'file.py:function'"],
    config: Config | None = None,
    *,
    units: int = 4,
    horizon: int | None = None,
    seed: int = 0,
    ignore: Sequence[str] = (),
    folder: str | Path | None = None,
) -> PauseVerdict:
    """Proves that a training function can be paused: n units straight = k + (n-k) through a fresh process, bit for bit.

    Args:
        train: the training function, or ``"file.py:function"`` or ``"package.module:function"``.
        config: the configuration to train.
        units: units of the straight run, 2 or more.
        horizon: what ``trial.horizon`` says; ``units`` if None.
        seed: seed of all runs.
        ignore: metrics, or names handed to ``steps``, that may differ (a time, say).
        folder: an empty or new folder, which stores what was run; a temporary one if None.
    Raises:
        InvalidTarget: the function cannot be imported; its own traceback comes along.
        UsageError: an argument is not allowed; the message says what is.
    """
    with Checker(train if isinstance(train, str) else written(train)) as checker:
        place = None if folder is None else Path(folder)
        return checker.check(config or {}, units=units, horizon=horizon, seed=seed, folder=place, ignore=ignore)


@checked
def resume(
    run: str | Path | None = None,
    *,
    yes: bool = False,
    accept_changes: bool = False,
    on_progress: Callable[[Study], None] = quietly,
    began: float | None = None,
) -> Answer:
    """Resumes a stored study, exactly as it was asked.

    Resuming runs code. What a folder names is run unasked only if the folder was made by this user, on this machine, at this path.

    Args:
        run: as for ``load``.
        yes: run what the folder names, wherever it was made.
        accept_changes, on_progress, began: see ``Options``.
    Raises:
        UsageError: it was made elsewhere and ``yes`` is not given; or it cannot be resumed from here.
        StoreError: the folder holds no run, or one that cannot be read.
    """
    return resumption(_folder(run), lambda _said: yes, accept_changes=accept_changes)(on_progress, began)


@checked
def load(run: str | Path | None = None) -> Run:
    """Reads a stored run, without disturbing whoever is working on it.

    Args:
        run: its folder, or its name below the folder of runs; the newest if None.
    Raises:
        StoreError: there is no run, or one that cannot be read.
    """
    return Run.read(_folder(run))


@checked
def report(run: str | Path | Run | None = None) -> list[Path]:
    """Writes the report of a run into its folder: a page, tables, figures, and texts for a paper.

    Args:
        run: as for ``load``, or what ``load`` returned.
    Returns:
        What was written; the page comes first.
    Raises:
        StoreError: there is no run, one that cannot be read, or a folder that cannot be written.
    """
    return reports.write_all(run if isinstance(run, Run) else load(run))


@checked
def claims(
    targets: str | Sequence[str],
    *,
    budget: str | None = None,
    only: Sequence[str] = (),
    controls: bool = False,
    store: str | Path | None = None,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> list[Verdict]:
    """Checks claims, one after the other: each holds, fails, or is undecided. What was decided before costs nothing more.

    Args:
        targets: a system, or a file or module with ``CLAIMS``; several of them; ``"all"`` for all systems.
        budget: a time for all of them, such as ``"5m"``; each claim's own if None.
        only: the names of the claims to check; all if empty.
        controls: run the controls too, under which no claim may hold.
        store: where studies and verdicts lie; ``claims`` in the folder of runs if None.
        on_progress: called with a line for people when a claim begins and ends.
    Raises:
        UsageError: a name that is not known, or a budget that is not one of time.
    """
    named = [targets] if isinstance(targets, str) else targets
    sets = checking.selected([checking.claim_set(name) for name in (checking.systems() if targets == "all" else named)], only)
    limit = None if budget is None else Budget(budget)
    folder = runs_folder() / "claims" if store is None else Path(store)
    return list(checking.check(sets, limit, folder, controls=controls, say=on_progress))


def _folder(run: str | Path | None) -> Path:
    return run_named(None if run is None else str(run))
