"""Shoestring's schedulers and samplers, driven by the loop of a study with one worker: an order is carried out, and every unit told."""

from __future__ import annotations

from functools import partial

from shoestring.orders import Observation, Start
from shoestring.samplers import make_sampler
from shoestring.schedulers import make_scheduler
from shoestring.space import Choice, Float, Space
from tasks import Choice as TableChoice
from tasks import Meter


def run(meter: Meter, seed: int, scheduler: str, sampler: str) -> None:
    space = Space({n: Choice(p.choices) if isinstance(p, TableChoice) else Float(p.low, p.high, log=True) for n, p in meter.task.space.items()})
    drive(meter, make_scheduler(scheduler, make_sampler(sampler, space, seed), meter.task.horizon))


def drive(meter, strategy) -> None:
    configs, reached = {}, {}
    while (order := strategy.ask()) is not None:
        if isinstance(order, Start):
            configs[order.trial_id], reached[order.trial_id] = order.config, 0
        for unit, loss in meter.train(configs[order.trial_id], reached[order.trial_id], order.to):
            strategy.tell(Observation(order.trial_id, unit, loss))
        reached[order.trial_id] = order.to
