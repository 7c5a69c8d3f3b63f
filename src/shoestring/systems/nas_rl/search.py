"""One search on a table, query by query, and what it found on a training seed that it did not see.

It trains nothing. Source: the control experiment of Zoph and Le 2017, arXiv:1611.01578.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoestring import Space
from shoestring.samplers.evolution import Evolution
from shoestring.samplers.policy_gradient import PolicyGradient, Settings, reward_of_accuracy
from shoestring.samplers.random import Random
from shoestring.systems.nas_rl.table import Table
from shoestring.values.orders import Observation, Sampler

Method: TypeAlias = Literal["policy-gradient", "random", "evolution"]
METHODS: tuple[Method, ...] = ("policy-gradient", "random", "evolution")


def sampler_of(method: Method, space: Space, seed: int, lr: float = Settings().lr) -> Sampler:
    """Returns a sampler as its paper has it: cubed accuracies for the policy gradient, 100 alive and 25 drawn for evolution."""
    match method:
        case "policy-gradient":
            return PolicyGradient(space, seed, Settings(lr=lr), reward_of_accuracy)
        case "evolution":
            return Evolution(space, seed, population=100, sample=25)
        case "random":
            return Random(space, seed)


class TableSearch:
    """A search that goes on query by query; a configuration that is asked for again counts again.

    Args:
        sampler: proposes.
        table: answers; its space is the sampler's.
        rewards: what a query shows, by row of the table, ``(n_configs,)``; higher is better.
        queries: rows asked for before, in order: the sampler is told of them again.
    """

    def __init__(self, sampler: Sampler, table: Table, rewards: NDArray[np.float64], queries: Sequence[int] = ()) -> None:
        self._sampler = sampler
        self._table = table
        self._rewards = rewards
        self.queries: list[int] = []
        configs = {row: table.config(row) for row in set(queries)}
        for trial_id, row in enumerate(queries):
            sampler.adopt(trial_id, configs[row])
            self._show(row)

    def step(self) -> None:
        """Makes one query."""
        config = self._sampler.ask(len(self.queries))
        assert config is not None
        self._show(self._table.row(config))

    def top(self, k: int, n: int) -> NDArray[np.intp]:
        """Returns the rows of the ``k`` different configurations with the highest rewards among the first ``n`` queries, the best first."""
        rows = np.array(list(dict.fromkeys(self.queries[:n])))
        return np.asarray(rows[np.argsort(-self._rewards[rows], kind="stable")][:k])

    def _show(self, row: int) -> None:
        self._sampler.tell(Observation(len(self.queries), 1, -float(self._rewards[row])))
        self.queries.append(row)


def reliability(first: NDArray[np.float64], second: NDArray[np.float64], third: NDArray[np.float64]) -> tuple[float, float]:
    """Returns the correlation of rewards between two training seeds: of all children, and of the best quarter by a third seed.

    The quarter is not taken by the same two seeds: that alone would make them look unrelated.

    Args:
        first, second, third: rewards of the same children, ``(n,)``.
    """
    best = third >= np.quantile(third, 0.75)
    return float(np.corrcoef(first, second)[0, 1]), float(np.corrcoef(first[best], second[best])[0, 1])
