"""Tables of finished trainings: what a search asks instead of training.

Made by ``benchmarks/systems/nas_rl_tabulate.py``; not for timing.
A table counts images classified rightly, by child and training seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shoestring import Choice, Space, datasets
from shoestring.errors import UsageError
from shoestring.systems.nas_rl.task import PRESETS, Preset, Value, cnn_space, everything

FOLDER = Path(__file__).parent
NASBENCH201 = "nasbench201_cifar10.npz"
N_SEEDS = 2  # trainings of every child
N_GATE = 256  # children that are trained a third time, for the gate


@dataclass(frozen=True)
class Table:
    """The results of every configuration of a space.

    Attributes:
        space: choices only.
        rewards: validation accuracy, ``(n_seeds, n_configs)``; the searches see one seed's.
        scores: accuracy that a search is judged by, of the same form; a search is judged on another seed than it saw.
        short: validation accuracy after the first epoch, of the same form; empty where it is not known.
        gate: rows of the configurations that were trained a third time, and their validation accuracy then.
    """

    space: Space
    rewards: NDArray[np.float64]
    scores: NDArray[np.float64]
    short: NDArray[np.float64]
    gate: tuple[NDArray[np.intp], NDArray[np.float64]]

    def row(self, config: Mapping[str, Value]) -> int:
        """Returns the column of ``rewards`` in which a configuration stands."""
        row = 0
        for name, param in self.space.params.items():
            options = getattr(param, "options")  # noqa: B009  (a table's parameters are choices)
            row = row * len(options) + options.index(config[name])
        return row

    def config(self, row: int) -> dict[str, Value]:
        """Returns the configuration in a column of ``rewards``."""
        values: dict[str, Value] = {}
        for name, param in reversed(list(self.space.params.items())):
            options = getattr(param, "options")  # noqa: B009
            row, place = divmod(row, len(options))
            values[name] = options[place]
        return {name: values[name] for name in self.space.names}

    def shuffled(self, seed: int) -> Table:
        """Returns the table with its configurations in random order: each keeps its name, and gets all that is known of another."""
        order = np.random.default_rng(seed).permutation(self.rewards.shape[1])
        places = np.argsort(order)
        gate = places[self.gate[0]], self.gate[1]
        short = self.short[:, order] if self.short.size else self.short
        return Table(self.space, self.rewards[:, order], self.scores[:, order], short, gate)


@cache
def tabled(preset: Preset) -> list[dict[str, Value]]:
    """Returns the configurations that a table of the preset holds: all of the space, or a random part of a large one."""
    configs = everything(cnn_space(preset))
    if preset.n_tabled is None:
        return configs
    return [configs[i] for i in np.sort(np.random.default_rng(0).permutation(len(configs))[: preset.n_tabled])]


@cache
def cnn_table(name: str = "small") -> Table:
    """Returns the table of a preset that holds all of its space.

    Raises:
        UsageError: it was not made yet.
    """
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        raise UsageError(f"there is no table {path.name}; make it with python benchmarks/systems/nas_rl_tabulate.py --preset {name}.")
    preset = PRESETS[name]
    with np.load(path) as kept:
        short, valid, test = kept["right"] / np.array([preset.n_valid, preset.n_valid, preset.n_test])[:, None, None]
        rows = np.flatnonzero(kept["is_gate"])
        gate = rows, kept["gate"][1, rows] / preset.n_valid
    return Table(cnn_space(preset), valid, test, short, gate)


@cache
def nasbench201() -> Table:
    """Returns the cells of NAS-Bench-201 on CIFAR-10, 200 epochs, two of its training seeds; judged on the same validation images.

    Raises:
        UsageError: ``nasbench201_cifar10.npz`` is not on this machine.
    """
    places = [place / "bench" for folder in datasets.folders() for place in (folder, folder.parent)]
    path = next((place / NASBENCH201 for place in places if (place / NASBENCH201).is_file()), None)
    if path is None:
        raise UsageError(f"{NASBENCH201} is not on this machine; put it into a folder bench in SHOESTRING_DATA, or beside it.")
    with np.load(path) as kept:
        ops = [str(op) for op in kept["ops"]]
        accuracy, cells = kept["valid_acc"][0] / 100, kept["arch"]
    space = Space({f"edge{i}": Choice(ops) for i in range(cells.shape[1])})
    order = np.ravel_multi_index(tuple(cells.T), (len(ops),) * cells.shape[1])
    rewards = np.empty((N_SEEDS, len(accuracy)))
    rewards[:, order] = accuracy[:, :N_SEEDS].T
    return Table(space, rewards, rewards, np.empty((0, 0)), (np.empty(0, np.intp), np.empty(0)))
