"""The options that every question has, and what is to be trained."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Optional, cast, get_type_hints

import typer

if TYPE_CHECKING:
    from shoestring.engine.asked import Asked
    from shoestring.engine.launch import RunnerName
    from shoestring.engine.options import Options
    from shoestring.runners.script import Script

Words = Annotated[
    Optional[list[str]],  # noqa: UP045  (typer reads it at run time)
    typer.Argument(metavar="[TARGET] [NAME=VALUES]...", help="file.py:function or package.module:function, and parameters of the space."),
]
Seed = Annotated[int, typer.Option(help="Where all randomness comes from.")]
AcceptChanges = Annotated[bool, typer.Option("--accept-changes", help="Run on although the code has changed; the report says so.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout at the end.")]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The options of every question."""

    metric: Annotated[str, typer.Option(help="The metric that decides.")]
    goal: Annotated[str, typer.Option(help="min or max.")]
    budget: Annotated[
        list[str], typer.Option("--budget", help="10m, '100 epochs', '2 gpu-hours', '5 usd', '0.3 kWh'; several limit together.")
    ]
    horizon: Annotated[int, typer.Option(help="Units of a full training.")] = 1
    unit: Annotated[Optional[str], typer.Option(help="What a unit of training is called: epoch, step, round, tree, ...")] = None  # noqa: UP045
    seed: Seed = 0
    runner: Annotated[str, typer.Option(help="process, inline, or replay: TARGET(config, seed) then gives a learning curve.")] = "process"
    workers: Annotated[Optional[int], typer.Option(help="Trials at once; one a GPU, or half the cores.")] = None  # noqa: UP045
    pattern: Annotated[Optional[str], typer.Option(help="Finds the metric in a script's output, such as 'val loss ([0-9.]+)'.")] = None  # noqa: UP045
    price: Annotated[list[str], typer.Option(help="Such as 2.5/gpu-hour or 0.04/cpu-hour.")] = field(default_factory=list)
    watts: Annotated[Optional[float], typer.Option(help="Declared power of a busy core, where none can be read.")] = None  # noqa: UP045
    grace: Annotated[float, typer.Option(help="Seconds in which a trial may save itself before it is killed.")] = 2.0
    store: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The run's folder; the same command on the same folder resumes it."),
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
            "runner": cast("RunnerName", self.runner),
            "workers": self.workers,
            "price": self.price,
            "watts": self.watts,
            "grace": self.grace,
            "store": self.store,
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
