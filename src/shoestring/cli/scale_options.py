"""The options of a question about size, and the question that they come to."""

from __future__ import annotations

from typing import Annotated, Optional, cast

import typer

from shoestring.cli.asking import Asked, Shared, Words, target_of

Over = Annotated[Optional[str], typer.Option(metavar="NAME=SIZES", help="The parameter that grows: width=16,32,64,128,256.")]  # noqa: UP045
Seeds = Annotated[int, typer.Option(help="Runs at each size.")]
Extrapolate = Annotated[list[str], typer.Option(metavar="NAME=SIZE", help="A size at which to predict.")]
Unverified = Annotated[bool, typer.Option("--unverified", help="Predict beyond 4 times the largest size, without a run there.")]
LargestOption = Annotated[Optional[str], typer.Option("--largest", metavar="NAME", help="The largest size of this that is still solved.")]  # noqa: UP045
Solved = Annotated[Optional[str], typer.Option(help="When a run has solved its size, such as 'accuracy>=0.99'.")]  # noqa: UP045
From = Annotated[Optional[int], typer.Option("--from", help="The first size to try.")]  # noqa: UP045
Most = Annotated[int, typer.Option(help="The largest size allowed.")]
PStar = Annotated[float, typer.Option("--p-star", help="The chance of a run to solve that defines the capacity.")]
Ratio = Annotated[float, typer.Option(help="Stop when the upper end is so many times the lower one.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Prove both ends, at about three times the price.")]
MaxTrials = Annotated[int, typer.Option(help="Never more runs than this.")]


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
) -> Asked:
    """Returns the question about size that was asked."""
    from shoestring.engine.naming import name_of
    from shoestring.errors import UsageError
    from shoestring.questions.scale import Largest, Scale, condition_of
    from shoestring.questions.search import Goal
    from shoestring.space.text import parse_config

    if (over is None) == (largest is None):
        raise UsageError("a question about size needs either --over NAME=SIZES for a law, or --largest NAME with --solved and --from.")
    condition = condition_of(solved) if solved is not None else None
    metric = shared.metric or (condition[0] if condition else "")
    target, parts = target_of(words or [], context.obj, shared.pattern, metric)
    config, unit = parse_config(",".join(parts)), shared.spending().unit
    if largest is not None:
        if condition is None or first is None:
            raise UsageError("--largest needs to know when a size is solved and where to begin: --solved 'accuracy>=0.99' --from 8.")
        _, goal, threshold = condition
        return Asked(
            target,
            Largest(
                name_of(target),
                largest,
                metric,
                goal,
                threshold,
                first,
                config,
                p_star,
                ratio,
                strict,
                min(1, first),
                most,
                max_trials,
                shared.horizon,
                unit,
                shared.seed,
            ),
        )
    name, _, sizes = (over or "").partition("=")
    aims = [_size(name, text) for text in extrapolate]
    return Asked(
        target,
        Scale(
            name_of(target),
            name,
            _numbers(sizes),
            metric,
            cast(Goal, shared.goal),
            config,
            seeds,
            tuple(aims),
            unverified,
            shared.horizon,
            unit,
            shared.seed,
        ),
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
