from __future__ import annotations

import pytest

from shoestring.stats.confirmation import check_fresh, confirmation, reserve, reserve_of


def test_the_reserve_is_twelve_pairs_but_at_most_a_quarter():
    assert reserve(10_000, 27, 27) == 12 * 54
    assert reserve(1000, 27, 27) == 250
    assert reserve(10_000, 27, 0) == 12 * 27


def test_each_limited_resource_is_set_aside_for_itself():
    limits = {"s": 1000.0, "usd": 50.0, "kwh": 8.0}

    assert reserve_of(limits, {"s": 10.0, "usd": 20.0}) == {"s": 120.0, "usd": 12.5, "kwh": 2.0}


@pytest.mark.parametrize(
    ("reserved", "best", "default", "horizon"), [(648, 27, 27, 12), (648, 9, 9, 20), (100, 27, 27, 1), (12 * (0.1 + 0.2), 0.1, 0.2, 12)]
)
def test_how_many_pairs_it_pays(reserved, best, default, horizon):
    assert confirmation(reserved, best, default, 0.05, 0).horizon == horizon


def test_the_test_is_one_sided_and_fits_the_horizon():
    test = confirmation(648, 27, 27, 0.05, 0).test
    assert test is not None and (test.name, test.horizon, test.one_sided, test.alpha) == ("SEQ-FLIP", 12, True, 0.05)

    short = confirmation(54 * 5, 27, 27, 0.05, 0).test
    assert short is not None and (short.name, short.horizon) == ("T-MIX", 5)


def test_too_small_a_reserve_gets_no_test():
    assert confirmation(100, 27, 27, 0.05, 0).test is None


def test_a_seed_that_was_searched_on_cannot_confirm():
    check_fresh([10, 11], [1, 2])
    with pytest.raises(ValueError, match="used in the search"):
        check_fresh([10, 2], [1, 2])
    with pytest.raises(ValueError, match="twice"):
        check_fresh([10, 10], [1])


@pytest.mark.parametrize(("amount", "best", "default"), [(0, 1, 1), (10, 0, 1), (10, 1, -1), (float("nan"), 1, 1)])
def test_senseless_costs_are_refused(amount, best, default):
    with pytest.raises(ValueError, match="cannot be used"):
        reserve(amount, best, default)
