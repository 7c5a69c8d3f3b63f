"""Trains one experiment of the paper: ``train(trial)``, its settings, and what it reports.

It compares nothing: see ``claims``. Source of the experiments: Gaunt et al. 2016, arXiv:1611.02109, section 4. Where a default has no
source beside it, it is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from shoestring import Trial
from shoestring.systems.kit.settings import Settings, read_kind
from shoestring.systems.perceptual_pbe.expressions import Math
from shoestring.systems.perceptual_pbe.works import Code, Lifelong


class Work(Protocol):
    """An experiment under way, of ``n_steps`` steps in all."""

    n_steps: int

    def train(self, until: int) -> None:
        """Trains until so many of its steps are done in all."""

    def metrics(self) -> dict[str, float]:
        """Returns what is reported of it."""

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""


@dataclass(frozen=True)
class CodeConfig:
    """One task of ADD2x2 or APPLY2x2, learnt from scratch by gradient descent.

    Attributes:
        scenario: ``"add"`` or ``"apply"``.
        task: ``"top"``, ``"left"``, ``"bottom"`` or ``"right"``.
        supervision: ``"weak"``: answers alone; ``"strong"``: the labels of the images that the right program reads, and that program.
        grids: to learn from.
        tests: grids to test on.
        restarts: programs, each with networks of its own.
        selected: restarts among which the lowest training loss selects.
        n_steps: steps of Adam.
        batch: grids of a step.
        lines: of the program.
        hidden: units of each hidden layer of a network, with commas between.
        side: pixels of an image's side.
        lr_program, lr_network: Adam's learning rates; the paper has them 100 apart.
        shuffled: deal the answers out anew: the control.
        generated: leave MNIST aside.
    """

    scenario: Literal["add", "apply"] = "add"
    task: str = "top"
    supervision: Literal["weak", "strong"] = "weak"
    grids: int = 2500
    tests: int = 2000
    restarts: int = 8
    selected: int = 4
    n_steps: int = 300
    batch: int = 64
    lines: int = 4
    hidden: str = "64"
    side: int = 14
    lr_program: float = 0.05
    lr_network: float = 0.003
    shuffled: bool = False
    generated: bool = False

    def begin(self, seed: int, device: str) -> Work:
        """Returns the experiment, untrained."""
        return Code(self, seed, device)

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's scale: 28 x 28 pixels, 256 and 256 hidden units, 64,000 grids drawn (section 4.1)."""
        return cls(grids=4000, tests=10_000, restarts=10, selected=1, n_steps=20_000, hidden="256,256", side=28, lr_network=0.0005)


@dataclass(frozen=True)
class LifelongConfig:
    """The four tasks of ADD2x2, one after the other, with one network that all share.

    Attributes:
        tasks: in order, with commas between.
        baseline: train the multitask network too, on the same grids, and report what the programs are ahead of it.
        rival_steps: the multitask network's steps for each step of the programs.
        rival_restarts: how many multitask networks there are; that of lowest training loss is handed on.
        n_steps: steps of each task.
        head: hidden units of each of the multitask network's heads (the paper's 128).
        grids, tests, restarts, batch, lines, hidden, side, lr_program, lr_network, shuffled, generated: as in ``CodeConfig``; the restart
            of lowest training loss hands its network on.
    """

    tasks: str = "top,left,bottom,right"
    baseline: bool = False
    rival_steps: int = 3
    rival_restarts: int = 1
    grids: int = 1000
    tests: int = 1000
    restarts: int = 8
    n_steps: int = 200
    batch: int = 64
    lines: int = 4
    hidden: str = "64"
    head: int = 128
    side: int = 14
    lr_program: float = 0.05
    lr_network: float = 0.003
    shuffled: bool = False
    generated: bool = False

    def begin(self, seed: int, device: str) -> Work:
        """Returns the experiment, untrained."""
        return Lifelong(self, seed, device)

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's scale (section 4.2)."""
        return cls(grids=1000, tests=10_000, restarts=10, n_steps=20_000, hidden="256,256", side=28, lr_network=0.0005)


