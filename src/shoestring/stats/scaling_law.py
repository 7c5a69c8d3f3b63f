"""Fits a scaling law to results at several sizes, says whether any of three forms fits, and extrapolates with an interval if one does.

It refuses more often than it answers where the curve bends: a curve that keeps none of the forms is reported as such. What it cannot see
is a bend that lies beyond the data; no interval guards against that. Everything is a loss: above 0, lower is better.
Source: backtesting and the noise model after Choshen et al. 2024, "A hitchhiker's guide to scaling law estimation", arXiv:2410.11840.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from shoestring.stats.crashes import HUGE
from shoestring.stats.scaling_forms import FORMS, N_PARAMETERS, Fits, Form, fit_form, fixed_b

Array = NDArray[np.float64]
MIN_SIZES = 5
MIN_NOISE_DF = 4  # results beyond the first of a size, over all sizes; 3 seeds at each of 6 sizes make 12
FARTHEST = 4.0  # times the largest size; beyond it a run is needed first
_LEVEL = 0.95
_HELD_OUT = 2  # of the largest sizes, in the backtest
_CLEARLY_WORSE = (3.0, 24.0)  # a form is dropped when its chi-squared is above 3 times the best + 24
_MOST_BACKTEST = 4.0  # relative standard errors of a size's mean
_B_RANGE = (0.02, 3.0)
_PROFILE_STEPS = 400


@final
@dataclass(frozen=True, slots=True)
class Curve:
    """One form fitted to the means.

    Attributes:
        form: ``"power+offset"``, ``"power"`` or ``"log-linear"``.
        a: see ``scaling_forms``.
        b: the exponent, or the slope of the log-linear form.
        c: the offset, 0 where the form has none.
        chi2: sum of squared errors in standard errors of the means.
        df: number of sizes less number of parameters.
        fits: the F test at 5% finds no lack of fit against the noise among seeds.
        kept: not clearly worse than the best form, so it counts in the envelope.
        backtest: ``(2,)``, log of truth over prediction at the two largest sizes when fitted without them.
        b_interval: 95% profile interval of the exponent, within .02 to 3; None for the log-linear form.
    """

    form: Form
    a: float
    b: float
    c: float
    chi2: float
    df: int
    fits: bool
    kept: bool
    backtest: tuple[float, ...]
    b_interval: tuple[float, float] | None

    def at(self, sizes: Sequence[float] | Array) -> Array:
        """Returns the curve at ``(n,)`` sizes."""
        a, b, c = (np.array([value]) for value in (self.a, self.b, self.c))
        return Fits(self.form, a, b, c, np.zeros(1)).at(np.asarray(sizes, dtype=np.float64)).ravel()


@final
@dataclass(frozen=True, slots=True)
class ScalingLaw:
    """What the data say.

    Attributes:
        sizes: ``(m,)``, increasing.
        means: ``(m,)``, of the seeds at each size.
        n_seeds: ``(m,)``.
        relative_sd: of one run, pooled over the sizes.
        noise_df: degrees of freedom of ``relative_sd``.
        curves: one a form.
        drift: what the backtest says an extrapolation is off, as a log ratio a doubling.
        refused: why no extrapolation is given, one sentence; None where the gate is passed.
    """

    sizes: Array
    means: Array
    n_seeds: NDArray[np.int64]
    relative_sd: float
    noise_df: int
    curves: tuple[Curve, ...]
    drift: float
    refused: str | None

    @property
    def best(self) -> Curve:
        """The form with the smallest chi-squared a degree of freedom."""
        return min(self.curves, key=lambda curve: curve.chi2 / curve.df)

    @property
    def standard_errors(self) -> Array:
        """Relative standard error of each mean, ``(m,)``."""
        return np.asarray(self.relative_sd / np.sqrt(self.n_seeds), dtype=np.float64)


@final
@dataclass(frozen=True, slots=True)
class Extrapolation:
    """What is expected at one size, if the curve keeps one of the three forms.

    Attributes:
        size: where.
        middle: prediction of the best form.
        lower: of the 95% interval.
        upper: of the 95% interval.
        by_form: interval of each kept form alone, before it was widened by the backtest.
    """

    size: float
    middle: float
    lower: float
    upper: float
    by_form: dict[Form, tuple[float, float]]


def fit_scaling_law(sizes: Sequence[float] | Array, runs: Sequence[Sequence[float] | Array]) -> ScalingLaw:
    """Returns the three fits, what each is worth, and whether one may extrapolate.

    Args:
        sizes: ``(m,)``, at least 5, each at least sqrt 2 times the one before.
        runs: one list a size, the results of its seeds, above 0, lower is better; best 3 seeds at each. A size may have a single one, if
            others have more: the noise is pooled as a share of the result.
    Raises:
        ValueError: too few sizes, sizes too close or not increasing, fewer than 4 repeats in all, or a result that is not above 0.
    """
    n, results = _checked(sizes, runs)
    means = np.array([result.mean() for result in results])
    n_seeds = np.array([result.size for result in results])
    noise_df = int(n_seeds.sum() - n_seeds.size)
    squares = sum(float(((result / mean - 1) ** 2).sum()) for result, mean in zip(results, means, strict=True))
    relative_sd = math.sqrt(squares / noise_df)
    if relative_sd == 0:
        raise ValueError(
            "all seeds of a size gave the same result, so the noise that a fit is measured by is unknown; check that seeds are used."
        )
    scale = means * relative_sd / np.sqrt(n_seeds)
    fits = {form: fit_form(form, n, means[None], scale[None]) for form in FORMS}
    least = min(float(fit.sse[0]) for fit in fits.values())
    curves = tuple(_judged(fits[form], n, means, scale, noise_df, least) for form in FORMS)
    doublings = np.log2(n[-_HELD_OUT:] / n[-_HELD_OUT - 1])
    drift = max(float(np.max(np.abs(curve.backtest) / doublings)) for curve in curves if curve.kept)
    return ScalingLaw(n, means, n_seeds, relative_sd, noise_df, curves, drift, _gate(curves, relative_sd / np.sqrt(n_seeds[-_HELD_OUT:])))


def extrapolate(
    law: ScalingLaw, sizes: Sequence[float] | Array, rng: np.random.Generator, *, draws: int = 300, unverified: bool = False
) -> tuple[Extrapolation, ...]:
    """Returns the 95% interval at each size: the envelope of the kept forms' bootstrap intervals, widened by the backtest.

    It is computed whether or not ``law.refused``; whoever shows it where the gate refused must say so.

    Args:
        law: the fits.
        sizes: where, above 0.
        rng: draws the parametric bootstrap.
        draws: how many, at least 40.
        unverified: allow sizes more than 4 times the largest one that was run.
    Raises:
        ValueError: a size that is not above 0, one too far out, or too few draws.
    """
    targets = np.asarray(sizes, dtype=np.float64)
    if targets.ndim != 1 or not np.all(targets > 0) or draws < 40:
        raise ValueError(f"sizes of shape {targets.shape} and draws={draws} cannot be used; sizes are above 0, draws at least 40.")
    if not unverified and np.any(targets > FARTHEST * law.sizes[-1]):
        raise ValueError(
            f"size {targets.max():g} is more than {FARTHEST:g} times the largest size that was run, {law.sizes[-1]:g}; "
            f"run one at {2 * law.sizes[-1]:g} or above first, or pass unverified=True."
        )
    by_form = {curve.form: _bootstrap(curve, law, targets, rng, draws) for curve in law.curves if curve.kept}
    middle = law.best.at(targets)
    widening = law.drift * np.maximum(np.log2(targets / law.sizes[-1]), 0.0)
    out = []
    for i, size in enumerate(targets):
        lower = min(float(low[i]) for low, _ in by_form.values())
        upper = max(float(high[i]) for _, high in by_form.values())
        if middle[i] > 0:
            lower, upper = min(lower, middle[i] * math.exp(-widening[i])), max(upper, middle[i] * math.exp(widening[i]))
        ends: dict[Form, tuple[float, float]] = {form: (float(low[i]), float(high[i])) for form, (low, high) in by_form.items()}
        out.append(Extrapolation(float(size), float(middle[i]), max(float(lower), 0.0), float(upper), ends))
    return tuple(out)


def _judged(fit: Fits, n: Array, means: Array, scale: Array, noise_df: int, least: float) -> Curve:
    chi2, df = float(fit.sse[0]), n.size - N_PARAMETERS[fit.form]
    factor, extra = _CLEARLY_WORSE
    short = fit_form(fit.form, n[:-_HELD_OUT], means[None, :-_HELD_OUT], scale[None, :-_HELD_OUT])
    predicted = np.maximum(short.at(n[-_HELD_OUT:])[0], 1e-12 * means[-1])  # the log-linear form may fall below 0
    return Curve(
        form=fit.form,
        a=float(fit.a[0]),
        b=float(fit.b[0]),
        c=float(fit.c[0]),
        chi2=chi2,
        df=df,
        fits=bool(chi2 / df <= fdtri(df, noise_df, _LEVEL)),
        kept=chi2 <= factor * least + extra,
        backtest=tuple(float(error) for error in np.log(means[-_HELD_OUT:] / predicted)),
        b_interval=None if fit.form == "log-linear" else _profile(fit, n, means, scale, noise_df),
    )


def _profile(fit: Fits, n: Array, means: Array, scale: Array, noise_df: int) -> tuple[float, float]:
    """Returns where chi-squared stays within the F quantile of its least value as b moves and the rest is fitted again."""
    allowed = float(fit.sse[0]) + float(fdtri(1, noise_df, _LEVEL))
    middle, ends = math.log(float(fit.b[0])), []
    for end in map(math.log, _B_RANGE):
        log_b = np.linspace(middle, end, _PROFILE_STEPS)
        rows = np.ones((_PROFILE_STEPS, 1))
        chi2 = fixed_b(fit.form, np.exp(log_b), n, rows * means, rows * scale).sse
        beyond = np.flatnonzero(chi2 > allowed)
        if not beyond.size:
            ends.append(math.exp(end))
            continue
        last = max(int(beyond[0]), 1)
        part = (allowed - chi2[last - 1]) / (chi2[last] - chi2[last - 1])
        ends.append(math.exp(float(log_b[last - 1] + part * (log_b[last] - log_b[last - 1]))))
    return ends[0], ends[1]


def _gate(curves: tuple[Curve, ...], top_errors: Array) -> str | None:
    if not any(curve.fits for curve in curves):
        return "none of the three forms fits within the noise among seeds"
    if not any(np.all(np.abs(curve.backtest) <= _MOST_BACKTEST * top_errors) for curve in curves):
        return "no form predicts the two largest sizes from the smaller ones to within four standard errors"
    return None


def _bootstrap(curve: Curve, law: ScalingLaw, targets: Array, rng: np.random.Generator, draws: int) -> tuple[Array, Array]:
    """Returns the percentile interval of one form at the targets: curves fitted again to itself plus noise."""
    fitted = curve.at(law.sizes)
    # Differs from normal noise of known size: the standard deviation is itself drawn, as it was measured on few seeds.
    spread = np.sqrt(law.noise_df / rng.chisquare(law.noise_df, size=(draws, 1)))
    noise = 1 + law.standard_errors * spread * rng.normal(size=(draws, law.sizes.size))
    values = fitted * np.maximum(noise, 0.05)
    scale = np.maximum(np.abs(values), 1e-300) * law.standard_errors
    predicted = fit_form(curve.form, law.sizes, values, scale).at(targets)
    low, high = np.quantile(predicted, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _checked(sizes: Sequence[float] | Array, runs: Sequence[Sequence[float] | Array]) -> tuple[Array, list[Array]]:
    n = np.asarray(sizes, dtype=np.float64)
    results = [np.asarray(run, dtype=np.float64) for run in runs]
    if n.ndim != 1 or n.size < MIN_SIZES or len(results) != n.size:
        raise ValueError(
            f"{n.size} sizes with {len(results)} lists of results are not enough; a scaling law needs at least {MIN_SIZES} sizes."
        )
    if not np.all(np.isfinite(n)) or not n[0] > 0 or np.any(n[1:] < math.sqrt(2) * n[:-1] * 0.97):  # sizes are rounded
        raise ValueError(f"sizes {n.tolist()} cannot be used; each must be at least sqrt 2 times the one before. Spread them by doublings.")
    for size, result in zip(n, results, strict=True):
        if result.ndim != 1 or not result.size:
            raise ValueError(f"size {size:g} has results of shape {result.shape}; one list of at least one number a size is needed.")
        if not np.all(np.isfinite(result)) or not np.all(result > 0):
            raise ValueError(f"size {size:g} has results {result.tolist()}; all must be above 0. Give a loss or an error rate.")
        if np.any(result > HUGE):
            raise ValueError(
                f"size {size:g} has results beyond {HUGE:g}, whose squares are beyond any number; report the logarithm of the loss."
            )
    if (noise_df := sum(result.size - 1 for result in results)) < MIN_NOISE_DF:
        raise ValueError(
            f"the sizes were repeated {noise_df} times in all, which leaves the noise unknown; "
            f"repeat them at least {MIN_NOISE_DF} times, best with 3 seeds at each size."
        )
    return n, results
