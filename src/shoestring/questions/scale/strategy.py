"""The strategy of a question about growth: a grid of sizes and seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shoestring.questions.compare.strategy import seed_of
from shoestring.questions.protocol import Unreserved
from shoestring.questions.scale.finding import FittedForm, Law, Prediction
from shoestring.questions.scale.question import Scale
from shoestring.stats.scaling_law import ScalingLaw, extrapolate, fit_scaling_law
from shoestring.values.orders import Observation, Start


class Scaling(Unreserved):
    """Runs every size on every seed, a whole round of sizes a seed, so that a budget that ends early leaves all sizes covered.

    Args:
        question: what is asked.
    """

    def __init__(self, question: Scale) -> None:
        self._question = question
        self._started: list[int] = []  # trial numbers, seed by seed
        self._losses: dict[int, float] = {}

    @property
    def done(self) -> bool:
        """Whether every run has ended."""
        return len(self._losses) == len(self._question.sizes) * self._question.seeds

    def ask(self) -> Start | None:
        """Returns the next run."""
        question, nth = self._question, len(self._started)
        if nth >= len(question.sizes) * question.seeds:
            return None
        seed, size = divmod(nth, len(question.sizes))
        config = {**question.config, question.over: whole(question.sizes[size])}
        order = Start(nth, config, question.horizon, seed_of(question.seed, seed, size))  # the fit takes the noise at each size for its own
        self.started(order)
        return order

    def started(self, order: Start) -> None:
        """Takes note of a new run."""
        self._started.append(order.trial_id)

    def tell(self, observation: Observation) -> None:
        """Takes in a result; only the last value of a run counts."""
        if observation.unit >= self._question.horizon or observation.ended:
            self._losses[observation.trial_id] = observation.loss

    def progress(self) -> str:
        """Returns how many runs have ended."""
        n = len(self._losses)
        return f"run {n} of {len(self._question.sizes) * self._question.seeds}" if n else ""

    def finding(self, ended: str) -> Law:
        """Returns the law, as far as the data carry one."""
        question = self._question
        results = self._by_size()
        runs = tuple(tuple(loss for loss in losses if math.isfinite(loss)) for losses in results)
        crashes = tuple(len(losses) - len(finite) for losses, finite in zip(results, runs, strict=True))
        refused, law = None, None
        try:
            law = fit_scaling_law(question.sizes, runs)
            refused = law.refused
        except ValueError as error:
            refused = str(error)
        forms = _forms(law) if law else ()
        rng = np.random.default_rng(question.seed)
        made = extrapolate(law, question.extrapolate, rng, unverified=question.unverified) if law and question.extrapolate else ()
        predictions = tuple(Prediction(one.size, one.middle, one.lower, one.upper) for one in made)
        ended = "" if self.done else ended
        return Law(question.metric, question.over, question.sizes, runs, crashes, forms, refused, predictions, question.farthest, ended)

    def _by_size(self) -> list[list[float]]:
        n = len(self._question.sizes)
        return [[self._losses[trial] for trial in self._started[size::n] if trial in self._losses] for size in range(n)]


def whole(size: float) -> int | float:
    """Returns a size as an integer if it is one, as training functions expect of widths and lengths."""
    return int(size) if float(size).is_integer() else size


def _forms(law: ScalingLaw) -> tuple[FittedForm, ...]:
    best: Sequence[object] = [law.best]
    ordered = sorted(law.curves, key=lambda curve: (curve not in best, curve.chi2 / curve.df))
    return tuple(FittedForm(curve.form, curve.a, curve.b, curve.c, curve.fits, curve.kept, curve.b_interval) for curve in ordered)
