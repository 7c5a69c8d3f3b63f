"""A table and a paragraph about compute for a paper, in LaTeX. Both need no package but booktabs."""

from __future__ import annotations

from itertools import count

from shoestring.budget import describe, duration
from shoestring.cleaning import for_latex
from shoestring.engine.run import Run
from shoestring.reports.machine import environment, is_virtual
from shoestring.reports.machine import facts as machine_facts
from shoestring.reports.spending import shares
from shoestring.reports.table import Table
from shoestring.reports.views import view_of
from shoestring.reports.wording import amounts, n_started, plural


def table_tex(run: Run) -> str:
    """Returns the tables of results; a comment where there is none."""
    tables = [shown for shown in view_of(run).tables(run) if shown.rows]
    return "\n".join(map(_table, tables, count(1))) if tables else "% No trial showed a value, so there is no table.\n"


def compute_tex(run: Run) -> str:
    """Returns a paragraph that says what the run used, with what failed and what was tried before; what is not known is marked."""
    spent, unit = run.spent(), run.question.unit
    facts = {fact.name: fact for fact in machine_facts(run)}
    known = [f"{name} {fact.value}" for name in ("processor", "cores", "memory", "GPUs") if (fact := facts[name]).value]
    machine = "; ".join(known) or "[machine: not recorded, please state]"
    wasted = [(share.outcome, share.cost) for share in shares(run) if share.outcome in ("pilot", "failed", "lost", "killed")]
    parts = [
        f"The study started {plural(n_started(run), 'trial')} within a budget of {run.budget}, fixed in advance, "
        f"and used {amounts(spent, unit)}.",
        f"It ran on: {machine}.",
    ]
    if is_virtual(run):
        parts[1] = "[The trials were replayed from a table on a virtual clock: state what computing the table took.]"
    if wasted:
        parts.append("Of this, " + "; ".join(f"{name}: {amounts(cost, unit)}" for name, cost in wasted) + ".")
    if n_started(run) and spent.wall_s and not is_virtual(run):
        parts.append(f"One trial took {duration(spent.wall_s / n_started(run))} of the clock on average.")
    if spent.kwh and not is_virtual(run):
        parts.append(f"Energy was {describe('kwh', spent.kwh)} ({facts['energy'].source}).")
    if not environment(run):
        parts.append("[Software versions: not recorded, please state.]")
    return "\n".join(map(for_latex, parts)) + "\n"


def _table(shown: Table, number: int) -> str:
    columns = "".join("r" if numeric else "l" for numeric in shown.numeric)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{for_latex(shown.caption)}}}",
        rf"  \label{{tab:results-{number}}}",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {' & '.join(map(for_latex, shown.columns))} \\\\",
        r"    \midrule",
        *(f"    {{}}{' & '.join(for_latex(entry.text) for entry in row)} \\\\" for row in shown.lines()),  # {}: no row is an option of \\\\
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
