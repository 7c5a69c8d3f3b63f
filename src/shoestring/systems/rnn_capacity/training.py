"""Trains one task's networks, all in one tensor program: ``train(trial)``, its settings, and what it reports.

It compares nothing: see ``claims``. Source of the tasks: Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913. The sizes and ranges
of its appendix were not at hand; where a default has no source beside it, it is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from shoestring import Trial
from shoestring.errors import UsageError
from shoestring.systems.kit.settings import Settings, read_kind
from shoestring.systems.rnn_capacity.cells import Nonlinearity
from shoestring.systems.rnn_capacity.works import Capacity, Counting, Memory


class Work(Protocol):
    """Networks of one task under training."""

    def train(self, until: int) -> None:
        """Trains until so many steps are done in all."""

    def metrics(self) -> dict[str, float]:
        """Returns what is reported of them."""

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""


@dataclass(frozen=True)
class CapacityConfig:
    """How many bits cells of several sizes store.

    Attributes:
        cells: names, with commas between.
        sizes: parameters that a network may have, with commas between.
        ratios: patterns by parameter, with commas between: part of what is tuned (section 2.1.1).
        lrs: Adam's learning rates, with commas between.
        inits: first weights and draws of patterns.
        n_steps: full-batch steps.
        depth: layers.
        n_in: bits of a pattern.
        delay: steps between pattern and answer (figure 1).
        nonlinearity: of all cells but irnn and +rnn.
        shuffled: read out against targets in a random order: the control.
    """

    cells: str = "rnn,gru,lstm"
    sizes: str = "160,320,640"
    ratios: str = "3"
    lrs: str = "0.04,0.1"
    inits: int = 1
    n_steps: int = 500
    depth: int = 1
    n_in: int = 16
    delay: int = 5
    nonlinearity: Nonlinearity = "tanh"
    shuffled: bool = False

    def begin(self, seed: int, device: str) -> Work:
        """Returns the networks, untrained."""
        return Capacity(self, seed, device)

    @classmethod
    def paper(cls) -> Self:
        """Returns the scale of the paper: all cells, sizes of its figure 1, and as many steps as a cluster pays for."""
        return cls(
            cells="rnn,irnn,ugrnn,gru,lstm",
            sizes="1000,2000,4000,8000,16000,32000",
            ratios="3,4,5,6",
            lrs="0.001,0.003,0.01,0.03",
            inits=3,
            n_steps=1_000_000,
            n_in=32,
        )


@dataclass(frozen=True)
class MemoryConfig:
    """How well cells of several widths remember a random vector.

    Attributes:
        cells: names, with commas between.
        widths: ``n_h``, with commas between; one is half of ``n_in``, and one at least ``n_in``.
        lrs: Adam's learning rates, with commas between; the best on fresh vectors counts.
        n_steps: steps, each on a fresh batch.
        batch: vectors of a batch.
        n_in: numbers of a vector, each normal with mean 0 and variance 1.
        delay: steps between vector and answer.
        threshold: the error at ``n_in`` or more, relative to that at half of it, that counts as remembering.
        spread: the largest difference in error among cells of one width that counts as one curve.
        shuffled: compare answers with the vectors of other rows: the control.
    """

    cells: str = "rnn,ugrnn,gru,lstm"
    widths: str = "8,12,16"
    lrs: str = "0.01,0.03"
    n_steps: int = 500
    batch: int = 64
    n_in: int = 16
    delay: int = 2
    threshold: float = 0.05
    spread: float = 0.1
    shuffled: bool = False

    def begin(self, seed: int, device: str) -> Work:
        """Returns the networks, untrained.

        Raises:
            UsageError: widths among which half of ``n_in``, or ``n_in`` and more, is missing.
        """
        widths = [float(width) for width in self.widths.split(",")]
        if self.n_in / 2 not in widths or max(widths) < self.n_in:
            raise UsageError(f"widths={self.widths!r} show no threshold; give {self.n_in // 2}, and one of at least {self.n_in}.")
        return Memory(self, seed, device)

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's scale: vectors of 64 numbers (section 2.3)."""
        return cls(widths="8,16,24,32,40,48,56,64,72,80,96,128", lrs="0.001,0.003,0.01", n_steps=100_000, batch=128, n_in=64)


@dataclass(frozen=True)
class ParenthesesConfig:
    """How many random hyperparameters let a cell learn to count parentheses.

    Learning rate, gain and clipping norm are log-uniform, forget bias and Adam's beta1 uniform. The ranges are ours.

    Attributes:
        cell: its name.
        depth: layers.
        n_params: parameters that a network may have.
        n_sets: sets of hyperparameters, the same for every cell.
        n_steps: steps, each on a fresh batch, the same for all sets.
        batch: sequences of a batch.
        time: symbols of a sequence.
        streams: of parentheses.
        lr, gain, clip, forget_bias, beta1: lower and upper end of a range, with a comma between.
        draw: tells one draw of hyperparameters, weights and data from another at the same seed.
    """

    cell: str = "rnn"
    depth: int = 1
    n_params: int = 1000
    n_sets: int = 16
    n_steps: int = 150
    batch: int = 32
    time: int = 20
    streams: int = 3
    lr: str = "0.001,1"
    gain: str = "0.1,10"
    clip: str = "0.1,100"
    forget_bias: str = "0,6"
    beta1: str = "0,0.99"
    draw: int = 0

    def begin(self, seed: int, device: str) -> Work:
        """Returns the networks, untrained."""
        return Counting(self, seed, device)

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's scale: 1,000 sets, 200,000 parameters (table 1)."""
        return cls(n_params=200_000, n_sets=1000, n_steps=100_000, batch=64, time=200)


TASKS: dict[str, type[CapacityConfig] | type[MemoryConfig] | type[ParenthesesConfig]] = {
    "capacity": CapacityConfig,
    "memory": MemoryConfig,
    "parentheses": ParenthesesConfig,
}


def config_of(settings: Settings) -> CapacityConfig | MemoryConfig | ParenthesesConfig:
    """Returns the configuration that plain settings describe: ``task`` and, of its fields, those that differ from the defaults.

    Raises:
        UnknownName: there is no such task or field.
    """
    return read_kind(TASKS, "task", settings, "capacity")


def train(trial: Trial) -> None:
    """Trains the networks of a configuration, an equal share of their steps in each unit, and reports its metrics.

    For capacity: ``bits_CELL_SIZE`` and ``slope_CELL``, of log bits on log parameters; ``slope``, their mean; ``ratio``, most by
    least bits a parameter among cells at the largest size; ``bits_per_param``, the most there.
    For memory: ``mse_CELL_WIDTH``, ``threshold``, ``spread``; and ``violation``, the larger of the two by what it may be.
    For parentheses: ``infeasible``, the share of sets that diverge or end no better than chance; ``loss``, the mean over sets of the loss
    by chance's, 1 for an infeasible one.
    """
    config = config_of(trial.config)
    work = config.begin(trial.seed, trial.device)
    for unit in trial.steps(work=work):
        work.train(config.n_steps * (unit + 1) // trial.horizon)
        trial.report(**work.metrics())
