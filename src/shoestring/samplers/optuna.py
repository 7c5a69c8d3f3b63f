"""Optuna's model-based samplers behind Shoestring's ask and tell: TPE and Gaussian processes.

Optuna's own pruning, multi-fidelity and storage are not used: ``Scores`` says what a trial is worth, whatever unit it was stopped at.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from shoestring.errors import UsageError
from shoestring.samplers.random import Random
from shoestring.samplers.scores import Scores
from shoestring.space import Space
from shoestring.space.convert import to_optuna
from shoestring.values.orders import Config, Observation

_N_STARTUP_TRIALS = 10  # Optuna's own default


def tpe(space: Space, seed: int) -> OptunaSampler:
    """Returns the multivariate tree-structured Parzen estimator with a constant liar for trials that have shown nothing yet.

    It takes the best of its candidates and so comes back to what it knows: with asynchronous Hyperband on the TaskSet tables of
    ``benchmarks`` it left a regret of .66 after 50 full trainings (5 seeds), where random draws left .10; take ``random`` or ``kde`` there.

    Args:
        space: what to sample from; its default, if it has one, is trial 0.
        seed: at least 0.
    Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization"; Watanabe 2023, arXiv:2304.11127.
    """

    def make(seed: int) -> BaseSampler:
        return TPESampler(
            seed=seed,
            n_startup_trials=_N_STARTUP_TRIALS,
            n_ei_candidates=24,
            multivariate=True,
            group=False,
            constant_liar=True,
            constraints_func=None,
        )

    return OptunaSampler(space, seed, make)


def gp(space: Space, seed: int) -> OptunaSampler:
    """Returns expected improvement on a Gaussian process, for noisy losses.

    Args:
        space: what to sample from; its default, if it has one, is trial 0.
        seed: at least 0.
    Raises:
        UsageError: PyTorch is not installed.
    Source: Optuna's GPSampler; Ament et al. 2023, "Unexpected improvements to expected improvement", arXiv:2310.20708.
    """
    if importlib.util.find_spec("torch") is None:
        raise UsageError("sampler 'gp' needs PyTorch, which is not installed; tpe does not. Run pip install 'shoestring[systems]'.")

    def make(seed: int) -> BaseSampler:
        return GPSampler(
            seed=seed,
            independent_sampler=RandomSampler(seed=seed),
            n_startup_trials=_N_STARTUP_TRIALS,
            deterministic_objective=False,
            constraints_func=None,
            warn_independent_sampling=False,
        )

    return OptunaSampler(space, seed, make)


class OptunaSampler:
    """Asks an Optuna sampler that is made anew, with a study of all that was told, for every proposal.

    So a proposal depends on the seed, the trial's number and what was told, and on no hidden state; it costs about 0.1 ms a trial
    on top of the model itself. The first ten proposals are those of ``Random`` with the same seed.
    Parameters that a configuration lacks are shown to the model at their prior value: it then has one joint model of all of them.

    Args:
        space: what to sample from; its default, if it has one, is trial 0.
        seed: at least 0.
        make: makes the Optuna sampler from a seed.
    """

    def __init__(self, space: Space, seed: int, make: Callable[[int], BaseSampler]) -> None:
        self._space = space
        self._seed = seed
        self._make = make
        self._startup = Random(space, seed)
        self._distributions: dict[str, BaseDistribution] = to_optuna(space)
        self._priors = {name: param.prior for name, param in space.params.items()}
        self._trials: dict[int, FrozenTrial] = {}
        # BOHB's least number of points, d + 1, and the two more that it asks for.
        self._scores = Scores(enough=len(space.names) + 3)

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        self._trials.pop(trial_id, None)  # asked again, a trial must not see itself
        scores = {i: score for i, score in self._scores.values().items() if i in self._trials}
        if trial_id == 0 or len(scores) < _N_STARTUP_TRIALS:
            config = self._startup.ask(trial_id)
        else:
            config = self._propose(trial_id, scores)
        self.adopt(trial_id, config)
        return config

    def adopt(self, trial_id: int, config: Config) -> None:
        """Takes note of a configuration as if ``ask`` had returned it."""
        params = {**self._priors, **config}
        self._trials[trial_id] = optuna.create_trial(state=TrialState.RUNNING, params=params, distributions=self._distributions)

    def tell(self, observation: Observation) -> None:
        """Learns what a trial showed."""
        self._scores.tell(observation)

    def _propose(self, trial_id: int, scores: dict[int, float]) -> Config:
        seed = int(np.random.default_rng([self._seed, trial_id]).integers(2**32))
        with _quiet():
            study = optuna.create_study(
                storage=InMemoryStorage(), sampler=self._make(seed), pruner=optuna.pruners.NopPruner(), direction="minimize"
            )
            for i, trial in sorted(self._trials.items()):
                if i in scores:
                    trial.state, trial.value, trial.datetime_complete = TrialState.COMPLETE, scores[i], trial.datetime_start
                study.add_trial(trial)
            params = study.ask(self._distributions).params
        return self._space.validate(self._space.active(params))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Optuna from logging that a study was made, at every proposal."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
