"""The commands: each turns its options into one call of the package and prints what comes back.

Everything for people goes to stderr; stdout carries only what was asked for (``--json``, an export, a status, a report).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

if TYPE_CHECKING:
    from shoestring.answer import Answer
    from shoestring.run import Run
    from shoestring.runners.script import Script

app = typer.Typer(
    help="Answers research questions in machine learning within a compute budget that is fixed in advance.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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
SamplerOption = Annotated[str, typer.Option("--sampler", help="random, sobol, grid, tpe, gp or cma-es.")]
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
RunArgument = Annotated[Optional[str], typer.Argument(metavar="[RUN]", help="A run's folder, or its name; the newest if left out.")]  # noqa: UP045


@app.command()
def search(
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
    sampler: SamplerOption = "tpe",
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
    """Which configuration is best? Searches a space within a budget; the same command goes on where it stopped.

    A script needs no change: shoestring search lr=log:1e-4:1 --metric loss --goal min --budget 10m -- python train.py --lr {lr}
    """
    began = time.monotonic()
    target, parts = _target(words or [], context.obj, pattern, metric)
    from shoestring.cli.live import live
    from shoestring.doors import search as run_search
    from shoestring.space_text import parse_space

    with live() as on_progress:
        answer = run_search(
            target,
            parse_space([*space, *parts]),
            metric=metric,
            goal=goal,  # type: ignore[arg-type]  # checked by the question
            budget=budget,
            horizon=horizon,
            unit=unit,
            seed=seed,
            scheduler=scheduler,
            sampler=sampler,
            eta=eta,
            n_trials=trials,
            runner=runner,  # type: ignore[arg-type]  # checked where runners are made
            workers=workers,
            price=price,
            watts=watts,
            grace=grace,
            store=store,
            on_progress=on_progress,
            began=began,
        )
    _finish(answer, as_json)


@app.command()
def plan(
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
    sampler: SamplerOption = "tpe",
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
    """What a search would do with its budget. Runs one charged pilot, which the search goes on from."""
    began = time.monotonic()
    target, parts = _target(words or [], context.obj, pattern, metric)
    from shoestring.budget import Budget, Price
    from shoestring.doors import Spending, folder_of, question_from
    from shoestring.plan import plan as make_plan
    from shoestring.space_text import parse_space

    spending = Spending(Budget(*budget), Price(*price), grace, watts, workers)
    question = question_from(
        target, parse_space([*space, *parts]), metric, goal, horizon, unit or spending.budget.unit, seed, scheduler, sampler, eta, trials
    )
    made = make_plan(target, question, spending, runner, folder_of(store, question), began)  # type: ignore[arg-type]  # checked there
    typer.echo(json.dumps(made.to_json()) if as_json else str(made))


@app.command()
def resume(run: RunArgument = None, as_json: Json = False) -> None:
    """Goes on with a run that was stopped, killed or preempted."""
    began = time.monotonic()
    from shoestring.cli.live import live
    from shoestring.doors import resume as go_on

    folder = _folder(run)
    with live() as on_progress:
        answer = go_on(folder, on_progress, began)
    _finish(answer, as_json)


@app.command()
def status(
    run: RunArgument = None, watch: Annotated[bool, typer.Option(help="Shows it again every two seconds.")] = False, as_json: Json = False
) -> None:
    """What a run has spent and found so far, without disturbing it."""
    from shoestring import report as reports

    folder = _folder(run)
    while True:
        read = _read(folder)
        if as_json:
            typer.echo(json.dumps(_state(read)))
        else:
            typer.echo(reports.text(read))
        if not watch:
            return
        time.sleep(2.0)
        typer.echo("")


@app.command()
def report(
    run: RunArgument = None,
    form: Annotated[str, typer.Option("--format", help="text or markdown.")] = "markdown",
    as_json: Json = False,
) -> None:
    """Writes the report of a run into its folder, and prints it."""
    from shoestring import report as reports
    from shoestring.errors import UnknownName

    if form not in ("text", "markdown"):
        raise UnknownName("format", form, ("text", "markdown"))
    read = _read(_folder(run))
    path = reports.write(read)
    if as_json:
        typer.echo(json.dumps(_state(read) | {"report": str(path)}))
    else:
        typer.echo(reports.text(read) if form == "text" else reports.markdown(read))
        typer.echo(f"report    {path}", err=True)


@app.command()
def export(
    run: RunArgument = None,
    what: Annotated[str, typer.Option(help="trials, observations or ledger.")] = "trials",
    form: Annotated[str, typer.Option("--format", help="csv, jsonl or optuna.")] = "csv",
    out: Annotated[Optional[Path], typer.Option(help="The file; stdout if left out.")] = None,  # noqa: UP045
) -> None:
    """Takes a run's data elsewhere: CSV, JSON lines, or a storage that optuna-dashboard opens."""
    from shoestring import export as exports
    from shoestring.errors import UnknownName, UsageError

    if form not in exports.FORMATS:
        raise UnknownName("format", form, exports.FORMATS)
    read = _read(_folder(run))
    if form == "optuna":
        typer.echo(exports.to_optuna(read, out or read.folder / "optuna.db"))
        return
    rows = exports.rows(read, what)
    if out is None:
        exports.write_rows(rows, form, sys.stdout)
        return
    try:
        with open(out, "w", encoding="utf-8", newline="") as file:
            exports.write_rows(rows, form, file)
    except OSError as error:
        raise UsageError(f"{out} could not be written ({error.strerror}); give another --out.") from error


