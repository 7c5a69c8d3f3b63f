"""Screened random draws: that screening helps, proposals stay spread out, and one costs no more after many trials."""

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
        losses.append(float(((BOWL.encode(config) - [0.75, 0.2, 0.5, 0.75]) ** 2).sum()))
        sampler.tell(Observation(trial_id, 1, losses[-1]))
    return configs, losses


def test_it_finds_the_bottom_of_a_bowl_better_than_random_draws():
    found = [min(played("screened", 60, seed)[1]) for seed in range(8)]
    drawn = [min(played("random", 60, seed)[1]) for seed in range(8)]

    assert np.mean(found) < np.mean(drawn)


def test_about_a_third_of_the_proposals_are_random_draws():
    screened, _ = played("screened", 120, seed=0)
    drawn, _ = played("random", 120, seed=0)

    same = np.mean([a == b for a, b in zip(screened[10:], drawn[10:], strict=True)])

    assert 1 / 3 < same < 0.65  # one of three draws is the first one, and one of nine, by chance alone


def test_before_enough_was_seen_it_draws_at_random():
    assert played("screened", 7, seed=1)[0] == played("random", 7, seed=1)[0]


def test_after_a_restart_many_proposals_are_the_same():
    configs, losses = played("screened", 30, seed=2)
    went_on, restarted = make_sampler("screened", BOWL, 2), make_sampler("screened", BOWL, 2)
    for order, sampler in ((range(30), went_on), (reversed(range(30)), restarted)):
        for trial_id in order:
            sampler.adopt(trial_id, configs[trial_id])
            sampler.tell(Observation(trial_id, 1, losses[trial_id]))

    assert [restarted.ask(trial_id) for trial_id in range(30, 45)] == [went_on.ask(trial_id) for trial_id in range(30, 45)]


def test_what_was_tried_is_left_out_while_there_is_something_else():
    space = Space({"n": Int(1, 200), "z": Choice(["a", "b"])})
    sampler = make_sampler("screened", space, seed=0)
    random = make_sampler("random", space, seed=0)
    configs = []
    for trial_id in range(200):
        configs.append(tuple(sampler.ask(trial_id).items()))
        sampler.tell(Observation(trial_id, 1, float(configs[-1][0][1])))

    assert len(set(configs)) > len({tuple(random.ask(trial_id).items()) for trial_id in range(200)})


def test_a_proposal_costs_about_the_same_after_many_trials():
    space = Space({f"x{i}": Float(0, 1) for i in range(8)})
    sampler = make_sampler("screened", space, seed=0)
    took = {}
    for trial_id in range(1000):
        config = space.sample(np.random.default_rng(trial_id))
        sampler.adopt(trial_id, config)
        sampler.tell(Observation(trial_id, 1, sum((value - 0.3) ** 2 for value in config.values())))
        start = time.process_time()
        if trial_id % 100 >= 80:
            sampler.ask(trial_id + 10_000)
            took[trial_id] = time.process_time() - start

    first, last = (np.median([took[i] for i in range(end - 20, end)]) for end in (200, 1000))
    assert last < 4 * first
