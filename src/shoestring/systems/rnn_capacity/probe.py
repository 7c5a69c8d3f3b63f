"""How many bits a parameter any model can store, as a lower bound at a stated compute, with its curve.

It says nothing about what a model generalises to, nor what it could store with more compute. Source: the protocol is section 2.1.1 of
Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913; the curve against compute is ours.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
import torch

from shoestring import Budget
from shoestring.errors import UsageError
from shoestring.systems.rnn_capacity.storage import Attempt, MakeModel, Storage
from shoestring.systems.rnn_capacity.task import Inputs, random_bits

_Begin: TypeAlias = Callable[[int], Storage]
RISING = 1.05  # bits that grow by more over the last doubling of steps have not come to an end
TRIED_STEPS = 4  # that tell what a step costs


@dataclass(frozen=True, slots=True)
class Point:
    """The most that was stored at one compute.

    Attributes:
        steps: optimiser steps of each attempt, the schedule over.
        seconds: wall time of all attempts together.
        bits: stored by the best attempt.
        bits_per_param: the same by parameter: a lower bound of the capacity.
        n_patterns: the best attempt's patterns.
        lr: and its learning rate.
        control_bits: that all attempts' networks seem to hold of targets in a random order, at most: what luck gives.
    """

    steps: int
    seconds: float
    bits: float
    bits_per_param: float
    n_patterns: int
    lr: float
    control_bits: float


@dataclass(frozen=True)
class Probe:
    """What ``capacity_probe`` found.

    Attributes:
        n_params: parameters of one model.
        curve: by steps, each from a training of its own.
    """

    n_params: int
    curve: tuple[Point, ...]

    @property
    def best(self) -> Point:
        """The point with the most bits."""
        return max(self.curve, key=lambda point: point.bits)

    @property
    def is_rising(self) -> bool:
        """Whether the last point holds more than 5 % more than all before it, so that more compute would surely store more."""
        *before, last = self.curve
        return not before or last.bits > RISING * max(point.bits for point in before)

    def __str__(self) -> str:
        best = self.best
        lines = [f"at least {best.bits_per_param:.2f} bits a parameter ({self.n_params} parameters) after {best.steps} steps"]
        lines += [f"  {point.steps} steps, {point.seconds:.3g} s: {point.bits_per_param:.2f}" for point in self.curve]
        lines.append("still rising: more steps store more" if self.is_rising else "no longer rising at these learning rates")
        return "\n".join(lines)


def capacity_probe(
    make_model: MakeModel,
    budget: str,
    *,
    inputs: Inputs | int = 16,
    ratios: Sequence[float] = (2.0, 3.0, 4.0),
    lrs: Sequence[float] = (0.003, 0.01, 0.03),
    inits: int = 1,
    points: int = 4,
    seed: int = 0,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    together: bool = True,
) -> Probe:
    """Measures how many random bits a model can learn by heart, for each parameter.

    It trains the model on random patterns with random target bits, at several numbers of patterns and learning rates, all as one tensor
    program. The curve's points are trainings of their own, each with twice the steps of the one before and a full schedule.

    Args:
        make_model: makes a network, drawing its first weights from torch's generator. It maps patterns ``(batch, n_in)`` to one logit each,
            ``(batch,)`` or ``(batch, 1)``, without chance (dropout) and without what it keeps from batch to batch (batch normalisation).
        budget: steps of all points together, such as ``"3000 steps"``; or a time, such as ``"30s"``, which is kept to within one step.
        inputs: bits of a pattern; or what draws ``n`` patterns with a generator, ``(n, ...)``, for a model that takes something else.
        ratios: numbers of patterns by parameter; the best is near the answer or above.
        lrs: Adam's learning rates.
        inits: first weights and draws of patterns for each ratio and learning rate.
        points: of the curve.
        seed: where all randomness comes from.
        device: where to train.
        dtype: of the computation.
        together: evaluate all networks by one call of ``torch.func.vmap``; False for a model with a layer that it does not know, or
            warns of, such as ``torch.nn.LSTM`` or attention on a CPU.
    Raises:
        UsageError: a budget in neither steps nor time, or too small for a step at each point; a model that gives no single logit.
    """
    limits = Budget(budget).limits
    if points < 1 or len(limits) != 1 or not set(limits) <= {"units", "wall_s"}:
        raise UsageError(f"a budget of {budget!r} cannot pay for {points} points; give steps or a time, such as '3000 steps' or '30s'.")
    draw = random_bits(inputs) if isinstance(inputs, int) else inputs
    n_params = sum(p.numel() for p in make_model().parameters())
    seeds = [int(np.random.SeedSequence([seed, i]).generate_state(1)[0]) for i in range(inits)]
    attempts = [Attempt(max(1, round(ratio * n_params)), lr, at) for ratio, lr, at in product(ratios, lrs, seeds)]
    begin = lambda n_steps: Storage(make_model, attempts, draw, n_steps, device=device, dtype=dtype, together=together)  # noqa: E731
    if "units" in limits:
        return Probe(n_params, tuple(_point(begin, n, math.inf) for n in _shares(int(limits["units"]), points)))
    return Probe(n_params, _timed(begin, limits["wall_s"], points))


def _timed(begin: _Begin, seconds: float, points: int) -> tuple[Point, ...]:
    """Returns the points that a time pays for; each is planned from what the steps before it took."""
    deadline = time.monotonic() + seconds
    tried = _point(begin, TRIED_STEPS, deadline)
    curve: list[Point] = []
    for i in range(points):
        step_s = (curve[-1] if curve else tried).seconds / (curve[-1] if curve else tried).steps
        left = deadline - time.monotonic()
        n = int(left / step_s * 2**i / (2**points - 2**i))
        if n < 1 and curve:
            break
        curve.append(_point(begin, max(n, 1), deadline))
    return tuple(curve)


def _point(begin: _Begin, n_steps: int, deadline: float) -> Point:
    began = time.monotonic()
    storage = begin(n_steps)
    done = storage.train(n_steps, lambda: time.monotonic() >= deadline)
    bits, control = storage.bits(), storage.bits(shuffled=True)
    best = int(bits.argmax())
    attempt = storage.attempts[best]
    return Point(
        done,
        time.monotonic() - began,
        float(bits[best]),
        float(bits[best]) / storage.n_params,
        attempt.n_patterns,
        attempt.lr,
        float(control.max()),
    )


def _shares(n_steps: int, points: int) -> list[int]:
    shares = [n_steps * 2**i // (2**points - 1) for i in range(points)]
    if shares[0] < 1:
        raise UsageError(f"{n_steps} steps cannot be shared among {points} points; give at least {2**points - 1}.")
    return shares
