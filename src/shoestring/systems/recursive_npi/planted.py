"""A task with a bug planted in its reference, for controls: what verifies must refute a right model of it, and show where.

It is no task to learn. Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from shoestring.systems.recursive_npi.task import Obs, Reference, Task

BUGS: dict[str, tuple[str, tuple[int, ...]]] = {
    "addition": ("CARRY", ()),
    "bubble-sort": ("SWAP", ()),
    "quicksort": ("SWAP", (0,)),  # which puts the pivot in its place
    "topological-sort": ("TOPOSORT", ()),  # which goes on with the next start
}


def forgetful(task: Task, program: str, args: tuple[int, ...] = ()) -> Task:
    """Returns the task with references that leave out every call of ``program`` with ``args``; all else is the task's own."""
    return cast(Task, _Forgetful(task, program, args))


@dataclass(frozen=True)
class _Forgetful:
    task: Task
    program: str
    without: tuple[int, ...]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "task":
            raise AttributeError(name)
        return getattr(self.task, name)

    def reference(self, program: str, args: tuple[int, ...], obs: Obs) -> Reference:
        """Runs one frame, without the forgotten call."""
        inner = self.task.reference(program, args, obs)
        step = next(inner, None)
        while step is not None:
            if (step.program, step.args) != (self.program, self.without):
                obs = yield step
            if step.ends:
                return
            try:
                step = inner.send(obs)
            except StopIteration:
                return
