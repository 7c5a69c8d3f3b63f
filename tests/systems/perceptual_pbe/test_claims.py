"""Every claim has a control that asks the same metric."""

from __future__ import annotations

import pytest

from shoestring.systems.perceptual_pbe.claims import CLAIMS
from shoestring.systems.perceptual_pbe.training import config_of


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_control_asks_the_same_of_answers_that_were_dealt_out_anew(claim):
    question, control = claim.question, claim.control

    assert control.keywords == question.keywords
    assert control.args[0].keys() == question.args[0].keys()
    for arms in (question.args[0], control.args[0]):
        for arm in arms.values():
            assert isinstance(arm, float) or config_of(arm)
    assert any(isinstance(arm, dict) and arm.get("shuffled") for arm in control.args[0].values())
