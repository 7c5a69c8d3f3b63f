"""What a ``RelationalQ`` has learnt, as a table of rules and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from shoestring.errors import UsageError
from shoestring.systems.symbolic_rl.model import RelationalQ
from shoestring.systems.symbolic_rl.scene import Scene


@dataclass(frozen=True)
class Rule:
    """What one object, at one place, speaks for.

    Attributes:
        type: of the object, by name.
        row, column: where it is, in steps from the agent, down and right.
        values: of each action, by name.
        visits: updates that they rest on, all actions together.
    """

    type: str
    row: int
    column: int
    values: dict[str, float]
    visits: int

    @property
    def best(self) -> str:
        """The action with the highest value."""
        return max(self.values, key=self.values.__getitem__)

    @property
    def worst(self) -> str:
        """The action with the lowest value."""
        return min(self.values, key=self.values.__getitem__)

    @property
    def weight(self) -> float:
        """The difference between the two: how much the rule matters."""
        return self.values[self.best] - self.values[self.worst]

    @property
    def is_warning(self) -> bool:
        """Whether what stands out is the worst action, which loses and is further from the others than the best is."""
        best, worst = self.values[self.best], self.values[self.worst]
        middle = sorted(self.values.values())[len(self.values) // 2]
        return worst < 0 and middle - worst > best - middle

    @property
    def telling(self) -> str:
        """The action that stands out: the worst if the rule is a warning, or else the best."""
        return self.worst if self.is_warning else self.best

    def __str__(self) -> str:
        does = f"{'do not go' if self.is_warning else 'go'} {self.telling} ({self.values[self.telling]:+.2f})"
        return f"{self.type} {place(self.row, self.column)}: {does}"


def place(row: int, column: int) -> str:
    """Returns a relative position in words, such as ``"1 up, 2 right"``."""
    parts = [f"{abs(n)} {word}" for n, word in ((row, "down" if row > 0 else "up"), (column, "right" if column > 0 else "left")) if n]
    return ", ".join(parts) or "here"


def rules(
    learner: RelationalQ, types: Sequence[str] = (), actions: Sequence[str] = (), *, agent: int = 0, least_visits: int = 1
) -> list[Rule]:
    """Returns the rules that a learner has, those that matter most first.

    Args:
        types: names; ``type 0`` and so on where there is none.
        actions: names; ``action 0`` and so on where there is none.
        agent: which of the learners.
        least_visits: updates that a rule must rest on.
    Raises:
        UsageError: there is no such learner.
    """
    if not 0 <= agent < learner.n_agents:
        raise UsageError(f"learner {agent} does not exist; give 0 to {learner.n_agents - 1}.")
    visits = learner.visits[agent].sum(-1)
    entries = torch.nonzero(visits >= max(least_visits, 1)).flatten().tolist()
    found = _rules(learner, entries, types, actions, agent)
    return sorted(found, key=lambda rule: -rule.weight)


def explain(learner: RelationalQ, scene: Scene, types: Sequence[str] = (), actions: Sequence[str] = (), *, agent: int = 0) -> str:
    """Returns, in words, what a learner would do in a scene and which objects speak for it, those that matter most first."""
    relations = learner.relations(torch.as_tensor(scene.types), torch.as_tensor(scene.positions))
    entries = relations.entry[relations.present].tolist()
    if not entries:
        return "nothing is near enough to matter: any action will do"
    spoken, named = _rules(learner, entries, types, actions, agent), _names(actions, learner.n_actions, "action")
    total = learner.q[agent, entries].sum(0)
    sums = ", ".join(f"{name} {value:+.2f}" for name, value in zip(named, total.tolist(), strict=True))
    lines = [f"go {named[int(total.argmax())]}; all together: {sums}", *(f"  {rule}" for rule in sorted(spoken, key=lambda r: -r.weight))]
    return "\n".join(lines)


def _rules(learner: RelationalQ, entries: Sequence[int], types: Sequence[str], actions: Sequence[str], agent: int) -> list[Rule]:
    named, kinds, n = _names(actions, learner.n_actions, "action"), _names(types, learner.n_types, "type"), learner.side**2
    return [
        Rule(
            kinds[i // n],
            i % n // learner.side - learner.reach,
            i % learner.side - learner.reach,
            dict(zip(named, learner.q[agent, i].tolist(), strict=True)),
            int(learner.visits[agent, i].sum()),
        )
        for i in entries
    ]


def _names(given: Sequence[str], n: int, word: str) -> list[str]:
    return [given[i] if i < len(given) else f"{word} {i}" for i in range(n)]
