"""Trains one network, or many at once: the same program either way.

``train`` is what a search runs, one trial a network; ``live`` is such a search as a whole, for its claim. ``curves`` trains many
configurations side by side, for the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from shoestring import Trial, search
from shoestring.systems.hyperband.model import Networks, Recipe
from shoestring.systems.hyperband.task import Net, Split, Task, space, task
from shoestring.systems.kit.settings import read

LIVE_HORIZON = 27


@dataclass(frozen=True)
class Config:
    """A network, its hyperparameters, and how much data it sees.

    Attributes:
        net: ``"mlp"`` or ``"cnn"``.
        lr, decay, momentum, weight_decay, init, width, batch_size: see ``Recipe``; the batch size divides the images of a unit.
        n_train, n_valid, n_test: images of each part.
        units_per_epoch: a unit is this fraction of a pass over the training images.
    """

    net: Net = "mlp"  # both are ours: Fashion-MNIST is younger than the paper's networks
    lr: float = 0.05  # ours
    decay: float = 0.1  # ours
    momentum: float = 0.9  # cuda-convnet's, which the paper tuned around
    weight_decay: float = 1e-4  # ours
    init: float = 1.0  # He et al. 2015
    width: int = 8  # ours
    batch_size: int = 50  # ours; the paper has 100
    n_train: int = 1500  # ours: 400 curves within ten minutes of two cores
    n_valid: int = 1000  # ours
    n_test: int = 1000  # ours
    units_per_epoch: int = 3  # ours: the first rung sees a third of the data

    @property
    def unit_size(self) -> int:
        """Images of a unit."""
        return self.n_train // self.units_per_epoch

    def recipe(self, seed: int) -> Recipe:
        """Returns what the model needs to know."""
        return Recipe(self.width, self.lr, self.decay, self.momentum, self.weight_decay, self.init, seed)


def paper(config: Config | None = None) -> Config:
    """Returns a configuration at the scale of the paper's LeNet study: 50,000 images, 10,000 for validation and test each, unit an epoch.

    Use it with a horizon of 81 and ``eta`` 3. Source: Li et al. 2018, JMLR 18, section 3.3.
    """
    return replace(config or Config(net="cnn"), n_train=50_000, n_valid=10_000, n_test=10_000, units_per_epoch=1)


def train(trial: Trial) -> None:
    """Trains one network and reports ``error`` (validation) and ``test_error`` after every unit; configured by the fields of ``Config``."""
    run(trial, [])


def run(trial: Trial, seen: list[tuple[float, float]], blind_until: int = 0) -> None:
    """Trains as ``train`` does, and appends every unit's ``(error, test_error)`` to ``seen``.

    Args:
        seen: what is appended to, in this process only.
        blind_until: a control: errors of the first so many units are noise around chance level.
    """
    config = read(Config, trial.config)
    data = task(config.n_train, config.n_valid, config.n_test)
    n_steps = trial.horizon * (config.unit_size // config.batch_size)
    networks = Networks(config.net, [config.recipe(trial.seed)], n_steps, trial.device)
    for unit in trial.steps(networks=networks):
        train_unit(networks, data.train, [config], [trial.seed], unit)
        error, test_error = (errors.item() for errors in errors_of(networks, data).values())
        if unit < blind_until:
            error = np.random.default_rng([trial.seed, unit]).uniform(0.85, 0.95)
        seen.append((error, test_error))
        trial.report(error=error, test_error=test_error)


def live(trial: Trial) -> None:
    """Searches by real training through the engine's front door and reports the ``test_error`` of what it returns.

    Configured by ``scheduler``, ``budget`` in full trainings, and ``blind``. The budget counts units begun, so that a trial that goes on
    costs only what is new: the engine's clock.
    """
    config: dict[str, Any] = trial.config
    blind_until = LIVE_HORIZON // 3 if config.get("blind", False) else 0
    for _ in trial.steps():
        seen: list[tuple[float, float]] = []
        search(
            partial(run, seen=seen, blind_until=blind_until),
            space("mlp"),
            metric="error",
            goal="min",
            budget=f"{config['budget'] * LIVE_HORIZON} epochs",
            horizon=LIVE_HORIZON,
            scheduler=config["scheduler"],
            sampler="random",
            seed=trial.seed,
            confirm=False,
            runner="inline",
            store=":memory:",
        )
        trial.report(test_error=min(seen)[1])


def curves(configs: Sequence[Config], seeds: Sequence[int], horizon: int) -> dict[str, NDArray[np.float64]]:
    """Trains networks of one kind and batch size side by side.

    Returns:
        ``error`` and ``test_error``, ``(n_configs, horizon)``, ``inf`` from where a network has diverged.
    """
    first = configs[0]
    data = task(first.n_train, first.n_valid, first.n_test)
    n_steps = horizon * (first.unit_size // first.batch_size)
    networks = Networks(first.net, [config.recipe(seed) for config, seed in zip(configs, seeds, strict=True)], n_steps)
    found: dict[str, list[torch.Tensor]] = {"error": [], "test_error": []}
    for unit in range(horizon):
        train_unit(networks, data.train, configs, seeds, unit)
        for name, errors in errors_of(networks, data).items():
            found[name].append(errors)
    return {name: torch.stack(columns, 1).numpy() for name, columns in found.items()}


def train_unit(networks: Networks, split: Split, configs: Sequence[Config], seeds: Sequence[int], unit: int) -> None:
    """Trains every network for one unit; its seed and the number of the unit alone decide in which order it sees the images."""
    size = configs[0].batch_size
    order = np.stack([_order(configs[0], seed, unit) for seed in seeds])
    for start in range(0, order.shape[1], size):
        batch = order[:, start : start + size]
        networks.step(torch.from_numpy(split.images[batch]), torch.from_numpy(split.classes[batch]))


def errors_of(networks: Networks, data: Task) -> dict[str, torch.Tensor]:
    """Returns ``error`` and ``test_error``, ``(n_models,)`` each."""
    parts = {"error": data.valid, "test_error": data.test}
    return {name: networks.errors(torch.from_numpy(part.images), torch.from_numpy(part.classes)) for name, part in parts.items()}


def _order(config: Config, seed: int, unit: int) -> NDArray[np.int64]:
    epoch, part = divmod(unit, config.units_per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(config.n_train)
    size = config.unit_size // config.batch_size * config.batch_size
    return order[part * config.unit_size :][:size]


def batches(configs: Sequence[Config], most: int = 2000) -> Iterator[list[int]]:
    """Yields the numbers of configurations that are trained together: of one batch size and similar width, ``most`` images a step."""
    for size in sorted({config.batch_size for config in configs}):
        alike = sorted((i for i, config in enumerate(configs) if config.batch_size == size), key=lambda i: (configs[i].width, i))
        at_once = max(1, min(50, most // size))
        yield from (alike[start : start + at_once] for start in range(0, len(alike), at_once))
