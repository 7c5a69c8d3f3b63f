"""The report as one HTML file: it loads nothing from anywhere, and no name in a run can put anything into it but text."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass, replace
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shoestring.cleaning import for_terminal
from shoestring.engine.run import Run
from shoestring.reports.checklist import checklist
from shoestring.reports.drawing import Plot, inline
from shoestring.reports.export import rows, write_rows
from shoestring.reports.failures import failure_table
from shoestring.reports.machine import facts as machine_facts
from shoestring.reports.plots import Plots
from shoestring.reports.reproduce import reproduction
from shoestring.reports.spending import in_vain, outcome_table
from shoestring.reports.table import table
from shoestring.reports.trials import trial_table
from shoestring.reports.verdict import verdict
from shoestring.reports.views import view_of
from shoestring.reports.wording import amounts, facts, plural, title

MOST_ROWS = 200
MOST_CSV_BYTES = 450_000


@dataclass(frozen=True, slots=True)
class Raw:
    """Data that lie in the page.

    Attributes:
        name: of the file beside the page.
        rows: how many there are.
        url: the data, to be saved from the page; None where they are too long for it.
    """

    name: str
    rows: int
    url: str | None


def page(run: Run, drawn: Plots) -> str:
    """Returns the page of a run.

    Args:
        drawn: its plots.
    """
    trials = trial_table(run)
    left_out = len(trials.rows) - MOST_ROWS
    return render(
        "report.html.j2",
        heading=title(run),
        verdict=verdict(run),
        state=_state(run),
        question=table("", ("what", "as asked"), facts(run)),
        spent=f"Budget: {run.budget}. Spent: {amounts(run.spent(), run.question.unit)}. {in_vain(run)}",
        outcomes=outcome_table(run),
        results=[*view_of(run).tables(run)],
        plots=drawn,
        failures=failure_table(run),
        machine=table("", ("what", "value", "source"), [(fact.name, fact.value, fact.source) for fact in machine_facts(run)]),
        again=reproduction(run),
        checklist=checklist([run]),
        trials=replace(trials, rows=trials.rows[:MOST_ROWS]),
        left_out=max(0, left_out),
        raw=[_raw(run, "trials"), _raw(run, "ledger")],
    )


def render(template: str, **context: object) -> str:
    """Returns a filled-in template; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("shoestring.reports"),
        autoescape=True,
        finalize=lambda value: for_terminal(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _asset("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals |= {
        "style": Markup(_asset("style.css")),
        "script": Markup(script),
        "script_hash": digest,
        "svg": _svg,
        "plural": plural,
    }
    return environment.get_template(template).render(context)


def _svg(plot: Plot) -> Markup:
    return Markup(inline(plot))


def _asset(name: str) -> str:
    return files("shoestring.reports").joinpath("templates", name).read_text(encoding="utf-8")


def _state(run: Run) -> str:
    if not run.ended:
        return "unfinished"
    return {"ANSWERED": "answered", "UNANSWERED": "not answered", "STOPPED": "stopped", "ALL_FAILED": "every trial failed"}[
        run.ended["status"]
    ]


def _raw(run: Run, what: str) -> Raw:
    buffer, table_rows = io.StringIO(), rows(run, what)
    write_rows(table_rows, "csv", buffer)
    data = buffer.getvalue().encode()
    url = f"data:text/csv;base64,{base64.b64encode(data).decode()}" if len(data) <= MOST_CSV_BYTES else None
    return Raw(f"{what}.csv", len(table_rows), url)
