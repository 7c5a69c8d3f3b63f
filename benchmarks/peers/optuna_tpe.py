"""Optuna: TPE to the horizon, and TPE with the Hyperband pruner (stop-type: a trial goes on or ends, and is never taken up again)."""

from __future__ import annotations

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from tasks import Choice, Meter

optuna.logging.set_verbosity(optuna.logging.ERROR)


def tpe(meter: Meter, seed: int) -> None:
    _run(meter, seed, optuna.pruners.NopPruner())


def tpe_hyperband(meter: Meter, seed: int) -> None:
    _run(meter, seed, optuna.pruners.HyperbandPruner(min_resource=1, max_resource=meter.task.horizon, reduction_factor=3))


def _run(meter: Meter, seed: int, pruner: optuna.pruners.BasePruner) -> None:
    """The study is named by the seed, for the pruner draws a trial's bracket from a hash of name and number."""
    study = optuna.create_study(study_name=f"seed{seed}", sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner)
    space = {
        n: CategoricalDistribution(p.choices) if isinstance(p, Choice) else FloatDistribution(p.low, p.high, log=True)
        for n, p in meter.task.space.items()
    }
    while True:
        trial = study.ask(space)
        for unit, loss in meter.train(trial.params, 0, meter.task.horizon):
            shown = meter.capped(loss)
            trial.report(shown, unit)
            if unit < meter.task.horizon and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, shown)
