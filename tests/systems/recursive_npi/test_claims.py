"""The claims' own rules say what the values of a comparison say, and every claim has a control that asks the same metric."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shoestring.comparison import ArmResult, Comparison, PairResult
from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.claims import CLAIMS, always, grows_and_stays, rate_at_least
from shoestring.systems.recursive_npi.training import Config


def answer(better=None, deterministic=False, **arms):
    """Returns an answer whose finding has arms with values."""
    found = tuple(ArmResult(name, {}, values, 1.0) for name, values in arms.items())
    first, second = [*arms, "number"][:2]
    pair = PairResult(first, second, 3, better, 0.1, (None, None), 0.01, None, (0.0, 1.0))
    finding = Comparison("m", "max", "prove", found, (pair,), (), 8, 0.05, "test", better, None, "", deterministic=deterministic)
    return SimpleNamespace(finding=finding)


@pytest.mark.parametrize(
    ("values", "word", "estimate"),
    [
        ((1.0, 1.0, 1.0), "holds", 1.0),  # 15 of 15: the limit is 0.05 ** (1 / 15) = 0.819
        ((1.0, 0.8, 1.0), "undecided", 14 / 15),
        ((1.0, None, 1.0), "undecided", 10 / 15),
        ((0.4, 0.6, 0.4), "fails", 7 / 15),
        ((0.0, 0.0, 0.0), "fails", 0.0),
        ((1.0, 1.0), "undecided", 1.0),
        ((), "undecided", None),
    ],
)
def test_rates_are_over_all_models(values, word, estimate):
    ruling = rate_at_least("models", 0.8)(answer(models=values))

    assert ruling.word == word and ruling.estimate == estimate


def test_the_limit_of_a_rate_is_clopper_and_pearsons():
    ruling = rate_at_least("models", 0.8)(answer(models=(1.0,) * 3))

    assert ruling.interval == (pytest.approx(0.05 ** (1 / 15)), 1.0)


@pytest.mark.parametrize(("values", "word"), [((1.0,) * 3, "holds"), ((1.0, 0.5), "fails"), ((1.0,), "undecided")])
def test_always(values, word):
    assert always("array", 1.0)(answer(array=values)).word == word


@pytest.mark.parametrize(
    ("better", "still", "word"),
    [("a", (0.0, 0.0), "holds"), ("a", (0.0, 0.1), "fails"), (None, (0.0,), "undecided"), ("b", (0.0,), "fails")],
)
def test_grows_and_stays(better, still, word):
    assert grows_and_stays("a", "b")(answer(better, a=(1.0,), b=still)).word == word


def test_the_rules_need_a_comparison():
    for rule in (rate_at_least("a", 0.5), always("a", 1), grows_and_stays("a", "b")):
        with pytest.raises(UsageError, match="comparison"):
            rule(SimpleNamespace(finding=None))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_control_asks_the_same_of_something_that_can_be_made(claim):
    question, control = claim.question, claim.control

    assert control.keywords["metric"] == question.keywords["metric"]
    assert control.args[0].keys() == question.args[0].keys() and control.args[0] != question.args[0]
    for arms in (question.args[0], control.args[0]):
        for arm in arms.values():
            assert isinstance(arm, float) or arm.keys() <= {"array", "recursion"} or Config.of(arm).make_task()


def test_all_claims_take_about_eleven_minutes():
    assert sum(float(claim.budget.removesuffix("s")) for claim in CLAIMS) <= 11 * 60
