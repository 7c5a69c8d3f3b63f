"""Fits until verified: what verification refutes is learnt too, and so on, until there is a certificate or no time is left.

It is counterexample-guided: a model that errs in frames it was never shown is shown some of them. Source: the loop is ours; the paper
chooses training sets by hand until its models pass (Cai, Shin and Song 2017, arXiv:1704.06611, section 4).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.closure import SAMPLED_LENGTHS, SAMPLED_N, Mode, visit
from shoestring.systems.recursive_npi.fitting import LOOK, Fitting
from shoestring.systems.recursive_npi.model import NPI, outputs, wrong
from shoestring.systems.recursive_npi.soundness import Checked, check_frames
from shoestring.systems.recursive_npi.task import Bools, Ints, Task
from shoestring.systems.recursive_npi.tree import Frames
from shoestring.systems.recursive_npi.verification import LEAST_MARGIN, Certificate, Counterexample, ground, judge

A_ROUND = 32  # frames that a model is shown at most after a refutation


class Refinement:
    """Models of one task, each being fitted to its own frames and those in which it was refuted; can be paused, bit for bit.

    Attributes:
        fitting: the models, their frames and how they are fitted.
        rounds: by model, the refutations so far.
        verified: by model, whether its kept weights do the right thing in all frames of the tree.
        kept: the weights that were verified.
    """

    def __init__(self, fitting: Fitting, *, rounds: int = 20, against: Frames | None = None) -> None:
        """Takes models and their frames.

        Args:
            rounds: refutations that each model learns from, at most.
            against: the frames that models are checked against; None for those that they are fitted to. Others can only refute.
        Raises:
            UsageError: other frames to check against, and rounds.
        """
        self.fitting, self._most, self._against = fitting, rounds, fitting.frames if against is None else against
        if rounds and self._against is not fitting.frames:
            raise UsageError(f"rounds={rounds} cannot be learnt from frames that are not fitted to; give rounds=0.")
        self.rounds = np.zeros(fitting.model.n_models, np.int64)
        self.verified = np.zeros(fitting.model.n_models, bool)
        self._gave_up = self.verified.copy()
        self.kept = {name: value.clone() for name, value in fitting.model.state_dict().items()}

    @property
    def done(self) -> bool:
        """Whether every model is verified or given up."""
        return bool((self.verified | self._gave_up).all())

    def run(self, steps: int) -> bool:
        """Fits for so many steps, fewer if all is done before, and checks each model whenever it has learnt what it was shown."""
        until = self.fitting.done + steps
        while not self.done and self.fitting.done < until:
            self.fitting.run(min(LOOK - self.fitting.done % LOOK, until - self.fitting.done))
            if (pending := self.fitting.learnt & ~self.verified & ~self._gave_up).any():
                self._check(np.flatnonzero(pending))
        return self.done

    def model(self) -> NPI:
        """Returns the models with the weights that were verified, and the present ones where none were."""
        for name, value in self.fitting.model.state_dict().items():
            self.kept[name][~self.verified] = value[~self.verified]
        return self.fitting.model.of_weights({name: value.clone() for name, value in self.kept.items()})

    def state_dict(self) -> dict[str, Any]:
        """Returns all that changes."""
        plain = {name: torch.from_numpy(getattr(self, name).copy()) for name in ("rounds", "verified", "_gave_up")}
        return {"fitting": self.fitting.state_dict(), "kept": self.kept, **plain}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.fitting.load_state_dict(state["fitting"])
        self.kept = {name: value.clone() for name, value in state["kept"].items()}
        self.rounds, self.verified, self._gave_up = (state[name].numpy().copy() for name in ("rounds", "verified", "_gave_up"))

    def _check(self, pending: Ints) -> None:
        frames, fitting = self._against, self.fitting
        found = _bad(fitting.model.members(pending), frames)
        if not found.any(axis=1).all():  # what passes in single precision must pass in double
            found |= _bad(fitting.model.members(pending).double(), frames)
        for model, bad in zip(pending, found, strict=True):
            if not bad.any():
                self.verified[model] = True
                for name, value in fitting.model.state_dict().items():
                    self.kept[name][model] = value[model]
            elif self.rounds[model] >= self._most:
                self._gave_up[model] = True
            else:
                self.rounds[model] += 1
                fitting.add(int(model), _refuted(frames, bad)[:A_ROUND])


@dataclass(frozen=True)
class Fitted:
    """What fitting until verified came to.

    Attributes:
        model: the model, verified or not.
        found: its certificate; or, where it was given up, a counterexample; what forbids a proof, where something does: nothing is fitted
            then; None where it never learnt what it was shown.
        rounds: refutations that it learnt from.
        steps: of fitting, in all.
    """

    model: NPI
    found: Certificate | Counterexample | Checked | None
    rounds: int
    steps: int

    @property
    def is_certified(self) -> bool:
        """Whether there is a certificate."""
        return isinstance(self.found, Certificate)

    def __str__(self) -> str:
        if isinstance(self.found, Checked):
            return f"{self.found}\nnot certified: nothing was fitted"
        spent = f"after {self.steps} steps and {self.rounds} refutations"
        if self.found is None:
            return f"not certified {spent}: the model has not learnt the frames that it was shown; give it more steps or a larger width"
        return f"{self.found}\n{'certified' if self.is_certified else 'not certified'} {spent}"


def fit_until_verified(
    task: Task,
    problems: Iterable[Any],
    *,
    mode: Mode = "abstract",
    width: int = 64,
    layers: int = 2,
    rounds: int = 20,
    steps: int = 4000,
    lr: float = 3e-3,
    batch: int = 64,
    n: int = SAMPLED_N,
    lengths: Iterable[int] = SAMPLED_LENGTHS,
    seed: int = 0,
) -> Fitted:
    """Fits a model to the reference's traces of some problems, then to what refutes it, until it is verified or given up.

    Args:
        task: what to learn.
        problems: environments of the task, to begin with; they are run, and so changed.
        mode, n, lengths: as in ``verify``, whose random problems are run first.
        width, layers: of the model.
        rounds: the most refutations to learn from.
        steps: the most steps in all.
        lr, batch: of fitting.
        seed: of weights, drawing and random problems.
    Raises:
        UsageError: no problem; or as ``verify``.
    """
    basis, problems = ground(task, mode, n=n, lengths=lengths, seed=seed), list(problems)
    model = NPI(task, width=width, layers=layers, generator=torch.Generator().manual_seed(seed))
    checked = basis.checked if basis.checked.fault else check_frames(basis.frames, copy.deepcopy(problems), is_closed=mode == "abstract")
    if checked.fault:
        return Fitted(model, checked, 0, 0)
    chosen = traced(basis.frames, [problems])
    refinement = Refinement(Fitting(model, basis.frames, chosen, lr=lr, batch=batch, seed=seed), rounds=rounds)
    refinement.run(steps)
    model = refinement.model()
    found = judge(model, basis) if refinement.done else None
    return Fitted(model, found, int(refinement.rounds[0]), refinement.fitting.done)


def traced(frames: Frames, problems: Sequence[Sequence[Any]]) -> Bools:
    """Returns which leaves of a tree the reference meets, ``(models, leaves)``; what the tree lacks is added to it.

    Args:
        problems: by model, the environments that it learns from; they are run, and so changed.
    Raises:
        UsageError: a model has none, or the reference does not end.
    """
    if not all(problems):
        raise UsageError("a model has no problem to learn from; give it at least one environment.")
    met = [np.unique(np.concatenate([nodes for env in own for _, nodes in visit(frames, env)])) for own in problems]
    leaves = frames.leaves  # now that all is in the tree
    return np.stack([np.isin(leaves, nodes) for nodes in met])


def trace(task: Task, env: Any, recursive: bool | None = None) -> Frames:
    """Returns the frames that the reference meets on an environment, which is run, and so changed.

    Args:
        recursive: take the task's recursive, or its other, programs; None for those of the task as it is.
    Raises:
        UsageError: the task has no setting ``recursion``; or the reference does not end.
    """
    if recursive is not None:
        task = with_recursion(task, "full" if recursive else "none")
    frames = Frames(task)
    visit(frames, env)
    frames.settle()
    return frames


def with_recursion(task: Task, recursion: str) -> Task:
    """Returns a task with another setting ``recursion``.

    Raises:
        UsageError: it has none.
    """
    kind: Any = type(task)
    if "recursion" not in getattr(kind, "__dataclass_fields__", {}):
        raise UsageError(f"task {task.name!r} has no setting recursion; leave recursive=None.")
    other: Task = kind(**{**{name: getattr(task, name) for name in kind.__dataclass_fields__}, "recursion": recursion})
    return other


def _bad(model: NPI, frames: Frames) -> Bools:
    """Returns by model and node where a step is wrong, or right by too little."""
    called, args, ends, margin = outputs(model, frames)
    bad: Bools = wrong(frames, called, args, ends) | ~(margin >= LEAST_MARGIN)
    return bad


def _refuted(frames: Frames, bad: Bools) -> Ints:
    """Returns leaves of frames with a wrong step, one for each wrong step that comes first in its frame."""
    leaves = frames.leaves
    paths = frames.paths(leaves)
    is_bad = bad[np.maximum(paths, 0)] & (paths >= 0)
    hit = np.flatnonzero(is_bad.any(axis=1))
    first = paths[hit, is_bad[hit].argmax(axis=1)]
    return leaves[hit[np.unique(first, return_index=True)[1]]]
