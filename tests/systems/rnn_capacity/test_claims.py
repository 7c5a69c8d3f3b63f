"""Every claim has a control that asks the same metric."""

from __future__ import annotations

import pytest

from shoestring.systems.rnn_capacity.claims import CLAIMS
from shoestring.systems.rnn_capacity.training import config_of


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_control_asks_the_same_of_something_that_can_be_made(claim):
    question, control = claim.question, claim.control

    assert control.keywords["metric"] == question.keywords["metric"]
    assert control.args[0].keys() == question.args[0].keys()
    for arms in (question.args[0], control.args[0]):
        for arm in arms.values():
            assert isinstance(arm, float) or config_of(arm)
