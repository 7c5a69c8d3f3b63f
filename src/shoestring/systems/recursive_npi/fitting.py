"""Fits models to frames: batches of whole frames, drawn by error, all models of a task as one tensor program.

It verifies nothing and knows no environment. Source: Reed and de Freitas 2016, arXiv:1511.06279, section 4.1 (Adam, programs drawn by
their error); here frames are drawn, since a frame depends on nothing outside of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.model import NPI, Logits
from shoestring.systems.recursive_npi.task import Bools, Ints
from shoestring.systems.recursive_npi.tree import Frames

LOOK = 25  # steps between looks at all frames
SURE = 1.0  # the margin in logits at which a frame counts as learnt


class Fitting:
    """Models being fitted to frames, which can be stopped and gone on with, bit for bit.

    Attributes:
        model: the models.
        frames: the tree that all frames are taken from.
        chosen: ``(models, leaves)``, which frames each model learns.
        done: steps so far.
    """

    def __init__(
        self, model: NPI, frames: Frames, chosen: Bools | None = None, *, lr: float = 3e-3, batch: int = 64, seed: int = 0
    ) -> None:
        """Prepares to fit; the models' weights are changed in place.

        Args:
            model: the models.
            frames: a tree of frames.
            chosen: which of its leaves each model learns; None for all.
            lr: Adam's learning rate.
            batch: frames that each model sees in a step.
            seed: of the drawing.
        Raises:
            UsageError: a model has no frame to learn.
        """
        self.model, self.frames, self.done, self._batch = model, frames, 0, batch
        self._leaves = frames.leaves
        self.chosen = np.ones((model.n_models, len(self._leaves)), bool) if chosen is None else chosen.copy()
        if not self.chosen.any(axis=1).all():
            raise UsageError("a model has no frame to learn from; give it the trace of at least one problem.")
        self._optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self._rng = np.random.default_rng(seed)
        self._error = np.ones(self.chosen.shape)
        self._learnt = np.zeros(model.n_models, bool)
        used = self._leaves
        paths = frames.paths(used)
        device = model.encode.device
        self._paths = torch.from_numpy(paths).to(device)
        nodes = np.maximum(paths, 0)
        self._seen = torch.from_numpy(frames.observations(nodes.ravel()).reshape(*nodes.shape, -1)).to(device)
        root = frames.root[used]
        self._program, self._own_args = (torch.from_numpy(values[root]).to(device) for values in (frames.callee, frames.args))
        self._called = torch.from_numpy(frames.callee[nodes]).to(device)
        self._args = torch.from_numpy(frames.args[nodes]).to(device)
        self._ends = torch.from_numpy(frames.ends[nodes]).to(device)
        self._steps = (self._paths >= 0).sum(dim=1)

    @property
    def learnt(self) -> Bools:
        """Which models say the right thing at every step of all their frames, with the margin ``SURE``: looked at every 25 steps."""
        return self._learnt.copy() if self.done % LOOK == 0 else np.zeros_like(self._learnt)

    def add(self, model: int, leaves: Ints) -> None:
        """Gives a model more frames to learn, by their nodes in the tree."""
        self.chosen[model, np.searchsorted(self._leaves, leaves)] = True
        self._error[model, np.searchsorted(self._leaves, leaves)] = self._error[model].max()
        self._learnt[model] = False

    def run(self, steps: int) -> bool:
        """Does at most so many steps, fewer if all models have learnt all before; returns whether they have."""
        for _ in range(steps):
            if self.learnt.all():
                break
            loss = self._losses(self._drawn())[0].sum(dim=1).mean(dim=1).sum()  # of each model by itself: no weight is shared
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self.done += 1
            if self.done % LOOK == 0:
                self._look()
        return bool(self.learnt.all())

    def state_dict(self) -> dict[str, Any]:
        """Returns all that fitting changes, weights included."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "rng": self._rng.bit_generator.state,
            "chosen": torch.from_numpy(self.chosen.copy()),
            "error": torch.from_numpy(self._error.copy()),
            "learnt": torch.from_numpy(self._learnt.copy()),
            "done": self.done,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rng.bit_generator.state = state["rng"]
        self.chosen, self._error, self._learnt = (state[name].numpy().copy() for name in ("chosen", "error", "learnt"))
        self.done = state["done"]

    def _drawn(self) -> Tensor:
        """Returns each model's frames of a step, ``(models, batch)``: all of them where they are few, else drawn by their error."""
        rows, n = [], min(self._batch, int(self.chosen.sum(axis=1).max()))
        for chosen, error in zip(self.chosen, self._error, strict=True):
            own = np.flatnonzero(chosen)
            if len(own) <= n:
                rows.append(np.resize(own, n))
                continue
            weight = error[own] + 0.1 * error[own].mean() + 1e-9
            rows.append(self._rng.choice(own, n, p=weight / weight.sum()))
        return torch.from_numpy(np.stack(rows))

    def _losses(self, picks: Tensor) -> tuple[Tensor, Tensor]:
        """Returns by model, step and frame the cross-entropy ``(models, steps, n)``, and whether all is right with the margin."""
        picks = picks.to(self._paths.device)
        n_steps = int(self._steps[picks].max())
        logits = self.model.frames(self._seen[picks][:, :, :n_steps], self._program[picks], self._own_args[picks])
        shape = (*picks.shape, n_steps)
        called, ends = self._called[picks][:, :, :n_steps].flatten(1, 2), self._ends[picks][:, :, :n_steps].flatten(1, 2)
        args = self._args[picks][:, :, :n_steps].flatten(1, 2)
        is_real = (self._paths[picks][:, :, :n_steps] >= 0).flatten(1, 2)
        loss = F.binary_cross_entropy_with_logits(logits.end, ends.to(logits.end.dtype), reduction="none")
        loss = loss + F.cross_entropy(logits.program.transpose(1, 2), called, reduction="none")
        for i, head in enumerate(logits.args):
            loss = loss + F.cross_entropy(head.transpose(1, 2), args[:, :, i], reduction="none")
        sure = _is_sure(logits, called, args, ends) | ~is_real
        return (loss * is_real).view(shape).transpose(1, 2), sure.view(shape).transpose(1, 2)

    @torch.no_grad()
    def _look(self) -> None:
        """Measures the error of every chosen frame."""
        most = int(self.chosen.sum(axis=1).max())
        own = [np.resize(np.flatnonzero(chosen), most) for chosen in self.chosen]
        learnt = np.ones(self.model.n_models, bool)
        for first in range(0, most, 4096):
            picks = np.stack([one[first : first + 4096] for one in own])
            loss, sure = self._losses(torch.from_numpy(picks))
            for model, some in enumerate(picks):
                self._error[model, some] = loss[model].amax(dim=0).double().cpu().numpy()
            learnt &= sure.flatten(1).all(dim=1).cpu().numpy()
        self._learnt = learnt


