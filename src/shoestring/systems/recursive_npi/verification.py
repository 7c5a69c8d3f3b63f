"""Proves that a model does what its task's reference does, on every problem of every size, or says where it does not.

A proof goes through the closed set of frames, step by step; a sample of frames is evidence and says so. What a proof rests on, the
abstraction and the reference, is tested on random problems first. Source: Cai, Shin and Song 2017, arXiv:1704.06611, section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.closure import SAMPLED_LENGTHS, SAMPLED_N, Mode, check_mode, closure, visit
from shoestring.systems.recursive_npi.model import NPI, outputs, wrong
from shoestring.systems.recursive_npi.soundness import Checked, check_frames, random_problems
from shoestring.systems.recursive_npi.task import Bools, Ints, Step, Task
from shoestring.systems.recursive_npi.tasks import kind_of, settings_of
from shoestring.systems.recursive_npi.tree import Frame, Frames

LEAST_MARGIN = 1e-3  # in logits: far above the rounding of float32, so that no order of sums, and no batch, can turn a decision
SHOWN_N, SHOWN_LENGTHS = 200, tuple(range(1, 13))  # problems tried for one that shows a wrong step


@dataclass(frozen=True)
class Certificate:
    """A model does what the reference does in every frame that was checked.

    Attributes:
        kind: ``"proof"``: these are all frames that there are; ``"evidence"``: a sample of them.
        task: its name; ``built_in``, the name and settings under which it comes with the system, None for a task of one's own.
        frames: how many were checked; ``steps``, the different steps in them.
        min_margin: in logits, the smallest distance of any decision from another one; at least 0.001.
        problems, lengths, seed: the reference was run on so many random problems, equally many of each length, drawn with the seed.
        met: how many different frames it met on them; in a proof all are among those that were checked.
        solved: the share of them that it solved; 1 in a proof.
        derived_from: the number of small problems that the abstraction was derived from; 0 where it was written.
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
    problems: int
    lengths: tuple[int, ...]
    seed: int
    met: int
    solved: float
    derived_from: int
    model_hash: str
    task_hash: str
    width: int
    layers: int

    def __str__(self) -> str:
        if self.kind == "proof" and self.derived_from:
            what = (
                f"proved, assuming that problems of any size do only what {self.derived_from} small ones do: "
                f"this model of {self.task} does what its reference does"
            )
        elif self.kind == "proof":
            what = f"proved: on every problem of every size, this model of {self.task} does what its reference does"
        else:
            what = f"evidence, not a proof: this model of {self.task} does what its reference does in all frames of a sample"
        checked = f"{self.frames} frames, {self.steps} steps, smallest margin {self.min_margin:.3g}"
        solved = f"{round(self.solved * self.problems)} of {self.problems} random problems"
        return f"{what} ({checked}). The reference solved {solved} and met {self.met} frames"


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
        shown = f"problem {self.input} shows it" if self.input is not None else f"none of {self.tried} random problems shows it"
        return (
            f"refuted: at step {self.step} of {self.frame}, the model does {_said(self.got)}; the reference does {_said(self.expected)} "
            f"(margin {self.margin:.3g}; {self.n_wrong} wrong steps in all; {shown})"
        )


def verify(
    model: NPI,
    task: Task,
    mode: Mode = "abstract",
    *,
    n: int = SAMPLED_N,
    lengths: Iterable[int] = SAMPLED_LENGTHS,
    seed: int = 0,
) -> Certificate | Counterexample | Checked:
    """Checks one model against a task's reference, every step of every frame.

    The reference is first run on ``n`` random problems of each of ``lengths``. Nothing is proved where it meets a frame that the task's
    abstraction does not lead to, does not solve a problem, or never ends: what was seen is returned then (``Checked``).

    Args:
        model: one model, whatever it was trained on. It is run in double precision.
        task: what it should do.
        mode: ``"abstract"``, a proof: the frames are the closed set that the task's abstraction gives. ``"saturate"``, evidence: they are
            those that the reference meets on the random problems.
        seed: of the random problems, those that are tried for a counterexample included.
    Raises:
        UnknownName: there is no such mode.
        UsageError: several models in one; a task without abstraction or with endless frames in mode ``"abstract"``; other sizes.
    """
    return judge(model, ground(task, mode, n=n, lengths=lengths, seed=seed))


@dataclass(frozen=True)
class Ground:
    """What models of a task are judged by.

    Attributes:
        frames: the frames that are checked.
        checked: what the reference did on random problems.
        kind: of a certificate: ``"proof"`` or ``"evidence"``.
        lengths, seed: of the random problems.
    """

    frames: Frames
    checked: Checked
    kind: str
    lengths: tuple[int, ...]
    seed: int


def ground(task: Task, mode: Mode = "abstract", *, n: int = SAMPLED_N, lengths: Iterable[int] = SAMPLED_LENGTHS, seed: int = 0) -> Ground:
    """Returns what ``verify`` judges models by, the random problems being run.

    Raises:
        UnknownName: there is no such mode.
        UsageError: a task without abstraction or with endless frames in mode ``"abstract"``.
    """
    check_mode(mode)
    lengths, is_closed = tuple(lengths), mode == "abstract"
    frames = closure(task) if is_closed else Frames(task)
    checked = check_frames(frames, random_problems(task, n, lengths, seed), is_closed=is_closed)
    frames.settle()
    return Ground(frames, checked, "proof" if is_closed else "evidence", lengths, seed)


def judge(model: NPI, on: Ground) -> Certificate | Counterexample | Checked:
    """Returns what ``verify`` returns of one model.

    Raises:
        UsageError: several models in one, or a model of other sizes.
    """
    frames, checked, task = on.frames, on.checked, on.frames.task
    if model.n_models != 1:
        raise UsageError(f"verify takes one model, got {model.n_models}; verify them one by one, as model.member(0) and so on.")
    check_fits(model, frames)
    if checked.frame is not None or not checked.ended:
        return checked
    called, args, ends, margin = outputs(model.double(), frames)
    is_wrong = wrong(frames, called, args, ends)[0] | ~(margin[0] >= LEAST_MARGIN)  # so that NaN is wrong
    if is_wrong.any():
        return _counterexample(frames, np.flatnonzero(is_wrong), called[0], args[0], ends[0], margin[0], on.seed)
    if checked.fault is not None:
        return checked
    built_in = kind_of(task)
    return Certificate(
        kind=on.kind,
        task=task.name,
        built_in={"task": built_in, **(settings_of(task) or {})} if built_in else None,
        frames=len(frames),
        steps=int((frames.depth[: frames.size] > 0).sum()),
        min_margin=float(margin[0].min()),
        problems=checked.problems,
        lengths=on.lengths,
        seed=on.seed,
        met=checked.met,
        solved=checked.solved,
        derived_from=getattr(task, "derived_from", 0) if on.kind == "proof" else 0,
        model_hash=model.digest(),
        task_hash=frames.digest(),
        width=model.width,
        layers=model.layers,
    )


def _counterexample(frames: Frames, bad: Ints, called: Ints, args: Ints, ends: Bools, margin: Any, seed: int) -> Counterexample:
    node, shown, tried = _shown(frames, bad, seed)
    return Counterexample(
        frames.task.name,
        frames.frame(node),
        int(frames.depth[node]) - 1,
        frames.reference_step(node),
        frames.step_of(int(called[node]), args[node], bool(ends[node])),
        float(margin[node]),
        shown,
        tried,
        len(bad),
    )


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


def _said(step: Step) -> str:
    what = "nothing" if step.program is None else f"{step.program}({', '.join(map(str, step.args))})"
    return f"{what} and end" if step.ends else what
