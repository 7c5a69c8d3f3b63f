"""The five learners that the claims compare, each of several models at once: what they learn from, a step of training, and their execution.

==========  =============================================================================================
npl         the lattice: full traces, and weak ones through ``ProgramLattice.loss``
npi         the same core on the full traces alone
oracle      the same core on full traces of *all* demonstrations
flat        the same core without calls, on the actions of all demonstrations, seeing the environment as the others do
seq2seq     reads the problem and writes the actions, never seeing the environment; all demonstrations
==========  =============================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from shoestring.systems.program_lattice.corpus import Corpus
from shoestring.systems.program_lattice.lattice import ProgramLattice
from shoestring.systems.program_lattice.model import LSTMCore
from shoestring.systems.program_lattice.seq2seq import Seq2Seq
from shoestring.systems.program_lattice.task import Ints
from shoestring.systems.program_lattice.worlds import Problems, World

LEARNERS = ("npl", "npi", "oracle", "flat", "seq2seq")


class Learner(Protocol):
    """Models of one kind."""

    @property
    def module(self) -> nn.Module:
        """Their parameters."""

    def loss(self, step: int, rng: np.random.Generator) -> Tensor:
        """Returns each model's loss on a fresh batch, by step of a trace or by action, ``(m,)``."""

    def run(self, problems: Problems, max_steps: int) -> Ints:
        """Executes them: see ``ProgramLattice.run``."""


@dataclass(frozen=True)
class Setting:
    """What all learners are given.

    Attributes:
        world, corpus: the task and its demonstrations.
        d_hidden, n_models, seed: as for ``LSTMCore``.
        batch: demonstrations of a step.
        frames: of full traces in a step.
        pretrain: steps on full traces alone, before npl looks at weak ones.
        device: where the models live.
    """

    world: World
    corpus: Corpus
    d_hidden: int
    n_models: int
    seed: int
    batch: int
    frames: int
    pretrain: int
    device: str


class Inducer:
    """npl, npi, oracle and flat: a core, full traces, and for npl weak ones."""

    def __init__(self, name: str, setting: Setting) -> None:
        """Draws first weights, the same for all but flat."""
        world, self._setting, self.is_weakly_taught = setting.world, setting, name == "npl"
        core = LSTMCore(*world.sizes(), d_hidden=setting.d_hidden, n_models=setting.n_models, seed=setting.seed).to(setting.device)
        self.module, self.lattice = core, ProgramLattice(core, 0 if name == "flat" else world.max_depth)
        told, self._n_frames = setting.corpus.frames(all_full=name in ("oracle", "flat"), flat=name == "flat")
        self._told = told.to(setting.device)
        # A frame of a flat policy is a whole demonstration.
        self._batch = setting.batch if name == "flat" else setting.frames

    def loss(self, step: int, rng: np.random.Generator) -> Tensor:
        """Returns the loss of full traces by step, and from ``pretrain`` on that of weak ones by action added to it."""
        setting, n_frames = self._setting, self._n_frames.numpy()
        rows = torch.from_numpy(rng.integers(n_frames[:, None], size=(len(n_frames), self._batch)))
        told = self._told.take(rows.to(setting.device))
        full = self.lattice.full_loss(told) / told.n_steps
        if not self.is_weakly_taught or step < setting.pretrain:
            return full
        drawn = setting.corpus.weak_batch(step % setting.corpus.n_lengths, setting.batch, rng)
        seen, actions = (part.to(setting.device) for part in drawn)
        weak = self.lattice.loss(seen, actions, max_calls=setting.world.max_calls(actions.shape[2]))
        return full + (weak / (actions >= 0).sum(2)).mean(1)

    def run(self, problems: Problems, max_steps: int) -> Ints:
        """Executes greedily."""
        return self.lattice.run(problems, max_steps=max_steps)


class Writer:
    """seq2seq."""

    def __init__(self, setting: Setting) -> None:
        """Draws first weights."""
        world, self._setting = setting.world, setting
        d_question = setting.corpus.shelves[0][0].questions.shape[2]
        sizes = {"d_hidden": setting.d_hidden, "n_models": setting.n_models, "seed": setting.seed}
        self.module = self._model = Seq2Seq(d_question, world.sizes()[2], **sizes).to(setting.device)

    def loss(self, step: int, rng: np.random.Generator) -> Tensor:
        """Returns the loss by action."""
        drawn = self._setting.corpus.question_batch(step % self._setting.corpus.n_lengths, 2 * self._setting.batch, rng)
        questions, actions = (part.to(self._setting.device) for part in drawn)
        return (self._model.loss(questions, actions) / (actions >= 0).sum(2)).mean(1)

    def run(self, problems: Problems, max_steps: int) -> Ints:
        """Writes the actions and does them."""
        return self._model.run(problems, self._setting.world.question(problems), max_steps=max_steps)


def learner_of(name: str, setting: Setting) -> Learner:
    """Returns a learner of ``LEARNERS``, untrained."""
    return Writer(setting) if name == "seq2seq" else Inducer(name, setting)
