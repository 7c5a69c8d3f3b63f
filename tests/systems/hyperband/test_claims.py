from __future__ import annotations

import pytest

from shoestring import compare
from shoestring.systems.hyperband import METHODS
from shoestring.systems.hyperband.claims import CLAIMS, all_better_than

BY_NAME = {claim.name: claim for claim in CLAIMS}
TARGET = "shoestring.systems.hyperband.trials:replayed"


def ask(question):
    return question(budget="60s", store=":memory:", runner="inline")


def stated(arms, **options):
    """A comparison of numbers that seeds move a little."""
    return compare(arms, _noisy, metric="loss", goal="min", budget="60s", store=":memory:", runner="inline", seeds=12, **options)


def _noisy(trial):
    for _ in trial.steps():
        trial.report(loss=trial.config["loss"] + 1e-4 * (trial.seed % 100))


def test_names_are_unique_and_methods_exist():
    assert len(BY_NAME) == len(CLAIMS)
    for claim in CLAIMS:
        for arm in claim.question.args[0].values():
            assert not isinstance(arm, dict) or arm.get("method", arm.get("rival", "random")) in METHODS


@pytest.mark.parametrize(("second", "word"), [(-0.1, "holds"), (0.1, "fails")])
def test_all_better_than_needs_every_arm(second, word):
    answer = stated({"allowed": 0.0, "first": {"loss": -0.2}, "second": {"loss": second}}, mode="ablation", full="allowed")

    ruling = all_better_than("allowed")(answer)

    assert ruling.word == word
    assert ruling.estimate == pytest.approx(-second if word == "fails" else 0.1, abs=0.02)


@pytest.mark.slow
def test_a_claim_and_its_control_run():
    claim = BY_NAME["beats-random-2x-at-5R"]

    ruling, control = claim.rule(ask(claim.question)), claim.rule(ask(claim.control))

    assert ruling.word in ("holds", "fails", "undecided")
    assert control.word != "holds"
