"""The front door ``search``: builds question, strategy, runner, store and ledger from plain arguments, and runs the study."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from shoestring import schema
from shoestring.answer import Answer
from shoestring.budget import Budget, Price
from shoestring.errors import BudgetTooSmall, UnknownName, UsageError
from shoestring.ledger import Ledger
from shoestring.questions.search import Goal, Remembering, Search, SearchStrategy
from shoestring.run import Run
from shoestring.runners import Runner
from shoestring.runners.inline import InlineRunner
from shoestring.runners.process import ProcessRunner
from shoestring.runners.replay import Curve, ReplayRunner
from shoestring.runners.script import Script
from shoestring.runners.target import load, reference
from shoestring.runners.worker import Train, python_work
from shoestring.samplers import make_sampler
from shoestring.schedulers import make_scheduler
from shoestring.space import Parameter, Space
from shoestring.standing import finished_answer, set_aside_if_void, settle_identity
from shoestring.store import Store
from shoestring.study import Study

IN_MEMORY = ":memory:"
RUNNERS = ("inline", "process", "replay")

RunnerName: TypeAlias = Literal["inline", "process", "replay"]
Target: TypeAlias = Train | str | Script


@dataclass(frozen=True)
class Spending:
    """How a study may spend.

    Attributes:
        budget: the limits.
        price: what resources cost.
        grace: seconds in which a trial may save itself before it is killed.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        workers: how many trials run at once, None for one a GPU, or half the cores.
    """

    budget: Budget
    price: Price
    grace: float = 2.0
    watts: float | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if "usd" in self.budget.limits and not self.price.per:
            raise UsageError("a budget in usd needs a price, such as price='2.5/gpu-hour' (--price 2.5/gpu-hour).")
        if not 0 <= self.grace < float("inf"):
            raise UsageError(f"grace={self.grace} is no number of seconds; give 0 or more.")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers={self.workers} can run nothing; give 1 or more.")


def search(
    train: Target,
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
    unit = unit or spending.budget.unit
    question = question_from(train, Space.of(space), metric, goal, horizon, unit, seed, scheduler, sampler, eta, n_trials)
    return run_search(train, question, spending, runner, folder_of(store, question), on_progress, began)


def question_from(
    target: Target,
    space: Space,
    metric: str,
    goal: str,
    horizon: int,
    unit: str | None,
    seed: int,
    scheduler: str | None,
    sampler: str | None,
    eta: int,
    n_trials: int | None,
) -> Search:
    """Returns the question with its defaults filled in."""
    scheduler = scheduler or ("async-hyperband" if horizon > 1 else "fixed")
    sampler = sampler or ("random" if horizon > 1 else "tpe")
    return Search(_name_of(target), space, metric, cast(Goal, goal), horizon, unit or "epoch", seed, scheduler, sampler, eta, n_trials)


def run_search(
    target: Target,
    question: Search,
    spending: Spending,
    runner: RunnerName | Runner,
    folder: Path | None,
    on_progress: Callable[[Study], None] = lambda _study: None,
    began: float | None = None,
    pilot: bool = False,
) -> Answer:
    """Runs a search whose parts are already built; ``folder`` None keeps nothing.

    Args:
        began: when the study began, on ``time.monotonic``; start-up from then on is charged.
        pilot: give one lease only, charged as pilot work.
    Raises:
        UsageError, StoreError: as ``search``.
    """
    check_feasible(question, spending.budget)
    if folder is not None:
        set_aside_if_void(folder, question)
        if (answered := finished_answer(folder, question, spending.budget)) and not pilot:
            return answered
    if isinstance(target, Script):
        target.check(question.space.names)
    sampler = make_sampler(question.sampler, question.space, question.seed)
    make_scheduler(question.scheduler, sampler, question.horizon, question.eta, question.n_trials)
    with ExitStack() as cleanup:
        # What is there already is opened first, so that a wrong folder is refused at once; a new run only when its target was imported.
        store = Store.create_or_open(folder) if folder is not None and folder.exists() else None
        if store is not None:
            cleanup.callback(store.close)
            settle_identity(store, question)
        at_work = _make_runner(runner, target, spending, _ready_by(store, spending, began))
        cleanup.callback(at_work.close)
        check_spendable(spending, at_work)
        if store is None:
            store = Store.in_memory() if folder is None else Store.create_or_open(folder)
            cleanup.callback(store.close)
            settle_identity(store, question)
        store.note("request", _request(target, spending, runner))
        with store.reading():
            ledger = Ledger(
                store,
                spending.budget,
                spending.price,
                clock=at_work.now,
                rates=at_work.rates,
                slots=at_work.capacity,
                began=began if runner in ("inline", "process") else None,
            )
        strategy = make_strategy(question, store)
        study = Study(question, strategy, at_work, store, ledger, grace=spending.grace, on_progress=on_progress, pilot=pilot)
        if at_work.capacity == 0:
            study.say(f"the budget of {spending.budget} was over before {question.target} was imported")
        return study.run()


def resume(folder: Path, on_progress: Callable[[Study], None] = lambda _study: None, began: float | None = None) -> Answer:
    """Goes on with a stored search, exactly as it was asked.

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
    target = Script.from_json(request["target"]) if isinstance(request["target"], dict) else request["target"]
    spending = Spending(run.budget, Price(*request["price"]), request["grace"], request["watts"], request["workers"])
    folder = folder.resolve()
    os.chdir(request["cwd"])
    return run_search(target, run.question, spending, request["runner"], folder, on_progress, began)


