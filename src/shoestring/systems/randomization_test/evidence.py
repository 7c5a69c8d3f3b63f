"""Training functions of the claims that need no network to be trained: Theorem 1, and interpolants of least norm. One unit is one pass.

Source: Zhang et al. 2017, arXiv:1611.03530, sections 4 and 5.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.signal import fftconvolve

from shoestring import Trial
from shoestring.systems.randomization_test.expressivity import FiniteSampleNetwork, finite_sample_network, projected
from shoestring.systems.randomization_test.interpolation import BANDWIDTH, kernel_interpolant, minimum_norm
from shoestring.systems.randomization_test.task import raw

ORIENTATIONS, WAVELENGTH, SIGMA, RADIUS, STRIDE = 8, 6.0, 3.0, 6, 4  # of the Gabor filters; the paper does not state its own


def build(trial: Trial) -> None:
    """Builds the network of Theorem 1 for random labels on real images; reports its largest ``error`` and its ``n_weights``.

    Config: ``data``, ``n``, and ``digits_kept``: ``"float64"``, or ``"float32"``, in which the sum of ReLUs is then computed.
    """
    rng = np.random.default_rng(trial.seed)
    n = _count(trial, "n")
    images = raw(str(trial.config["data"]), "train")[0]
    x = images[rng.permutation(len(images))[:n]].reshape(n, -1).astype(np.float64)
    y = rng.integers(10, size=n).astype(np.float64)
    for _ in trial.steps():
        network = finite_sample_network(x, y, rng)
        assert network.n_weights == 2 * n + x.shape[1], "the theorem's count"
        found = network.as_sum(x) if trial.config["digits_kept"] == "float64" else _in_float32(network, x)
        trial.report(error=np.abs(found - y).max(), exact_error=np.abs(network(x) - y).max(), n_weights=network.n_weights)


def descend(trial: Trial) -> None:
    """Runs SGD, one example at a time, on a linear model of least squares; reports its ``distance`` from the solution of least norm.

    The distance is relative, in the Frobenius norm. The rate is ``1 / max |x|^2``.
    Config: ``data``, ``n``, ``epochs`` a unit, and ``start``: ``"zero"``, or ``"normal"`` for weights from which the least norm cannot
    be found, as SGD never leaves their part outside of the span of the inputs.
    """
    rng = np.random.default_rng(trial.seed)
    n = _count(trial, "n")
    images, labels = raw(str(trial.config["data"]), "train")
    chosen = rng.permutation(len(images))[:n]
    x, y = images[chosen].reshape(n, -1).astype(np.float64), _one_hot(labels[chosen])
    w = np.zeros((x.shape[1], y.shape[1]))
    if trial.config["start"] == "normal":
        w = rng.standard_normal(w.shape) / math.sqrt(x.shape[1])
    epochs = _count(trial, "epochs")
    target, rate = minimum_norm(x, y), 1 / float((x**2).sum(axis=1).max())
    for _ in trial.steps(w=w, rng=rng):
        for _ in range(epochs):
            for i in rng.permutation(n):
                w -= np.multiply.outer(x[i], rate * (x[i] @ w - y[i]))
        trial.report(distance=np.linalg.norm(w - target) / np.linalg.norm(target), residual=np.abs(x @ w - y).max())


def interpolate(trial: Trial) -> None:
    """Interpolates real images by the Gaussian kernel, on their pixels and on Gabor features, and tests both.

    Reported: ``test_error`` and ``norm`` on pixels, ``feature_error`` and ``feature_norm``; and ``misorder``, the log of how many times the
    features' norm is larger, times the log of how many times its error is smaller: above 0, the norm orders the two the wrong way round.
    Config: ``data``, ``n``, ``n_test``; ``labels``, ``"true"`` or ``"random"``; ``features``, ``"gabor"``, or ``"permuted"``: the pixels in
    another order, which changes nothing.
    """
    rng = np.random.default_rng(trial.seed)
    n, n_test, data = _count(trial, "n"), _count(trial, "n_test"), str(trial.config["data"])
    (images, labels), (test_images, test_labels) = raw(data, "train"), raw(data, "test")
    chosen = rng.permutation(len(images))[:n]
    train, test = images[chosen].astype(np.float64), test_images[:n_test].astype(np.float64)
    y = rng.integers(10, size=n) if trial.config["labels"] == "random" else labels[chosen]
    for _ in trial.steps():
        pixels = train.reshape(n, -1), test.reshape(n_test, -1)
        error, norm = _tested(*pixels, y, test_labels[:n_test])
        if trial.config["features"] == "gabor":
            features = gabor(train), gabor(test)
            spread = math.sqrt(pixels[0].var(axis=0).sum() / features[0].var(axis=0).sum())  # so that one bandwidth serves both
            features = features[0] * spread, features[1] * spread
        else:
            order = rng.permutation(pixels[0].shape[1])
            features = pixels[0][:, order], pixels[1][:, order]
        feature_error, feature_norm = _tested(*features, y, test_labels[:n_test])
        trial.report(
            test_error=error,
            norm=norm,
            feature_error=feature_error,
            feature_norm=feature_norm,
            misorder=math.log(feature_norm / norm) * math.log(max(error, 1 / n_test) / max(feature_error, 1 / n_test)),
        )


def gabor(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns rectified responses to eight oriented filters, averaged over 4 by 4 pixels: ``(n, h, w)`` to ``(n, 8 h w / 16)``."""
    place = np.arange(-RADIUS, RADIUS + 1)
    features = []
    for angle in np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS:
        along = place[:, None] * np.sin(angle) + place * np.cos(angle)
        window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * SIGMA**2))
        wave = window * np.cos(2 * np.pi * along / WAVELENGTH)
        wave -= window * (wave.sum() / window.sum())  # no response to an even surface
        response = np.abs(fftconvolve(images, wave[None], mode="same", axes=(1, 2)))
        features.append(uniform_filter(response, (0, STRIDE, STRIDE))[:, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE])
    return np.stack(features, axis=1).reshape(len(images), -1)


def _count(trial: Trial, name: str) -> int:
    return int(cast(int, trial.config[name]))


def _tested(x: NDArray[np.float64], z: NDArray[np.float64], y: NDArray[np.int64], y_test: NDArray[np.int64]) -> tuple[float, float]:
    interpolant = kernel_interpolant(x, _one_hot(y), BANDWIDTH)
    return float((interpolant(z).argmax(axis=1) != y_test).mean()), interpolant.norm


def _one_hot(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.eye(10)[labels])


def _in_float32(network: FiniteSampleNetwork, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the sum of ReLUs with all numbers and operations in float32."""
    z, b, w = (part.astype(np.float32) for part in (projected(x, network.a), network.b, network.w))
    return np.asarray(np.maximum(z[:, None] - b, np.float32(0)) @ w, np.float64)
