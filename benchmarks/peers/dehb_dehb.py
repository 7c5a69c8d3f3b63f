"""DEHB by ask and tell; f(config, fidelity), so every fidelity starts from nothing (the other clock continues a configuration it has seen).

It refuses a single fidelity, where its authors point to plain differential evolution: that is what a task of horizon 1 gets.
"""

from __future__ import annotations

import math
import tempfile

import ConfigSpace
from dehb import DE, DEHB
from loguru import logger
from tasks import Choice, Meter

logger.remove()


def run(meter: Meter, seed: int) -> None:
    space = ConfigSpace.ConfigurationSpace(seed=seed)
    for name, p in meter.task.space.items():
        space.add(ConfigSpace.Categorical(name, list(p.choices)) if isinstance(p, Choice) else ConfigSpace.Float(name, (p.low, p.high), log=True))
    with tempfile.TemporaryDirectory() as folder:
        if meter.task.horizon == 1:
            _single_fidelity(meter, seed, space, folder)
        dehb = DEHB(cs=space, min_fidelity=1, max_fidelity=meter.task.horizon, eta=3, n_workers=1, seed=seed, output_path=folder, save_freq=None)
        logger.remove()
        reached: dict[int, int] = {}
        while True:
            job = dehb.ask()
            to = math.ceil(job["fidelity"])
            for _, loss in meter.train(dict(job["config"]), min(to - 1, reached.get(job["config_id"], 0)), to):
                pass
            reached[job["config_id"]] = to
            dehb.tell(job, {"fitness": meter.capped(loss), "cost": float(to)})


def _single_fidelity(meter: Meter, seed: int, space: ConfigSpace.ConfigurationSpace, folder: str) -> None:
    def evaluate(config: ConfigSpace.Configuration, fidelity: object = None, **_: object) -> dict[str, float]:
        (_, loss), = meter.train(dict(config), 0, 1)
        return {"fitness": meter.capped(loss), "cost": 1.0}

    DE(cs=space, f=evaluate, pop_size=20, mutation_factor=0.5, crossover_prob=0.5, strategy="rand1_bin", seed=seed, output_path=folder).run(generations=meter.budget)
