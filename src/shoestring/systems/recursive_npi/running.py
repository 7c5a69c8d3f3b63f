"""Runs a model on problems of any size: step by step through the network, or from the finite table of all that it does.

Source: Cai, Shin and Song 2017, arXiv:1704.06611, Algorithm 1; the table is ours.
"""

from __future__ import annotations

from typing import Any

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.closure import closure
from shoestring.systems.recursive_npi.machine import Run, TablePolicy, run_policy
from shoestring.systems.recursive_npi.model import NPI, NetworkPolicy, outputs
from shoestring.systems.recursive_npi.task import Task
from shoestring.systems.recursive_npi.tree import Frames
from shoestring.systems.recursive_npi.verification import check_fits

MOST_STEPS = 10_000_000


def run(model: NPI | Frames, task: Task, env: Any, *, max_steps: int = MOST_STEPS) -> Run:
    """Runs a model on all problems of an environment at once, and changes the environment.

    Args:
        model: one model, or several, among which the problems are shared in equal parts, in order; or a model's ``table``.
        task: what the environment is of.
        env: its problems.
        max_steps: a problem that takes more is given up.
    Raises:
        UsageError: the model is of other sizes; problems cannot be shared among models; a table of another task.
    """
    if isinstance(model, Frames):
        if model.task.name != task.name:
            raise UsageError(f"the table is of task {model.task.name!r}, not of {task.name!r}; make one for it.")
        return run_policy(TablePolicy(model, grows=False), task, env, max_steps)
    check_fits(model, Frames(task))
    return run_policy(NetworkPolicy(model, task), task, env, max_steps)


def table(model: NPI, task: Task) -> Frames:
    """Returns all that one model does in the frames of a task, as a tree for ``run`` to look it up in.

    The outputs are the network's, not the reference's. A certified model never leaves the table. One that errs may come to what is not in
    it, and is given up there.

    Raises:
        UsageError: several models; a task whose frames have no closed set; a model of other sizes.
    """
    frames = closure(task)
    check_fits(model, frames)
    if model.n_models != 1:
        raise UsageError(f"these are {model.n_models} models; make a table of one, model.member(0).")
    called, args, ends, _ = outputs(model.double(), frames)
    is_step = frames.depth[: frames.size] > 0
    frames.callee[: frames.size][is_step] = called[0][is_step]
    frames.args[: frames.size][is_step] = args[0][is_step]
    frames.ends[: frames.size][is_step] = ends[0][is_step]
    return frames
