"""The commands: each turns its options into one call of the package and prints what comes back.

Everything for people goes to stderr; stdout carries only what was asked for (``--json``, an export, a status, a report).
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from shoestring.cleaning import for_terminal
from shoestring.cli.asking import AcceptChanges, Json, Seed, Shared, Words, question_command, target_of
from shoestring.cli.claim_commands import claims, systems
from shoestring.cli.compare_options import ask_compare
from shoestring.cli.grouped import Grouped
from shoestring.cli.saying import say
from shoestring.cli.scale_options import ask_scale
from shoestring.cli.search_options import ask_search
from shoestring.cli.system_commands import run, verify
from shoestring.errors import ShoestringError

if TYPE_CHECKING:
    from shoestring.engine.asked import Asked
    from shoestring.engine.run import Run
    from shoestring.values.answer import Answer

app = typer.Typer(
    help="Answers research questions in machine learning within a compute budget that is fixed in advance.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunArgument = Annotated[Optional[str], typer.Argument(metavar="[RUN]", help="A run's folder, or its name; the newest if left out.")]  # noqa: UP045


def _run(asked: Asked, shared: Shared) -> None:
    from shoestring.cli.live import live

    with live() as on_progress:
        answer = replace(asked, options=asked.options | {"on_progress": on_progress}).run()
    _finish(answer, shared.as_json)


def _plan(asked: Asked, shared: Shared) -> None:
    from shoestring.plans import plan_of

    made = plan_of(asked)
    say(json.dumps(made.to_json()) if shared.as_json else str(made))


_SPACE = """\b
The language of a space:
  lr=log:1e-4:1           a number from 1e-4 to 1, on a log scale
  dropout=0:0.5           a number from 0 to 0.5
  width=int:8:256         a whole number; int:log:8:256 on a log scale
  act=relu,tanh           one of these
  lr=log:1e-4:1@0.1       with the default 0.1, which a search tries first
  momentum=0:0.9?opt=sgd  there only if opt is sgd
"""
_SEARCH = """Which configuration is best? Searches a space within a budget; the same command resumes where it stopped.

A script needs no change: shoestring search lr=log:1e-4:1 --metric loss --goal min --budget 10m -- python train.py --lr {lr}
"""
_COMPARE = """Is one arm better than another, and by how much? The error rate holds whenever it stops.

shoestring compare train.py:train --arm plain --arm wide:width=256 --metric accuracy --goal max --budget 20m

Scripts: shoestring compare --arm 'base: python train.py --seed {seed}' --arm 'ours: python train.py --ours --seed {seed}' ...
"""
_PLAN = """What a search would do with its budget. Runs a charged pilot, which the search continues from.

shoestring plan compare ... plans a comparison, shoestring plan scale ... a question about size.
"""

_SCALE = """How does a loss change with size, and what is the largest size that is still solved?

shoestring scale train.py:train --over width=16,32,64,128,256 --metric loss --goal min --budget 20m --extrapolate width=1024

