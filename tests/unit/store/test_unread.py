"""Event files that hold more than the store knows of: a token is never given out twice, and an event has the form of one."""

from __future__ import annotations

import pytest

from shoestring.errors import StoreCorrupt
from shoestring.store.unread import check_event, check_known
from shoestring.trial.events import EventWriter


@pytest.mark.parametrize("trial", ["0000", "0007"])  # one that the store knows, and one that it does not
def test_work_of_a_lease_that_the_store_does_not_know_is_refused(tmp_path, trial):
    EventWriter(tmp_path / "trials" / trial / "events.jsonl").append({"token": 5, "begin": 1})

    check_known(tmp_path, {0: 0}, newest=5)
    with pytest.raises(StoreCorrupt, match=r"redo\.log has lost a commit: .*events\.jsonl holds work of lease 5, .* known is 4"):
        check_known(tmp_path, {0: 0}, newest=4)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"begin": "1"},
        {"unit": 0, "metrics": {}},
        {"unit": 1, "metrics": {"loss": []}},
        {"unit": 1, "metrics": {"loss": "low"}},
        {"end": "paused"},
        {"end": "failed", "error": {"type": "E"}},
        {"checkpoint": None},
    ],
)
def test_what_no_worker_writes_is_refused(event):
    with pytest.raises(ValueError, match="an event that no worker writes"):
        check_event({"token": 1, **event})
