from __future__ import annotations

import math

import numpy as np
import pytest

from shoestring.stats.capacity_bayes import CapacityBayes, simulate, sizes


def search(settings: CapacityBayes, solves):
    trials = []
    while (state := settings.state(trials)).next_size is not None:
        trials.append((state.next_size, solves(state.next_size)))
    return state, trials


def test_a_sharp_limit_is_bracketed():
    state, trials = search(CapacityBayes(start=4, ratio=2.0), lambda n: n <= 100)

    assert state.ended == "interval narrow enough"
    assert state.lower <= 100 * math.sqrt(2) and state.upper >= 100 / math.sqrt(2)
    assert state.lower < state.estimate < state.upper <= 2.01 * state.lower
    assert len(trials) < 40


def test_it_never_goes_more_than_one_doubling_beyond_what_was_tried():
    _, trials = search(CapacityBayes(start=4), lambda n: n <= 300)

    largest = 4
    for size, _ in trials:
        assert size <= 2 * largest + 1
        largest = max(largest, size)


def test_sizes_are_whole_and_from_the_grid_and_the_first_is_the_start():
    settings = CapacityBayes(start=5, smallest=3, largest=90)
    _, trials = search(settings, lambda n: n <= 20)

    assert trials[0][0] == 5
    assert {size for size, _ in trials} <= set(sizes(settings))


def test_what_is_solved_everywhere_has_no_upper_end():
    state, _ = search(CapacityBayes(start=4, largest=64), lambda n: True)

    assert state.upper == math.inf and state.lower >= 16 and state.ended == "interval narrow enough"


def test_what_is_solved_nowhere_has_no_lower_end():
    state, _ = search(CapacityBayes(start=16, largest=64), lambda n: False)

    assert state.lower == 0.0 and state.upper <= 4.1


def test_the_most_trials_are_kept_to():
    rng = np.random.default_rng(0)
    state, trials = search(CapacityBayes(start=8, ratio=1.01, max_trials=9), lambda n: rng.random() < 0.5)

    assert len(trials) == 9 and state.ended == "most trials used"


def test_the_order_of_the_trials_does_not_matter():
    settings, trials = CapacityBayes(start=8), [(8, True), (16, True), (32, False), (16, False), (23, True)]

    one, two = settings.state(trials), settings.state(trials[::-1])

    assert one.next_size == two.next_size
    assert (one.lower, one.upper, one.estimate) == (two.lower, two.upper, two.estimate)


def test_another_p_star_gives_another_size():
    trials = [(n, n <= 32) for n in (8, 16, 32, 45, 64, 90)] * 4

    low, middle, high = (CapacityBayes(start=8, p_star=p).state(trials).estimate for p in (0.9, 0.5, 0.1))

    assert low < middle < high


def test_the_simulation_decides_as_the_state_does():
    settings, rng = CapacityBayes(start=8, largest=2**12), np.random.default_rng(3)
    simulated = simulate(settings, np.array([6.0]), np.array([0.3]), rng)
    again = np.random.default_rng(3)

    state, trials = search(settings, lambda n: again.random(1)[0] < 1 / (1 + math.exp((math.log2(n) - 6.0) / 0.3)))

    assert simulated.trials[0] == len(trials) and simulated.cost[0] == state.cost
    assert 2 ** simulated.lower[0] == pytest.approx(state.lower) and 2 ** simulated.upper[0] == pytest.approx(state.upper)


def test_the_plan_is_in_the_right_place():
    plan = CapacityBayes(start=8, largest=2**12).plan(np.random.default_rng(0), 100)

    assert 10 < plan.trials < 35 and 5 < plan.cost < 25 and plan.cost < plan.cost_90


@pytest.mark.parametrize("wrong", [{"p_star": 0.0}, {"p_star": 1.0}, {"ratio": 1.0}, {"max_trials": 0}, {"cost_power": -1.0}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="cannot be used"):
        CapacityBayes(start=8, **wrong)


@pytest.mark.parametrize("size", [0, -3, float("nan")])
def test_senseless_sizes_are_refused(size):
    with pytest.raises(ValueError, match="above 0"):
        CapacityBayes(start=8).state([(size, True)])
