"""The data of the randomisation test: real images, and the variants of them in which labels or inputs mean nothing.

It trains nothing. Source: Zhang et al. 2017, arXiv:1611.03530, section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoestring import datasets
from shoestring.errors import UnknownName, UsageError

Floats: TypeAlias = NDArray[np.float32]
Labels: TypeAlias = NDArray[np.int64]
CROP = 28  # CIFAR-10's images are cropped to their centre, as in the paper's section 2 and appendix A


@dataclass(frozen=True)
class Data:
    """A classification problem.

    Attributes:
        x_train, x_test: inputs, ``(n, ...)`` float32; images are ``(n, height, width)`` or ``(n, channels, height, width)``.
        y_train, y_test: labels ``(n,)``, whole numbers from 0.
    Raises:
        UsageError: numbers of inputs and labels, or shapes of inputs, that do not fit; labels that are no whole numbers from 0.
    """

    x_train: Floats
    y_train: Labels
    x_test: Floats
    y_test: Labels

    def __post_init__(self) -> None:
        for name, x, y in (("train", self.x_train, self.y_train), ("test", self.x_test, self.y_test)):
            if len(x) != len(y) or not len(x):
                raise UsageError(f"x_{name} has {len(x)} rows and y_{name} has {len(y)}; give one label for each input, at least one.")
            if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
                raise UsageError(f"y_{name} must be a row of class numbers, got ({y.dtype}, shape {y.shape}); give whole numbers from 0.")
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise UsageError(f"training inputs have shape {self.x_train.shape[1:]}, test inputs {self.x_test.shape[1:]}; make them alike.")

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return int(max(self.y_train.max(), self.y_test.max())) + 1


Variant: TypeAlias = Callable[[Data, np.random.Generator], Data]


def true(data: Data, rng: np.random.Generator) -> Data:
    """Returns the data as they are."""
    return data


def corrupted(share: float) -> Variant:
    """Returns the variant in which each training label is drawn anew, uniformly, with probability ``share``.

    A label that is drawn anew may come out as it was, so ``share * (1 - 1 / n_classes)`` of them are wrong. Test labels stay true.

    Raises:
        UsageError: ``share`` is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"a share of {share:g} of the labels cannot be corrupted; give a number from 0 to 1.")

    def variant(data: Data, rng: np.random.Generator) -> Data:
        drawn = rng.integers(data.n_classes, size=len(data.y_train))
        return replace(data, y_train=np.where(rng.random(len(drawn)) < share, drawn, data.y_train))

    return variant


def signs(data: Data, rng: np.random.Generator) -> Data:
    """Returns the data with a fair coin for each training label, 0 or 1: the labels of an empirical Rademacher complexity."""
    return replace(data, y_train=rng.integers(2, size=len(data.y_train)))


def shuffled_pixels(data: Data, rng: np.random.Generator) -> Data:
    """Returns the data with one permutation of the pixels (and channels) applied to all inputs, training and test."""
    order = rng.permutation(data.x_train[0].size)
    x_train, x_test = (_flat(x)[:, order].reshape(x.shape) for x in (data.x_train, data.x_test))
    return replace(data, x_train=x_train, x_test=x_test)


def random_pixels(data: Data, rng: np.random.Generator) -> Data:
    """Returns the data with a permutation of its own applied to each input, training and test."""
    x_train, x_test = (rng.permuted(_flat(x), axis=1).reshape(x.shape) for x in (data.x_train, data.x_test))
    return replace(data, x_train=x_train, x_test=x_test)


def gaussian(data: Data, rng: np.random.Generator) -> Data:
    """Returns the data with normal inputs, of the mean and variance of all training pixels together."""
    mean, sd = float(data.x_train.mean()), float(data.x_train.std())
    x_train, x_test = (rng.normal(mean, sd, x.shape).astype(np.float32) for x in (data.x_train, data.x_test))
    return replace(data, x_train=x_train, x_test=x_test)


