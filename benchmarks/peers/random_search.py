"""Random search: every configuration is trained to the horizon."""

from __future__ import annotations

import numpy as np
from tasks import Choice, Meter


def run(meter: Meter, seed: int) -> None:
    rng = np.random.default_rng(seed)
    while True:
        config = {
            n: p.choices[rng.integers(len(p.choices))] if isinstance(p, Choice) else _log_uniform(rng, p.low, p.high)
            for n, p in meter.task.space.items()
        }
        for _ in meter.train(config, 0, meter.task.horizon):
            pass


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
