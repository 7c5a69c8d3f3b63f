"""The verdict of a run in three sentences: what was found, what it rests on, and what may not be claimed from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shoestring.engine.manifest import code_notes
from shoestring.engine.run import Run
from shoestring.reports.view import Verdict, sentence
from shoestring.reports.views import view_of


def verdict(run: Run) -> Verdict:
    """Returns the verdict on the stored results as they are now."""
    found = view_of(run).verdict(run)
    return replace(found, more=(*_about_the_run(run), *found.more))


def _about_the_run(run: Run) -> Iterator[str]:
    yield from code_notes(run.request)
    if not run.ended:
        yield "The run is not finished: this is how things stand now."
        return
    if run.ended.get("status") == "STOPPED":
        yield "The run was stopped before its end and can be resumed. These are the results up to then."
    for note in run.ended.get("notes", ()):
        yield sentence(note)
