"""The ledger: the sum of its rows is what was spent, whatever happens, and nothing is reserved that the budget does not carry."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rows import TRIAL

from shoestring.budget import RESOURCES, Budget, Cost, Price
from shoestring.engine.ledger import Ledger
from shoestring.store import schema
from shoestring.store.store import Store
from shoestring.trial.lease import Usage

RATES = Cost(wall_s=1.0, cpu_s=4.0, gpu_s=1.0, kwh=0.001)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    store = Store.in_memory()
    for trial_id in range(6):
        store.put(schema.trials, TRIAL | {"id": trial_id})
    yield store
    store.close()


@pytest.fixture
def ledger(store, clock):
    """``ledger("10s", "5 epochs", slots=2)``"""
    return lambda *texts, price=(), slots=1: Ledger(store, Budget(*texts), Price(*price), clock=clock, rates=RATES, slots=slots)


def total(store):
    rows = store.rows(schema.leases)
    return {name: sum(row[name] for row in rows) for name in RESOURCES}


class Spending(RuleBasedStateMachine):
    """Reserves, charges, settles, ticks, crashes and goes on in any order."""

    texts = ("60 epochs", "1000s", "500 cpu-seconds", "9 usd")

    @initialize()
    def begin(self):
        self.store, self.clock = Store.in_memory(), Clock()
        self.tokens: dict[int, int] = {}
        for trial_id in range(4):
            self.store.put(schema.trials, TRIAL | {"id": trial_id})
        self.begin_session()

    def begin_session(self):
        self.ledger = Ledger(self.store, Budget(*self.texts), Price("0.01/hour", "1/kWh"), clock=self.clock, rates=RATES, slots=3)

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()

    @rule(trial_id=st.integers(0, 3), start=st.integers(0, 5), n=st.integers(1, 30), estimate_s=st.floats(0, 50))
    def reserve(self, trial_id, start, n, estimate_s):
        if len(self.tokens) < 3 and (given := self.ledger.reserve(trial_id, start, start + n, estimate_s=estimate_s)):
            self.tokens[given.token] = given.to - start

    @rule(data=st.data(), share=st.floats(0, 1), cpu_s=st.floats(0, 100), kwh=st.floats(0, 1))
    def charge(self, data, share, cpu_s, kwh):
        if self.tokens:
            token = data.draw(st.sampled_from(sorted(self.tokens)))
            self.ledger.charge(token, units=int(share * self.tokens[token]), usage=Usage(1.0, cpu_s, 0.0, kwh, 0, {"cpu_s": "measured"}))

    @rule(data=st.data(), outcome=st.sampled_from(["useful", "failed", "lost", "killed"]))
    def settle(self, data, outcome):
        if self.tokens:
            token = data.draw(st.sampled_from(sorted(self.tokens)))
            del self.tokens[token]
            self.ledger.settle(token, outcome)

    @rule(seconds=st.floats(0, 30))
    def let_time_pass(self, seconds):
        self.clock.now += seconds
        self.ledger.tick()

    @rule()
    def crash_and_go_on(self):
        self.ledger.save()
        self.store.commit()
        self.begin_session()
        for token in list(self.tokens):
            self.ledger.settle(token, "lost")
        self.tokens.clear()

    @invariant()
    def the_stored_rows_add_up_to_what_was_spent(self):
        self.ledger.save()
        self.store.commit()
        assert total(self.store) == pytest.approx(self.ledger.spent().as_dict())

    @invariant()
    def all_seconds_are_charged_once(self):
        assert self.ledger.spent().wall_s == pytest.approx(self.clock.now - 100.0)

    @invariant()
    def no_unit_is_spent_or_promised_beyond_the_budget(self):
        promised = sum(row["to"] - row["start"] for row in self.ledger.open_rows())
        settled = sum(row["units"] for row in self.store.rows(schema.leases) if row["outcome"])
        assert promised + settled <= 60


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=12, stateful_step_count=25)


@given(limit=st.integers(1, 40), wanted=st.lists(st.integers(1, 15), max_size=12))
def test_units_are_reserved_to_the_last_and_no_further(limit, wanted):
    store = Store.in_memory()
    store.put(schema.trials, TRIAL | {"id": 0})
    ledger = Ledger(store, Budget(f"{limit} epochs"), clock=Clock())

    given = [ledger.reserve(0, 0, n) for n in wanted]
    store.close()

    assert sum(reserved.to for reserved in given if reserved) == min(limit, sum(wanted))


def test_a_lease_gets_the_seconds_that_are_left(ledger, clock):
    book = ledger("10s")
    clock.now += 4

    assert book.reserve(0, 0, 9).seconds == pytest.approx(6)


def test_the_scarcest_resource_decides_how_long_a_lease_lasts(ledger):
    assert ledger("10s", "20 cpu-seconds").reserve(0, 0, 9).seconds == pytest.approx(5)  # four cores may burn them
    assert ledger("10s", "0.001 usd", price=["3.6/gpu-hour"]).reserve(0, 0, 9).seconds == pytest.approx(1)


def test_a_lease_without_a_limit_in_time_takes_as_long_as_it_takes(ledger):
    assert ledger("10 epochs").reserve(0, 0, 9).seconds is None


def test_what_several_leases_may_burn_together_is_within_the_budget(ledger):
    book = ledger("100 cpu-seconds", slots=3)
    seconds = [book.reserve(trial_id, 0, 9).seconds for trial_id in range(3)]

    assert sum(seconds) * RATES.cpu_s <= 100 + 1e-9
    assert min(seconds) > 5


def test_seconds_are_shared_among_the_leases_that_are_open(ledger, clock, store):
    book = ledger("100s", slots=2)
    clock.now += 1
    first = book.reserve(0, 0, 9)
    clock.now += 2
    second = book.reserve(1, 0, 9)
    clock.now += 4
    for lease in (first, second):
        book.settle(lease.token, "useful")
    book.save()
    store.commit()

    seconds = {row["trial_id"]: row["wall_s"] for row in store.rows(schema.leases)}
    assert seconds == pytest.approx({None: 1, 0: 2 + 2, 1: 2})


def test_a_reservation_is_written_down_with_what_it_may_cost(ledger, store):
    ledger("10s", "5 epochs").reserve(0, 2, 9)
    store.commit()

    (row,) = store.rows(schema.leases)
    assert json.loads(row["reserved"]) == {"units": 5, "wall_s": 10.0}
    assert (row["start"], row["to"], row["outcome"]) == (2, 7, None)


def test_tokens_grow_over_sessions(ledger, store):
    first = ledger("10 epochs").reserve(0, 0, 1).token
    store.commit()

    assert ledger("10 epochs").reserve(0, 0, 1).token > first


def test_work_beyond_the_reservation_is_charged_and_frees_nothing(ledger):
    book = ledger("10 epochs", slots=2)
    first = book.reserve(0, 0, 3)
    book.charge(first.token, units=5)

    assert book.left() == {"units": 5}


def test_a_spent_budget_reserves_nothing(ledger, clock):
    book = ledger("10s")
    clock.now += 10.5

    assert book.reserve(0, 0, 1) is None
    assert book.exhausted()
    assert book.left() == {"wall_s": 0.0}


def test_units_alone_stop_no_running_lease(ledger):
    book = ledger("1 epoch")
    book.charge(book.reserve(0, 0, 1).token, units=1)

    assert not book.exhausted()


def test_time_between_the_last_save_and_the_last_sign_of_life_is_charged_once(store, clock, monkeypatch):
    epoch = Clock()
    monkeypatch.setattr("shoestring.engine.ledger.clock.wall", epoch)
    book = Ledger(store, Budget("1000s"), clock=clock)

    def both(seconds):
        clock.now += seconds
        epoch.now += seconds
        book.tick()

    both(1)
    token = book.reserve(0, 0, 9).token
    both(50)
    book.charge(token, usage=Usage(busy_s=50, cpu_s=40))
    book.save()
    store.commit()
    resumed = Ledger(store, Budget("1000s"), clock=clock)

    resumed.charge_unseen(epoch.now + 0.3)
    resumed.charge(token, usage=resumed.estimated_usage(token, epoch.now + 0.3))

    assert resumed.spent().wall_s == pytest.approx(51.3)
    assert resumed.spent().cpu_s == pytest.approx(40.3)
    assert json.loads(resumed.open_rows()[0]["provenance"])["wall_s"] == "estimated"


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_a_clock_that_is_set_while_a_study_runs_costs_nothing(store, clock, monkeypatch, jump):
    epoch = Clock()
    monkeypatch.setattr("shoestring.engine.ledger.clock.wall", epoch)
    book = Ledger(store, Budget("1000s"), clock=clock)
    token = book.reserve(0, 0, 9).token
    clock.now += 50
    book.tick()
    book.save()
    store.commit()
    resumed = Ledger(store, Budget("1000s"), clock=clock)

    resumed.charge_unseen(epoch.now + jump)
    resumed.charge(token, usage=resumed.estimated_usage(token, epoch.now + jump))

    spent = resumed.spent()
    assert 50 <= spent.wall_s <= 1050
    assert 0 <= spent.cpu_s <= 1000


def test_downtime_costs_nothing(ledger, clock, store):
    book = ledger("100s")
    book.settle(book.reserve(0, 0, 1).token, "useful")
    book.save()
    store.commit()
    spent = book.spent()
    clock.now += 1e6

    resumed = ledger("100s")
    resumed.tick()

    assert resumed.spent() == spent


def test_the_price_is_charged_as_it_runs_up(ledger, clock):
    book = ledger("5 usd", price=["36/hour", "3.6/gpu-hour"])
    token = book.reserve(0, 0, 9).token
    clock.now += 100
    book.charge(token, usage=Usage(busy_s=100, gpu_s=100))
    book.tick()
    book.settle(token, "useful")

    assert book.spent().usd == pytest.approx(1.0 + 0.1)


def test_the_time_of_a_unit_is_learnt_from_what_was_settled(ledger):
    book = ledger("100 epochs")
    assert book.seconds_per_unit() == 0.0
    token = book.reserve(0, 0, 4).token
    book.charge(token, units=4, usage=Usage(busy_s=8))
    book.settle(token, "useful")

    assert book.seconds_per_unit() == 2.0
