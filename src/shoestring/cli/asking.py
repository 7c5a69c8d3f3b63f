"""The options that every question has, and what is to be trained."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_type_hints

import typer

if TYPE_CHECKING:
    from shoestring.engine.asked import Asked
    from shoestring.engine.options import Options
    from shoestring.runners.script import Script

Words = Annotated[
    Optional[list[str]],  # noqa: UP045  (typer reads it at run time)
    typer.Argument(
        metavar="[TARGET] [NAME=VALUES]...", help="TARGET is file.py:function or package.module:function. NAME=VALUES is a parameter."
    ),
]
ASKED, MEANS, RUN = "What is asked", "What it may cost and where it runs", "The run"  # headings of the help
Seed = Annotated[int, typer.Option(help="The seed of all randomness in the study.", rich_help_panel=ASKED)]
AcceptChanges = Annotated[
    bool,
    typer.Option("--accept-changes", help="Continue although the code has changed. The report says so.", rich_help_panel=RUN),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout at the end.", rich_help_panel=RUN)]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The options of every question."""

    metric: Annotated[str, typer.Option(help="The metric that decides. A trial may report others.", rich_help_panel=ASKED)]
    goal: Annotated[str, typer.Option(help="min or max.", rich_help_panel=ASKED)]
    horizon: Annotated[int, typer.Option(help="Units (epochs, say) of a full training.", rich_help_panel=ASKED)] = 1
    unit: Annotated[
        str | None, typer.Option(help="What a unit of training is called: epoch, step, round, tree, ...", rich_help_panel=ASKED)
    ] = None
    seed: Seed = 0
    budget: Annotated[
        list[str],
        typer.Option(
            "--budget",
            help="Such as 10m, '100 epochs', '2 gpu-hours', '5 usd' or '0.3 kWh'. Of several, the first to be spent ends the study.",
            rich_help_panel=MEANS,
        ),
    ]
    runner: Annotated[
        str,
        typer.Option(help="process, inline, or replay, for which TARGET(config, seed) gives a learning curve.", rich_help_panel=MEANS),
    ] = "process"
    workers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="How many trials run at once. The default is one per GPU, or half the cores.", rich_help_panel=MEANS),
    ] = None
    price: Annotated[list[str], typer.Option(help="Such as 2.5/gpu-hour or 0.04/cpu-hour.", rich_help_panel=MEANS)] = field(
        default_factory=list
    )
    watts: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="The power of a busy core in watts, where the machine cannot measure it.", rich_help_panel=MEANS),
    ] = None
    grace: Annotated[float, typer.Option(help="Seconds in which a trial may save itself before it is killed.", rich_help_panel=MEANS)] = 2.0
    pattern: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="A regular expression for the metric in a script's output, such as 'val loss ([0-9.]+)'.", rich_help_panel=RUN),
    ] = None
    store: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The run's folder. The same command on the same folder resumes the run.", rich_help_panel=RUN),
    ] = None
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="A database that keeps a new run's rows, such as postgresql://me@db.lab/studies.", rich_help_panel=RUN
        ),
    ] = None
    accept_changes: AcceptChanges = False
    as_json: Json = False
    began: float = 0.0

    def question(self) -> dict[str, Any]:
        """Returns what every question has, as arguments of its verb."""
        return {name: getattr(self, name) for name in ("metric", "goal", "horizon", "seed")}

    def options(self) -> Options:
        """Returns how the study runs."""
        return {
            "budget": self.budget,
            "unit": self.unit,
            "runner": self.runner,
            "workers": self.workers,
            "price": self.price,
            "watts": self.watts,
            "grace": self.grace,
            "store": self.store,
            "database": self.database,
            "accept_changes": self.accept_changes,
            "began": self.began,
        }


def question_command(
    ask: Callable[..., Asked], then: Callable[[Asked, Shared], None], defaults: Mapping[str, Any] = MappingProxyType({})
) -> Callable[..., None]:
    """Returns a command with the options of ``ask`` and those of ``Shared``, which ``ask`` is handed as ``shared``.

    Args:
        ask: makes the question of its options.
        then: runs the question, or plans it.
        defaults: of shared options that this question need not be given.
    """
    said = SimpleNamespace(__annotations__={name: hint for name, hint in ask.__annotations__.items() if name != "return"})  # not loaded yet
    hints = get_type_hints(said, ask.__globals__, include_extras=True) | get_type_hints(Shared, include_extras=True)
    own = [item.replace(annotation=hints[name]) for name, item in inspect.signature(ask).parameters.items() if name != "shared"]
    options = [option for option in fields(Shared) if option.name != "began"]

    def command(**given: Any) -> None:
        began = time.monotonic()
        shared = Shared(**{option.name: given.pop(option.name) for option in options}, began=began)
        then(ask(shared=shared, **given), shared)

    def default_of(option: Any) -> Any:
        if option.name in defaults:
            return defaults[option.name]
        if option.default is not MISSING:
            return option.default
        return inspect.Parameter.empty if option.default_factory is MISSING else option.default_factory()

    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [inspect.Parameter(option.name, keyword, default=default_of(option), annotation=hints[option.name]) for option in options]
    command.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]  # typer asks for it
    return command


def target_of(words: Sequence[str], command: Sequence[str], pattern: str | None, metric: str) -> tuple[str | Script, list[str]]:
    """Returns what to train and the words with ``=``, for the words of a command line and the command behind ``--``.

    Raises:
        UsageError: there is not exactly one thing to train.
    """
    from shoestring.errors import UsageError, brief
    from shoestring.runners.script import Script

    parts = [word for word in words if "=" in word]
    targets = [word for word in words if "=" not in word]
    if command and not targets:
        return Script(tuple(command), pattern, metric), parts
    if len(targets) == 1 and not command:
        refuse_pattern(pattern)
        return targets[0], parts
    given = " and ".join([*map(brief, targets), *(["a command after --"] if command else [])]) or "nothing"
    raise UsageError(f"what to train was given as {given}; give one TARGET such as train.py:train, or a command after --.")


def refuse_pattern(pattern: str | None) -> None:
    """Refuses a pattern where there is no script.

    Raises:
        UsageError: there is one.
    """
    from shoestring.errors import UsageError

    if pattern is not None:
        raise UsageError("--pattern reads the output of a script; a training function reports by itself. Leave it out.")
