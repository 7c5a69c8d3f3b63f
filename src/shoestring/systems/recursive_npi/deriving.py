"""An abstraction that nobody has to write: what may follow each state is what follows it in small problems.

A state is what is seen and what some predicates say. That larger problems do nothing else is assumed; ``check_abstraction`` tests it, and
the certificate names the assumption. Source: predicate abstraction, Graf and Saidi 1997, here by enumeration.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.closure import visit
from shoestring.systems.recursive_npi.task import Bools, Ints, Obs, Reference, State, Task, rows_of
from shoestring.systems.recursive_npi.tree import Frames

Predicate: TypeAlias = Callable[[Any, Ints], Ints | Bools]
Row: TypeAlias = tuple[int, ...]


def derive(task: Task, problems: Iterable[Any], predicates: Sequence[Predicate] = ()) -> Task:
    """Returns the task with an abstraction that is derived from small problems, so that its models can be verified.

    The reference runs on the problems. A state is what is seen in an environment, and beside it the values of the predicates; what may
    follow a state and a primitive is all that followed them there. Where the frames of the result have no end, or are more than the
    reference ever meets, a predicate that tells more states apart helps.

    Args:
        task: what to add the abstraction to. One that it has is replaced.
        problems: environments of small problems, best all that there are of each small size. They are run, and so changed.
        predicates: each takes an environment and row numbers, as ``task.observe`` does, and returns one whole number or truth value a row.
    Raises:
        UsageError: no problem, the reference does not end, or a predicate returns something else.
    """
    derived = _Derived(task, tuple(predicates))
    for env in problems:
        derived.starts.update(derived.states(env, rows_of(env)))
        derived.derived_from += len(env)
        visit(Frames(derived), env)
    if not derived.derived_from:
        raise UsageError(f"problems must hold at least one problem to derive an abstraction of {task.name!r} from, got none.")
    return cast(Task, derived)


@dataclass(eq=False)
class _Derived:
    """The task, with what was seen to follow each state.

    Attributes:
        derived_from: how many problems.
    """

    task: Task
    predicates: tuple[Predicate, ...]
    derived_from: int = 0
    starts: set[Row] = field(default_factory=set)
    followed: dict[tuple[Row, str, Row], set[Row]] = field(default_factory=lambda: defaultdict(set))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "task":
            raise AttributeError(name)
        return getattr(self.task, name)

    def states(self, env: Any, rows: Ints) -> list[Row]:
        """Returns the state of each row."""
        parts = [np.asarray(self.task.observe(env, rows)), *(self._said(predicate, env, rows) for predicate in self.predicates)]
        return [tuple(row) for row in np.column_stack(parts).astype(np.int64).tolist()]

    def act(self, env: Any, rows: Ints, primitive: str, args: Ints) -> None:
        """Applies one primitive, and notes what followed."""
        before = self.states(env, rows)
        self.task.act(env, rows, primitive, args)
        for state, own, after in zip(before, args.tolist(), self.states(env, rows), strict=True):
            self.followed[state, primitive, tuple(own)].add(after)

    def reference(self, program: str, args: tuple[int, ...], obs: Obs) -> Reference:
        """Runs one frame of a program."""
        return self.task.reference(program, args, obs)

    def abstract_start(self) -> Iterable[State]:
        """Returns the states in which problems began."""
        return sorted(self.starts)

    def abstract_observe(self, state: Any) -> Obs:
        """Returns what is seen in a state."""
        seen: Obs = state[: len(self.task.obs_sizes)]
        return seen

    def abstract_step(self, state: Any, primitive: str, args: tuple[int, ...]) -> Iterable[State]:
        """Returns the states that followed."""
        if not (found := self.followed.get((state, primitive, args))):
            raise LookupError(f"{primitive}{args} in {state} happened in no small problem")
        return sorted(found)

    def abstract_call(self, state: Any, program: str) -> tuple[State, State]:
        """Returns all of the state: every program may touch it."""
        return state, None

    def abstract_return(self, state: Any, aside: Any) -> State:
        """Returns the state as it is."""
        returned: State = state
        return returned

    def _said(self, predicate: Predicate, env: Any, rows: Ints) -> Ints:
        said = np.asarray(predicate(env, rows))
        if said.shape != (len(rows),) or said.dtype.kind not in "biu":
            name = getattr(predicate, "__name__", type(predicate).__name__)
            got = f"{said.dtype} of shape {said.shape}"
            raise UsageError(f"predicate {name} must return {len(rows)} whole numbers or truth values, got {got}.")
        return said.astype(np.int64)
