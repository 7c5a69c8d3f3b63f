"""SMAC3: the multi-fidelity facade (Hyperband with a random forest), by ask and tell.

The initial design is 5 random configurations, as in SMAC's own multi-fidelity example; the facade's default would be ten for each
hyperparameter. It is f(config, budget): as SMAC is, every budget starts from nothing; the meter's other clock says what it would cost if
the same configuration were continued. A task of horizon 1 gets the facade for one fidelity. Its forests work in this thread alone, and its
history is not written to disk after each result: neither changes what it decides.
"""

from __future__ import annotations

import math
import tempfile

import ConfigSpace
import joblib
from smac import HyperparameterOptimizationFacade, MultiFidelityFacade, Scenario
from smac.runhistory.dataclasses import TrialValue
from tasks import Choice, Meter


def run(meter: Meter, seed: int) -> None:
    horizon = meter.task.horizon
    space = ConfigSpace.ConfigurationSpace(seed=seed)
    for name, p in meter.task.space.items():
        space.add(
            ConfigSpace.Categorical(name, list(p.choices)) if isinstance(p, Choice) else ConfigSpace.Float(name, (p.low, p.high), log=True)
        )
    fidelities = {"min_budget": 1, "max_budget": horizon} if horizon > 1 else {}
    facade = MultiFidelityFacade if horizon > 1 else HyperparameterOptimizationFacade
    with tempfile.TemporaryDirectory() as folder, joblib.parallel_config(backend="sequential"):
        scenario = Scenario(space, output_directory=folder, deterministic=True, n_trials=meter.budget, seed=seed, **fidelities)
        design = facade.get_initial_design(scenario, n_configs=5)
        smac = facade(scenario, lambda config, seed, budget=None: 0.0, initial_design=design, logging_level=False, overwrite=True)
        reached: dict[object, int] = {}
        while True:
            info = smac.ask()
            to = math.ceil(info.budget or 1)
            for _, loss in meter.train(dict(info.config), min(to - 1, reached.get(info.config, 0)), to):
                shown = meter.capped(loss)
            reached[info.config] = to
            smac.tell(info, TrialValue(cost=shown), save=False)