@dataclass(frozen=True)
class MathConfig:
    """Programs that work expressions out, or an LSTM that does.

    Attributes:
        method: ``"enumerate"``, ``"gradient"`` or ``"lstm"``.
        lengths: numbers of the expressions to learn from, with commas between.
        expressions: of each length, to learn from.
        tests: expressions of each length to test on.
        longest: numbers of the longest expressions to test on.
        images: digits and operators, each, with whose labels the two networks are made.
        n_network_steps: steps of that.
        restarts: programs, for ``"gradient"``.
        n_steps: steps of ``"gradient"`` or ``"lstm"``.
        batch: expressions of a step; for ``"gradient"`` lengths take turns, for ``"lstm"`` each step has as many of each.
        units, layers: of the LSTM (the paper's: 256, 2).
        modulus: of all numbers.
        hidden, side, lr_program, shuffled, generated: as in ``CodeConfig``; ``lr_lstm`` is the LSTM's.
    """

    method: Literal["enumerate", "gradient", "lstm"] = "enumerate"
    lengths: str = "2,3"
    expressions: int = 100
    tests: int = 1000
    longest: int = 8
    images: int = 4000
    n_network_steps: int = 600
    restarts: int = 16
    n_steps: int = 300
    batch: int = 32
    units: int = 64
    layers: int = 1
    modulus: int = 10
    hidden: str = "64"
    side: int = 14
    lr_program: float = 0.1
    lr_lstm: float = 0.005
    shuffled: bool = False
    generated: bool = False

    def begin(self, seed: int, device: str) -> Work:
        """Returns the experiment, untrained."""
        return Math(self, seed, device)

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's scale: 100 restarts on expressions of two numbers, an LSTM of 2 x 256 (section 4.3)."""
        return cls(lengths="2", restarts=100, n_steps=10_000, units=256, layers=2, modulus=19, hidden="256,256", side=28, images=60_000)


EXPERIMENTS: dict[str, type[CodeConfig] | type[LifelongConfig] | type[MathConfig]] = {
    "code": CodeConfig,
    "lifelong": LifelongConfig,
    "math": MathConfig,
}


def config_of(settings: Settings) -> CodeConfig | LifelongConfig | MathConfig:
    """Returns the configuration that plain settings describe: ``experiment`` and, of its fields, those that differ from the defaults.

    Raises:
        UnknownName: there is no such experiment or field.
    """
    return read_kind(EXPERIMENTS, "experiment", settings, "code")


def train(trial: Trial) -> None:
    """Runs a configuration's experiment, an equal share of its steps in each unit, and reports its metrics.

    Reported of ``code``: ``rate``, the share of restarts whose discrete program is right, with Wilson's ``rate_low`` and ``rate_high``;
    ``selected``, how likely the lowest training loss of ``selected`` restarts is that of a right one; and, of the lowest loss of all:
    ``is_right``, ``accuracy`` on test grids of the discrete program, ``network`` accuracy on their images, ``loss``. Of ``lifelong``: mean
    ``accuracy`` over the tasks so far, ``first``, the first task's, ``gain``, what that has risen by since its training ended, ``right``,
    the share of tasks whose program is right, ``network``; with ``baseline`` also ``multitask``, its mean accuracy, and ``lead``.
    Of ``math``: ``found``, whether a program (of ``gradient``, the share of restarts) is right for all lengths; ``accuracy_N`` for
    expressions of N numbers; ``shortfall``, the most by which that lies below ``network_0 ** N * network_1 ** (N - 1)``, the chance that
    every image is read rightly. All: ``mnist``, 1 for MNIST and 0 for generated digits.
    """
    config = config_of(trial.config)
    work = config.begin(trial.seed, trial.device)
    for unit in trial.steps(work=work):
        work.train(-(-work.n_steps * (unit + 1) // trial.horizon))
        trial.report(**work.metrics())
