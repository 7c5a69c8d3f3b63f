"""What is tuned here: two small networks on a part of Fashion-MNIST, and the spaces they are tuned in; arrays only, no network.

Images are averaged to 14 x 14 and standardised. Training and validation images come from the published training set, test images from its
test set, always the same ones. A search decides by the validation error; the test error is only looked up for what it returns.

Source: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoestring import Choice, Float, Int, Space, datasets

Net: TypeAlias = Literal["mlp", "cnn"]
NETS: tuple[Net, ...] = ("mlp", "cnn")
SIDE = 14
N_CLASSES = 10
_SHUFFLED_BY = 0
_MEAN, _STD = 0.2860, 0.3301  # of the averaged images of the whole training set


@dataclass(frozen=True)
class Split:
    """Images ``(n, 196)``, float32, and their classes ``(n,)``, int64."""

    images: NDArray[np.float32]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """The three parts of the data."""

    train: Split
    valid: Split
    test: Split


def space(net: Net) -> Space:
    """Returns the seven hyperparameters of a network; ``width`` counts hidden units (mlp) or channels of the first layer (cnn)."""
    return Space(
        {
            "lr": Float(1e-4, 1.0, log=True),
            "decay": Float(1e-2, 1.0, log=True),
            "momentum": Float(0.0, 0.99),
            "weight_decay": Float(1e-6, 1e-1, log=True),
            "init": Float(0.1, 10.0, log=True),
            "width": Int(8, 128, log=True) if net == "mlp" else Int(2, 8, log=True),
            "batch_size": Choice((20, 50, 125, 250)),
        }
    )


@lru_cache(maxsize=2)
def task(n_train: int, n_valid: int, n_test: int) -> Task:
    """Returns the data.

    Raises:
        UsageError: Fashion-MNIST is not on this machine, or a file is damaged.
    """
    images, classes = datasets.fashion_mnist("train")
    order = np.random.default_rng(_SHUFFLED_BY).permutation(len(images))[: n_train + n_valid]
    test_images, test_classes = datasets.fashion_mnist("test")
    return Task(
        _split(images[order[:n_train]], classes[order[:n_train]]),
        _split(images[order[n_train:]], classes[order[n_train:]]),
        _split(test_images[:n_test], test_classes[:n_test]),
    )


def _split(images: NDArray[np.uint8], classes: NDArray[np.uint8]) -> Split:
    small = images.reshape(-1, SIDE, 2, SIDE, 2).mean(axis=(2, 4), dtype=np.float32).reshape(-1, SIDE * SIDE) / 255
    return Split((small - np.float32(_MEAN)) / np.float32(_STD), classes.astype(np.int64))