def fit(
    model: NPI,
    frames: Frames,
    *,
    steps: int = 2000,
    lr: float = 3e-3,
    batch: int = 64,
    seed: int = 0,
) -> bool:
    """Fits models to all frames of a tree, in place, and returns whether they learnt them, each step with a margin of 1 in logits.

    Args:
        model: one model or several of one task.
        frames: what they learn, such as ``trace`` returns.
        steps: the most steps; fitting ends where all is learnt.
        lr: Adam's learning rate.
        batch: frames that each model sees in a step.
        seed: of the drawing of frames.
    Raises:
        UsageError: there is no frame.
    """
    return Fitting(model, frames, lr=lr, batch=batch, seed=seed).run(steps)


def _is_sure(logits: Logits, called: Tensor, args: Tensor, ends: Tensor) -> Tensor:
    """Returns where every head says the right thing with the margin ``SURE``."""
    sure = torch.where(ends, logits.end, -logits.end) >= SURE
    for head, target in [(logits.program, called), *((head, args[:, :, i]) for i, head in enumerate(logits.args))]:
        if head.shape[-1] > 1:
            right = head.gather(-1, target[..., None])[..., 0]
            sure = sure & (right - head.scatter(-1, target[..., None], -torch.inf).amax(dim=-1) >= SURE)
    return sure
