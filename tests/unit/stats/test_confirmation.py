from __future__ import annotations

import pytest

from shoestring.stats.confirmation import check_fresh, least_trainings, reserve_of


@pytest.mark.parametrize(("trainings", "kept"), [(11, None), (12, 6), (20, 6), (24, 6), (40, 10), (96, 24), (1000, 24)])
def test_the_reserve_is_three_to_twelve_pairs_and_at_most_half_of_the_budget(trainings, kept):
    assert reserve_of({"units": 9.0 * trainings}, {"units": 18.0}) == ({} if kept is None else {"units": 9.0 * kept})
    assert least_trainings() == 12


def test_each_limited_resource_is_reserved_for_itself():
    limits = {"wall_s": 1000.0, "usd": 500.0, "kwh": 8.0}

    assert reserve_of(limits, {"wall_s": 10.0, "usd": 50.0}) == {"wall_s": 120.0, "usd": pytest.approx(1.2 * 150.0), "kwh": 2.0}


def test_a_seed_that_was_searched_on_cannot_confirm():
    check_fresh([10, 11], [1, 2])
    with pytest.raises(ValueError, match="used in the search"):
        check_fresh([10, 2], [1, 2])
    with pytest.raises(ValueError, match="twice"):
        check_fresh([10, 10], [1])
