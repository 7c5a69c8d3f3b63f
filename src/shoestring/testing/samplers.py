"""The checks of a sampler: valid configurations, decided by the seed alone, whatever it is told and however often it is restarted."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from shoestring.space import Choice, Float, Int, Parameter, Space
from shoestring.values.orders import Config, Observation, Sampler

Make: TypeAlias = Callable[[Space, int], Sampler]

SPACE = Space(
    {
        "lr": Float(1e-4, 1, log=True, default=0.02),
        "opt": Choice(["adam", "sgd"]),
        "momentum": Float(0, 0.99, when={"opt": "sgd"}),
        "depth": Int(1, 8),
    }
)
N_TRIALS = 11  # one more than the samplers with a model draw at random


def observations(trial_id: int, config: Config) -> list[Observation]:
    """Returns a trial's losses at units 1 to 3, or only at 1 for a third of the trials; every seventh trial diverges."""
    loss = abs(math.log10(float(config["lr"] or 1)) + 2) + 0.1 * float(config["depth"] or 1)
    last = 3 if trial_id % 3 else 1
    return [Observation(trial_id, unit, loss / unit if trial_id % 7 else math.inf, ended=False) for unit in range(1, last + 1)]


def play(sampler: Sampler, n_trials: int = N_TRIALS) -> list[Config]:
    """Returns the configurations of so many trials, each of which is told before the next is asked for."""
    configs = []
    for trial_id in range(n_trials):
        config = sampler.ask(trial_id)
        assert config is not None, f"trial {trial_id} of a large space was given no configuration"
        configs.append(config)
        for observation in observations(trial_id, config):
            sampler.tell(observation)
    return configs


def it_proposes_valid_plain_configurations(make: Make) -> None:
    """Every configuration is in the space, of plain numbers and texts, and a conditional parameter is there when its condition holds."""
    sampler = make(SPACE, 3)
    configs = play(sampler)
    proposed = sampler.ask(N_TRIALS)

    assert proposed is not None
    for config in [*configs, proposed]:
        assert SPACE.validate(config) == config
        assert {type(value) for value in config.values()} <= {float, int, str}
        assert ("momentum" in config) == (config["opt"] == "sgd")
    assert len({config["opt"] for config in configs}) == 2, f"only {configs[0]['opt']!r} was ever chosen"


def its_seed_decides(make: Make) -> None:
    """The same seed proposes the same, whatever happens to global generators; another seed proposes something else."""
    first, again = make(SPACE, 3), make(SPACE, 3)
    configs = [*play(first), first.ask(N_TRIALS)]
    random.seed(1)
    np.random.seed(1)

    assert [*play(again), again.ask(N_TRIALS)] == configs, "the same seed proposes something else"
    assert play(make(SPACE, 4), 5) != configs[:5], "another seed proposes the same"


def it_touches_no_global_generator(make: Make) -> None:
    """The global generators of Python and NumPy are as they were."""
    sampler = make(SPACE, 3)
    before = random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist()

    play(sampler)
    sampler.ask(N_TRIALS)

    assert (random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist()) == before


def a_restart_changes_nothing(make: Make) -> None:
    """A fresh sampler that adopts the configurations and is told the same, in another order, proposes the same next."""
    going, restarted = make(SPACE, 3), make(SPACE, 3)
    configs = play(going)
    told = [observation for trial_id, config in enumerate(configs) for observation in observations(trial_id, config)]

    for trial_id, config in enumerate(configs):
        restarted.adopt(trial_id, config)
    for observation in random.Random(0).sample(told, len(told)):
        restarted.tell(observation)

    assert restarted.ask(N_TRIALS) == going.ask(N_TRIALS)


def it_takes_whatever_it_is_told(make: Make) -> None:
    """Failures, values that are not numbers, unknown trials, enormous losses: the next proposal is still valid."""
    stories: Sequence[Callable[[int], list[Observation]]] = [
        lambda trial_id: [Observation(trial_id, 0, math.inf, ended=True)],
        lambda trial_id: [Observation(trial_id, 5, math.nan), Observation(trial_id, 2, -math.inf), Observation(99, 1, 0.5)],
        lambda trial_id: [Observation(trial_id, 1 + trial_id, 1e308 if trial_id % 2 else 0.0, ended=True)],
    ]
    for story in stories:
        sampler = make(SPACE, 5)
        for trial_id in range(N_TRIALS):
            sampler.adopt(trial_id, SPACE.sample(np.random.default_rng(trial_id)))
            for observation in story(trial_id):
                sampler.tell(observation)

        config = sampler.ask(N_TRIALS)

        assert config is not None
        assert SPACE.validate(config) == config


def trials_under_way_differ(make: Make) -> None:
    """Two trials that run at once are not given the same configuration."""
    sampler = make(SPACE, 3)
    play(sampler)

    assert sampler.ask(N_TRIALS) != sampler.ask(N_TRIALS + 1)


def small_spaces_are_sampled_to_the_end(make: Make) -> None:
    """A space of one or two configurations is no trouble; a sampler that comes to an end returns None."""
    small: Sequence[Mapping[str, Parameter]] = (
        {"x": Float(0.5, 0.5)},
        {"x": Choice(["only"])},
        {"x": Float(-1, 1)},
        {"n": Int(1, 1), "x": Int(0, 1)},
    )
    for params in small:
        space = Space(params)
        sampler = make(space, 0)
        for trial_id in range(N_TRIALS):
            config = sampler.ask(trial_id)
            assert config is None or space.validate(config) == config
            assert config is not None or trial_id > 0, "no configuration at all"
            sampler.tell(Observation(trial_id, 1, float(trial_id)))


SAMPLER_CHECKS: tuple[Callable[[Make], None], ...] = (
    it_proposes_valid_plain_configurations,
    its_seed_decides,
    it_touches_no_global_generator,
    a_restart_changes_nothing,
    it_takes_whatever_it_is_told,
    trials_under_way_differ,
    small_spaces_are_sampled_to_the_end,
)
