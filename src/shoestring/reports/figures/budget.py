"""The plot of where the budget went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shoestring.budget import describe
from shoestring.engine.run import Run
from shoestring.reports.drawing import FAINT, INK, SERIES, Plot
from shoestring.reports.spending import main_resource, shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"useful": 0, "confirmation": 2, "pilot": 4, "failed": 1, "killed": 5, "lost": 3}


def budget(run: Run) -> Plot | None:
    """Returns the plot, one bar an outcome and one for what is left; None where nothing was spent."""
    unit, resource = run.question.unit, main_resource(run)
    limit, total = run.budget.limits[resource], getattr(run.spent(), resource)
    parts = [(share.outcome, float(getattr(share.cost, resource))) for share in shares(run)]
    parts = [(name, amount) for name, amount in parts if amount] + ([("not spent", limit - total)] if limit > total else [])
    if not total:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for row, (name, amount) in enumerate(parts):
            left = name in ("not spent", "engine")
            colour = FAINT if left else SERIES[_COLOURS.get(name, 4)]
            axes.barh(row, amount, color=colour, height=0.66)
            said = f"{describe(resource, amount, unit)} ({amount / max(limit, total):.1%})"
            axes.annotate(said, (amount, row), xytext=(5, 0), textcoords="offset points", va="center", color=INK)
        axes.set_yticks(range(len(parts)), [name for name, _ in parts])
        axes.invert_yaxis()
        axes.set_xlim(0, max(amount for _, amount in parts) * 1.35)
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.tick_params(axis="y", length=0)
        axes.spines["bottom"].set_visible(False)

    said = ", ".join(f"{name} {describe(resource, amount, unit)}" for name, amount in parts)
    return Plot(
        "budget",
        "Where the budget went",
        f"Bars by outcome, of {describe(resource, limit, unit)}: {said}.",
        f"Of the budget of {describe(resource, limit, unit)}, by the outcome of the leases. Failed, lost and pilot work is charged too.",
        draw,
        0.5 + 0.3 * len(parts),
    )
