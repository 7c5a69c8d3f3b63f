"""The kernel density: that it learns, keeps trying new configurations, and stays cheap."""

from __future__ import annotations

import time

import numpy as np

from shoestring.samplers import make_sampler
from shoestring.space import Choice, Float, Int, Space
from shoestring.values.orders import Observation

BOWL = Space({"x": Float(-1, 1), "y": Float(1e-3, 1e3, log=True), "n": Int(1, 9), "z": Choice(["bad", "good"])})


def played(name, n_trials, seed):
    """Returns the configurations that a sampler proposes, and what they showed on a bowl."""
    sampler = make_sampler(name, BOWL, seed)
    configs, losses = [], []
    for trial_id in range(n_trials):
        configs.append(config := sampler.ask(trial_id))
        away = BOWL.encode(config) - [0.75, 0.2, 0.5, 0.75]
        losses.append(float((away**2).sum()))
        sampler.tell(Observation(trial_id, 1, losses[-1]))
    return configs, losses


def test_it_finds_the_bottom_of_a_bowl_better_than_random_draws():
    found = [min(played("kde", 80, seed)[1]) for seed in range(10)]
    drawn = [min(played("random", 80, seed)[1]) for seed in range(10)]

    assert np.mean(found) < np.mean(drawn)


def test_two_proposals_in_three_are_near_the_good_ones_and_one_is_anywhere():
    _, losses = played("kde", 160, seed=0)
    _, drawn = played("random", 160, seed=0)

    near = np.mean(np.array(losses[80:]) < np.quantile(drawn, 0.25))

    assert 0.5 < near < 0.9


def test_no_configuration_is_proposed_twice():
    configs, _ = played("kde", 160, seed=0)

    assert len({tuple(config.items()) for config in configs}) == len(configs)
    assert len({config["n"] for config in configs[80:]}) >= 3


def test_a_space_that_is_used_up_is_proposed_again():
    sampler = make_sampler("kde", Space({"n": Int(1, 3), "z": Choice(["a", "b"])}), seed=0)
    configs = []
    for trial_id in range(40):
        configs.append(tuple(sampler.ask(trial_id).items()))
        sampler.tell(Observation(trial_id, 1, float(trial_id)))

    assert len(set(configs)) == 6


def test_a_proposal_costs_less_than_in_proportion_to_the_trials():
    space = Space({f"x{i}": Float(0, 1) for i in range(8)})
    sampler = make_sampler("kde", space, seed=0)
    took = {}
    for trial_id in range(1000):
        sampler.adopt(trial_id, space.sample(np.random.default_rng(trial_id)))
        for unit in range(1, 1 + 3 ** (trial_id % 3)):
            sampler.tell(Observation(trial_id, unit, 1 / unit))
        start = time.process_time()
        if trial_id % 100 >= 90:
            sampler.ask(trial_id + 10_000)
            took[trial_id] = time.process_time() - start

    first, last = ([took[i] for i in range(end - 10, end)] for end in (100, 1000))
    assert min(last) < 8 * min(first)
