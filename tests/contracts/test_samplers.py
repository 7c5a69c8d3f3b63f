"""What every sampler promises: one table of members, one list of properties."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from shoestring.errors import UnknownName
from shoestring.samplers import SAMPLERS, make_sampler
from shoestring.space import Choice, Float, Int, Space
from shoestring.values.orders import Observation

SPACE = Space(
    {
        "lr": Float(1e-4, 1, log=True, default=0.02),
        "opt": Choice(["adam", "sgd"]),
        "momentum": Float(0, 0.99, when={"opt": "sgd"}),
        "depth": Int(1, 8),
    }
)
N_TRIALS = 11  # one more than the samplers with a model draw at random


def observations(trial_id, config):
    """A trial's losses at units 1 to 3, or a third of them; every seventh trial diverges."""
    loss = abs(math.log10(config["lr"]) + 2) + 0.1 * config["depth"]
    last = 3 if trial_id % 3 else 1
    return [Observation(trial_id, unit, loss / unit if trial_id % 7 else math.inf, ended=False) for unit in range(1, last + 1)]


def play(sampler, n_trials):
    configs = []
    for trial_id in range(n_trials):
        configs.append(sampler.ask(trial_id))
        for observation in observations(trial_id, configs[-1]):
            sampler.tell(observation)
    return configs


@pytest.fixture(scope="module", params=SAMPLERS)
def name(request):
    if request.param == "gp":
        pytest.importorskip("torch")
    return request.param


@pytest.fixture(scope="module")
def played(name):
    """A sampler after ``N_TRIALS`` trials, their configurations, and what it then proposes for the next."""
    sampler = make_sampler(name, SPACE, seed=3)
    configs = play(sampler, N_TRIALS)
    return sampler, configs, sampler.ask(N_TRIALS)


def test_configurations_are_valid_and_plain(played):
    _, configs, proposed = played

    for config in [*configs, proposed]:
        assert SPACE.validate(config) == config
        assert {type(value) for value in config.values()} <= {float, int, str}


def test_conditional_parameters_are_there_when_they_should_be(played):
    _, configs, _ = played

    assert all(("momentum" in config) == (config["opt"] == "sgd") for config in configs)
    assert len({config["opt"] for config in configs}) == 2


def test_the_default_comes_first_but_in_a_grid(name, played):
    _, configs, _ = played

    assert (configs[0] == SPACE.default()) == (name != "grid")


def test_the_seed_decides_whatever_happens_to_global_generators(name, played):
    _, configs, proposed = played
    random.seed(1)
    np.random.seed(1)
    sampler = make_sampler(name, SPACE, seed=3)

    assert [*play(sampler, N_TRIALS), sampler.ask(N_TRIALS)] == [*configs, proposed]


def test_another_seed_proposes_otherwise(name, played):
    _, configs, _ = played

    assert play(make_sampler(name, SPACE, seed=4), 5) != configs[:5]


def test_no_global_generator_is_touched(played):
    sampler, _, _ = played
    before = random.getstate(), np.random.get_state()[1].tolist()

    sampler.ask(N_TRIALS)

    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_a_restarted_sampler_goes_on_as_if_it_had_not_stopped(name, played):
    _, configs, proposed = played
    sampler = make_sampler(name, SPACE, seed=3)
    told = [observation for trial_id, config in enumerate(configs) for observation in observations(trial_id, config)]

    for trial_id, config in enumerate(configs):
        sampler.adopt(trial_id, config)
    for observation in random.Random(0).sample(told, len(told)):
        sampler.tell(observation)

    assert sampler.ask(N_TRIALS) == proposed


@pytest.mark.parametrize(
    "tell",
    [
        lambda trial_id: [Observation(trial_id, 0, math.inf, ended=True)],
        lambda trial_id: [Observation(trial_id, 5, math.nan), Observation(trial_id, 2, -math.inf), Observation(99, 1, 0.5)],
        lambda trial_id: [Observation(trial_id, 1 + trial_id, 1e308 if trial_id % 2 else 0.0, ended=True)],
    ],
    ids=["all failed", "not numbers, out of order, unknown trial", "each at its own unit, enormous"],
)
def test_whatever_is_told_the_next_proposal_is_valid(name, tell):
    sampler = make_sampler(name, SPACE, seed=5)
    for trial_id in range(11):
        sampler.adopt(trial_id, SPACE.sample(np.random.default_rng(trial_id)))
        for observation in tell(trial_id):
            sampler.tell(observation)

    config = sampler.ask(11)

    assert SPACE.validate(config) == config


def test_proposals_for_trials_under_way_differ(name, played):
    sampler, _, proposed = played

    assert sampler.ask(N_TRIALS + 1) != proposed


@pytest.mark.parametrize("params", [{"x": Float(0.5, 0.5)}, {"x": Choice(["only"])}, {"x": Float(-1, 1)}, {"n": Int(1, 1), "x": Int(0, 1)}])
def test_small_spaces_are_sampled_to_the_end(name, params):
    space = Space(params)
    sampler = make_sampler(name, space, seed=0)

    for trial_id in range(11):
        config = sampler.ask(trial_id)
        assert space.validate(config) == config if config is not None else name == "grid"
        sampler.tell(Observation(trial_id, 1, float(trial_id)))


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'random'"):
        make_sampler("randm", SPACE, seed=0)
