"""What every store promises: one table of members, one list of properties."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import TRIAL

from shoestring.errors import StoreCorrupt
from shoestring.store import schema
from shoestring.store.address import Address
from shoestring.store.postgresql import PostgresqlDatabase
from shoestring.store.sqlite import SqliteDatabase
from shoestring.store.store import Store
from shoestring.testing import STORE_CHECKS

MEMBERS = ["in memory", "on disk", pytest.param("postgresql", marks=pytest.mark.slow)]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)  # as what is stored has been cleaned
trials = st.fixed_dictionaries(
    {
        "id": st.integers(0, 9),
        "config": st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=3).map(json.dumps),
        "seed": st.integers(0, 2**63 - 1),
        "arm": texts,
        "purpose": texts,
        "state": texts,
        "target": st.integers(0, 10**9),
        "checkpoint": st.integers(0, 10**9),
        "offset": st.integers(0, 2**62),
        "losses": st.integers(0, 9),
        "error": st.none() | st.fixed_dictionaries({"type": texts, "message": texts, "traceback": texts}).map(json.dumps),
    }
)
numbers = st.floats(allow_nan=False).map(lambda number: number + 0.0)  # -0.0 comes back as 0.0


@pytest.fixture(params=MEMBERS)
def make(request):
    """What makes a store in a folder."""
    if request.param == "in memory":
        return lambda folder: Store.in_memory()
    url = request.getfixturevalue("postgresql").url if request.param == "postgresql" else None
    return lambda folder: Store.create_or_open(folder / "run", url)


@pytest.fixture(params=MEMBERS[1:])
def open_it(request):
    """What opens the database of a folder."""
    if request.param == "on disk":
        return lambda folder, writing: SqliteDatabase.create_or_open(folder) if writing else SqliteDatabase.read(folder)
    url = request.getfixturevalue("postgresql").url
    addresses = {}
    return lambda folder, writing: PostgresqlDatabase(folder, addresses.setdefault(folder, Address.new(url, folder)), writing=writing)


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_a_database_keeps_its_promises(check, open_it, tmp_path):
    check(open_it, tmp_path)


@pytest.fixture
def store(make, tmp_path):
    with closing(make(tmp_path)) as store:
        yield store


@given(rows=st.lists(trials, max_size=6))
def test_what_is_put_comes_back_in_the_order_of_its_key(make, tmp_path_factory, rows):
    with closing(make(tmp_path_factory.mktemp("store"))) as store:
        for row in rows:
            store.put(schema.trials, row)
        store.commit()

        expected = {row["id"]: row for row in rows}
        assert store.rows(schema.trials) == [expected[key] for key in sorted(expected)]


def test_minus_zero_is_a_whole_row_that_holds_zero(store):
    store.put(schema.decisions, {"seq": 0, "kind": "tell", "trial_id": 0, "unit": 1, "loss": -0.0})
    store.commit()

    assert [row["loss"] for row in store.rows(schema.decisions)] == [0.0]


@given(losses=st.lists(numbers, max_size=6))
def test_numbers_come_back_bit_for_bit(make, tmp_path_factory, losses):
    with closing(make(tmp_path_factory.mktemp("store"))) as store:
        for seq, loss in enumerate(losses):
            store.put(schema.decisions, {"seq": seq, "kind": "tell", "trial_id": 0, "unit": 1, "loss": loss})
        store.commit()

        assert [row["loss"].hex() for row in store.rows(schema.decisions)] == [loss.hex() for loss in losses]


def test_nothing_is_seen_before_it_is_committed(store):
    store.put(schema.trials, TRIAL)

    assert store.rows(schema.trials) == []
    store.commit()
    assert store.rows(schema.trials) == [TRIAL]


def test_a_row_with_the_same_key_is_replaced(store):
    for seed in (1, 2):
        store.put(schema.trials, TRIAL | {"seed": seed})
        store.commit()

    assert store.rows(schema.trials) == [TRIAL | {"seed": 2}]


def test_a_commit_is_all_or_nothing(store):
    store.put(schema.trials, TRIAL)
    store.put(schema.observations, {"trial_id": 9, "unit": 1, "token": 1, "metrics": "{}"})  # there is no trial 9

    with pytest.raises(StoreCorrupt, match="(?i)foreign key"):
        store.commit()
    assert store.rows(schema.trials) == []


def test_a_trial_and_what_refers_to_it_are_committed_in_any_order(store):
    store.put(schema.observations, {"trial_id": 0, "unit": 1, "token": 1, "metrics": "{}"})
    store.put(schema.trials, TRIAL)

    store.commit()

    assert len(store.rows(schema.observations)) == 1


@pytest.mark.parametrize("value", [None, 0, "ünï", [1, {"a": None}], {"b": 2, "a": [0.1]}])
def test_a_note_comes_back(store, value):
    store.note("key", value)
    store.commit()

    assert store.noted("key") == value
    assert store.noted("another") is None


def test_an_empty_commit_does_nothing(store):
    before = store.rows(schema.meta)

    store.commit()

    assert store.rows(schema.meta) == before


def test_trials_have_folders_of_their_own(store):
    assert store.trial_folder(7) == store.folder / "trials" / "0007"
    assert store.folder.is_dir()


def test_what_was_committed_outlives_the_store_only_on_disk(make, tmp_path):
    with closing(make(tmp_path)) as store:
        store.put(schema.trials, TRIAL)
        store.commit()
        kept, on_disk = store.folder, store.is_on_disk

    assert kept.exists() == on_disk
    if on_disk:
        with closing(Store.create_or_open(kept)) as again:
            assert again.rows(schema.trials) == [TRIAL]
