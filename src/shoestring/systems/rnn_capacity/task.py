"""The paper's tasks: random patterns to store, random vectors to remember, and parentheses to count.

It holds no network. Source: Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shoestring.errors import UsageError

Inputs: TypeAlias = Callable[[int, np.random.Generator], Tensor]
MOST_BITS = 20  # up to so many, patterns are drawn without repetition


def random_bits(n_in: int) -> Inputs:
    """Returns what draws ``n`` patterns of ``n_in`` fair bits, ``(n, n_in)`` float32; no pattern twice, up to 20 bits."""

    def draw(n: int, rng: np.random.Generator) -> Tensor:
        if n_in > MOST_BITS:
            return torch.from_numpy(rng.integers(2, size=(n, n_in)).astype(np.float32))
        if n > 2**n_in:
            raise UsageError(f"there are no {n} different patterns of {n_in} bits; give n_in={int(np.ceil(np.log2(n)))} or more.")
        numbers = rng.choice(2**n_in, size=n, replace=False)
        return torch.from_numpy((numbers[:, None] >> np.arange(n_in) & 1).astype(np.float32))

    return draw


def stored_bits(n: int | NDArray[np.int64], n_right: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the bits stored of ``n`` fair random bits of which ``n_right`` come out right: ``n + n (p log2 p + (1 - p) log2 (1 - p))``.

    Guessing scores 1 / (2 ln 2), or 0.72 bits, on average, whatever ``n``. Source: section 2.1.1 of the paper.
    """
    p = np.asarray(n_right / n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = np.where(p > 0, p * np.log2(p), 0.0) + np.where(p < 1, (1 - p) * np.log2(1 - p), 0.0)
    return np.asarray(n * (1 + surprise), dtype=np.float64)


@dataclass(frozen=True)
class Parentheses:
    """Streams of parentheses, mixed: at each step one of them opens or closes one, and all depths are asked for.

    Attributes:
        streams: how many there are.
        top: depths count from 0 to this; an opening beyond, or a closing at 0, changes nothing.
        time: steps.
    """

    streams: int = 3
    top: int = 5
    time: int = 20

    @property
    def n_in(self) -> int:
        """Symbols, one-hot: openings, then closings."""
        return 2 * self.streams

    @property
    def n_out(self) -> int:
        """Logits: ``top + 1`` classes for each stream."""
        return self.streams * (self.top + 1)

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Returns symbols ``(time, batch, n_in)`` float32 and depths ``(time, batch, streams)`` int64, after each step."""
        symbols = rng.integers(self.n_in, size=(self.time, batch))
        x = np.eye(self.n_in, dtype=np.float32)[symbols]
        moves = x[..., : self.streams] - x[..., self.streams :]
        depth, depths = np.zeros((batch, self.streams)), []
        for move in moves:
            depth = np.clip(depth + move, 0, self.top)
            depths.append(depth)
        return torch.from_numpy(x), torch.from_numpy(np.stack(depths).astype(np.int64))

    def losses(self, logits: Tensor, depths: Tensor) -> Tensor:
        """Returns the mean cross-entropy in nats, ``(...)``, of logits ``(..., time, batch, n_out)`` for the same depths."""
        log_p = logits.reshape(*logits.shape[:-1], self.streams, self.top + 1).log_softmax(dim=-1)
        picked = log_p.gather(-1, depths.expand(*log_p.shape[:-1])[..., None])
        return picked.flatten(-4).mean(dim=-1).neg()

    def chance(self, depths: Tensor) -> float:
        """Returns the loss, in nats, of the best answer that does not depend on the input: the entropy of the depths."""
        share = torch.bincount(depths.flatten(), minlength=self.top + 1).double() / depths.numel()
        return float(torch.special.entr(share).sum())
