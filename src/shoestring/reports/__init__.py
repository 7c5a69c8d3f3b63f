"""The report of a run: as text for the terminal, as Markdown, and as one page with figures that stands alone.

=============  ==========================================================================
text           the state of a run in a few lines
markdown       verdict, question, budget, results, failures
page           the same as one HTML file, with figures, and with how to reproduce it
figures        one plot a file
latex          a table and a paragraph for a paper
checklist      what the ledger can answer of the checklists of conferences
project        several runs summed up
writing        puts all of it into the run's folder
=============  ==========================================================================

A report reads a stored run and changes nothing in it. The page and its figures are loaded when they are first needed.
"""

from __future__ import annotations

from shoestring.reports.markdown import markdown
from shoestring.reports.text import text
from shoestring.reports.writing import listed, write, write_all, write_project

FORMATS = ("html", "markdown", "text")

__all__ = ["FORMATS", "listed", "markdown", "text", "write", "write_all", "write_project"]
