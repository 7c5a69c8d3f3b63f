"""Tables of rules learnt from any Gymnasium environment in which someone, or an ``ObjectExtractor``, says what the objects are.

It is the loop of one environment; the claims play many games at once, see ``training``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import gymnasium
import torch

from shoestring.errors import UsageError
from shoestring.systems.symbolic_rl.model import RelationalQ, Relations
from shoestring.systems.symbolic_rl.scene import Objects, Scene
from shoestring.systems.symbolic_rl.tracking import Tracker

See: TypeAlias = Callable[[Any], Objects]


@dataclass(frozen=True)
class Episode:
    """What came of one episode.

    Attributes:
        score: the sum of rewards.
        positives, negatives: steps with a reward above and below 0.
        steps: how many there were.
    """

    score: float
    positives: int
    negatives: int
    steps: int


def learn(
    env: gymnasium.Env[Any, Any],
    learner: RelationalQ,
    see: See,
    *,
    episodes: int,
    generator: torch.Generator,
    tracker: Tracker | None = None,
    epsilon: float = 0.1,
    max_steps: int = 1000,
    learns: bool = True,
    watch: Callable[[Any, Scene], None] = lambda _observation, _scene: None,
) -> list[Episode]:
    """Plays episodes and learns from each step.

    Args:
        env: an environment with discrete actions from 0.
        learner: of one agent.
        see: the objects of an observation, such as an ``ObjectExtractor`` for frames.
        episodes: how many.
        generator: draws actions, and the seed of each episode; on the learner's device.
        tracker: what follows objects; one with as many types as the learner if None.
        epsilon: the chance of any action.
        max_steps: of an episode that its environment does not end.
        learns: False to play only.
        watch: gets each observation and what was seen in it.
    Raises:
        UsageError: an environment whose actions are not the learner's, or a learner of several agents.
    """
    space = env.action_space
    if not isinstance(space, gymnasium.spaces.Discrete) or space.n != learner.n_actions or space.start != 0 or learner.n_agents != 1:
        raise UsageError(f"a learner of {learner.n_agents} agents and {learner.n_actions} actions cannot act in {space}; make it for that.")
    tracker = tracker or Tracker(learner.n_types)

    def look(observation: Any) -> Relations:
        scene = tracker.update(see(observation))
        watch(observation, scene)
        return learner.relations(_only(scene.types, learner), _only(scene.positions, learner))

    done = []
    for _ in range(episodes):
        seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
        observation, _ = env.reset(seed=seed)
        tracker.reset()
        seen, rewards = look(observation), []
        for _ in range(max_steps):
            action = learner.act(seen, epsilon, generator)
            observation, reward, is_over, is_cut, _ = env.step(action.item())
            before, seen = seen, look(observation)
            rewards.append(float(reward))
            if learns:
                learner.update(
                    before, action, torch.full_like(learner.q[:, :1, 0], rewards[-1]), seen, torch.full_like(action, is_over) > 0
                )
            if is_over or is_cut:
                break
        good, bad = sum(reward > 0 for reward in rewards), sum(reward < 0 for reward in rewards)
        done.append(Episode(sum(rewards), good, bad, len(rewards)))
    return done


def _only(values: Any, learner: RelationalQ) -> torch.Tensor:
    """Returns values of one scene as those of one game of one agent."""
    return torch.as_tensor(values, device=learner.q.device)[None, None]
