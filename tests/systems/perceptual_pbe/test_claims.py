"""Controls are the claims with answers that mean nothing."""

from __future__ import annotations

from shoestring.systems.perceptual_pbe.claims import CLAIMS


def test_in_every_control_answers_are_dealt_out_anew():
    for claim in CLAIMS:
        assert claim.control.keywords == claim.question.keywords, claim.name
        assert any(isinstance(arm, dict) and arm.get("shuffled") for arm in claim.control.args[0].values()), claim.name
