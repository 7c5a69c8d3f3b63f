"""A table of action values for each type of object by its position relative to the agent: what is learnt can be read.

It sees typed objects and no pixels, and holds many agents at once in one tensor. Source: Garnelo, Arulkumaran and Shanahan 2016,
arXiv:1609.05518, section 3.3; interaction credit: d'Avila Garcez et al. 2018, arXiv:1804.08597.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from shoestring.errors import UnknownName, UsageError

Credit: TypeAlias = Literal["shared", "interaction"]


@dataclass(frozen=True)
class Relations:
    """Where the objects are, seen from the agent.

    Attributes:
        entry: ``(..., n)`` int64, the row of the table of each object: its type and relative position.
        present: ``(..., n)`` bool, whether it counts: an object within the radius of an agent that is there.
        alive: ``(..., n)`` bool, whether it is there at all, near or far.
        distance2: ``(..., n)`` float, its squared distance in steps.
    """

    entry: Tensor
    present: Tensor
    alive: Tensor
    distance2: Tensor


class RelationalQ:
    """Tabular Q-learning over interactions of the agent with one object each.

    ``Q[type](relative position, action)``. An action is chosen by the sum over all objects within the radius; ties are broken at random.
    The table of each is updated as ``Q(s, a) += alpha (r + gamma max_a' Q(s', a') - Q(s, a))``; for an object that is gone, or
    out of reach, ``Q(s', .)`` is 0. In games played at the same time, updates of one entry are averaged.

    Attributes:
        q: ``(n_agents, n_types * side**2, n_actions)`` float32; ``side`` cells, ``2 radius + 1``, for each relative row and column.
        visits: as many int64, updates of each entry.
    """

    def __init__(
        self,
        n_types: int,
        n_actions: int,
        *,
        agent: int | Iterable[int] = 0,
        step: float = 1.0,
        radius: float = 2.5,
        alpha: float = 0.1,
        gamma: float = 0.9,
        credit: Credit = "shared",
        n_agents: int = 1,
        device: str = "cpu",
    ) -> None:
        """Begins with all values 0.

        Args:
            n_types: types of objects, the agent's among them.
            n_actions: actions.
            agent: the type, or types, that the agent is seen as; see ``moving``.
            step: the length of a cell of relative position, in the unit of positions.
            radius: in steps; objects further away do not count.
            alpha: learning rate.
            gamma: discount.
            credit: ``"shared"``: the reward goes to every object within the radius, as in the paper; ``"interaction"``: to the one that was
                there before and is gone, or if there is none, to the nearest; the others get 0.
            n_agents: independent learners, side by side.
        Raises:
            UnknownName: there is no such credit.
            UsageError: sizes or rates that make no sense.
        """
        if credit not in get_args(Credit):
            raise UnknownName("credit", credit, get_args(Credit))
        agents = sorted({agent} if isinstance(agent, int) else set(agent))
        if not agents or agents[0] < 0 or agents[-1] >= n_types or n_actions < 1 or n_agents < 1:
            raise UsageError(
                f"agent={agent}, n_types={n_types}, n_actions={n_actions}: give agent types from 0 to n_types - 1, and sizes from 1."
            )
        if step <= 0 or radius < 1 or not 0 < alpha <= 1 or not 0 <= gamma < 1:
            raise UsageError(
                f"step={step}, radius={radius}, alpha={alpha}, gamma={gamma}: give step > 0, radius >= 1, alpha in (0, 1], gamma in [0, 1)."
            )
        self.n_types, self.n_actions, self.n_agents = n_types, n_actions, n_agents
        self.step, self.radius, self.alpha, self.gamma, self.credit = step, radius, alpha, gamma, credit
        self.agents = torch.tensor(agents, device=device)
        self.reach = math.floor(radius)
        shape = (n_agents, n_types * self.side**2, n_actions)
        self.q = torch.zeros(shape, device=device)
        self.visits = torch.zeros(shape, dtype=torch.long, device=device)
        self._owner = torch.arange(n_agents, device=device)[:, None, None]

    @property
    def side(self) -> int:
        """Cells of a side of a table."""
        return 2 * self.reach + 1

    def relations(self, types: Tensor, positions: Tensor) -> Relations:
        """Returns the relations of scenes.

        Args:
            types: ``(..., n)`` int64, -1 where nothing is. The first object of an agent's type is the agent.
            positions: ``(..., n, 2)`` float.
        """
        is_agent = torch.isin(types, self.agents)
        first = is_agent.int().argmax(-1, keepdim=True)
        origin = positions.gather(-2, first[..., None].expand(*first.shape, 2))
        cells = ((positions - origin) / self.step).round().long()
        distance2 = cells.square().sum(-1)
        alive = (types >= 0) & ~is_agent & (types < self.n_types)
        present = alive & (distance2 <= self.radius**2) & is_agent.any(-1, keepdim=True)
        inside = cells.clamp(-self.reach, self.reach) + self.reach
        entry = (types.clamp(0, self.n_types - 1) * self.side + inside[..., 0]) * self.side + inside[..., 1]
        return Relations(entry, present, alive, distance2)

    def values(self, relations: Relations) -> Tensor:
        """Returns ``(n_agents, n_games, n, n_actions)``, the values for each object; 0 for those that do not count."""
        return self.q[self._owner, relations.entry] * relations.present[..., None]

    def act(self, relations: Relations, epsilon: float, generator: torch.Generator) -> Tensor:
        """Returns actions ``(n_agents, n_games)``: the best by the sum of values, or, with chance ``epsilon``, any."""
        total = self.values(relations).sum(-2)
        draws = torch.rand(*total.shape, generator=generator, device=total.device)
        best = (total + 1e-6 * draws).argmax(-1)
        dice = torch.rand(2, *best.shape, generator=generator, device=total.device)
        return torch.where(dice[0] < epsilon, (dice[1] * self.n_actions).long(), best)

    def update(self, before: Relations, actions: Tensor, rewards: Tensor, after: Relations, is_over: Tensor | None = None) -> None:
        """Learns from one step of every game.

        Args:
            before: relations ``(n_agents, n_games, n)``.
            actions: ``(n_agents, n_games)`` int64.
            rewards: ``(n_agents, n_games)`` float.
            after: relations; the object in a slot is the one that was there before, or the slot was empty.
            is_over: ``(n_agents, n_games)`` bool, games that ended, and were not just cut off.
        """
        future = self.values(after).max(-1).values
        if is_over is not None:
            future = future * ~is_over[..., None]
        index = before.entry * self.n_actions + actions[..., None]
        flat, counts = self.q.view(self.n_agents, -1), self.visits.view(self.n_agents, -1)
        index, used = index.flatten(1), before.present.flatten(1)
        target = (self._share(before, rewards, after) + self.gamma * future).flatten(1)
        error = torch.where(used, target - flat.gather(1, index), 0.0)
        n = torch.zeros_like(flat).scatter_add_(1, index, used.float())
        total = torch.zeros_like(flat).scatter_add_(1, index, error)
        flat += self.alpha * total / n.clamp_min(1)
        counts += n.long()

    def _share(self, before: Relations, rewards: Tensor, after: Relations) -> Tensor:
        """Returns the reward that each object is credited with, ``(n_agents, n_games, n)``."""
        everyone = rewards[..., None].expand(before.present.shape)
        if self.credit == "shared":
            return everyone
        gone = before.present & ~after.alive
        away = torch.where(before.present, after.distance2.double(), math.inf)
        nearest = away == away.min(-1, keepdim=True).values
        return everyone * torch.where(gone.any(-1, keepdim=True), gone, nearest)

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learnt."""
        return {"q": self.q, "visits": self.visits}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back.

        Raises:
            UsageError: it is of another shape.
        """
        if state["q"].shape != self.q.shape:
            raise UsageError(
                f"values of shape {tuple(state['q'].shape)} do not fit {tuple(self.q.shape)}; make the learner as it was made."
            )
        self.q.copy_(state["q"])
        self.visits.copy_(state["visits"])


def moving(types: Sequence[Tensor], positions: Sequence[Tensor], n_types: int) -> tuple[tuple[int, ...], float]:
    """Returns which types move by themselves, and by how much: the agent, found without being told.

    Args:
        types: of each frame, ``(n_slots,)`` int64, -1 where a slot is empty; frames follow each other, and a slot holds one object.
        positions: of each frame, ``(n_slots, 2)``.
        n_types: types there may be.
    Returns:
        The types that moved in more than half of their steps, or if there is none the one that did most often; and the median move.
    Raises:
        UsageError: nothing moved.
    """
    steps, moves, lengths = torch.zeros(n_types), torch.zeros(n_types), []
    for t in range(len(types) - 1):
        both = (types[t] >= 0) & (types[t + 1] >= 0)
        length = (positions[t + 1] - positions[t]).norm(dim=-1)[both]
        kind = types[t][both]
        steps += torch.bincount(kind, minlength=n_types)
        moves += torch.bincount(kind[length > 0], minlength=n_types)
        lengths.append(length[length > 0])
    if not lengths or not moves.any():
        raise UsageError("no object moved, so that none can be the agent; give frames of a few hundred random actions.")
    share = moves / steps.clamp_min(1)
    found = torch.nonzero(share > 0.5).flatten().tolist() or [int(share.argmax())]
    return tuple(found), float(torch.cat(lengths).median())
