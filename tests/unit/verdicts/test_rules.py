"""Rules say what the values and pairs of a comparison say, and nothing where there is too little."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

import shoestring as ss
from shoestring.errors import UnknownName, UsageError
from shoestring.questions.compare.finding import ArmResult, Comparison, PairResult
from shoestring.verdicts.rules import always, better, both, equivalent, ordered, share


def pair(first, second, winner=None, difference=0.1, interval=(0.05, 0.2)):
    return PairResult(first, second, 3, winner, difference, interval, 0.01, None, (0.0, 1.0))


def answer(*pairs, goal="max", arms=None, **found):
    """Returns an answer whose finding has these pairs and arms with these values."""
    results = tuple(ArmResult(name, {}, values, 1.0) for name, values in (arms or {}).items())
    finding = Comparison("m", goal, "prove", results, pairs, (), 8, 0.05, "test", found.pop("better", None), None, "", **found)
    return SimpleNamespace(finding=finding)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ({"better": "a"}, "holds"),
        ({"better": "b"}, "fails"),
        ({"equivalent": True}, "fails"),
        ({"deterministic": True}, "undecided"),
        ({}, "undecided"),
    ],
)
def test_better(found, word):
    assert better("a")(answer(pair("a", "b"), **found)) == ss.Ruling(word, 0.1, (0.05, 0.2))


@pytest.mark.parametrize(("found", "word"), [({"equivalent": True}, "holds"), ({"better": "b"}, "fails"), ({}, "undecided")])
def test_equivalent(found, word):
    assert equivalent()(answer(pair("a", "b"), margin=0.3, **found)).word == word


@pytest.mark.parametrize(
    ("winners", "word"),
    [(("b", "a"), "holds"), (("b", None), "undecided"), ((None, None), "undecided"), ((None, "c"), "fails"), (("a", "a"), "fails")],
)
def test_ordered_holds_only_if_every_order_was_shown(winners, word):
    given = answer(pair("a", "b", winners[0]), pair("a", "c", winners[1]))

    assert ordered(("b", "a"), ("a", "c"))(given).word == word


def test_no_order_is_shown_or_refuted_where_seeds_change_nothing():
    assert ordered(("a", "b"))(answer(pair("a", "b"), deterministic=True)).word == "undecided"


@pytest.mark.parametrize(("goal", "estimate", "interval"), [("max", -0.3, (-0.4, -0.2)), ("min", 0.1, (0.05, 0.2))])
def test_orders_are_estimated_by_the_one_that_is_closest_to_failing(goal, estimate, interval):
    given = answer(pair("a", "c"), pair("b", "d", difference=0.3, interval=(0.2, 0.4)), goal=goal)

    assert ordered(("a", "c"), ("d", "b"))(given) == ss.Ruling("undecided", estimate, interval)


def test_an_order_of_which_nothing_is_known_yet_is_the_closest():
    given = answer(pair("a", "b", "a"), pair("a", "c", None, None, (None, None)))

    assert ordered(("a", "b"), ("a", "c"))(given) == ss.Ruling("undecided", None, (None, None))


@pytest.mark.parametrize(
    ("values", "word", "estimate", "interval"),
    [
        ((10.0, 12.0, 11.0), "holds", 11.0, (10.0, 12.0)),
        ((11.0, 12.0), "undecided", 11.5, (11.0, 12.0)),
        ((9.0,), "fails", 9.0, (9.0, 9.0)),
        ((10.0, 14.5), "fails", 12.25, (10.0, 14.5)),
        ((11.0, None, 12.0), "fails", 11.5, (11.0, 12.0)),
        ((None,), "fails", None, (None, None)),
        ((), "undecided", None, (None, None)),
    ],
)
def test_always(values, word, estimate, interval):
    assert always("a", 10, 14, seeds=3)(answer(arms={"a": values})) == ss.Ruling(word, estimate, interval)


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
def test_shares_are_over_all_models(values, word, estimate):
    ruling = share("a", 0.8, each=5, seeds=3)(answer(arms={"a": values}))

    assert (ruling.word, ruling.estimate) == (word, estimate)


def test_the_limit_of_a_share_is_clopper_and_pearsons():
    ruling = share("a", 0.8, each=5, seeds=3)(answer(arms={"a": (1.0,) * 3}))

    assert ruling.interval == (pytest.approx(0.05 ** (1 / 15)), 1.0)


@pytest.mark.parametrize(
    ("winner", "values", "word"),
    [
        ("a", (0.1, 0.2), "holds"),
        ("a", (0.1, 0.0), "fails"),
        (None, (0.1, -0.1), "fails"),
        (None, (0.1, 0.2), "undecided"),
        ("b", (0.1, 0.2), "fails"),
    ],
)
def test_both(winner, values, word):
    rule = both(better("a"), always("a", math.ulp(0.0)))

    assert rule(answer(pair("a", "b"), arms={"a": values}, better=winner)) == ss.Ruling(word, 0.1, (0.05, 0.2))


RULES = [better("a"), equivalent(), ordered(("a", "b")), always("a", 1), share("a", 0.5, each=1, seeds=3), both(better("a"))]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_needs_a_comparison(rule):
    with pytest.raises(UsageError, match="comparison"):
        rule(SimpleNamespace(finding=None))


@pytest.mark.parametrize(
    ("rule", "error", "match"),
    [
        (equivalent(), UsageError, "difference="),
        (ordered(("a", "c")), UsageError, "'a' compared with 'c'"),
        (always("mdoels", 1), UnknownName, "models"),
    ],
)
def test_a_rule_needs_what_it_looks_at(rule, error, match):
    with pytest.raises(error, match=match):
        rule(answer(pair("a", "b"), arms={"models": (1.0,)}))
