"""Theorem 1 as an algorithm: a ReLU network of 2n + d weights, built without training, that gives n inputs any labels whatever.

It says nothing of inputs that it was not built for. Source: Zhang et al. 2017, arXiv:1611.03530, section 4 and appendix C.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import UsageError

Floats: TypeAlias = NDArray[np.float64]
MOST_AS_SUM = 1000  # examples up to which the sum of ReLUs is within 1e-6 in float64
_CELLS = 1 << 22  # numbers of a block of the sum of ReLUs


@dataclass(frozen=True)
class FiniteSampleNetwork:
    """The network ``f(x) = sum_j w_j max(a.x - b_j, 0)``.

    As a sum of ReLUs it loses digits where weights of both signs are large. The same function, piecewise linear in ``a.x``, is exact to
    rounding at any n: ``f = values_j + slopes_j (a.x - b_j)`` between ``b_j`` and ``b_j+1``, with ``slopes_j = w_1 + ... + w_j``.

    Attributes:
        a: first layer's weights, ``(d,)``.
        b: thresholds, ``(n,)``, rising.
        slopes: slope of each piece, ``(n,)``.
        values: value at the start of each piece, ``(n,)``.
    """

    a: Floats
    b: Floats
    slopes: Floats
    values: Floats

    @property
    def w(self) -> Floats:
        """The second layer's weights, ``(n,)``."""
        return np.diff(self.slopes, prepend=0.0)

    @property
    def n_weights(self) -> int:
        """Weights in all: ``2 n + d``."""
        return self.a.size + self.b.size + self.w.size

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Returns ``f`` of inputs ``(m, d)`` in its piecewise linear form, ``(m,)``."""
        z = projected(x, self.a)
        piece = np.searchsorted(self.b, z, side="right") - 1
        value = self.values[piece] + self.slopes[piece] * (z - self.b[piece])
        return np.where(piece < 0, 0.0, value)

    def as_sum(self, x: NDArray[np.generic]) -> Floats:
        """Returns ``f`` of inputs ``(m, d)`` as the network computes it, a sum of ReLUs, ``(m,)``.

        Raises:
            UsageError: there are more than 1,000 units, which cannot be summed to within 1e-6.
        """
        if len(self.b) > MOST_AS_SUM:
            raise UsageError(
                f"a sum over {len(self.b)} units is not within 1e-6 in float64, only up to {MOST_AS_SUM}; call the network itself instead."
            )
        z, w = projected(x, self.a), self.w
        rows = max(1, _CELLS // len(self.b))
        blocks = [np.maximum(z[i : i + rows, None] - self.b, 0.0) @ w for i in range(0, len(z), rows)]
        return np.concatenate(blocks) if blocks else np.zeros(0)


def finite_sample_network(
    x: NDArray[np.generic], y: NDArray[np.generic], rng: np.random.Generator, *, draws: int = 10, dtype: type = np.float64
) -> FiniteSampleNetwork:
    """Builds the network with ``f(x_i) = y_i`` in O(n d + n log n) steps.

    A random ``a`` puts the inputs in an order ``z_1 < ... < z_n``; thresholds lie between them, ``b_1 < z_1 < b_2 < ... < b_n < z_n``, so
    that the matrix ``max(z_i - b_j, 0)`` is lower triangular with a positive diagonal. It is solved by forward substitution.

    Args:
        x: inputs, ``(n, d)``, no two alike.
        y: labels, ``(n,)``, any numbers.
        rng: draws ``a``.
        draws: how many ``a`` are drawn; the one that keeps its two closest inputs furthest apart, against the range, is taken.
        dtype: only ``numpy.float64``: in float32 the closest inputs fall together and the error is larger than the labels.
    Raises:
        UsageError: another ``dtype``, two inputs that are alike, something that is not finite, or shapes that do not fit.
    """
    if np.dtype(dtype) != np.float64:
        raise UsageError(f"{np.dtype(dtype).name} is too coarse to separate the inputs; build the network in float64.")
    points, labels = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if points.ndim != 2 or labels.shape != points.shape[:1] or not len(labels):
        raise UsageError(f"inputs {points.shape} and labels {labels.shape} do not fit; give (n, d) and (n,), n at least 1.")
    if not (np.isfinite(points).all() and np.isfinite(labels).all()) or draws < 1:
        raise UsageError(f"inputs and labels must be finite numbers, and draws={draws} at least 1; take out NaN and infinity.")
    a, z, order = _separated(points, rng, draws)
    b, slopes, values = _substituted(z[order], labels[order])
    return FiniteSampleNetwork(a, b, slopes, values)


def projected(x: NDArray[np.generic], a: Floats) -> Floats:
    """Returns ``a.x`` of each row of ``(m, d)``, to the same last digit in whatever company a row comes."""
    points = np.ascontiguousarray(x, np.float64)
    rows = max(1, _CELLS // max(1, points.shape[1]))  # a product of matrices may round a row by how many there are; a sum along it does not
    blocks = [(points[i : i + rows] * a).sum(axis=1) for i in range(0, len(points), rows)]
    return np.concatenate(blocks) if blocks else np.zeros(0)


def _separated(x: Floats, rng: np.random.Generator, draws: int) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Returns the best of several directions, the inputs along it, and their order."""
    widest: float = 0.0
    best: tuple[Floats, Floats, NDArray[np.intp]] | None = None
    for _ in range(draws):
        a = np.asarray(rng.standard_normal(x.shape[1]))
        z = projected(x, a)
        order = np.argsort(z, kind="stable")
        gaps = np.diff(z[order])
        gap = float(gaps.min()) / float(z[order[-1]] - z[order[0]]) if gaps.size and gaps.min() > 0 else float(not gaps.size)
        if gap > widest:
            widest, best = gap, (a, z, order)
    if best is None:
        raise UsageError(f"of {len(x)} inputs at least two are alike or cannot be told apart in float64; take the duplicates out.")
    return best


def _substituted(z: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns thresholds, slopes and values for rising ``z``, by forward substitution with the running sum of the weights, the slope.

    A threshold follows the input before it by half of what separates that input from its own threshold, or of the gap after it if that
    is less. A value then is at most ``|y_j| + (|y_j| + |value_j|) / 2``, so nothing grows with n: ``|value| <= 3 max |y|``.
    """
    n = len(z)
    b, slopes, values = np.empty(n), np.empty(n), np.empty(n)
    threshold, value = z[0] - 1.0, 0.0
    for j in range(n):
        slope = (y[j] - value) / (z[j] - threshold)
        b[j], slopes[j], values[j] = threshold, slope, value
        if j + 1 < n:
            after = z[j] + min(z[j + 1] - z[j], z[j] - threshold) / 2
            value = y[j] + slope * (after - z[j])
            threshold = after
    return b, slopes, values
