"""What a person sees while a study runs: a live view on a terminal, one line an event otherwise. Both on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from shoestring.budget import describe, plural_of
from shoestring.cleaning import for_line
from shoestring.cli.saying import say
from shoestring.engine.study import Study

REFRESH_S = 0.25
SHOWN_TRIALS = 8


@contextmanager
def live() -> Iterator[Callable[[Study], None]]:
    """Gives what to call with the study now and then."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines
        return
    with Live(console=console, auto_refresh=False, transient=True) as view:
        shown_at = 0.0
        view.update(Text("starting: what is to be trained is being imported"), refresh=True)

        def show(study: Study) -> None:
            nonlocal shown_at
            while study.messages:
                view.console.print(Text(study.messages.popleft()))
            if (now := time.monotonic()) - shown_at >= REFRESH_S:
                shown_at = now
                view.update(_view(study), refresh=True)

        yield show


def _lines(study: Study) -> None:
    while study.messages:
        say(study.messages.popleft(), err=True)


def _view(study: Study) -> Group:
    spent, question = study.ledger.spent(), study.question
    bars = Table.grid(padding=(0, 1))
    for resource, limit in study.ledger.budget.limits.items():
        used = getattr(spent, resource)
        share = f"{describe(resource, used, question.unit)} of {describe(resource, limit, question.unit)}"
        bars.add_row("budget", ProgressBar(limit, min(used, limit), width=30), f"{min(1.0, used / limit):4.0%}", _plain(share))
    standing = study.progress or "nothing yet"
    n_spent = for_line(f"{len(study.trials)} trials, {spent.units} {plural_of(question.unit)}")
    facts = Text(f"{for_line(standing)}\n{n_spent}   Ctrl-C: save and stop; twice: now")
    running = Table.grid(padding=(0, 2))
    for trial in study.running[:SHOWN_TRIALS]:
        config = "  ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in trial.config.items())
        running.add_row(*map(_plain, (f"{trial.id:5d}", trial.arm, f"{question.unit} {trial.told[0]} of {trial.target}", config)))
    return Group(bars, facts, running)


def _plain(text: str) -> Text:
    """Returns a text that rich reads no markup in."""
    return Text(for_line(text))
