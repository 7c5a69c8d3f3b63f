"""A search that trains no child alone: a policy proposes children, shared weights judge them, and both learn in turns.

The shared weights are those of ``supernet``. What is found is looked up among children that were trained alone.
Source: Pham, Guan, Zoph, Le and Dean 2018, arXiv:1802.03268, section 2.2; with random children, Li and Talwalkar 2019, arXiv:1902.07638.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from shoestring import Trial
from shoestring.errors import UnknownName
from shoestring.systems.nas_rl.search import sampler_of
from shoestring.systems.nas_rl.supernet import Supernet, optimizer_of, shared_accuracies, train_supernet
from shoestring.systems.nas_rl.table import cnn_table
from shoestring.systems.nas_rl.task import PRESETS, Images, Preset, child_of, cnn_space, images
from shoestring.values.orders import Config, Observation

Policy: TypeAlias = Literal["policy-gradient", "random"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
PROPOSED = 32  # children a round: four batches of the policy
STEPS = 30  # of the shared weights a round
LR = 3.5e-3  # of the policy, as in the authors' code


class Enas:
    """A policy over the children of a preset's space, and the weights that they share.

    Args:
        preset: whose space.
        policy: ``"policy-gradient"``, or ``"random"`` for random search with shared weights.
        seed: of both.
        n_steps: of the shared weights in all; their learning rate falls to 0 by then.
        device: where the weights lie.
    Attributes:
        proposed: children so far that were judged, in order.
        rewards: their validation accuracies with the shared weights then, higher is better.
    """

    def __init__(self, preset: Preset, policy: Policy, seed: int, n_steps: int, device: str = "cpu") -> None:
        self._preset = preset
        self._n_steps = n_steps
        self._sampler = sampler_of(policy, cnn_space(preset), seed, LR)
        self._net = Supernet(preset, seed, device)
        self._optimizer = optimizer_of(self._net)
        self._rng = np.random.default_rng(seed)
        self._n_done = 0
        self.proposed: list[Config] = []
        self.rewards: list[float] = []

    def learn(self, pictures: Images, n_steps: int = STEPS) -> None:
        """Makes a round: the policy proposes 32 children, the shared weights are trained on these, judge them, and the policy learns."""
        configs = self._propose()
        steps = range(self._n_done, self._n_done + n_steps)
        train_supernet(self._net, self._optimizer, pictures, self._rng, steps, self._n_steps, among=configs)
        self._n_done = steps.stop
        for config, reward in zip(configs, self._judge(configs, pictures), strict=True):
            self._tell(config, float(reward))

    def pick(self, pictures: Images) -> Config:
        """Returns, of 32 children that the policy proposes now, the one that the shared weights like best."""
        configs = self._propose()
        return configs[int(np.argmax(self._judge(configs, pictures)))]

    def state_dict(self) -> dict[str, Any]:
        """Returns all that learning changes."""
        return {
            "net": self._net.parameters.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "rng": self._rng.bit_generator.state,
            "n_done": self._n_done,
            "proposed": [dict(config) for config in self.proposed],
            "rewards": self.rewards,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from ``state_dict``; for a search that has not begun."""
        self._net.parameters.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rng.bit_generator.state = state["rng"]
        self._n_done = state["n_done"]
        for config, reward in zip(state["proposed"], state["rewards"], strict=True):
            self._sampler.adopt(len(self.rewards), config)
            self._tell(config, reward)

    def _propose(self) -> list[Config]:
        configs = [self._sampler.ask(len(self.rewards) + i) for i in range(PROPOSED)]
        return [config for config in configs if config is not None]

    def _judge(self, configs: list[Config], pictures: Images) -> NDArray[np.float64]:
        return shared_accuracies(self._net, [child_of(config, self._preset) for config in configs], pictures)

    def _tell(self, config: Config, reward: float) -> None:
        self._sampler.tell(Observation(len(self.rewards), 1, -reward))
        self.proposed.append(config)
        self.rewards.append(reward)


def train(trial: Trial) -> None:
    """Searches with shared weights, a round a unit, and reports after the last how good the child is that it picks.

    Config: ``policy``; ``shuffled``: look the child up in a table in random order, the control.
    Metric: ``accuracy`` on test images of the picked child, trained alone with two seeds (the mean); higher is better.

    Raises:
        UnknownName: there is no such policy.
    """
    policy = trial.config.get("policy", "policy-gradient")
    if policy not in POLICIES:
        raise UnknownName("policy", str(policy), POLICIES)
    preset = PRESETS["small"]
    table = cnn_table().shuffled(trial.seed) if trial.config.get("shuffled") else cnn_table()
    pictures = images(preset)
    search = Enas(preset, policy, trial.seed, STEPS * trial.horizon, trial.device)
    for unit in trial.steps(search=search):
        search.learn(pictures)
        if unit + 1 == trial.horizon:
            trial.report(accuracy=float(table.scores[:, table.row(search.pick(pictures))].mean()))
