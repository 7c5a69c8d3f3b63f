"""The front door ``search``: which configuration is best?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, cast

from shoestring.arguments import LATER, checked
from shoestring.doors.words import Limits, Metric, Prices, Trained
from shoestring.engine.launch import RunnerName, launch
from shoestring.engine.naming import folder_of, name_of
from shoestring.engine.spending import Spending
from shoestring.engine.study import Study
from shoestring.machine import clock
from shoestring.questions.search import Goal, Search
from shoestring.runners import Runner
from shoestring.runners.arms import One
from shoestring.space import Parameter, Space
from shoestring.values.answer import Answer
from shoestring.values.orders import Config


@checked
def search(
    train: Trained,
    space: Annotated[Mapping[str, Parameter] | Space, LATER],
    *,
    metric: Metric,
    goal: Goal,
    budget: Limits,
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
    price: Prices = (),
    watts: float | None = None,
    grace: float = 2.0,
    store: str | Path | None = None,
    accept_changes: bool = False,
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
        sampler: random, sobol, grid, tpe, kde, screened, gp, cma-es, evolution or policy-gradient; random if the horizon is above 1,
            else tpe (docs/decisions/0012).
        eta: one trial in ``eta`` goes on at each rung.
        n_trials: the most trials that may start; None for as many as the budget carries.
        confirm: compare the best with the default configuration on fresh seeds, for which a quarter of the budget is reserved, up to half
            of a small one.
        default: parameters of that configuration, where it is not the space's default.
        runner: ``"process"``, ``"inline"``, a runner of your own, or ``"replay"``, for which ``train(config, seed)`` gives a learning
            curve: the metrics after each unit, one second of a virtual clock apart.
        workers: how many trials run at once; None for one a GPU, or half the cores.
        price: such as ``"2.5/gpu-hour"``; needed for a budget in usd.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        grace: seconds in which a trial may save itself before it is killed.
        store: the run's folder; ``":memory:"`` keeps nothing; None for ``runs/<file>-<function>-search``.
        accept_changes: run on although the code has changed since the run began; the answer and the report say so.
        on_progress: called now and then with the study.
        began: when the study began, on ``clock.monotonic``; now if None. Start-up from then on is charged.
    Raises:
        UsageError: something asked for makes no sense; the message says what is allowed.
        StoreError: the folder cannot be used, or holds another question.
    """
    began = clock.monotonic() if began is None else began
    spending = Spending.of(budget, price, grace, watts, workers, unit)
    question = search_question(
        name_of(cast(One, train)),
        Space.of(space),
        metric=metric,
        goal=goal,
        horizon=horizon,
        unit=spending.unit,
        seed=seed,
        scheduler=scheduler,
        sampler=sampler,
        eta=eta,
        n_trials=n_trials,
        confirm=confirm,
        default=default,
    )
    folder = folder_of(store, question)
    return launch(cast(One, train), question, spending, runner, folder, on_progress, began, accept_changes=accept_changes)


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
    """Returns the question with its defaults filled in.

    Raises:
        UsageError: as ``search``.
    """
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
        None if default is None else space.completed(default),
    )
