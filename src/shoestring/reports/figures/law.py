"""The plot of a scaling law: results by size, the fitted forms, and the envelope of what they expect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shoestring.questions.scale.finding import FittedForm, Law
from shoestring.reports.drawing import FAINT, SERIES, STYLES, Plot, clipped, dots, plain_numbers
from shoestring.reports.wording import plural
from shoestring.stats.scaling_forms import Array
from shoestring.stats.scaling_law import Extrapolation, extrapolate, fit_scaling_law

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 14  # of the envelope


def law_plot(finding: Law, rng: np.random.Generator) -> Plot | None:
    """Returns the plot; None where no run gave a value.

    Args:
        rng: draws the resamples behind the envelope.
    """
    if not any(finding.runs):
        return None
    farthest = max([finding.sizes[-1], *(min(made.size, finding.farthest) for made in finding.predictions)])
    envelope = _envelope(finding, farthest, rng)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        if envelope:
            at = [point.size for point in envelope]
            axes.fill_between(at, [p.lower for p in envelope], [p.upper for p in envelope], color=SERIES[0], alpha=0.2, linewidth=0)
        for size, run in zip(finding.sizes, finding.runs, strict=True):
            dots(axes, [size] * len(run), run, FAINT, 3.5)
        known = [(size, float(np.mean(run))) for size, run in zip(finding.sizes, finding.runs, strict=True) if run]
        dots(axes, [size for size, _ in known], [mean for _, mean in known], SERIES[0], 5.5)
        sizes = np.geomspace(finding.sizes[0], farthest, 60)
        for i, form in enumerate(finding.forms):
            values = _at(form, sizes)
            shown = values > 0
            axes.plot(sizes[shown], values[shown], color=SERIES[i + 1], linestyle=STYLES[i], linewidth=1.2, label=form.form)
        for made in finding.predictions:
            axes.vlines(made.size, max(made.lower, 1e-300), made.upper, color=SERIES[3], linewidth=1.6)
            dots(axes, [made.size], [made.value], SERIES[3], 5.5)
        axes.set_ylim(*_frame(finding, envelope))
        plain_numbers(axes, "x")
        plain_numbers(axes, "y")
        axes.set_xlabel(clipped(finding.over))
        axes.set_ylabel(clipped(finding.metric))
        if finding.forms:
            axes.legend(loc="best")

    caption = f"{finding.metric} by {finding.over}, both on log scales: grey dots are runs, blue ones means, lines the fitted forms."
    if envelope:
        caption += " Shaded: the 95% envelope of the forms that are kept; no interval guards against a bend beyond the data."
    if finding.predictions:
        caption += " Upright bars: the predictions that were asked for."
    if finding.refused:
        caption += f" No law is claimed: {finding.refused}"
    if crashed := sum(finding.crashes):
        caption += f" {plural(crashed, 'run')} without a value {'is' if crashed == 1 else 'are'} left out."
    said = "; ".join(f"{form.form}: {form.formula(finding.over)}" for form in finding.forms) or "no form could be fitted"
    return Plot(
        "law",
        "The law and its envelope",
        f"{finding.metric} against {finding.over} at {len(finding.sizes)} sizes. {said}.",
        caption,
        draw,
        3.3,
    )


def _envelope(finding: Law, farthest: float, rng: np.random.Generator) -> tuple[Extrapolation, ...]:
    """Returns what is expected from the smallest size to the farthest, nothing where no law is claimed."""
    if finding.refused:
        return ()
    fitted = fit_scaling_law(finding.sizes, finding.runs)
    return tuple(extrapolate(fitted, np.geomspace(finding.sizes[0], farthest, _POINTS), rng))


def _frame(finding: Law, envelope: Sequence[Extrapolation]) -> tuple[float, float]:
    """Returns the limits of the values, so that a form that does not fit does not flatten the others."""
    shown = [value for run in finding.runs for value in run]
    if not finding.refused:
        shown += [value for made in finding.predictions for value in (made.lower, made.upper)]
        shown += [value for point in envelope for value in (point.lower, point.upper)]
    positive = [value for value in shown if value > 0 and math.isfinite(value)]
    if not positive:
        raise ValueError("no value is above 0, and its axes are logarithmic")
    return min(positive) / 1.2, max(positive) * 1.2


def _at(form: FittedForm, sizes: Array) -> Array:
    if form.form == "log-linear":
        return np.asarray(form.a + form.b * np.log(sizes), dtype=np.float64)
    return np.asarray(form.a * sizes**-form.b + form.c, dtype=np.float64)
