"""The baseline: deep Q-networks on the field's cells, seen whole or from the agent; many agents as one tensor program.

It gets perfect perception, one plane for each kind of thing, which is more than the paper's DQN had. Source: Mnih et al. 2015, Nature 518.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shoestring.systems.symbolic_rl.task import ACTIONS, POSITIVE

View: TypeAlias = Literal["field", "agent"]
WALL = POSITIVE + 1
PLANES = WALL + 1  # negative, positive, wall, agent
Fields: TypeAlias = tuple[Tensor, Tensor]


def planes(boards: Tensor, agents: Tensor, view: View) -> Tensor:
    """Returns what a network sees, ``(n, 4, size, size)`` float32: planes of negative objects, positive ones, wall, and agent.

    Args:
        boards: ``(n, size, size)`` uint8, as ``Games.boards`` has them.
        agents: ``(n, 2)`` int64, the agent's cell.
        view: ``"field"``, where it is; or ``"agent"``: of the same size around the agent, with walls where the field ends.
    """
    n, size = boards.shape[:2]
    line = torch.arange(size, device=boards.device)
    seen, at = boards, agents
    if view == "agent":
        half = size // 2
        padded = F.pad(boards, (half, half, half, half), value=WALL)
        each = torch.arange(n, device=boards.device)[:, None, None]
        seen = padded[each, (agents[:, :1] + line)[:, :, None], (agents[:, 1:] + line)[:, None]]
        at = torch.full_like(agents, half)
    here = (line == at[:, :1])[:, :, None] & (line == at[:, 1:])[:, None]
    return torch.stack((*(seen == kind for kind in range(1, WALL + 1)), here), 1).float()


class QNetworks(nn.Module):
    """Networks of one shape, one for each agent: two convolutions, one hidden layer, one value for each action."""

    def __init__(self, n: int, size: int, generator: torch.Generator, features: int = 16, hidden: int = 128) -> None:
        """Draws first weights, uniform within one over the root of what comes in, from a generator on the CPU."""
        super().__init__()
        inner = ((size + 1) // 2) ** 2 * 2 * features

        def drawn(*shape: int, fan_in: int) -> nn.Parameter:
            return nn.Parameter((2 * torch.rand(n, *shape, generator=generator) - 1) / fan_in**0.5)

        self.w1, self.b1 = drawn(features, PLANES, 3, 3, fan_in=PLANES * 9), drawn(features, fan_in=PLANES * 9)
        self.w2, self.b2 = drawn(2 * features, features, 3, 3, fan_in=features * 9), drawn(2 * features, fan_in=features * 9)
        self.w3, self.b3 = drawn(inner, hidden, fan_in=inner), drawn(1, hidden, fan_in=inner)
        self.w4, self.b4 = drawn(hidden, len(ACTIONS), fan_in=hidden), drawn(1, len(ACTIONS), fan_in=hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Returns values ``(n, batch, n_actions)`` of what ``n`` networks see, ``(n, batch, 4, size, size)``."""
        n, batch = x.shape[:2]
        x = x.transpose(0, 1).flatten(1, 2)
        x = torch.relu(F.conv2d(x, self.w1.flatten(0, 1), self.b1.flatten(), padding=1, groups=n))
        x = torch.relu(F.conv2d(x, self.w2.flatten(0, 1), self.b2.flatten(), padding=1, stride=2, groups=n))
        x = x.view(batch, n, -1).transpose(0, 1)
        return torch.baddbmm(self.b4, torch.relu(torch.baddbmm(self.b3, x, self.w3)), self.w4)


@dataclass(frozen=True)
class DQNConfig:
    """Settings of the networks' training; sources: Mnih et al. 2015 where it is said so, ours otherwise.

    Attributes:
        view: ``"field"`` or ``"agent"``.
        gamma: discount.
        lr: Adam's learning rate.
        batch_size: 32, as theirs.
        update_every: steps between updates: 4, as theirs.
        warmup: steps before the first update.
        copy_every: updates between copies to the target network.
        capacity: steps that are remembered.
    """

    view: View = "field"
    gamma: float = 0.9
    lr: float = 1e-3
    batch_size: int = 32
    update_every: int = 4
    warmup: int = 500
    copy_every: int = 100
    capacity: int = 20_000


