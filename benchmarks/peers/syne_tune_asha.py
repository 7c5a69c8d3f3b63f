"""Syne Tune: ASHA with its random searcher, and with the model-based searchers it ships (stop-type, like its only ASHA since 0.14)."""

from __future__ import annotations

import datetime
import logging

from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, loguniform
from syne_tune.optimizer.baselines import ASHA, ASHABORE, ASHACQR, BOHB
from syne_tune.optimizer.scheduler import SchedulerDecision
from tasks import Choice, Meter

logging.getLogger("syne_tune").setLevel(logging.ERROR)


def asha(meter: Meter, seed: int) -> None:
    _run(meter, seed, ASHA)


def asha_bore(meter: Meter, seed: int) -> None:
    _run(meter, seed, ASHABORE)


def asha_cqr(meter: Meter, seed: int) -> None:
    _run(meter, seed, ASHACQR)


def bohb(meter: Meter, seed: int) -> None:
    _run(meter, seed, BOHB)


def _run(meter: Meter, seed: int, kind: type) -> None:
    space = {n: choice(list(p.choices)) if isinstance(p, Choice) else loguniform(p.low, p.high) for n, p in meter.task.space.items()}
    scheduler = kind(space, metric="loss", time_attr="unit", max_t=meter.task.horizon, grace_period=1, reduction_factor=3, random_seed=seed)
    trial_id = 0
    while True:
        trial = Trial(trial_id, scheduler.suggest().config, datetime.datetime.now())
        scheduler.on_trial_add(trial)
        for unit, loss in meter.train(trial.config, 0, meter.task.horizon):
            if scheduler.on_trial_result(trial, {"loss": meter.capped(loss), "unit": unit}) == SchedulerDecision.STOP:
                scheduler.on_trial_remove(trial)
                break
        trial_id += 1
