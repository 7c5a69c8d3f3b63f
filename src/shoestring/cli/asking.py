"""The options of a question, shared by every command that asks one, and what they come to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, cast

import typer

if TYPE_CHECKING:
    from shoestring.doors import RunnerName, Spending
    from shoestring.questions.search import Search
    from shoestring.runners.script import Script

Words = Annotated[
    Optional[list[str]],  # noqa: UP045  (typer reads it at run time)
    typer.Argument(metavar="[TARGET] [NAME=VALUES]...", help="file.py:function or package.module:function, and parameters of the space."),
]
SpaceOption = Annotated[
    list[str], typer.Option("--space", metavar="NAME=VALUES", help="Parameters: lr=log:1e-4:1 width=int:8:256 act=relu,tanh.")
]
Metric = Annotated[str, typer.Option(help="The metric that decides.")]
Goal = Annotated[str, typer.Option(help="min or max.")]
BudgetOption = Annotated[
    list[str], typer.Option("--budget", help="10m, '100 epochs', '2 gpu-hours', '5 usd', '0.3 kWh'; several limit together.")
]
Horizon = Annotated[int, typer.Option(help="Units of a full training.")]
Unit = Annotated[Optional[str], typer.Option(help="epoch, step, episode or unit.")]  # noqa: UP045
Seed = Annotated[int, typer.Option(help="Where all randomness comes from.")]
SchedulerOption = Annotated[Optional[str], typer.Option("--scheduler", help="fixed, halving, hyperband, async-hyperband or one-step.")]  # noqa: UP045
SamplerOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--sampler", help="random, sobol, grid, tpe, kde, gp or cma-es; random where trials stop early, else tpe."),
]
Eta = Annotated[int, typer.Option(help="One trial in eta goes on at each rung.")]
Trials = Annotated[Optional[int], typer.Option("--trials", help="The most trials that may start.")]  # noqa: UP045
RunnerOption = Annotated[
    str, typer.Option("--runner", help="process, inline, or replay: TARGET(config, seed) then gives a learning curve.")
]
Workers = Annotated[Optional[int], typer.Option(help="Trials at once; one a GPU, or half the cores.")]  # noqa: UP045
Pattern = Annotated[Optional[str], typer.Option(help="Finds the metric in a script's output, such as 'val loss ([0-9.]+)'.")]  # noqa: UP045
PriceOption = Annotated[list[str], typer.Option("--price", help="Such as 2.5/gpu-hour or 0.04/cpu-hour.")]
Watts = Annotated[Optional[float], typer.Option(help="Declared power of a busy core, where none can be read.")]  # noqa: UP045
Grace = Annotated[float, typer.Option(help="Seconds in which a trial may save itself before it is killed.")]
StoreOption = Annotated[Optional[Path], typer.Option("--store", help="The run's folder; the same command on the same folder goes on.")]  # noqa: UP045
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout at the end.")]


@dataclass(frozen=True)
class Asked:
    """What was asked on the command line.

    Attributes:
        began: when, on ``time.monotonic``.
    """

    target: str | Script
    question: Search
    spending: Spending
    runner: RunnerName
    folder: Path | None
    as_json: bool
    began: float


def question_command(answer: Callable[[Asked], None]) -> Callable[..., None]:
    """Returns a command with the options of a question, which hands what was asked to ``answer``."""

    def command(
        context: typer.Context,
        words: Words = None,
        *,
        space: SpaceOption = [],  # noqa: B006  (typer copies it)
        metric: Metric,
        goal: Goal,
        budget: BudgetOption,
        horizon: Horizon = 1,
        unit: Unit = None,
        seed: Seed = 0,
        scheduler: SchedulerOption = None,
        sampler: SamplerOption = None,
        eta: Eta = 3,
        trials: Trials = None,
        runner: RunnerOption = "process",
        workers: Workers = None,
        pattern: Pattern = None,
        price: PriceOption = [],  # noqa: B006
        watts: Watts = None,
        grace: Grace = 2.0,
        store: StoreOption = None,
        as_json: Json = False,
    ) -> None:
        began = time.monotonic()
        target, parts = target_of(words or [], context.obj, pattern, metric)
        from shoestring.budget import Budget, Price
        from shoestring.doors import RunnerName, Spending, folder_of, question_from
        from shoestring.space_text import parse_space

        spending = Spending(Budget(*budget), Price(*price), grace, watts, workers)
        unit_word = unit or spending.budget.unit
        searched = parse_space([*space, *parts])
        question = question_from(target, searched, metric, goal, horizon, unit_word, seed, scheduler, sampler, eta, trials)
        answer(Asked(target, question, spending, cast(RunnerName, runner), folder_of(store, question), as_json, began))

    return command


def target_of(words: list[str], command: list[str], pattern: str | None, metric: str) -> tuple[str | Script, list[str]]:
    """Returns what to train and the parts of the space, for the words of a command line and the command behind ``--``.

    Raises:
        UsageError: there is not exactly one thing to train.
    """
    from shoestring.errors import UsageError
    from shoestring.runners.script import Script

    parts = [word for word in words if "=" in word]
    targets = [word for word in words if "=" not in word]
    if command and not targets:
        return Script(tuple(command), pattern, metric), parts
    if len(targets) == 1 and not command:
        if pattern is not None:
            raise UsageError("--pattern reads the output of a script; a training function reports by itself. Leave it out.")
        return targets[0], parts
    given = " and ".join([*targets, *(["a command after --"] if command else [])]) or "nothing"
    raise UsageError(f"what to train was given as {given}; give one TARGET such as train.py:train, or a command after --.")
