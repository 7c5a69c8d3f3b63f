"""What a report shows of one kind of question, and what it shows of a kind that it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from shoestring.engine.run import Run, StoredTrial
from shoestring.reports.drawing import Plot
from shoestring.reports.figures.curves import Groups, the_best
from shoestring.reports.table import Table

Making: TypeAlias = tuple[str, Callable[[], Plot | None]]  # a plot's title, and what makes it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says.

    Attributes:
        found: what was found.
        rests_on: the evidence behind it.
        not_claimed: what may not be claimed.
        more: what else has to be known, a sentence each.
    """

    found: str
    rests_on: str
    not_claimed: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sections:
    """The plots of a question, by section of the page.

    Attributes:
        unimportant: why no importance of parameters is given; empty where it is.
    """

    results: Iterable[Making] = ()
    progress: Iterable[Making] = ()
    space: Iterable[Making] = ()
    unimportant: str = ""


def sentence(text: str) -> str:
    """Returns a line as a sentence; where it begins with a name, that keeps its case."""
    text = text.strip()
    if not text:
        return ""
    begins = text[0].upper() + text[1:] if _OPENER.match(text) else text
    return begins if begins.endswith((".", "?", "!")) else f"{begins}."


def _said(run: Run) -> Verdict:
    found, rests_on, *more = map(sentence, [*run.finding.lines(), "", ""])
    return Verdict(found, rests_on, "Nothing may be claimed beyond what is said here.", tuple(more[:-2]))


def _status(run: Run) -> Iterator[str]:
    yield from (f"finding  {line}" for line in run.finding.lines())


@dataclass(frozen=True, kw_only=True)
class View:
    """What a report shows of one kind of question.

    Attributes:
        verdict: the finding in sentences.
        tables: the tables of results.
        rows: the same as flat rows, for ``results.csv``.
        sections: the plots, from a generator of resamples and shuffles.
        curves: which learning curves are drawn, and how.
        status: what the terminal shows below the state.
        best: the best values found, for a checklist; None where there is none yet.
        error_bars: what the intervals are, for a checklist; None where there is none yet.
        group: what the column of trials is called by which they differ.
    """

    verdict: Callable[[Run], Verdict] = _said
    tables: Callable[[Run], Iterable[Table]] = lambda _: ()
    rows: Callable[[Run], Iterable[dict[str, Any]]] = lambda _: ()
    sections: Callable[[Run, np.random.Generator], Sections] = lambda _, __: Sections()
    curves: Callable[[Run, list[StoredTrial]], Groups] = the_best
    status: Callable[[Run], Iterable[str]] = _status
    best: Callable[[Run], str | None] = lambda _: "nothing was searched for; all settings are listed in the report"
    error_bars: Callable[[Run], str | None] = lambda _: None
    group: str = "purpose"


# What sentences of findings begin with where it is no name.
_OPENER = re.compile(
    "(?:a|across|also|as|best|bet|both|confirmed|does|fresh|half|it|its|largest|law|mean|no|none|not|nothing|one|seeds|shown|stopped|the|this|twice|"
    "undecided|without)[ :,]"
)
