"""A verb of the package: a function that says what is asked, and what carries that out."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, ParamSpec, cast

from shoestring.arguments import checked
from shoestring.engine.launch import launch
from shoestring.engine.naming import folder_of
from shoestring.engine.options import DEFAULTS, Limits, Options, spending_of
from shoestring.engine.spending import Spending
from shoestring.errors import UsageError, shown
from shoestring.machine.clock import monotonic
from shoestring.questions.protocol import Question
from shoestring.runners import MEMBERS
from shoestring.runners.arms import Target
from shoestring.runners.protocol import Runner
from shoestring.values.answer import Answer, F

P = ParamSpec("P")


@dataclass(frozen=True)
class Asked(Generic[F]):
    """What a call of a verb asks.

    Attributes:
        target: what is trained.
        question: what is asked of it.
        options: how the study runs.
        extend: run the extension that a comparison has planned.
    """

    target: Target
    question: Question
    options: Options
    extend: bool = False

    @property
    def runner(self) -> str | Runner:
        """What carries out the leases, or its name."""
        given = (DEFAULTS | self.options)["runner"]
        return MEMBERS.name_of(given) if callable(given) else given

    @property
    def spending(self) -> Spending:
        """How the study may spend."""
        return spending_of(self.options)

    @property
    def folder(self) -> Path | None:
        """The run's folder, None for a run in memory."""
        return folder_of((DEFAULTS | self.options)["store"], self.question)

    def run(self, *, pilot: bool = False) -> Answer[F]:
        """Runs the study to its answer.

        Args:
            pilot: do only what tells what a training costs, booked as pilot work.
        Raises:
            UsageError: the question cannot be asked so; the message says what is allowed.
            StoreError: the folder cannot be used, or holds another question.
        """
        given = DEFAULTS | self.options
        answer = launch(
            self.target,
            self.question,
            self.spending,
            self.runner,
            self.folder,
            given["on_progress"],
            given["began"],
            pilot=pilot,
            extend=self.extend and not pilot,
            accept_changes=given["accept_changes"],
            database=given["database"],
        )
        return cast(Answer[F], answer)


def verb(ask: Callable[P, Asked[F]]) -> Callable[P, Answer[F]]:
    """Returns the verb that runs what ``ask`` asks; every option stands in its signature, and what it is called with is checked."""
    hints = typing.get_type_hints(ask, include_extras=True) | typing.get_type_hints(Options, include_extras=True)
    hints["budget"] = Limits  # without ``Required``, which means something in a ``TypedDict`` alone
    own = [item for item in inspect.signature(ask).parameters.values() if item.kind is not item.VAR_KEYWORD]
    shared = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default) for name, default in DEFAULTS.items()]
    shared[0] = shared[0].replace(default=inspect.Parameter.empty)  # a budget is always given

    def asking(*args: Any, **given: Any) -> Asked[F]:
        return ask(*args, **given | {"began": monotonic() if given.get("began") is None else given["began"]})

    def run(*args: P.args, **given: P.kwargs) -> Answer[F]:
        return asked(*args, **given).run()

    functions: tuple[Any, ...] = (asking, run)
    for function in functions:
        functools.update_wrapper(function, ask)
        function.__signature__ = inspect.Signature([item.replace(annotation=hints[item.name]) for item in (*own, *shared)])
        function.__annotations__ = {item.name: hints[item.name] for item in (*own, *shared)}
    asked: Callable[P, Asked[F]] = checked(asking)
    run.asked = asked  # type: ignore[attr-defined]  # what ``asked_by`` calls
    return run


def asked_by(of: Callable[P, Answer[F]], *args: P.args, **given: P.kwargs) -> Asked[F]:
    """Returns what a call of a verb asks, without running it.

    Raises:
        UsageError: ``of`` is not a verb, or cannot be called so.
    """
    if not hasattr(of, "asked"):
        raise UsageError(f"what is asked was given as {shown(of)}; give search, compare, scale or largest, then its arguments.")
    return cast(Asked[F], of.asked(*args, **given))