shoestring scale train.py:train --largest n --solved 'accuracy>=0.99' --from 8 --budget 20m
"""

app.command("search", help=_SEARCH, epilog=_SPACE, cls=Grouped)(question_command(ask_search, _run))
app.command("compare", help=_COMPARE, cls=Grouped)(question_command(ask_compare, _run))
app.command("scale", help=_SCALE, cls=Grouped)(question_command(ask_scale, _run, {"metric": "", "goal": "min"}))
app.command("plan", help=_PLAN, epilog=_SPACE, cls=Grouped)(question_command(ask_search, _plan))
app.command("plan compare", help="What a comparison would find with its budget.", hidden=True)(question_command(ask_compare, _plan))
app.command("plan scale", help="What a question about size would cost.", hidden=True)(
    question_command(ask_scale, _plan, {"metric": "", "goal": "min"})
)


app.command()(claims)
app.command()(systems)
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run)
app.command()(verify)


@app.command()
def resume(
    run: RunArgument = None,
    yes: Annotated[bool, typer.Option("--yes", help="Run what the folder names even if it was made elsewhere.")] = False,
    accept_changes: AcceptChanges = False,
    as_json: Json = False,
) -> None:
    """Resumes a run that was stopped, killed or preempted."""
    began = time.monotonic()
    from shoestring.cli.live import live
    from shoestring.engine.naming import run_named
    from shoestring.engine.resuming import resumption

    resuming = resumption(run_named(run), lambda said: yes or _agreed(said), accept_changes=accept_changes)
    with live() as on_progress:
        answer = resuming(on_progress, began)
    _finish(answer, as_json)


def _agreed(said: str) -> bool:
    """Asks whether something may be run; the answer is no where nobody can give one."""
    return sys.stdin.isatty() and sys.stderr.isatty() and typer.confirm(f"{for_terminal(said)}\nRun it?", default=False, err=True)


@app.command()
def status(
    run: RunArgument = None, watch: Annotated[bool, typer.Option(help="Shows it again every two seconds.")] = False, as_json: Json = False
) -> None:
    """What a run has spent and found so far, without disturbing it."""
    from shoestring import reports
    from shoestring.api import load
    from shoestring.engine.naming import run_named

    folder = run_named(run)
    while True:
        read = load(folder)
        if as_json:
            say(json.dumps(_state(read)))
        else:
            say(reports.text(read))
        if not watch:
            return
        time.sleep(2.0)
        say("")


@app.command()
def report(
    run: RunArgument = None,
    project: Annotated[Optional[Path], typer.Option(help="Sums up all runs in this folder instead.")] = None,  # noqa: UP045
    form: Annotated[str, typer.Option("--format", help="html writes all files; markdown and text print the report.")] = "html",
    as_json: Json = False,
) -> None:
    """Writes the report of a run into its folder: a page, tables, figures, and texts for a paper."""
    from shoestring import reports
    from shoestring.api import load
    from shoestring.errors import UnknownName, UsageError

    if form not in reports.FORMATS:
        raise UnknownName("format", form, reports.FORMATS)
    if project is not None and (run is not None or form != "html"):
        raise UsageError("--project sums up a folder of runs as html; leave out the run and --format.")
    state: dict[str, Any] = {}
    if project is not None:
        written = reports.write_project(project)
    else:
        read = load(run)
        if form != "html":
            say(reports.text(read) if form == "text" else reports.markdown(read), nl=form == "text")
            return
        written, state = reports.write_all(read), _state(read)
    if as_json:
        say(json.dumps(state | {"report": str(written[0]), "files": list(map(str, written))}))
    else:
        say(reports.listed(written))


@app.command()
def export(
    run: RunArgument = None,
    what: Annotated[str, typer.Option(help="trials, observations or ledger.")] = "trials",
    form: Annotated[str, typer.Option("--format", help="csv, jsonl or optuna.")] = "csv",
    out: Annotated[Optional[Path], typer.Option(help="The file; stdout if left out.")] = None,  # noqa: UP045
) -> None:
    """Takes a run's data elsewhere: CSV, JSON lines, or a storage that optuna-dashboard opens."""
    from shoestring.api import load
    from shoestring.errors import UnknownName, UsageError
    from shoestring.reports import export as exports

    if form not in exports.FORMATS:
        raise UnknownName("format", form, exports.FORMATS)
    read = load(run)
    if form == "optuna":
        say(exports.to_optuna(read, out or read.folder / "optuna.db"))
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
    from shoestring import api
    from shoestring.space.text import parse_space

    target, parts = target_of(words or [], [], None, "")
    verdict = api.check(str(target), parse_space(parts).default() if parts else {}, units=units, horizon=horizon, seed=seed, ignore=ignore)
    say(json.dumps(verdict.to_json()) if as_json else str(verdict))
    raise typer.Exit(0 if verdict.agrees else 1)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What this machine has and can do: cores, memory, GPUs, energy, disk, data sets, unfinished runs."""
    from shoestring.doctor import examine
    from shoestring.engine.naming import runs_folder

    findings = examine(runs_folder())
    if as_json:
        say(json.dumps([finding.to_json() for finding in findings]))
    else:
        say("\n".join(str(finding) for finding in findings))


def _finish(answer: Answer, as_json: bool) -> None:
    from shoestring import reports
    from shoestring.api import load
    from shoestring.machine.files import shown

    say(str(answer), err=True)
    if as_json:
        say(json.dumps(answer.to_json()))
    if answer.run is not None:
        try:
            say(f"report in {shown(reports.write(load(answer.run)))}", err=True)
        except Exception as error:  # the edge: the answer stands, whatever becomes of its report
            reason = " ".join(f"{'' if isinstance(error, ShoestringError) else f'{type(error).__name__}: '}{error}".split())
            say(f"The answer is saved, but its report was not written: {reason}", err=True)
    raise typer.Exit(answer.status.exit_code)


def _state(run: Run) -> dict[str, Any]:
    from shoestring.values.answer import named

    return {
        "run": str(run.folder),
        **run.finding.to_json(),
        "spent": named(run.spent().as_dict(), run.question.unit),
        "budget": named(run.budget.limits, run.question.unit),
        "n_trials": run.n_begun(),
        "states": {trial.id: trial.state for trial in run.trials},
    }
