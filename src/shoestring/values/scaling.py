"""What a question about size found: a law with its predictions, or the largest size that is still solved."""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class Capacity:
    """What was found about the largest size that is still solved.

    Attributes:
        over: the parameter that grows.
        condition: what solving means, such as ``accuracy >= 0.99``.
        p_star: the chance of a run that defines the capacity.
        lower: the capacity is at least this; 0 where even the smallest size may be too large.
        upper: and at most this; ``inf`` where even the largest may be solved.
        estimate: in between.
        level: how sure the two ends are.
        method: how it was found.
        trials: size and whether it was solved, in the order of their results.
        stopped: why it stopped.
        complete: whether the interval is as narrow as was asked for.
    """

    over: str
    condition: str
    p_star: float
    lower: float
    upper: float
    estimate: float
    level: float
    method: str
    trials: tuple[tuple[float, bool], ...]
    stopped: str
    complete: bool

    @property
    def answers(self) -> bool:
        """Whether the interval is as narrow as was asked for."""
        return self.complete

    def lines(self) -> Iterator[str]:
        """Yields the interval and what it rests on."""
        upper = "no upper end found" if math.isinf(self.upper) else f"at most {self.upper:.4g}"
        solved = sum(ok for _, ok in self.trials)
        what = f"largest {self.over} solved ({self.condition} in {self.p_star:.0%} of runs)"
        yield f"{what}: at least {self.lower:.4g}, {upper}, {self.level:.0%}"
        yield f"best estimate {self.estimate:.4g}; {len(self.trials)} runs, {solved} solved ({self.method}); stopped: {self.stopped}"
        if self.method == "BAYES":
            yield "the ends hold on average over places of the capacity, if larger is never easier"

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data, as ``--json`` prints it."""
        largest = {
            "lower": self.lower,
            "upper": None if math.isinf(self.upper) else self.upper,
            "estimate": self.estimate,
            "level": self.level,
            "method": self.method,
            "trials": len(self.trials),
        }
        return dict.fromkeys(("form", "exponent", "interval", "refused", "prediction")) | {"largest": largest}
