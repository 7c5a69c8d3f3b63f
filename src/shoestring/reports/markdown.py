"""The report as Markdown: the verdict, the question, where the budget went, the results, the failures. The page has the figures."""

from __future__ import annotations

from collections.abc import Iterator

from shoestring.cleaning import for_markdown
from shoestring.engine.run import Run
from shoestring.reports.failures import failure_table
from shoestring.reports.spending import in_vain, outcome_table
from shoestring.reports.table import as_markdown, table
from shoestring.reports.verdict import verdict
from shoestring.reports.views import view_of
from shoestring.reports.wording import amounts, facts, title


def markdown(run: Run) -> str:
    """Returns the report as Markdown."""
    return "\n".join(_lines(run)) + "\n"


def _lines(run: Run) -> Iterator[str]:
    said = verdict(run)
    yield f"# {for_markdown(title(run))}"
    for sentence in (said.found, said.rests_on, said.not_claimed, *said.more):
        yield from ("", for_markdown(sentence))
    yield from ("", "## The question", "")
    yield from as_markdown(table("What was asked.", ("what", "as asked"), facts(run)))
    yield from ("", "## Where the budget went", "")
    yield for_markdown(f"Budget: {run.budget}. Spent: {amounts(run.spent(), run.question.unit)}. {in_vain(run)}")
    yield ""
    yield from as_markdown(outcome_table(run))
    yield from ("", "## Results")
    for shown in view_of(run).tables(run):
        yield from ("", for_markdown(shown.caption), "")
        yield from as_markdown(shown)
    failures = failure_table(run)
    if failures is not None:
        yield from ("", "## Failures", "")
        yield from as_markdown(failures)
