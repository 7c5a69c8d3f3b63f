"""The options of a search, and the question that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from shoestring.cli.asking import Shared, Words, target_of

if TYPE_CHECKING:
    from shoestring.engine.asked import Asked
    from shoestring.questions.search.finding import Selection

SpaceOption = Annotated[
    list[str], typer.Option("--space", metavar="NAME=VALUES", help="Parameters: lr=log:1e-4:1 width=int:8:256 act=relu,tanh.")
]
SchedulerOption = Annotated[Optional[str], typer.Option("--scheduler", help="fixed, halving, hyperband, async-hyperband or one-step.")]  # noqa: UP045
SamplerOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--sampler",
        help="random, sobol, grid, tpe, kde, screened, gp, cma-es, evolution or policy-gradient; random where trials stop early, else tpe.",
    ),
]
Eta = Annotated[int, typer.Option(help="One trial in eta continues at each rung.")]
Trials = Annotated[Optional[int], typer.Option("--trials", help="The most trials that may start.")]  # noqa: UP045
Confirm = Annotated[
    str,
    typer.Option(
        help="auto: the best runs against the default on fresh seeds, from a reserved share of the budget; none: no confirmation."
    ),
]
Default = Annotated[Optional[str], typer.Option(metavar="KEY=VALUE,...", help="The configuration that the best is confirmed against.")]  # noqa: UP045


def ask_search(
    context: typer.Context,
    words: Words = None,
    *,
    shared: Shared,
    space: SpaceOption = [],  # noqa: B006  (typer copies it)
    scheduler: SchedulerOption = None,
    sampler: SamplerOption = None,
    eta: Eta = 3,
    trials: Trials = None,
    confirm: Confirm = "auto",
    default: Default = None,
) -> Asked[Selection]:
    """Returns the search that was asked for."""
    from shoestring import api
    from shoestring.engine.asked import asked_by
    from shoestring.errors import UnknownName
    from shoestring.space.text import parse_config, parse_space

    target, parts = target_of(words or [], context.obj, shared.pattern, shared.metric)
    if confirm not in ("auto", "none"):
        raise UnknownName("confirm", confirm, ("auto", "none"))
    return asked_by(
        api.search,
        target,
        parse_space([*space, *parts]),
        **shared.question(),
        scheduler=scheduler,
        sampler=sampler,
        eta=eta,
        n_trials=trials,
        confirm=confirm == "auto",
        default=None if default is None else parse_config(default),
        **shared.options(),
    )
