"""What a trial of this system is: one search on a table, or one look at how far a reward can be trusted.

The children were trained when the table was made (``benchmarks/systems/nas_rl_tabulate.py``). Source: Zoph and Le 2017, arXiv:1611.01578.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from shoestring import Trial
from shoestring.systems.kit.settings import read
from shoestring.systems.nas_rl.search import Method, TableSearch, reliability, sampler_of
from shoestring.systems.nas_rl.table import Table, cnn_table, nasbench201
from shoestring.systems.nas_rl.task import PRESETS, Value, child_of, images

QUERIES = 100  # a unit of a search
STEPS = 30  # a unit of training shared weights


@dataclass(frozen=True)
class Config:
    """How a search is made.

    Attributes:
        method: ``"policy-gradient"``, ``"random"`` or ``"evolution"``.
        table: ``"cnn"`` or ``"nasbench201"``.
        lr: of the controller.
        shuffled: put the table's configurations in random order, so that nothing can be learnt: the control.
        short: show the search the accuracy after the first epoch in place of the last.
        queries: stop asking after so many; 0 for never.
    """

    method: Method = "policy-gradient"
    table: Literal["cnn", "nasbench201"] = "cnn"
    lr: float = 6e-4  # section 4.1; 3.5e-3 is ENAS's
    shuffled: bool = False
    short: bool = False
    queries: int = 0

    @classmethod
    def of(cls, values: dict[str, Value]) -> Config:
        """Returns the configuration of a trial, defaults filled in.

        Raises:
            UnknownName: a name or a word that is not known.
        """
        return read(cls, values)

    def to_json(self) -> dict[str, Value]:
        """Returns it as plain data."""
        return asdict(self)


def train(trial: Trial) -> None:
    """Searches, and reports after every 100 queries how good the best 1, 5 and 15 found are on the other training seed and the test images.

    Metrics: ``top1``, ``top5``, ``top15``: mean accuracy, higher is better; ``distinct``: different configurations asked for so far.
    """
    config = Config.of(dict(trial.config))
    scores = _table(config, trial.seed).scores[1 - _searched(trial.seed)]
    state: dict[str, list[int]] = {"queries": []}
    for unit in trial.steps(state=state):
        n = min(QUERIES * (unit + 1), config.queries or QUERIES * trial.horizon)
        search = _search(config, trial.seed, tuple(state["queries"]) if unit else ())
        while len(search.queries) < n:
            search.step()
        state["queries"] = search.queries[:n]
        found = {f"top{k}": float(scores[search.top(k, n)].mean()) for k in (1, 5, 15)}
        trial.report(**found, distinct=len(set(state["queries"])))


def gate(trial: Trial) -> None:
    """Reports how far rewards of 60 children agree between two training seeds: ``overall`` and in the ``top_quartile``.

    Config: ``short``: the reward after the first epoch; ``shuffled``: the second seed's rewards in random order, the control.
    """
    rng = np.random.default_rng(trial.seed)
    table = cnn_table()
    rows, third = table.gate
    picked = rng.choice(len(rows), 60, replace=False)
    rewards = (table.short if trial.config.get("short") else table.rewards)[:, rows[picked]]
    if trial.config.get("shuffled"):
        rewards[1] = rng.permutation(rewards[1])
    overall, top_quartile = reliability(rewards[0], rewards[1], third[picked])
    for _ in trial.steps():
        trial.report(overall=overall, top_quartile=top_quartile)


def shared(trial: Trial) -> None:
    """Trains shared weights and reports ``rank_correlation``: Spearman's, of 200 children's accuracies with them and trained alone.

    A unit is 30 steps; it reports after the last. Config: ``shuffled``: children alone in random order, the control.
    """
    # Torch is imported only here: a search on a table does without.
    from shoestring.systems.nas_rl.supernet import Supernet, optimizer_of, shared_accuracies, train_supernet

    rng = np.random.default_rng(trial.seed)
    preset, table = PRESETS["small"], cnn_table()
    rows = rng.choice(table.rewards.shape[1], 200, replace=False)
    alone = table.rewards[int(rng.integers(2)), rows]
    if trial.config.get("shuffled"):
        alone = rng.permutation(alone)
    net, pictures = Supernet(preset, trial.seed, trial.device), images(preset)
    optimizer = optimizer_of(net)
    for unit in trial.steps(net=net.parameters, optimizer=optimizer, rng=rng):
        train_supernet(net, optimizer, pictures, rng, range(unit * STEPS, (unit + 1) * STEPS), trial.horizon * STEPS)
        if unit + 1 == trial.horizon:  # looking takes as long as a few units
            accuracies = shared_accuracies(net, [child_of(table.config(int(row)), preset) for row in rows], pictures)
            trial.report(rank_correlation=spearman(accuracies, alone))


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Returns the correlation of the ranks, ties sharing theirs."""
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


_SEARCHES: dict[tuple[Config, int], TableSearch] = {}


def _search(config: Config, seed: int, queries: tuple[int, ...]) -> TableSearch:
    """Returns a search that has made at least these queries.

    Searches of one process are kept: claims about the best 1, 5 and 15 after 400 and after 1600 queries look at the same ones. A search is
    a function of its configuration and seed, so this changes no number, only the time that the later claims take.
    """
    search = _SEARCHES.get((config, seed))
    if search is None:
        table, seen = _table(config, seed), _searched(seed)
        rewards = table.short[seen] if config.short else table.rewards[seen]
        search = TableSearch(sampler_of(config.method, table.space, seed, config.lr), table, rewards, queries)
        _SEARCHES[config, seed] = search
    return search


def _searched(seed: int) -> int:
    """Returns which training seed of the table a search sees; it is judged on the other."""
    return int(np.random.default_rng(seed).integers(2))


def _table(config: Config, seed: int) -> Table:
    table = cnn_table() if config.table == "cnn" else nasbench201()
    return table.shuffled(seed) if config.shuffled else table
