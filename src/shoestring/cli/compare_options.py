"""The options of a comparison, and the question that they come to."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from shoestring.cli.asking import Shared, Words, refuse_pattern, target_of

if TYPE_CHECKING:
    from shoestring.engine.asked import Asked
    from shoestring.questions.compare.finding import Comparison
    from shoestring.runners.arms import One
    from shoestring.values.orders import Config

HOW = "How it is compared"
ArmOption = Annotated[
    list[str],
    typer.Option(
        "--arm",
        help="NAME, NAME:key=value,key=value of the TARGET, 'NAME: command', NAME:file.py:function, or NAME:=0.93 for a stated value.",
        rich_help_panel=HOW,
    ),
]
Seeds = Annotated[
    str | None, typer.Option(help="The most seeds that will ever be run, or open; as many as the budget pays for.", rich_help_panel=HOW)
]
Difference = Annotated[
    float | None, typer.Option(help="The smallest difference of interest; stops once a larger one is excluded.", rich_help_panel=HOW)
]
Alpha = Annotated[float, typer.Option(help="The error rate, over all looks.", rich_help_panel=HOW)]
Worst = Annotated[
    float | None, typer.Option(help="The score of a run that crashes or diverges, such as chance level.", rich_help_panel=HOW)
]
Resolution = Annotated[float, typer.Option(help="The step in which the metric moves, such as one test item.", rich_help_panel=HOW)]
Prove = Annotated[
    bool, typer.Option("--prove", help="Several arms: which is the best, with the error rate (the default).", rich_help_panel=HOW)
]
Pick = Annotated[bool, typer.Option("--pick", help="Several arms: which would one bet on, without a claim.", rich_help_panel=HOW)]
Full = Annotated[
    str | None, typer.Option("--ablation-of", metavar="ARM", help="Which of the other arms differ from this one?", rich_help_panel=HOW)
]
Repeats = Annotated[
    list[str], typer.Option("--repeats", metavar="ARM:N", help="N runs on each seed, for an arm that costs little.", rich_help_panel=HOW)
]
Reserve = Annotated[Optional[int], typer.Option(help="The seeds of one planned extension.", rich_help_panel=HOW)]  # noqa: UP045
Extend = Annotated[bool, typer.Option("--extend", help="Runs the planned extension.", rich_help_panel=HOW)]
Strict = Annotated[
    bool, typer.Option("--strict", help="Several arms: the best is never dropped, at the same error rate.", rich_help_panel=HOW)
]

_FUNCTION = re.compile(r"[^\s=]+:[A-Za-z_]\w*")


def ask_compare(
    context: typer.Context,
    words: Words = None,
    *,
    shared: Shared,
    arm: ArmOption = [],  # noqa: B006  (typer copies it)
    seeds: Seeds = None,
    difference: Difference = None,
    alpha: Alpha = 0.05,
    worst: Worst = None,
    resolution: Resolution = 0.0,
    prove: Prove = False,
    pick: Pick = False,
    ablation_of: Full = None,
    repeats: Repeats = [],  # noqa: B006
    reserve: Reserve = None,
    extend: Extend = False,
    strict: Strict = False,
) -> Asked[Comparison]:
    """Returns the comparison that was asked for."""
    from shoestring import api
    from shoestring.engine.asked import asked_by
    from shoestring.errors import UsageError
    from shoestring.space.text import parse_config

    if prove + pick + (ablation_of is not None) > 1:
        raise UsageError("--prove, --pick and --ablation-of exclude each other; give one of them, or none to prove which arm is best.")
    train, fixed = None, {}
    if words or context.obj:
        train, parts = target_of(words or [], context.obj, shared.pattern, shared.metric)
        fixed = parse_config(",".join(parts))
    arms: dict[str, One | Config | float] = {}
    for text in arm:
        name, what = _arm(text, train, fixed, shared)
        if name in arms:
            raise UsageError(f"two arms are called {name!r}; give each a name of its own.")
        arms[name] = what
    return asked_by(
        api.compare,
        arms,
        train,
        **shared.question(),
        seeds=_seeds(seeds),
        difference=difference,
        alpha=alpha,
        worst=worst,
        resolution=resolution,
        mode="pick" if pick else "prove" if ablation_of is None else "ablation",
        full=ablation_of,
        repeats=dict(_repeats(text) for text in repeats),
        reserve=reserve,
        extend=extend,
        strict=strict,
        **shared.options(),
    )


def _arm(text: str, train: One | None, fixed: Config, shared: Shared) -> tuple[str, One | Config | float]:
    """Returns the name of an arm and what it is."""
    from shoestring.errors import UsageError
    from shoestring.runners.script import Script
    from shoestring.space.text import parse_config

    name, colon, body = (part.strip() for part in text.partition(":"))
    if body.startswith("="):
        try:
            return name, float(body[1:])
        except ValueError:
            raise UsageError(f"--arm {text!r} states no number; write for example --arm paper:=0.93.") from None
    if train is not None:
        return name, {**fixed, **parse_config(body)}
    if not colon or not body:
        raise UsageError(f"--arm {text!r} says nothing to run; give a TARGET for all arms, or 'NAME: command' or NAME:file.py:function.")
    if _FUNCTION.fullmatch(body):
        refuse_pattern(shared.pattern)
        return name, body
    try:
        return name, Script(tuple(shlex.split(body)), shared.pattern, shared.metric)
    except ValueError as error:
        raise UsageError(f"the command of arm {name!r} cannot be read ({error}); close every quote.") from None


def _seeds(text: str | None) -> int | Literal["open"] | None:
    from shoestring.errors import UsageError

    if text is None or text == "open":
        return text  # type: ignore[return-value]  # one of the two
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--seeds {text!r} must be a number of seeds such as 20, or open.") from None


def _repeats(text: str) -> tuple[str, int]:
    from shoestring.errors import UsageError

    name, _, number = text.rpartition(":")
    if not name or not number.isdigit():
        raise UsageError(f"--repeats {text!r} cannot be read; write ARM:N, such as --repeats base:3.")
    return name, int(number)