VARIANTS: dict[str, Variant] = {
    "true": true,
    "random-labels": corrupted(1.0),
    "shuffled-pixels": shuffled_pixels,
    "random-pixels": random_pixels,
    "gaussian": gaussian,
    "signs": signs,
}


def variant_of(name: str) -> Variant:
    """Returns the variant of a name: one of ``VARIANTS``, or ``"corrupt-40%"`` for 40% of the labels.

    Raises:
        UnknownName: there is none of that name.
    """
    share = name.removeprefix("corrupt-").removesuffix("%")
    if name == f"corrupt-{share}%" and share.replace(".", "", 1).isdigit():
        return corrupted(float(share) / 100)
    if name not in VARIANTS:
        raise UnknownName("variant", name, VARIANTS, hint="corrupt-40% draws 40% of the labels anew.")
    return VARIANTS[name]


def whiten(images: NDArray[np.generic]) -> Floats:
    """Returns each image less its mean, over its standard deviation, which is taken as at least ``1 / sqrt(n_pixels)``.

    Args:
        images: ``(n, ...)``, in 0 to 1.
    """
    flat = _flat(np.asarray(images, np.float32))
    sd = np.maximum(flat.std(axis=1, keepdims=True), flat.shape[1] ** -0.5)
    return np.asarray(((flat - flat.mean(axis=1, keepdims=True)) / sd).reshape(images.shape), np.float32)


def _digits(split: str) -> tuple[NDArray[np.float32], Labels]:
    """Returns scikit-learn's digits in an order that is drawn once: the first 1,200 are for training, the other 597 for testing."""
    from sklearn.datasets import load_digits  # an extra

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    rows = order[:1200] if split == "train" else order[1200:]
    return (bunch.images[rows] / 16).astype(np.float32), bunch.target[rows].astype(np.int64)


DATA: dict[str, Callable[[str], tuple[NDArray[np.generic], NDArray[np.generic]]]] = {
    "digits": _digits,
    "mnist": datasets.mnist,
    "fashion-mnist": datasets.fashion_mnist,
    "cifar10": datasets.cifar10,
}


def raw(name: str, split: str) -> tuple[Floats, Labels]:
    """Returns a data set's images, ``(n, height, width)`` or ``(n, channels, height, width)`` in 0 to 1, and labels, in their stored order.

    Raises:
        UnknownName: there is none of that name.
        UsageError: it is not on this machine.
    """
    if name not in DATA:
        raise UnknownName("data set", name, DATA)
    images, labels = DATA[name](split)
    if name == "cifar10":
        margin = (images.shape[-1] - CROP) // 2
        images = images[..., margin : margin + CROP, margin : margin + CROP]
    scale = np.float32(255 if images.dtype == np.uint8 else 1)
    return np.asarray(images, np.float32) / scale, labels.astype(np.int64)


def load(name: str = "digits", n_train: int = 1000, n_test: int = 500, rng: np.random.Generator | None = None) -> Data:
    """Returns a data set, each image whitened, cut to its first rows, or to random ones.

    Args:
        name: ``"digits"``, ``"mnist"``, ``"fashion-mnist"`` or ``"cifar10"``.
        n_train, n_test: how many rows of each split.
        rng: draws which training rows; None takes the first.
    Raises:
        UnknownName: there is no such data set.
        UsageError: it is not on this machine, or has fewer rows.
    """
    (x, y), (x_test, y_test) = raw(name, "train"), raw(name, "test")
    for split, wanted, there in (("train", n_train, len(x)), ("test", n_test, len(x_test))):
        if not 1 <= wanted <= there:
            raise UsageError(f"{wanted} {split} rows of {name} cannot be had; give 1 to {there}.")
    rows = np.arange(n_train) if rng is None else rng.permutation(len(x))[:n_train]
    return Data(whiten(x[rows]), y[rows], whiten(x_test[:n_test]), y_test[:n_test])


def _flat(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x.reshape(len(x), -1)