class DQN:
    """Agents, their networks, their target networks, and what they remember."""

    def __init__(self, config: DQNConfig, n: int, size: int, seed: int, device: str) -> None:
        """Makes ``n`` agents for fields of ``size`` by ``size`` cells."""
        self.config, self.n, self.size = config, n, size
        self.generator = torch.Generator().manual_seed(seed)
        self.net = QNetworks(n, size, self.generator).to(device)
        self.target = QNetworks(n, size, self.generator).to(device)
        self.target.load_state_dict(self.net.state_dict())
        self.adam = torch.optim.Adam(self.net.parameters(), lr=config.lr)
        shape = (n, config.capacity)
        self.memory = {
            "board": torch.zeros(*shape, size, size, dtype=torch.uint8, device=device),
            "agent": torch.zeros(*shape, 2, dtype=torch.long, device=device),
            "next_board": torch.zeros(*shape, size, size, dtype=torch.uint8, device=device),
            "next_agent": torch.zeros(*shape, 2, dtype=torch.long, device=device),
            "action": torch.zeros(*shape, dtype=torch.long, device=device),
            "reward": torch.zeros(*shape, device=device),
        }
        self.steps, self.updates = 0, 0

    @torch.no_grad()
    def act(self, fields: Fields, epsilon: float, generator: torch.Generator) -> Tensor:
        """Returns actions ``(n * n_games,)``, agent by agent."""
        boards, agents = fields
        q = self.net(planes(boards, agents, self.config.view).view(self.n, -1, PLANES, self.size, self.size)).flatten(0, 1)
        dice = torch.rand(2, len(q), generator=generator, device=q.device)
        return torch.where(dice[0] < epsilon, (dice[1] * q.shape[1]).long(), q.argmax(1))

    def learn(self, before: Fields, actions: Tensor, rewards: Tensor, after: Fields) -> None:
        """Remembers one step of one game an agent, and updates the networks when it is time. Games are cut off and do not end."""
        at = self.steps % self.config.capacity
        names = ("board", "agent", "next_board", "next_agent", "action", "reward")
        for name, what in zip(names, (*before, *after, actions, rewards), strict=True):
            self.memory[name][:, at] = what
        self.steps += 1
        if self.steps >= self.config.warmup and self.steps % self.config.update_every == 0:
            self._update()

    def _update(self) -> None:
        most = min(self.steps, self.config.capacity)
        picked = torch.randint(most, (self.n, self.config.batch_size), generator=self.generator).to(self.memory["reward"].device)
        own = torch.arange(self.n, device=picked.device)[:, None]
        batch = {name: values[own, picked] for name, values in self.memory.items()}
        with torch.no_grad():
            future = self.target(self._seen(batch["next_board"], batch["next_agent"])).amax(-1)
        wanted = batch["reward"] + self.config.gamma * future
        q = self.net(self._seen(batch["board"], batch["agent"])).gather(-1, batch["action"][..., None])[..., 0]
        loss = F.smooth_l1_loss(q, wanted, reduction="none").mean(1).sum()  # a sum over agents: none sees another's gradient
        self.adam.zero_grad()
        torch.autograd.backward(loss)
        self.adam.step()
        self.updates += 1
        if self.updates % self.config.copy_every == 0:
            self.target.load_state_dict(self.net.state_dict())

    def _seen(self, boards: Tensor, agents: Tensor) -> Tensor:
        return planes(boards.flatten(0, 1), agents.flatten(0, 1), self.config.view).view(*boards.shape[:2], PLANES, *boards.shape[2:])

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        most = min(self.steps, self.config.capacity)
        return {
            "net": self.net.state_dict(),
            "target": self.target.state_dict(),
            "adam": self.adam.state_dict(),
            "memory": {name: values[:, :most].clone() for name, values in self.memory.items()},
            "counts": [self.steps, self.updates],
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.net.load_state_dict(state["net"])
        self.target.load_state_dict(state["target"])
        self.adam.load_state_dict(state["adam"])
        for name, values in state["memory"].items():
            self.memory[name][:, : values.shape[1]] = values
        self.steps, self.updates = state["counts"]
        self.generator.set_state(state["generator"].cpu())