def make_strategy(question: Search, store: Store) -> SearchStrategy:
    """Returns the scheduler and sampler of a question, the sampler remembering the configurations that the store holds."""
    with store.reading():
        chosen = {row["id"]: json.loads(row["config"]) for row in store.rows(schema.trials)}
    sampler = Remembering(make_sampler(question.sampler, question.space, question.seed), chosen)
    return SearchStrategy(make_scheduler(question.scheduler, sampler, question.horizon, question.eta, question.n_trials))


def check_feasible(question: Search, budget: Budget) -> None:
    """Checks that a budget can carry one full trial.

    Raises:
        BudgetTooSmall: it cannot.
        UsageError: the budget counts other units than the question.
    """
    units = budget.limits.get("units")
    if units is None:
        return
    if budget.unit not in (question.unit, "unit"):
        raise UsageError(
            f"the budget is in {budget.unit}s and the study's unit is {question.unit!r}; use one word for both (--unit {budget.unit})."
        )
    if units < question.horizon:
        raise BudgetTooSmall(
            f"budget of {units:g} {question.unit}s cannot carry one trial to horizon={question.horizon}; needs {question.horizon}. "
            "Lower --horizon or raise --budget.",
            given=units,
            needed=question.horizon,
        )


def check_spendable(spending: Spending, runner: Runner) -> None:
    """Checks that something that the budget limits is used at all, so that the study ends.

    Raises:
        UsageError: nothing is, such as GPU-hours on a machine without a GPU.
    """
    used = replace(runner.rates, units=1, usd=spending.price.of(runner.rates))
    if not any(getattr(used, resource) for resource in spending.budget.limits):
        raise UsageError(
            f"a budget of {spending.budget} can never be spent, as nothing here uses any of it. "
            "Limit the time as well, such as --budget 10m."
        )


def folder_of(store: str | Path | None, question: Search) -> Path | None:
    """Returns the run's folder for what was given as ``store``, None for a run in memory."""
    if store is None:
        where, _, function = question.target.rpartition(":")
        if function.isidentifier():
            named = f"{Path(where).stem if where.endswith('.py') else where.rpartition('.')[2]}-{function}"
        else:  # a command
            named = Path(question.target.split(" ")[0]).stem
        stem = re.sub(r"[^\w.-]+", "-", named).strip("-.") or "study"
        return runs_folder() / f"{stem}-search"
    return None if str(store) == IN_MEMORY else Path(store)


def runs_folder() -> Path:
    """Returns the folder of all runs: ``SHOESTRING_RUNS``, or ``runs`` in the current folder."""
    return Path(os.environ.get("SHOESTRING_RUNS") or "runs")


def _ready_by(store: Store | None, spending: Spending, began: float | None) -> float | None:
    """Returns the moment by which the target must be imported for anything of a budget of time to be left; None without such a budget."""
    limit = spending.budget.limits.get("wall_s")
    if limit is None:
        return None
    spent = sum(row["wall_s"] for row in store.rows(schema.leases)) if store else 0.0
    return (time.monotonic() if began is None else began) + max(0.0, limit - spent)


def _make_runner(runner: RunnerName | Runner, target: Target, spending: Spending, ready_by: float | None) -> Runner:
    if not isinstance(runner, str):
        return runner
    if runner == "process":
        return ProcessRunner(_importable(target), spending.workers, spending.watts, ready_by=ready_by)
    if runner == "inline":
        if isinstance(target, Script):
            return InlineRunner(target.carry_out, spending.watts, catch_up=target.recover)
        return InlineRunner(python_work(load(target) if isinstance(target, str) else target), spending.watts)
    if runner == "replay":
        if isinstance(target, Script):
            raise UsageError(
                "a command cannot be replayed; --runner replay wants a TARGET that gives the learning curve of a configuration and a seed."
            )
        return ReplayRunner(cast(Curve, load(target) if isinstance(target, str) else target), spending.workers or 1)
    raise UnknownName("runner", runner, RUNNERS)


def _request(target: Target, spending: Spending, runner: RunnerName | Runner) -> dict[str, Any]:
    """Returns what ``resume`` needs beside the question."""
    reachable = target.to_json() if isinstance(target, Script) else target if isinstance(target, str) else reference(target)
    return {
        "target": reachable if isinstance(runner, str) else None,
        "cwd": str(Path.cwd()),
        "budget": list(spending.budget.texts),
        "price": list(spending.price.texts),
        "grace": spending.grace,
        "watts": spending.watts,
        "workers": spending.workers,
        "runner": runner if isinstance(runner, str) else None,
    }


def _importable(target: Target) -> Target:
    """Returns a function by the name under which a clean process imports it, where it has one: that process then holds nothing else."""
    if isinstance(target, str | Script):
        return target
    return reference(target) or target


def _name_of(target: Target) -> str:
    if isinstance(target, str):
        return target
    if isinstance(target, Script):
        return " ".join(target.command)
    module, name = getattr(target, "__module__", "?"), getattr(target, "__qualname__", type(target).__name__)
    main = getattr(sys.modules["__main__"], "__file__", None) if module == "__main__" else None
    return f"{Path(main).name if main else module}:{name}"


def _listed(texts: str | Sequence[str]) -> Sequence[str]:
    return texts if isinstance(texts, list | tuple) else (texts,)
