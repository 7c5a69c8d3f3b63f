"""What a question about growth found: a law with its predictions, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a law expects at one size: the middle and the 95 % interval, if the curve keeps one of the three forms."""

    size: float
    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class FittedForm:
    """One form fitted to the means.

    Attributes:
        form: ``"power+offset"``: a n^-b + c, ``"power"``: a n^-b, or ``"log-linear"``: a + b log n.
        a, b, c: its parameters.
        fits: whether it fits within the noise among seeds.
        kept: whether it counts in the interval of a prediction.
        exponent_interval: 95 % profile interval of b, None for the log-linear form.
    """

    form: str
    a: float
    b: float
    c: float
    fits: bool
    kept: bool
    exponent_interval: tuple[float, float] | None

    def formula(self, over: str) -> str:
        """Returns it as a formula."""
        if self.form == "log-linear":
            return f"{self.a:.4g} {'+' if self.b >= 0 else '-'} {abs(self.b):.4g} log {over}"
        offset = f" + {self.c:.4g}" if self.form == "power+offset" else ""
        return f"{self.a:.4g} {over}^-{self.b:.4g}{offset}"


@dataclass(frozen=True)
class Law:
    """What was found about how a metric changes with size.

    Attributes:
        metric: the loss.
        over: the parameter that grows.
        sizes: its values.
        runs: the finite results at each size, in seed order.
        crashes: runs that gave no finite value, at each size.
        forms: the fits, the best first; empty where there was nothing to fit.
        refused: why no prediction may be made, None if one may.
        predictions: what was asked for; given also where refused, as what the fit would say.
        farthest: the largest size up to which a prediction needs no run first.
        ended: why no more was run, empty if everything was.
    """

    metric: str
    over: str
    sizes: tuple[float, ...]
    runs: tuple[tuple[float, ...], ...]
    crashes: tuple[int, ...]
    forms: tuple[FittedForm, ...]
    refused: str | None
    predictions: tuple[Prediction, ...]
    farthest: float
    ended: str = ""

    @property
    def answers(self) -> bool:
        """Whether the data carry a law."""
        return self.refused is None

    def lines(self) -> Iterator[str]:
        """Yields the law or why there is none, the predictions, and what may not be claimed."""
        means = ", ".join(f"{sum(run) / len(run):.4g} at {size:g}" for size, run in zip(self.sizes, self.runs, strict=True) if run)
        if means:
            yield f"mean {self.metric} by {self.over}: {means}"
        if self.refused:
            yield f"no law: {self.refused}" + (f" ({self.ended})" if self.ended else "")
        for n, form in enumerate(self.forms):
            interval = form.exponent_interval
            exponent = f", exponent {form.b:.3g} ({interval[0]:.3g} to {interval[1]:.3g})" if interval else ""
            role = "law" if n == 0 and not self.refused else "also fits" if form.fits else "does not fit"
            yield f"{role}: {self.metric} = {form.formula(self.over)}{exponent}"
        for made in self.predictions:
            what = "the fit would say, and is not to be trusted" if self.refused else "predicted, if the curve keeps one of these forms"
            yield f"{self.metric} at {self.over} {made.size:g}: {made.value:.4g}, 95% {made.lower:.4g} to {made.upper:.4g} ({what})"
            if made.size > self.farthest:
                verify = f"a run at {2 * self.sizes[-1]:g} or more must verify the law first"
                yield f"{made.size:g} is more than 4 times the largest size: {verify}"
        if crashed := sum(self.crashes):
            yield f"{crashed} runs crashed or diverged and are not in the fit"

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data, as ``--json`` prints it."""
        best = self.forms[0] if self.forms else None
        return {
            "form": best and best.form,
            "exponent": best and best.b,
            "interval": best and best.exponent_interval and list(best.exponent_interval),
            "refused": self.refused,
            "prediction": [asdict(made) for made in self.predictions],
            "largest": None,
            "sizes": list(self.sizes),
            "runs": [list(run) for run in self.runs],
            "crashes": list(self.crashes),
        }
