"""Proves that a model does what its task's reference does, on every problem of every size, or says where it does not.

A proof goes through the closed set of frames, step by step; a sample of frames is evidence and says so. That the reference itself is right
is not proved. Source: Cai, Shin and Song 2017, arXiv:1704.06611, section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.recursive_npi.closure import closure, saturated, visit
from shoestring.systems.recursive_npi.frames import Frame, Frames
from shoestring.systems.recursive_npi.model import NPI, outputs, wrong
from shoestring.systems.recursive_npi.task import Ints, Step, Task
from shoestring.systems.recursive_npi.tasks import kind_of, settings_of

LEAST_MARGIN = 1e-3  # in logits: far above the rounding of float32, so that no order of sums, and no batch, can turn a decision
SATURATED_N, SATURATED_LENGTHS = 200, tuple(range(1, 11))
SHOWN_N, SHOWN_LENGTHS = 200, tuple(range(1, 13))  # problems tried for one that shows a wrong step

Mode: TypeAlias = Literal["abstract", "saturate"]


@dataclass(frozen=True)
class Certificate:
    """A model does what the reference does in every frame that was checked.

    Attributes:
        kind: ``"proof"``: these are all frames that there are; ``"evidence"``: a sample of them.
        task: its name; ``built_in``, the name and settings under which it comes with the system, None for a task of one's own.
        frames: how many were checked; ``steps``, the different steps in them.
        min_margin: in logits, the smallest distance of any decision from another one; at least 0.001.
        model_hash: SHA-256 of the weights.
        task_hash: SHA-256 of the frames and of all that the reference does in them.
        width, layers: of the model.
    """

    kind: str
    task: str
    built_in: dict[str, str] | None
    frames: int
    steps: int
    min_margin: float
    model_hash: str
    task_hash: str
    width: int
    layers: int

    def __str__(self) -> str:
        if self.kind == "proof":
            what = f"proved: on every problem of every size, this model of {self.task} does what its reference does"
        else:
            what = f"evidence, not a proof: this model of {self.task} does what its reference does in all frames of a sample"
        return f"{what} ({self.frames} frames, {self.steps} steps, smallest margin {self.min_margin:.3g})"


@dataclass(frozen=True)
class Counterexample:
    """A frame in which a model does not do what the reference does.

    Attributes:
        task: its name.
        frame: up to and with the wrong step, with what the reference does.
        step: the number of the wrong step, from 0.
        expected, got: the reference's step, and the model's.
        margin: in logits; below 0.001 a step counts as wrong even where it is the reference's.
        input: a problem on which the reference meets this frame, as plain data; None if none of ``tried`` does.
        tried: random problems looked at for that.
        n_wrong: wrong steps in all.
    """

    task: str
    frame: Frame
    step: int
    expected: Step
    got: Step
    margin: float
    input: Any
    tried: int
    n_wrong: int

    def __str__(self) -> str:
        seen = " then ".join(str(obs) for obs in self.frame.observations)
        where = f"{_text(self.frame.program, self.frame.args)}, step {self.step}, having seen {seen}"
        shown = f"problem {self.input} shows it" if self.input is not None else f"none of {self.tried} random problems shows it"
        return (
            f"refuted: in {where}, the model does {_said(self.got)} and the reference {_said(self.expected)} "
            f"(margin {self.margin:.3g}; {self.n_wrong} wrong steps in all; {shown})"
        )


def verify(
    model: NPI,
    task: Task,
    mode: Mode = "abstract",
    *,
    n: int = SATURATED_N,
    lengths: Iterable[int] = SATURATED_LENGTHS,
    seed: int = 0,
) -> Certificate | Counterexample:
    """Checks one model against a task's reference, every step of every frame.

    Args:
        model: one model, whatever it was trained on. It is run in double precision.
        task: what it should do.
        mode: ``"abstract"``, a proof: the frames are the closed set that the task's abstraction gives. ``"saturate"``, evidence: they are
            those that the reference meets on ``n`` random problems of each of ``lengths``.
        seed: of the random problems, those that are tried for a counterexample included.
    Raises:
        UnknownName: there is no such mode.
        UsageError: several models in one; a task without abstraction or with endless frames in mode ``"abstract"``; other sizes.
    """
    frames = frames_for(task, mode, n=n, lengths=lengths, seed=seed)
    if model.n_models != 1:
        raise UsageError(f"these are {model.n_models} models; verify them one by one, as model.member(0) and so on.")
    check_fits(model, frames)
    called, args, ends, margin = outputs(model.double(), frames)
    is_wrong = wrong(frames, called, args, ends)[0] | ~(margin[0] >= LEAST_MARGIN)  # so that NaN is wrong
    if not is_wrong.any():
        built_in = kind_of(task)
        settings = {"task": built_in, **(settings_of(task) or {})} if built_in else None
        kind = "proof" if mode == "abstract" else "evidence"
        n_steps = int((frames.depth[: frames.size] > 0).sum())
        hashes = model.digest(), frames.digest()
        return Certificate(kind, task.name, settings, frames.n_frames, n_steps, float(margin[0].min()), *hashes, model.width, model.layers)
    node, shown, tried = _shown(frames, np.flatnonzero(is_wrong), seed)
    step = int(frames.depth[node]) - 1
    got = frames.step_of(int(called[0, node]), args[0, node], bool(ends[0, node]))
    return Counterexample(
        task.name,
        frames.frame(node),
        step,
        frames.reference_step(node),
        got,
        float(margin[0, node]),
        shown,
        tried,
        int(is_wrong.sum()),
    )


def frames_for(
    task: Task,
    mode: Mode = "abstract",
    *,
    n: int = SATURATED_N,
    lengths: Iterable[int] = SATURATED_LENGTHS,
    seed: int = 0,
) -> Frames:
    """Returns the frames that ``verify`` checks in a mode.

    Raises:
        UnknownName: there is no such mode.
        UsageError: as ``verify``.
    """
    if mode not in ("abstract", "saturate"):
        raise UnknownName("mode", mode, ("abstract", "saturate"))
    return closure(task) if mode == "abstract" else saturated(task, n, lengths, np.random.default_rng(seed))


def check_fits(model: NPI, frames: Frames) -> None:
    """Checks that a model was made for tasks of these sizes.

    Raises:
        UsageError: it was not.
    """
    task = frames.task
    given = model.one_hot.shape[1], model.programs.shape[1], model.to_rest.shape[2]
    wanted = sum((*task.obs_sizes, *task.arg_sizes)), len(frames.names) + 1, 1 + sum(task.arg_sizes)
    if given != wanted:
        raise UsageError(f"the model has (inputs, programs, outputs) = {given}, and task {task.name!r} needs {wanted}; give NPI(task).")


def _shown(frames: Frames, bad: Ints, seed: int) -> tuple[int, Any, int]:
    """Returns a wrong node, the first of its frame; the shortest problem tried whose reference run meets one; and how many were tried."""
    is_bad = np.zeros(frames.size, bool)
    is_bad[bad] = True
    first = np.array([node for node in bad if not is_bad[frames.path(int(node))[:-1]].any()])
    rng, tried = np.random.default_rng(seed), 0
    for length in SHOWN_LENGTHS:
        env = frames.task.problems(SHOWN_N, length, rng)
        inputs = [frames.task.describe(env, row) for row in range(len(env))]
        tried += len(env)
        for rows, nodes in visit(frames, env):
            hits = np.flatnonzero(np.isin(nodes, first))
            if hits.size:
                return int(nodes[hits[0]]), inputs[rows[hits[0]]], tried
    return int(first[0]), None, tried


def _text(program: str | None, args: tuple[int, ...]) -> str:
    return f"{program}({', '.join(map(str, args))})"


def _said(step: Step) -> str:
    what = "nothing" if step.program is None else _text(step.program, step.args)
    return f"{what} and end" if step.ends else f"{what} and go on"
