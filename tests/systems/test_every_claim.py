"""What all claims of all systems have in common: they can be asked, and have a control that is another question."""

from __future__ import annotations

from functools import partial

import pytest

from shoestring.budget import UNITS
from shoestring.claims import claim_set, systems


@pytest.mark.parametrize("system", systems())
def test_every_claim_can_be_asked_and_has_a_control(system):
    for claim in claim_set(system).claims:
        assert isinstance(claim.question, partial) and isinstance(claim.control, partial), claim.name
        assert claim.statement.endswith(".") and claim.source, claim.name
        assert {ask.keywords.get("unit", "epoch") for ask in (claim.question, claim.control)} <= set(UNITS), claim.name
        assert (claim.question.args, claim.question.keywords) != (claim.control.args, claim.control.keywords), claim.name