@app.command()
def check(
    words: Words,
    *,
    units: Annotated[int, typer.Option(help="Units to train, straight and with pauses.")] = 4,
    horizon: Annotated[Optional[int], typer.Option(help="Units of a full training; as many as --units if left out.")] = None,  # noqa: UP045
    seed: Seed = 0,
    ignore: Annotated[list[str], typer.Option(help="A metric, or a name handed to steps, that may differ (a time, say).")] = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Proves that a training function can be paused: n units straight = k + (n-k) through a fresh process, bit for bit.

    Parameters are given as values or as a space, of which the default is taken: shoestring check train.py:train lr=0.1
    """
    from shoestring.pausable import check as prove
    from shoestring.space_text import parse_space

    target, parts = _target(words or [], [], None, "")
    verdict = prove(str(target), parse_space(parts).default() if parts else {}, units=units, horizon=horizon, seed=seed, ignore=ignore)
    typer.echo(json.dumps(verdict.to_json()) if as_json else str(verdict))
    raise typer.Exit(0 if verdict.agrees else 1)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What this machine has and can do: cores, memory, GPUs, energy, disk, data sets, unfinished runs."""
    from shoestring.doctor import examine
    from shoestring.doors import runs_folder

    findings = examine(runs_folder())
    if as_json:
        typer.echo(json.dumps([finding.to_json() for finding in findings]))
    else:
        typer.echo("\n".join(str(finding) for finding in findings))


def _target(words: list[str], command: list[str], pattern: str | None, metric: str) -> tuple[str | Script, list[str]]:
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


def _finish(answer: Answer, as_json: bool) -> None:
    from shoestring import report as reports
    from shoestring.errors import StoreUnwritable

    typer.echo(str(answer), err=True)
    if answer.run is not None:
        try:
            typer.echo(f"report in {reports.write(_read(answer.run))}", err=True)
        except StoreUnwritable as error:  # the answer is kept all the same
            typer.echo(str(error), err=True)
    if as_json:
        typer.echo(json.dumps(answer.to_json()))
    raise typer.Exit(answer.status.exit_code)


def _folder(run: str | None) -> Path:
    from shoestring.doors import runs_folder
    from shoestring.errors import NotARun

    if run is not None:
        named = runs_folder() / run
        return named if not Path(run).exists() and named.exists() else Path(run)
    found = sorted(runs_folder().glob("*/study.db"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise NotARun(f"there is no run in {runs_folder()}; give a run's folder, or set SHOESTRING_RUNS to where the runs lie.")
    return found[-1].parent


def _read(folder: Path) -> Run:
    from shoestring.run import Run

    return Run.read(folder)


def _state(run: Run) -> dict[str, Any]:
    from shoestring.answer import named

    ranked = run.ranked()
    best = None
    if ranked:
        trial, value, unit = ranked[0]
        best = {"trial": trial.id, "config": dict(trial.config), "value": value, "unit": unit}
    return {
        "run": str(run.folder),
        "best": best,
        "spent": named(run.spent().as_dict(), run.question.unit),
        "budget": named(run.budget.limits, run.question.unit),
        "n_trials": run.n_begun(),
        "states": {trial.id: trial.state for trial in run.trials},
    }
