"""Images and what is asked about them: handwritten digits, drawn operators, 2 x 2 grids and expressions.

Digits are MNIST where it is on this machine, and otherwise scikit-learn's bundled digits, enlarged, turned and shifted; ``Pool.source``
says which. Operators are drawn. It holds no network. Source of the tasks: Gaunt et al. 2016, arXiv:1611.02109, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from shoestring import datasets
from shoestring.errors import UnknownName, UsageError
from shoestring.systems.perceptual_pbe.scenarios import OPERATORS, operate

Split: TypeAlias = Literal["train", "test"]
TASKS = {"top": (0, 1), "left": (0, 2), "bottom": (2, 3), "right": (1, 3)}  # the two cells, of a grid read row by row
MEAN, STD = 0.1307, 0.3081  # of MNIST's pixels
STROKES = {  # of each operator, from (x, y) to (x, y), the image from -1 to 1
    "+": [(-0.6, 0.0, 0.6, 0.0), (0.0, -0.6, 0.0, 0.6)],
    "-": [(-0.6, 0.0, 0.6, 0.0)],
    "*": [(-0.45, -0.45, 0.45, 0.45), (-0.45, 0.45, 0.45, -0.45)],
    "/": [(-0.6, 0.0, 0.6, 0.0), (0.0, -0.5, 0.0, -0.45), (0.0, 0.45, 0.0, 0.5)],
}


@dataclass(frozen=True)
class Pool:
    """Images of one kind.

    Attributes:
        images: ``(n, side * side)`` float32, about standard normal.
        labels: ``(n,)`` int64.
        source: where they come from.
    """

    images: Tensor
    labels: Tensor
    source: str


@dataclass(frozen=True)
class Examples:
    """What a program is learnt from.

    Attributes:
        views: by input, the network that looks and the images ``(n, pixels)`` it looks at.
        targets: ``(n,)`` int64, the answers.
        given: by input, marginals ``(n, values)`` that need no network.
        labels: by input, what is in its images, ``(n,)``; not used in learning from answers alone.
    """

    views: Mapping[str, tuple[str, Tensor]]
    targets: Tensor
    given: Mapping[str, Tensor] = field(default_factory=dict)
    labels: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: Tensor) -> Examples:
        """Returns some of the examples."""
        return Examples(
            {name: (network, images[rows]) for name, (network, images) in self.views.items()},
            self.targets[rows],
            {name: marginals[rows] for name, marginals in self.given.items()},
            {name: labels[rows] for name, labels in self.labels.items()},
        )

    def shuffled(self, rng: np.random.Generator) -> Examples:
        """Returns the examples with their answers dealt out anew: nothing is left to learn."""
        return Examples(self.views, self.targets[torch.from_numpy(rng.permutation(len(self)))], self.given, self.labels)

    def to(self, device: str) -> Examples:
        """Returns the examples on a device."""
        return Examples(
            {name: (network, images.to(device)) for name, (network, images) in self.views.items()},
            self.targets.to(device),
            {name: marginals.to(device) for name, marginals in self.given.items()},
            {name: labels.to(device) for name, labels in self.labels.items()},
        )


def digits(split: Split, *, side: int = 14, generated: bool = False) -> Pool:
    """Returns handwritten digits of ``side`` x ``side`` pixels, 28 or 14.

    Args:
        generated: use the bundled digits even where MNIST is at hand.
    Raises:
        UsageError: another side or split.
    """
    if side not in (14, 28):
        raise UsageError(f"side={side} must be 14 or 28: the size of digit images.")
    if generated or datasets.find("mnist") is None:
        images, labels = _generated(split)
        return _pool(images, labels, side, "generated")
    return _pool(*datasets.mnist(split), side, "mnist")


def operators(n: int, rng: np.random.Generator, *, side: int = 14) -> Pool:
    """Returns ``n`` drawn operators + - * /, turned, shifted, of several sizes and widths, with noise."""
    labels = rng.integers(len(OPERATORS), size=n)
    ticks = np.linspace(-1, 1, 28)
    turn, size = rng.uniform(-0.3, 0.3, n), rng.uniform(0.8, 1.2, n)
    x, y = np.meshgrid(ticks, ticks)
    x, y = x[None] - rng.uniform(-0.15, 0.15, (n, 1, 1)), y[None] - rng.uniform(-0.15, 0.15, (n, 1, 1))
    cosine, sine = (np.cos(turn) / size)[:, None, None], (np.sin(turn) / size)[:, None, None]
    x, y = cosine * x + sine * y, cosine * y - sine * x
    distance = np.full((n, 28, 28), np.inf)
    for label, name in enumerate(OPERATORS):
        of = labels == label
        for stroke in STROKES[name]:
            distance[of] = np.minimum(distance[of], _distance(x[of], y[of], stroke))
    width = rng.uniform(0.06, 0.14, (n, 1, 1))
    images = np.clip(1 - (distance - width) / 0.1, 0, 1) + rng.normal(0, 0.1, (n, 28, 28))
    return _pool(np.clip(images, 0, 1) * 255, labels, side, "drawn")


def add_grids(pool: Pool, task: str, n: int, rng: np.random.Generator, *, networks: Sequence[str] = ("net_0",)) -> Examples:
    """Returns ADD2x2: grids of four digits, and the sum of the two that the task names.

    Raises:
        UnknownName: there is no such task.
    """
    one, other = _cells(task)
    rows = torch.from_numpy(rng.integers(len(pool.images), size=(n, 4)))
    views = {f"{net} {cell}": (net, pool.images[rows[:, cell]]) for net in networks for cell in range(4)}
    labels = {f"{networks[0]} {cell}": pool.labels[rows[:, cell]] for cell in range(4)}
    return Examples(views, pool.labels[rows[:, one]] + pool.labels[rows[:, other]], {}, labels)


def apply_grids(
    pool: Pool, task: str, n: int, rng: np.random.Generator, *, modulus: int = 10, networks: Sequence[str] = ("net_1",)
) -> Examples:
    """Returns APPLY2x2: three numbers, grids of four operators, and ``(a op b) op c`` with the two operators that the task names.

    Raises:
        UnknownName: there is no such task.
    """
    one, other = _cells(task)
    rows = torch.from_numpy(rng.integers(len(pool.images), size=(n, 4)))
    numbers, signs = rng.integers(modulus, size=(n, 3)), pool.labels[rows].numpy()
    inner = [operate(a, b, op, modulus) for a, b, op in zip(numbers[:, 0], numbers[:, 1], signs[:, one], strict=True)]
    outer = [operate(a, b, op, modulus) for a, b, op in zip(inner, numbers[:, 2], signs[:, other], strict=True)]
    views = {f"{net} {cell}": (net, pool.images[rows[:, cell]]) for net in networks for cell in range(4)}
    given = {f"aux {i}": torch.eye(modulus)[torch.from_numpy(numbers[:, i])] for i in range(3)}
    labels = {f"{networks[0]} {cell}": pool.labels[rows[:, cell]] for cell in range(4)}
    return Examples(views, torch.tensor([int(value) for value in outer]), given, labels)


def expressions(numbers: Pool, signs: Pool, n_numbers: int, n: int, rng: np.random.Generator, *, modulus: int = 10) -> Examples:
    """Returns MATH: expressions of ``n_numbers`` digits with operators between, worked out from left to right.

    Raises:
        UsageError: fewer than one number.
    """
    if n_numbers < 1:
        raise UsageError(f"an expression of {n_numbers} numbers says nothing; give 1 or more.")
    value, views, labels = np.zeros(n, dtype=np.int64), dict[str, tuple[str, Tensor]](), dict[str, Tensor]()
    sign = np.zeros(n, dtype=np.int64)
    for cell in range(2 * n_numbers - 1):
        pool = signs if cell % 2 else numbers
        rows = torch.from_numpy(rng.integers(len(pool.images), size=n))
        seen = pool.labels[rows].numpy()
        views |= {f"{net} {cell}": (net, pool.images[rows]) for net in ("net_0", "net_1")}
        labels[f"{'net_1' if cell % 2 else 'net_0'} {cell}"] = pool.labels[rows]
        if cell % 2:
            sign = seen
        else:
            value = np.array([operate(int(a), int(b), int(s), modulus) for a, b, s in zip(value, seen, sign, strict=True)])
    return Examples(views, torch.from_numpy(value), {}, labels)


def _cells(task: str) -> tuple[int, int]:
    if task not in TASKS:
        raise UnknownName("task", task, TASKS)
    return TASKS[task]


def _distance(x: NDArray[np.float64], y: NDArray[np.float64], stroke: tuple[float, float, float, float]) -> NDArray[np.float64]:
    x0, y0, x1, y1 = stroke
    along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
    return np.asarray(np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))


@cache
def _generated(split: Split) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits  # an optional extra

    bundled = load_digits()
    rows = slice(0, 1297) if split == "train" else slice(1297, None)
    images, labels = bundled.images[rows], bundled.target[rows]
    rng = np.random.default_rng(0 if split == "train" else 1)
    copies = 4
    large = ndimage.zoom(np.repeat(images, copies, axis=0) / 16 * 255, (1, 2.5, 2.5), order=1)
    warped = np.zeros((len(large), 28, 28))
    for image, out in zip(large, warped, strict=True):
        out[4:24, 4:24] = ndimage.rotate(image, rng.uniform(-15, 15), reshape=False, order=1)
    moved = np.stack([np.roll(image, rng.integers(-2, 3, size=2), axis=(0, 1)) for image in warped])
    return np.clip(moved + rng.normal(0, 15, moved.shape), 0, 255), np.repeat(labels, copies).astype(np.int64)


def _pool(images: NDArray[np.generic], labels: NDArray[np.generic], side: int, source: str) -> Pool:
    pixels = torch.from_numpy(np.asarray(images, dtype=np.float32)) / 255
    if side == 14:
        pixels = torch.nn.functional.avg_pool2d(pixels[:, None], 2)[:, 0]
    return Pool((pixels.flatten(1) - MEAN) / STD, torch.from_numpy(np.asarray(labels, dtype=np.int64)), source)
