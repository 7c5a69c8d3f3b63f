"""The options of a search, and the question that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from shoestring.cli.asking import ASKED, Shared, Words, target_of

if TYPE_CHECKING:
    from shoestring.engine.asked import Asked
    from shoestring.questions.search.finding import Selection

HOW = "How it is searched"
SpaceOption = Annotated[
    list[str],
    typer.Option(
        "--space", metavar="NAME=VALUES", help="A parameter, as behind TARGET. The language is shown below.", rich_help_panel=ASKED
    ),
]
SchedulerOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--scheduler",
        help="fixed, halving, hyperband, async-hyperband, one-step, or file.py:Name for your own. "
        "The default is async-hyperband if the horizon is above 1, otherwise fixed.",
        rich_help_panel=HOW,
    ),
]
SamplerOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--sampler",
        help="random, sobol, grid, tpe, kde, screened, gp, cma-es, evolution, policy-gradient, or file.py:Name for your own. "
        "The default is random if the horizon is above 1, otherwise tpe.",
        rich_help_panel=HOW,
    ),
]
Eta = Annotated[int, typer.Option(help="One trial in eta continues at each rung.", rich_help_panel=HOW)]
Trials = Annotated[Optional[int], typer.Option("--trials", help="The most trials that may start.", rich_help_panel=HOW)]  # noqa: UP045
Confirm = Annotated[
    str,
    typer.Option(
        help="auto compares the best with the default on fresh seeds, from a reserved share of the budget; none does not.",
        rich_help_panel=HOW,
    ),
]
Default = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(metavar="KEY=VALUE,...", help="The configuration that the best is compared with.", rich_help_panel=HOW),
]


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
