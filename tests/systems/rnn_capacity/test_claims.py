"""The claims' own rules say what the pairs of a comparison say, and every claim has a control that asks the same metric."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shoestring.comparison import Comparison, PairResult
from shoestring.errors import UsageError
from shoestring.systems.rnn_capacity import speed
from shoestring.systems.rnn_capacity.claims import CLAIMS, all_differ
from shoestring.systems.rnn_capacity.training import config_of


def answer(*pairs, deterministic=False):
    """Returns an answer whose finding holds pairs of (first, second, better, low, high)."""
    found = tuple(PairResult(a, b, 8, better, 0.1, (low, high), 0.01, None, (0.0, 1.0)) for a, b, better, low, high in pairs)
    finding = Comparison("m", "min", "ablation", (), found, (), 8, 0.05, "test", None, None, "", deterministic=deterministic)
    return SimpleNamespace(finding=finding)


@pytest.mark.parametrize(
    ("winners", "word"),
    [(("b", "a"), "holds"), (("b", None), "undecided"), ((None, "c"), "fails"), (("a", "a"), "fails")],
)
def test_all_differ(winners, word):
    given = answer(("a", "b", winners[0], None, None), ("a", "c", winners[1], None, None))

    assert all_differ(("b", "a"), ("a", "c"))(given).word == word


def test_the_rule_needs_a_comparison():
    with pytest.raises(UsageError, match="comparison"):
        all_differ(("a", "b"))(SimpleNamespace(finding=None))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_control_asks_the_same_of_something_that_can_be_made(claim):
    question, control = claim.question, claim.control

    assert control.keywords["metric"] == question.keywords["metric"]
    assert control.args[0].keys() == question.args[0].keys()
    for arms in (question.args[0], control.args[0]):
        for arm in arms.values():
            assert isinstance(arm, float) or config_of(arm)


def test_all_claims_with_controls_take_about_five_minutes():
    assert sum(float(claim.budget.removesuffix("s")) for claim in CLAIMS) * 1.5 <= 310


def test_ratios_leave_the_first_turn_out():
    assert len(speed.ratios(lambda: sum(range(10**5)) and None, lambda: sum(range(10**5)) and None, turns=3)) == 3
