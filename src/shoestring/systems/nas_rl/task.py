"""The convolutional space with its skips, strides and filters, and the images that its children learn.

Not the learner, and no search. Source: Zoph and Le 2017, arXiv:1611.01578, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from shoestring import Choice, Space, datasets
from shoestring.errors import UsageError

Value = bool | int | float | str | None


@dataclass(frozen=True)
class Layer:
    """One layer of a child.

    Attributes:
        height, width: of its kernel, odd.
        filters: channels that it makes.
        stride: in both directions.
        inputs: numbers of the layers that it reads, 0 for the image.
    """

    height: int
    width: int
    filters: int
    stride: int
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Child:
    """A child network, layer by layer."""

    layers: tuple[Layer, ...]

    def unread(self) -> list[int]:
        """Returns the numbers of the layers that no other one reads: the classifier does."""
        read = {source for layer in self.layers for source in layer.inputs}
        return [i for i in range(1, len(self.layers) + 1) if i not in read]


@dataclass(frozen=True)
class Preset:
    """A space and the recipe by which its children are trained.

    Attributes:
        n_layers: depth of a child.
        kernels: heights and widths to choose from.
        filters: widths to choose from, rising; the last layer has the most.
        strides: to choose from, in the first ``n_strided`` layers.
        side: of the images, pixels.
        n_train, n_valid, n_test: images.
        epochs: passes over the training images; the reward of a short training is read after the first.
        batch_size: images a step.
        lr: learning rate at the start of a cosine that ends at 0.
        n_tabled: how many children a table of it holds; None for all.
    """

    n_layers: int
    kernels: tuple[int, ...]
    filters: tuple[int, ...]
    strides: tuple[int, ...]
    n_strided: int
    side: int
    n_train: int
    n_valid: int
    n_test: int
    epochs: int
    batch_size: int
    lr: float
    n_tabled: int | None = None


PRESETS: Mapping[str, Preset] = {
    "tiny": Preset(2, (1, 3), (2, 4), (1, 2), 1, 6, 100, 100, 100, 2, 20, 0.2),
    "small": Preset(3, (1, 3), (2, 8), (1, 2), 1, 6, 500, 500, 500, 5, 20, 0.2),
    "full": Preset(3, (1, 3, 5), (4, 8), (1, 2), 2, 12, 5000, 5000, 10000, 8, 50, 0.03, 10000),
    # Section 4.1: 15 layers to begin with 6 and grow; 45,000 images of CIFAR-10. For the space only: no table could hold it.
    "paper": Preset(15, (1, 3, 5, 7), (24, 36, 48, 64), (1, 2, 3), 15, 32, 45000, 5000, 10000, 50, 128, 0.1, 12800),
}


def cnn_space(preset: Preset) -> Space:
    """Returns the space: ``height/i``, ``width/i``, ``filters/i`` and ``stride/i`` of layer ``i``; ``skip/j/i``: does it read ``j``?

    Differs: the last layer's kernel is square, and it has the most filters and no stride; so a whole table can be made within minutes.
    """
    params: dict[str, Choice] = {}
    for i in range(1, preset.n_layers + 1):
        params[f"height/{i}"] = Choice(preset.kernels)
        if i < preset.n_layers:
            params[f"width/{i}"] = Choice(preset.kernels)
            params[f"filters/{i}"] = Choice(preset.filters)
        if i <= preset.n_strided:
            params[f"stride/{i}"] = Choice(preset.strides)
        params |= {f"skip/{j}/{i}": Choice((False, True)) for j in range(1, i)}
    return Space(params)


def child_of(config: Mapping[str, Value], preset: Preset) -> Child:
    """Returns the child that a configuration of ``cnn_space`` describes; a layer that reads no other reads the image."""
    layers = []
    for i in range(1, preset.n_layers + 1):
        read = tuple(j for j in range(1, i) if config[f"skip/{j}/{i}"])
        filters, stride = config.get(f"filters/{i}", preset.filters[-1]), config.get(f"stride/{i}", 1)
        height = config[f"height/{i}"]
        width = config.get(f"width/{i}", height)
        assert isinstance(filters, int) and isinstance(stride, int) and isinstance(height, int) and isinstance(width, int)
        layers.append(Layer(height, width, filters, stride, read or (0,)))
    return Child(tuple(layers))


def everything(space: Space) -> list[dict[str, Value]]:
    """Returns all configurations of a space of choices, the last parameter running fastest.

    Raises:
        UsageError: a parameter is no choice, or depends on another.
    """
    options = []
    for name, param in space.params.items():
        if not isinstance(param, Choice) or param.when:
            raise UsageError(f"{name} is not an unconditional choice; only a space of these can be listed.")
        options.append(param.options)
    return [dict(zip(space.names, values, strict=True)) for values in product(*options)]


@dataclass(frozen=True)
class Images:
    """Images ``(n, 1, side, side)``, float32 with mean 0 and variance 1 over the training images, and their labels ``(n,)``."""

    train: tuple[NDArray[np.float32], NDArray[np.int64]]
    valid: tuple[NDArray[np.float32], NDArray[np.int64]]
    test: tuple[NDArray[np.float32], NDArray[np.int64]]


@cache
def images(preset: Preset) -> Images:
    """Returns MNIST, averaged down to the preset's side: training and validation images from its training set, test ones from its test set.

    Raises:
        UsageError: MNIST is not on this machine.
    """
    pixels, labels = datasets.mnist("train")
    test_pixels, test_labels = datasets.mnist("test")
    factor = 24 // preset.side
    n = preset.n_train + preset.n_valid

    def small(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
        side = preset.side
        return np.asarray(raw[:, 2:26, 2:26].reshape(len(raw), 1, side, factor, side, factor).mean(axis=(3, 5)), np.float32)

    train, test = small(pixels[:n]), small(test_pixels[: preset.n_test])
    mean, sd = train[: preset.n_train].mean(), train[: preset.n_train].std()
    train, test = (train - mean) / sd, (test - mean) / sd
    y, y_test = labels[:n].astype(np.int64), test_labels[: preset.n_test].astype(np.int64)
    return Images((train[: preset.n_train], y[: preset.n_train]), (train[preset.n_train :], y[preset.n_train :]), (test, y_test))
