"""The options of a question about size, and the question that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from shoestring.cli.asking import Shared, Words, target_of

if TYPE_CHECKING:
    from shoestring.engine.asked import Asked
    from shoestring.questions.largest.finding import Capacity
    from shoestring.questions.scale.finding import Law

HOW = "Sizes"
Over = Annotated[
    str | None, typer.Option(metavar="NAME=SIZES", help="The parameter that grows: width=16,32,64,128,256.", rich_help_panel=HOW)
]
Seeds = Annotated[int, typer.Option(help="Runs at each size.", rich_help_panel=HOW)]
Extrapolate = Annotated[list[str], typer.Option(metavar="NAME=SIZE", help="A size at which to predict.", rich_help_panel=HOW)]
Unverified = Annotated[
    bool, typer.Option("--unverified", help="Predict beyond 4 times the largest size, without a run there.", rich_help_panel=HOW)
]
LargestOption = Annotated[
    str | None, typer.Option("--largest", metavar="NAME", help="The largest size of this that is still solved.", rich_help_panel=HOW)
]
Solved = Annotated[Optional[str], typer.Option(help="When a run has solved its size, such as 'accuracy>=0.99'.", rich_help_panel=HOW)]  # noqa: UP045
From = Annotated[Optional[int], typer.Option("--from", help="The first size to try.", rich_help_panel=HOW)]  # noqa: UP045
Most = Annotated[int, typer.Option(help="The largest size allowed.", rich_help_panel=HOW)]
PStar = Annotated[float, typer.Option("--p-star", help="The chance of a run to solve that defines the capacity.", rich_help_panel=HOW)]
Ratio = Annotated[float, typer.Option(help="Stop when the upper end is so many times the lower one.", rich_help_panel=HOW)]
StrictOption = Annotated[bool, typer.Option("--strict", help="Prove both ends, at about three times the price.", rich_help_panel=HOW)]
MaxTrials = Annotated[int, typer.Option(help="Never more runs than this.", rich_help_panel=HOW)]


def ask_scale(
    context: typer.Context,
    words: Words = None,
    *,
    shared: Shared,
    over: Over = None,
    seeds: Seeds = 3,
    extrapolate: Extrapolate = [],  # noqa: B006  (typer copies it)
    unverified: Unverified = False,
    largest: LargestOption = None,
    solved: Solved = None,
    first: From = None,
    most: Most = 2**20,
    p_star: PStar = 0.5,
    ratio: Ratio = 4.0,
    strict: StrictOption = False,
    max_trials: MaxTrials = 60,
) -> Asked[Law] | Asked[Capacity]:
    """Returns the question about size that was asked."""
    from shoestring import api
    from shoestring.engine.asked import asked_by
    from shoestring.errors import UsageError
    from shoestring.questions.largest.question import condition_of
    from shoestring.space.text import parse_config

    if (over is None) == (largest is None):
        raise UsageError("a question about size needs either --over NAME=SIZES for a law, or --largest NAME with --solved and --from.")
    metric = shared.metric or (condition_of(solved)[0] if solved is not None else "")
    target, parts = target_of(words or [], context.obj, shared.pattern, metric)
    config, common = parse_config(",".join(parts)), shared.question()
    if largest is None:
        name, _, sizes = (over or "").partition("=")
        return asked_by(
            api.scale,
            target,
            over=name,
            sizes=_numbers(sizes),
            config=config,
            seeds=seeds,
            extrapolate=[_size(name, text) for text in extrapolate],
            unverified=unverified,
            **common,
            **shared.options(),
        )
    if solved is None or first is None:
        raise UsageError("--largest needs to know when a size is solved and where to begin: --solved 'accuracy>=0.99' --from 8.")
    return asked_by(
        api.largest,
        target,
        over=largest,
        solved=solved,
        start=first,
        config=config,
        p_star=p_star,
        ratio=ratio,
        strict=strict,
        smallest=min(1, first),
        most=most,
        max_trials=max_trials,
        horizon=shared.horizon,
        seed=shared.seed,
        **shared.options(),
    )


def _numbers(text: str) -> tuple[float, ...]:
    from shoestring.errors import UsageError

    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(f"the sizes {text!r} cannot be read; write numbers such as width=16,32,64,128,256.") from None


def _size(name: str, text: str) -> float:
    from shoestring.errors import UnknownName

    given, _, size = text.rpartition("=")
    if given and given != name:
        raise UnknownName("size", given, [name])
    return _numbers(size)[0] if size else 0.0
