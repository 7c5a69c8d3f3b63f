"""The claims' own rules say what the arms say, and every claim has a control that asks the same metric."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shoestring.comparison import ArmResult, Comparison, PairResult
from shoestring.errors import UsageError
from shoestring.systems.perceptual_pbe.claims import CLAIMS, always_better, beats_all
from shoestring.systems.perceptual_pbe.training import config_of


def answer(pairs, arms=(), better=None):
    """Returns an answer whose finding holds pairs of (first, second, better) and arms of (name, values)."""
    found = tuple(PairResult(a, b, 5, won, 0.1, (0.05, 0.2), 0.01, None, (0.0, 1.0)) for a, b, won in pairs)
    results = tuple(ArmResult(name, {}, values, 0.1) for name, values in arms)
    return SimpleNamespace(finding=Comparison("m", "max", "prove", results, found, (), 5, 0.05, "test", better, None, ""))


@pytest.mark.parametrize(
    ("values", "better", "word"),
    [((0.1, 0.2), "ours", "holds"), ((0.1, -0.1), "ours", "fails"), ((0.1, 0.2), None, "undecided"), ((0.1, None), "ours", "fails")],
)
def test_better_on_every_seed(values, better, word):
    given = answer([("ours", "bound", better)], [("ours", values), ("bound", (0.0, 0.0))], better)

    assert always_better("ours", "bound")(given).word == word


@pytest.mark.parametrize(
    ("winners", "word"), [(("a", "a"), "holds"), (("a", None), "undecided"), ((None, "c"), "fails"), (("b", "a"), "fails")]
)
def test_better_than_each_of_the_others(winners, word):
    assert beats_all("a")(answer([("a", "b", winners[0]), ("a", "c", winners[1])])).word == word


def test_the_rules_need_a_comparison_of_their_arms():
    with pytest.raises(UsageError, match="comparison"):
        beats_all("a")(SimpleNamespace(finding=None))
    with pytest.raises(UsageError, match="those two arms"):
        always_better("other", "bound")(answer([("ours", "bound", "ours")], [("ours", (1.0,)), ("bound", (0.0,))], "ours"))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_control_asks_the_same_of_answers_that_were_dealt_out_anew(claim):
    question, control = claim.question, claim.control

    assert control.keywords == question.keywords
    assert control.args[0].keys() == question.args[0].keys()
    for arms in (question.args[0], control.args[0]):
        for arm in arms.values():
            assert isinstance(arm, float) or config_of(arm)
    assert any(isinstance(arm, dict) and arm.get("shuffled") for arm in control.args[0].values())


def test_all_claims_take_at_most_ten_minutes():
    assert sum(float(claim.budget.removesuffix("s")) for claim in CLAIMS) <= 600
