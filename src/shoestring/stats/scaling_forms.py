"""The three curves that are fitted to results over sizes, for many samples at once.

=============  ====================  ====================
form           curve                 limits
=============  ====================  ====================
power+offset   ``a n**-b + c``       a, c at least 0
power          ``a n**-b``           a at least 0
log-linear     ``a + b log n``       none
=============  ====================  ====================

With b held fixed the rest is a small least-squares problem in closed form; b is sought on a grid from .02 to 3 and refined by golden
section, so there is no starting point and no local minimum to fall into. Nothing here judges a fit: see ``scaling_law``.
Source: variable projection, Golub and Pereyra 1973.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Form = Literal["power+offset", "power", "log-linear"]
FORMS: tuple[Form, ...] = ("power+offset", "power", "log-linear")
N_PARAMETERS: dict[Form, int] = {"power+offset": 3, "power": 2, "log-linear": 2}
_B_GRID = np.geomspace(0.02, 3.0, 61)
_GOLDEN = (math.sqrt(5) - 1) / 2
_GOLDEN_STEPS = 26


@final
@dataclass(frozen=True, slots=True)
class Fits:
    """One fitted curve a sample.

    Attributes:
        form: which curve.
        a: ``(n_samples,)``.
        b: ``(n_samples,)``.
        c: ``(n_samples,)``, 0 where the form has none.
        sse: ``(n_samples,)``, sum of squared errors, each divided by its scale.
    """

    form: Form
    a: Array
    b: Array
    c: Array
    sse: Array

    def at(self, sizes: Array) -> Array:
        """Returns the curves at ``(n_sizes,)`` sizes, ``(n_samples, n_sizes)``."""
        a, b, c = self.a[:, None], self.b[:, None], self.c[:, None]
        if self.form == "log-linear":
            return np.asarray(a + b * np.log(sizes), dtype=np.float64)
        return np.asarray(a * sizes**-b + c, dtype=np.float64)


def fit_form(form: Form, sizes: Array, values: Array, scale: Array) -> Fits:
    """Returns the least-squares fit of one form to each sample.

    Args:
        form: which curve.
        sizes: ``(n_sizes,)``, above 0.
        values: ``(n_samples, n_sizes)``.
        scale: ``(n_samples, n_sizes)``, what an error of each value is measured in, above 0.
    """
    if form == "log-linear":
        return _log_linear(sizes, values, scale)
    n_samples, n_grid = len(values), _B_GRID.size
    every = np.repeat(values, n_grid, axis=0), np.repeat(scale, n_grid, axis=0)
    best = np.argmin(fixed_b(form, np.tile(_B_GRID, n_samples), sizes, *every).sse.reshape(n_samples, n_grid), axis=1)
    low = np.log(_B_GRID[np.maximum(best - 1, 0)])
    high = np.log(_B_GRID[np.minimum(best + 1, n_grid - 1)])
    both = np.concatenate([values, values]), np.concatenate([scale, scale])
    for _ in range(_GOLDEN_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        sse = fixed_b(form, np.exp(np.concatenate([left, right])), sizes, *both).sse
        smaller = sse[:n_samples] < sse[n_samples:]
        low, high = np.where(smaller, low, left), np.where(smaller, right, high)
    return fixed_b(form, np.exp((low + high) / 2), sizes, values, scale)


def fixed_b(form: Form, b: Array, sizes: Array, values: Array, scale: Array) -> Fits:
    """Returns the fit with the exponent of each sample held at ``b``, ``(n_samples,)``; for the two power forms."""
    x = (sizes / sizes[0]) ** -b[:, None]  # relative to the first size, so that no power is tiny
    weight = scale**-2.0
    xx, xy = (weight * x * x).sum(axis=1), (weight * x * values).sum(axis=1)
    a, c = np.maximum(xy / xx, 0.0), np.zeros_like(b)
    if form == "power+offset":
        one, x1, y1 = weight.sum(axis=1), (weight * x).sum(axis=1), (weight * values).sum(axis=1)
        spread = np.maximum(xx * one - x1 * x1, 1e-300)
        free_a, free_c = (xy * one - y1 * x1) / spread, (xx * y1 - x1 * xy) / spread
        flat = np.maximum(y1 / one, 0.0)
        # where a or c would be negative, the best allowed fit has a 0 there
        a, c = np.where(free_a <= 0, 0.0, np.where(free_c < 0, a, free_a)), np.where(free_a <= 0, flat, np.where(free_c < 0, 0.0, free_c))
    error = (values - a[:, None] * x - c[:, None]) / scale
    return Fits(form, a * sizes[0] ** b, b, c, (error**2).sum(axis=1))


def _log_linear(sizes: Array, values: Array, scale: Array) -> Fits:
    weight = scale**-2.0
    total = weight.sum(axis=1)
    log_size = np.log(sizes)
    x = log_size - ((weight * log_size).sum(axis=1) / total)[:, None]
    b = (weight * x * values).sum(axis=1) / (weight * x * x).sum(axis=1)
    a = (weight * (values - b[:, None] * log_size)).sum(axis=1) / total
    error = (values - a[:, None] - b[:, None] * log_size) / scale
    return Fits("log-linear", a, b, np.zeros_like(a), (error**2).sum(axis=1))
