"""What every scheduler promises, whatever its workers do: one table of members, and the checks that one's own has to pass too."""

from __future__ import annotations

from functools import partial

import pytest

from shoestring.errors import UsageError
from shoestring.schedulers import NAMES, AsyncHyperband, Hyperband, SuccessiveHalving, make_scheduler
from shoestring.testing import SCHEDULER_CHECKS
from shoestring.testing.schedulers import Countdown, worlds
from shoestring.values.orders import Start


def by_name(name):
    def make(sampler, horizon, eta, n_trials):
        return make_scheduler(name, sampler, horizon, eta, 12 if name == "one-step" else n_trials)

    return make


MEMBERS = {name: by_name(name) for name in NAMES} | {
    "halving, n=10, for ever": lambda sampler, horizon, eta, _: SuccessiveHalving(sampler, horizon, eta, n=10, rounds=None),
    "hyperband, table 1, one round": lambda sampler, horizon, eta, _: Hyperband(sampler, horizon, eta, table1=True, rounds=1),
    "async-hyperband, two brackets": lambda sampler, horizon, eta, _: AsyncHyperband(
        sampler, horizon, eta, n_brackets=1 if horizon < eta else 2
    ),
}
ENDLESS = ("fixed", "halving, n=10, for ever", "hyperband", "async-hyperband", "async-hyperband, two brackets")


@pytest.mark.parametrize("make", MEMBERS.values(), ids=MEMBERS)
@pytest.mark.parametrize("check", SCHEDULER_CHECKS, ids=lambda check: check.__name__)
def test_a_scheduler_keeps_its_promises(make, check):
    check(make)


@pytest.mark.parametrize("name", ENDLESS)
def test_no_worker_is_ever_idle_while_there_are_trials_to_start(name):
    for world, sampler, _ in worlds(MEMBERS[name]):
        in_vain = world.log.index(None)
        assert sum(isinstance(entry, Start) for entry in world.log[:in_vain]) == sampler.n


@pytest.mark.parametrize("name", [*NAMES])
@pytest.mark.parametrize(("horizon", "eta"), [(0, 3), (-1, 3), (9, 1), (9, 0), (2.5, 3)])
def test_senseless_numbers_are_refused_in_one_sentence(name, horizon, eta):
    if eta < 2 and name == "fixed":
        pytest.skip("fixed has no eta")
    with pytest.raises(UsageError, match="must be a whole number of at least"):
        partial(make_scheduler, name)(Countdown(5), horizon, eta)
