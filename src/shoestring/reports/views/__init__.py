"""What a report shows of each kind of question, a file a kind. One of your own is added by ``show``."""

from __future__ import annotations

from shoestring.engine.run import Run
from shoestring.questions.kinds import kind_of
from shoestring.reports.view import View
from shoestring.reports.views.compare import COMPARE
from shoestring.reports.views.largest import LARGEST
from shoestring.reports.views.scale import SCALE
from shoestring.reports.views.search import SEARCH

_VIEWS = {"search": SEARCH, "compare": COMPARE, "law": SCALE, "largest": LARGEST}


def show(kind: str, view: View) -> None:
    """Has reports show a kind of question by a view, in place of the lines of its finding."""
    _VIEWS[kind] = view


def view_of(run: Run) -> View:
    """Returns what a report shows of a run's question."""
    return _VIEWS.get(kind_of(run.question).name, View())
