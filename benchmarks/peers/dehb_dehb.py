"""DEHB by ask and tell; f(config, fidelity), so every fidelity starts from nothing (the other clock continues a configuration it has seen).

It works on a ConfigSpace, but on the plain unit cube, which it supports too, where there is a choice that it cannot encode: DEHB 0.1.2
takes i / n for option i of n and compares that with ``arange(0, 1, 1 / n)``, whose fourth entry for n = 5 is 0.6000000000000001, so that
its first population would never hold the fourth option. Among the tasks here that is NAS-Bench-201.
It refuses a single fidelity, where its authors point to plain differential evolution: that is what a task of horizon 1 gets.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from typing import Any

import ConfigSpace
import numpy as np
from dehb import DE, DEHB
from loguru import logger
from tasks import Choice, Meter, Task

logger.remove()


def run(meter: Meter, seed: int) -> None:
    """Runs DEHB, or differential evolution for a horizon of 1."""
    task = meter.task
    place = {"cs": _config_space(task, seed)} if _can_encode(task) else {"dimensions": len(task.space)}
    with tempfile.TemporaryDirectory() as folder:
        if task.horizon == 1:
            _single_fidelity(meter, seed, place, folder)
        dehb = DEHB(**place, min_fidelity=1, max_fidelity=task.horizon, eta=3, n_workers=1, seed=seed, output_path=folder, save_freq=None)
        logger.remove()
        reached: dict[int, int] = {}
        while True:
            job = dehb.ask()
            to = math.ceil(job["fidelity"])
            for _, loss in meter.train(_decoded(task, job["config"]), min(to - 1, reached.get(job["config_id"], 0)), to):
                shown = meter.capped(loss)
            reached[job["config_id"]] = to
            dehb.tell(job, {"fitness": shown, "cost": float(to)})


def _single_fidelity(meter: Meter, seed: int, place: Mapping[str, Any], folder: str) -> None:
    """Runs differential evolution with DEHB's own settings and the population of 20 that is its default."""

    def evaluate(config: Any, fidelity: object = None, **_: object) -> dict[str, float]:
        ((_, loss),) = meter.train(_decoded(meter.task, config), 0, 1)
        return {"fitness": meter.capped(loss), "cost": 1.0}

    evolution = DE(**place, f=evaluate, mutation_factor=0.5, crossover_prob=0.5, strategy="rand1_bin", seed=seed, output_path=folder)
    evolution.run(generations=meter.budget)


def _can_encode(task: Task) -> bool:
    counts = [len(p.choices) for p in task.space.values() if isinstance(p, Choice)]
    return all((np.arange(n) / n).tolist() == np.arange(0, 1, 1 / n).tolist() for n in counts)


def _config_space(task: Task, seed: int) -> ConfigSpace.ConfigurationSpace:
    space = ConfigSpace.ConfigurationSpace(seed=seed)
    for name, p in task.space.items():
        space.add(
            ConfigSpace.Categorical(name, list(p.choices)) if isinstance(p, Choice) else ConfigSpace.Float(name, (p.low, p.high), log=True)
        )
    return space


def _decoded(task: Task, config: Any) -> Mapping[str, Any]:
    if not isinstance(config, np.ndarray):
        return dict(config)
    return {
        name: p.choices[min(int(u * len(p.choices)), len(p.choices) - 1)] if isinstance(p, Choice) else float(p.low * (p.high / p.low) ** u)
        for (name, p), u in zip(task.space.items(), config, strict=True)
    }
