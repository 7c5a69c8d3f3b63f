from __future__ import annotations

import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.schedulers import NAMES, make_scheduler


@pytest.mark.parametrize("name", NAMES)
def test_every_name_makes_a_scheduler_that_starts_a_trial(counting, name: str) -> None:
    assert make_scheduler(name, counting(), horizon=27).ask().trial_id == 0


@pytest.mark.parametrize("name", sorted({*NAMES} - {"hyperband"}))
def test_n_trials_is_how_many_start(counting, orders, name: str) -> None:
    assert {order.trial_id for order in orders(make_scheduler(name, counting(), 27, n_trials=10), loss=float)} == set(range(10))


def test_hyperband_takes_no_n_trials(counting) -> None:
    with pytest.raises(UsageError, match="hyperband"):
        make_scheduler("hyperband", counting(), 27, n_trials=10)


def test_a_misspelt_name_learns_the_nearest(counting) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'hyperband'"):
        make_scheduler("hyperbnad", counting(), 27)
