"""What the claims run on each seed: a replayed search, the gap between two of them, searches on crossing curves.

All prices are on the paper's clock, on which a promoted trial is trained again from nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shoestring import Trial
from shoestring.systems.hyperband.replaying import METHODS, replay
from shoestring.systems.hyperband.table import HORIZON, Curves, crossing_curves, fashion_mnist_curves
from shoestring.systems.hyperband.task import NETS

BLIND_UNITS = HORIZON // 3  # every rung but the last
N_CROSSING = 20


def replayed(trial: Trial) -> None:
    """Reports ``test_error``: of what a search returns, the mean of both networks' tables.

    Configured by ``method``, one of ``replaying.METHODS``, ``budget`` in full trainings, and ``blind``, the control: all units up to the
    last rung but one report noise.
    """
    config: dict[str, Any] = trial.config
    for _ in trial.steps():
        trial.report(test_error=_searched(config["method"], config["budget"], config.get("blind", False), trial.seed))


def gap(trial: Trial) -> None:
    """Reports ``gap``: Hyperband's test error less ``1 + within`` times a rival's, each the mean of both networks' tables.

    Configured by ``budget``, ``rival`` and ``rival_budget``, ``within`` and ``blind``. Linear in the errors, so that its mean is the gap
    of the means.
    """
    config: dict[str, Any] = trial.config
    blind = config.get("blind", False)
    for _ in trial.steps():
        ours = _searched("hyperband", config["budget"], blind, trial.seed)
        theirs = _searched(config["rival"], config["rival_budget"], blind, trial.seed)
        trial.report(gap=ours - (1 + config.get("within", 0.0)) * theirs, test_error=ours, rival_test_error=theirs)


def crossed(trial: Trial) -> None:
    """Reports ``gap``: the error that a ``method`` finds at 25R less what random search finds at 5R, on curves that cross.

    The mean of 20 replays, each on 200 new curves.
    """
    config: dict[str, Any] = trial.config
    for _ in trial.steps():
        gaps = []
        for i in range(N_CROSSING):
            curves = crossing_curves(200, HORIZON, np.random.default_rng([trial.seed, i]))
            gaps.append(_returned(curves, config["method"], trial.seed + i, 25) - _returned(curves, "random", trial.seed + i, 5))
        trial.report(gap=np.mean(gaps))


def _searched(method: str, budget: float, blind: bool, seed: int) -> float:
    found = []
    for net in NETS:
        curves = fashion_mnist_curves(net)
        if blind:
            curves = curves.blinded(BLIND_UNITS, np.random.default_rng([seed, 1]))
        found.append(_returned(curves, method, seed, budget))
    return float(np.mean(found))


def _returned(curves: Curves, method: str, seed: int, budget: float) -> float:
    units = budget * curves.horizon
    return replay(curves, METHODS[method], seed, units).test_error(units)
