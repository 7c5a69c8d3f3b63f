"""A small Gaussian process: what to expect of a configuration that was not tried, from the scores of those that were.

Not a general regression library: a Matern-5/2 kernel with one length scale a parameter, on the unit cube, and at most a hundred points.
Source: Rasmussen and Williams 2006, "Gaussian processes for machine learning", chapters 2, 4 and 5; expected improvement after Jones,
Schonlau and Welch 1998.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.special import ndtr

_N_POINTS = 100  # how many points the predictions rest on
_N_FITTED = 50  # how many of them the length scales are fitted to
_N_STEPS = 6  # of L-BFGS; the prior and the many draws forgive a fit that stops early
_NOISE = 0.05  # the most likely share of noise in the variance before anything was seen
_JITTER = 1e-6


class Surrogate:
    """The posterior of a Gaussian process given scored points.

    Length scales, signal and noise are the most probable ones, nearly: a few steps up from where their log-normal priors peak. Of many
    points the better half of ``_N_POINTS`` is the best ones, and the rest are spread evenly over the others by score.

    Args:
        points: ``(n, d)`` in the unit cube, n at least 2.
        scores: ``(n,)``, finite, lower is better.
        is_choice: ``(d,)``, True where only equal or not equal counts.
        rng: draws the points that the length scales are fitted to.
    """

    def __init__(
        self, points: NDArray[np.float64], scores: NDArray[np.float64], is_choice: NDArray[np.bool_], rng: np.random.Generator
    ) -> None:
        scale = np.abs(scores - scores.mean()).max() or 1.0
        scores = (scores - scores.mean()) / scale
        scores = scores / (scores.std() or 1.0)
        kept = _spread(scores)
        self._points, scores, self._is_choice = points[kept], scores[kept], is_choice
        part = rng.permutation(len(kept))[:_N_FITTED]
        theta = _fit(_squares(self._points[part], self._points[part], is_choice), scores[part])
        self._weights, (self._signal, noise) = np.exp(-2 * theta[:-2]), np.exp(theta[-2:])
        covariance = self._covariance(self._points)
        self._factor = np.linalg.cholesky(covariance + (noise + _JITTER) * np.eye(len(kept)))
        self._solved = cho_solve((self._factor, True), scores, check_finite=False)
        self._best = float((covariance @ self._solved).min())

    def expected_improvement(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns how far below the best known point each of ``(n, d)`` points is expected to be, counting 0 where it is above."""
        covariance = self._covariance(points)
        explained = solve_triangular(self._factor, covariance.T, lower=True, check_finite=False)
        deviation = np.sqrt(np.maximum(self._signal - (explained**2).sum(axis=0), 1e-12))
        z = (self._best - covariance @ self._solved) / deviation
        improvement: NDArray[np.float64] = deviation * (z * ndtr(z) + np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi))
        return improvement

    def _covariance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        distance = np.sqrt(5 * (_squares(points, self._points, self._is_choice) @ self._weights))
        covariance: NDArray[np.float64] = self._signal * (1 + distance + distance**2 / 3) * np.exp(-distance)
        return covariance


def _spread(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    order = np.argsort(scores, kind="stable")
    half = _N_POINTS // 2
    if len(order) <= _N_POINTS:
        return order
    return np.concatenate([order[:half], order[half:][np.linspace(0, len(order) - half - 1, _N_POINTS - half).astype(int)]])


def _squares(a: NDArray[np.float64], b: NDArray[np.float64], is_choice: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns the squared distances by parameter, ``(n_a, n_b, d)``; between two options it is 1."""
    squares: NDArray[np.float64] = (a[:, None, :] - b[None, :, :]) ** 2
    squares[:, :, is_choice] = squares[:, :, is_choice] > 0
    return squares


def _fit(squares: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithms of the length scales, the signal's and the noise's variance."""
    n, _, d = squares.shape
    flat = squares.reshape(n * n, d)
    # A length scale that grows with the root of d keeps two random points as much alike in many dimensions as in few.
    prior = np.array([*[0.5 * math.log(d) - 1.0] * d, 0.0, math.log(_NOISE)])
    width = np.array([*[1.0] * (d + 1), math.sqrt(2.0)])

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, (signal, noise) = np.exp(-2 * theta[:-2]), np.exp(theta[-2:])
        distance = np.sqrt(5 * (flat @ weights).reshape(n, n))
        decay = signal * np.exp(-distance)
        kernel = (1 + distance + distance**2 / 3) * decay
        factor = np.linalg.cholesky(kernel + (noise + _JITTER) * np.eye(n))
        inverse = cho_solve((factor, True), np.eye(n), check_finite=False)
        solved = inverse @ scores
        slope = 0.5 * (inverse - np.outer(solved, solved))  # of the negative log likelihood by each entry of the covariance
        by_length = 2 * weights * ((slope * (5 / 6 * (1 + distance) * decay)).ravel() @ flat)
        away = (theta - prior) / width
        value = 0.5 * scores @ solved + np.log(np.diag(factor)).sum() + 0.5 * away @ away
        return float(value), np.array([*by_length, (slope * kernel).sum(), noise * np.trace(slope)]) + away / width

    bounds = [(-3.0, 4.0)] * d + [(-3.0, 3.0), (-9.0, 1.0)]
    found: NDArray[np.float64] = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _N_STEPS}).x
    return found
