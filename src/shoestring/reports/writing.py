"""Puts reports into the folders of runs. What is written is complete or not there: each file takes its place only when it is whole."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from shoestring.engine.run import Run
from shoestring.errors import StoreUnwritable
from shoestring.reports.export import rows, write_rows
from shoestring.reports.markdown import markdown


def write(run: Run) -> Path:
    """Writes ``report.html`` and ``report.md`` into the run's folder, and returns the page.

    Raises:
        StoreUnwritable: the disk is full or read-only.
    """
    from shoestring.reports.page import page  # the page draws, which takes a second to load
    from shoestring.reports.plots import plots

    _put(run.folder, {"report.md": markdown(run), "report.html": page(run, plots(run))})
    return run.folder / "report.html"


def write_all(run: Run) -> list[Path]:
    """Writes the page and all that goes with it: tables, figures, and texts for a paper. Returns the files, the page first.

    Raises:
        StoreUnwritable: the disk is full or read-only.
    """
    from shoestring.reports.checklist_markdown import checklist_markdown
    from shoestring.reports.drawing import save
    from shoestring.reports.latex import compute_tex, table_tex
    from shoestring.reports.page import page
    from shoestring.reports.plots import plots
    from shoestring.reports.views import view_of

    drawn = plots(run)
    texts = {
        "report.html": page(run, drawn),
        "report.md": markdown(run),
        "results.csv": _csv([*view_of(run).rows(run)]),
        "trials.csv": _csv(rows(run, "trials")),
        "ledger.csv": _csv(rows(run, "ledger")),
        "table.tex": table_tex(run),
        "compute.tex": compute_tex(run),
        "checklist.md": checklist_markdown([run]),
    }
    _put(run.folder, texts)
    figures = run.folder / "figures"
    try:
        figures.mkdir(exist_ok=True)
        saved = [path for plot in drawn.all() for path in save(plot, figures)]
    except OSError as error:
        raise StoreUnwritable(f"{figures} could not be written ({error.strerror}); free some space and report again.") from error
    return [*(run.folder / name for name in texts), *saved]


def write_project(folder: Path) -> list[Path]:
    """Writes the sum of all runs in a folder, failed and pilot work included. Returns the files, the page first.

    Raises:
        NotARun: the folder holds no run that can be read.
        StoreUnwritable: the disk is full or read-only.
    """
    from shoestring.reports.checklist_markdown import checklist_markdown
    from shoestring.reports.project import project_page, project_rows, project_tex, read_project

    runs, unread = read_project(folder)
    texts = {
        "project.html": project_page(runs, folder, unread),
        "project.csv": _csv(project_rows(runs)),
        "compute.tex": project_tex(runs),
        "checklist.md": checklist_markdown(runs),
    }
    _put(folder, texts)
    return [folder / name for name in texts]


def listed(written: Sequence[Path]) -> str:
    """Returns what was written as a person wants to see it: the page first, then the rest by kind."""
    page, *rest = written
    lines = [f"report    {page}   {page.stat().st_size / 1000:.0f} kB, one file, works offline"]
    kinds = {"tables": (".csv",), "paper": (".tex", ".md"), "figures": (".svg", ".pdf")}
    for kind, endings in kinds.items():
        if names := [str(path.relative_to(page.parent)) for path in rest if path.suffix in endings]:
            lines.append(f"{kind:<10}{'  '.join(names)}")
    return "\n".join(lines)


def _csv(table_rows: Sequence[Mapping[str, object]]) -> str:
    buffer = io.StringIO()
    write_rows(table_rows, "csv", buffer)
    return buffer.getvalue()


def _put(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        temporary = path.with_name(f"{name}.part")
        try:
            temporary.write_text(text, encoding="utf-8", newline="")
            temporary.replace(path)
        except OSError as error:
            raise StoreUnwritable(f"{path} could not be written ({error.strerror}); `shoestring status` shows the run as well.") from error
