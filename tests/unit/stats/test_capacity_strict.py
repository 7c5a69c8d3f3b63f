from __future__ import annotations

import math

import numpy as np
import pytest

from shoestring.stats.capacity_strict import CapacityStrict, simulate


def search(settings: CapacityStrict, solves):
    trials = []
    while (state := settings.state(trials)).next_size is not None:
        trials.append((state.next_size, solves(state.next_size)))
    return state, trials


def test_a_sharp_limit_is_proved_one_step_outside_of_its_bracket():
    state, trials = search(CapacityStrict(start=4), lambda n: n <= 100)

    assert (state.lower, state.upper, state.ended) == (64.0, 181.0, "both ends proved")
    assert [size for size, _ in trials] == [4, 8, 16, 32, 64, 128, 91] + [64] * 7 + [181] * 7


def test_it_goes_down_as_well():
    state, _ = search(CapacityStrict(start=256), lambda n: n <= 10)

    assert state.lower == 6.0 and state.upper == 16.0


def test_what_is_solved_everywhere_has_no_upper_end():
    state, trials = search(CapacityStrict(start=4, largest=64), lambda n: True)

    assert (state.lower, state.upper, state.ended) == (45.0, math.inf, "both ends proved")
    assert len(trials) == 5 + 7


def test_what_is_solved_nowhere_has_no_lower_end():
    state, _ = search(CapacityStrict(start=4, largest=64), lambda n: False)

    assert state.lower == 0.0 and state.upper == 2.0


def test_an_end_that_is_not_proved_is_tried_further_out():
    chances = {4: True, 8: True, 16: False, 11: False}  # explored: 8 solved, 11 not
    seen: dict[int, int] = {}

    def solves(n: int) -> bool:
        seen[n] = seen.get(n, 0) + 1
        return chances[n] if seen[n] == 1 and n in chances else n <= 4

    state, trials = search(CapacityStrict(start=4), solves)

    assert state.lower == 4.0 and state.upper == 16.0
    assert sum(size == 6 for size, _ in trials) == 3  # three failures put 12 of 14 out of reach
    assert sum(size == 4 for size, _ in trials) == 1 + 9  # the second attempt has less of the error to spend


def test_a_high_p_star_takes_longer():
    state, trials = search(CapacityStrict(start=4, p_star=0.9), lambda n: n <= 100)

    assert state.lower == 64.0
    assert sum(size == 64 for size, _ in trials) == 1 + 40  # .9**40 < .015


def test_the_same_outcomes_give_the_same_course():
    one = simulate(CapacityStrict(start=8), 6.0, 0.4, np.random.default_rng(1))
    two = simulate(CapacityStrict(start=8), 6.0, 0.4, np.random.default_rng(1))

    assert one == two


def test_a_trial_that_was_not_asked_for_is_refused():
    with pytest.raises(ValueError, match="size 8 was asked for"):
        CapacityStrict(start=4).state([(4, True), (16, True)])


def test_the_plan_is_in_the_right_place():
    plan = CapacityStrict(start=8, largest=2**12).plan(np.random.default_rng(0), 100)

    assert 20 < plan.trials < 60 and 15 < plan.cost < 80 and plan.cost < plan.cost_90


@pytest.mark.parametrize("wrong", [{"p_star": 0.0}, {"alpha": 1.0}, {"cost_power": -1.0}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="cannot be used"):
        CapacityStrict(start=8, **wrong)
