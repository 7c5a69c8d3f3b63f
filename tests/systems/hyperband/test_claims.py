from __future__ import annotations

import pytest

from shoestring.systems.hyperband import METHODS
from shoestring.systems.hyperband.claims import CLAIMS

BY_NAME = {claim.name: claim for claim in CLAIMS}
TARGET = "shoestring.systems.hyperband.trials:replayed"


def ask(question):
    return question(budget="60s", store=":memory:", runner="inline")


def test_names_are_unique_and_methods_exist():
    assert len(BY_NAME) == len(CLAIMS)
    for claim in CLAIMS:
        for arm in claim.question.args[0].values():
            assert not isinstance(arm, dict) or arm.get("method", arm.get("rival", "random")) in METHODS


@pytest.mark.slow
def test_a_claim_and_its_control_run():
    claim = BY_NAME["beats-random-2x-at-5R"]

    ruling, control = claim.rule(ask(claim.question)), claim.rule(ask(claim.control))

    assert ruling.word in ("holds", "fails", "undecided")
    assert control.word != "holds"
