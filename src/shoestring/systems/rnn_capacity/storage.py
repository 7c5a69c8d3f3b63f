"""Random patterns being stored by many networks at once, and the bits that they hold so far.

It decides nothing: patterns, learning rates and steps are given. Source: Collins, Sohl-Dickstein and Sussillo 2017, section 2.1.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from shoestring.errors import UsageError
from shoestring.systems.rnn_capacity.ensemble import Adam, Ensemble
from shoestring.systems.rnn_capacity.task import Inputs, stored_bits

MakeModel: TypeAlias = Callable[[], nn.Module]


@dataclass(frozen=True)
class Attempt:
    """One network's try at storing patterns.

    Attributes:
        n_patterns: how many, each with a random target bit.
        lr: Adam's learning rate at the start.
        seed: of first weights, patterns and targets.
    """

    n_patterns: int
    lr: float
    seed: int


class Storage:
    """Networks that learn random target bits of random patterns by heart, each in an attempt of its own, as one tensor program.

    Full-batch Adam on cross-entropy; the learning rate falls to 0 along half a cosine over ``n_steps``.

    Attributes:
        attempts: what each network tries.
        n_params: parameters of one network.
        n_steps: steps of a full training.
    """

    def __init__(
        self,
        make_model: MakeModel,
        attempts: Sequence[Attempt],
        inputs: Inputs,
        n_steps: int,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        together: bool = True,
    ) -> None:
        """Draws first weights, patterns and targets; torch's own generator is left as it was.

        Args:
            make_model: makes a network from inputs ``(batch, ...)`` to logits ``(batch,)`` or ``(batch, 1)``.
            attempts: one a network.
            inputs: draws patterns, such as ``random_bits(16)``.
            n_steps: steps of a full training.
            device: where to train.
            dtype: of the computation, float32 or bfloat16.
            together: as ``Ensemble``.
        Raises:
            UsageError: no attempt, or one without patterns; networks of several shapes; no steps.
        """
        if not attempts or min(one.n_patterns for one in attempts) < 1 or n_steps < 1:
            raise UsageError(f"{len(attempts)} attempts at {n_steps} steps store nothing; give attempts with patterns, and steps from 1.")
        self.attempts, self.n_steps, self._done = tuple(attempts), n_steps, 0
        models = [_seeded(make_model, one.seed) for one in attempts]
        self._ensemble = Ensemble(models, device=device, dtype=dtype, together=together)
        self._adam = Adam(self._ensemble, [one.lr for one in attempts])
        self.n_params = self._ensemble.n_params
        most = max(one.n_patterns for one in attempts)
        drawn = [_drawn(one, inputs, most) for one in attempts]
        self._x, self._y, self._shuffled = (torch.stack(tensors).to(device) for tensors in zip(*drawn, strict=True))
        self._n = torch.tensor([one.n_patterns for one in attempts], device=device)
        self._is_pattern = torch.arange(most, device=device) < self._n[:, None]

    def train(self, until: int, must_stop: Callable[[], bool] = lambda: False) -> int:
        """Trains until ``until`` steps are done in all, or ``must_stop()`` says so after a step; returns how many are."""
        weights = self._is_pattern / self._n[:, None]
        while self._done < min(until, self.n_steps):
            losses = F.binary_cross_entropy_with_logits(self._logits(), self._y, weights, reduction="sum")
            self._adam.step(losses, 0.5 * (1 + math.cos(math.pi * self._done / self.n_steps)))
            self._done += 1
            if must_stop():
                break
        return self._done

    @torch.no_grad()
    def bits(self, *, shuffled: bool = False) -> NDArray[np.float64]:
        """Returns the bits that each network holds, ``(n_attempts,)``.

        Args:
            shuffled: read out against targets in a random order instead, which no network can have stored: the control.
        """
        targets = self._shuffled if shuffled else self._y
        right = ((self._logits() > 0) == (targets > 0.5)) & self._is_pattern
        return stored_bits(self._n.cpu().numpy(), right.sum(dim=1).cpu().numpy())

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        return {"done": self._done, "adam": self._adam.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self._done = int(state["done"])
        self._adam.load_state_dict(state["adam"])

    def _logits(self) -> Tensor:
        logits = self._ensemble(self._x)
        logits = logits.squeeze(-1) if logits.dim() == 3 else logits
        if logits.shape != self._y.shape:
            shape = tuple(logits.shape[1:])
            raise UsageError(f"the network answers {self._y.shape[1]} patterns with shape {shape}; let it give one logit for each.")
        return logits


def _seeded(make_model: MakeModel, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_model()


def _drawn(attempt: Attempt, inputs: Inputs, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """Returns patterns, targets and shuffled targets, each padded with zeros to ``most`` rows."""
    rng = np.random.default_rng(attempt.seed)
    n = attempt.n_patterns
    x = inputs(n, rng)
    y = rng.integers(2, size=n).astype(np.float32)
    rest = torch.zeros(most - n)
    padded = torch.cat([x, x.new_zeros(most - n, *x.shape[1:])])
    return padded, torch.cat([torch.from_numpy(y), rest]), torch.cat([torch.from_numpy(rng.permutation(y)), rest])
