"""Budgets and prices: what is written is what is meant, and what makes no sense is refused in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.budget import RESOURCES, Budget, Cost, Price, describe, duration, unit_word
from shoestring.errors import InvalidBudget, UnknownName, UsageError


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("10m", {"wall_s": 600}),
        ("1h30m", {"wall_s": 5400}),
        ("90 seconds", {"wall_s": 90}),
        ("1e2s", {"wall_s": 100}),
        (".5 h", {"wall_s": 1800}),
        ("100 epochs", {"units": 100}),
        ("500 ms", {"wall_s": 0.5}),
        ("2 hrs 5 MINS", {"wall_s": 7500}),
        ("1 day, 1 week", {"wall_s": 8 * 86400}),
        ("5.h", {"wall_s": 18000}),
        ("1e3 Steps", {"units": 1000}),
        ("10 GPUh", {"gpu_s": 36000}),
        ("3 gpu hours", {"gpu_s": 10800}),
        ("5$", {"usd": 5}),
        ("5 dollars", {"usd": 5}),
        ("1 episode", {"units": 1}),
        ("2 gpu-hours", {"gpu_s": 7200}),
        ("3 CPU-minutes", {"cpu_s": 180}),
        ("5 usd", {"usd": 5}),
        ("$2.50", {"usd": 2.5}),
        ("0.3 kWh", {"kwh": 0.3}),
        ("300 Wh", {"kwh": 0.3}),
        ("10m, 100 epochs, 5 usd", {"wall_s": 600, "units": 100, "usd": 5}),
    ],
)
def test_an_amount_is_read_as_a_person_writes_it(text, limits):
    assert Budget(text).limits == pytest.approx(limits)


def test_several_texts_limit_several_resources():
    assert Budget("10m", "100 steps").limits == {"wall_s": 600, "units": 100}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "10",
        "m",
        "-5m",
        "10m!",
        "1,000 epochs",
        "nan s",
        "0 s",
        "0 epochs",
        "2.5 epochs",
        "1e999 s",
        "1e999 epochs",
        "3 epochs, 4 steps",
        "5M",
        "$5 hours",
        "1h30",
        "1:30:00",
        "１０m",
        "5 seeds",
    ],
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(InvalidBudget):
        Budget(text)


def test_a_number_without_a_unit_of_measure_is_refused_with_examples():
    with pytest.raises(InvalidBudget, match="budget must be text, got 10; write for example 10m"):
        Budget(10)


def test_a_misspelt_unit_of_measure_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'epoch'"):
        Budget("10 epochen")


@pytest.mark.parametrize("word", ["mss", "ss", "hs", "kwhs", "µs", "us", "rounds", "gpu", "gpus", "gpu-", "x" * 10**6])
def test_an_unknown_unit_of_measure_lists_at_most_the_nearest_three(word):
    with pytest.raises(UnknownName) as refusal:
        Budget(f"5 {word}")

    listed = str(refusal.value).partition("the nearest of ")[2].partition(": ")[2].partition(".")[0]
    assert 1 <= len(listed.split(", ")) <= 3
    assert len(str(refusal.value)) < 500


@given(st.from_regex(r"[a-z]{2,12}", fullmatch=True))
def test_any_word_without_another_meaning_counts_units_of_training(word):
    try:
        unit = unit_word(word)
    except UsageError:
        return

    for amount in (1, 3):
        assert Budget(describe("units", amount, unit), unit=unit).limits == {"units": amount}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("Rounds", "round"),
        ("trees", "tree"),
        ("batches", "batch"),
        ("queries", "query"),
        ("phases", "phase"),
        ("passes", "pass"),
        ("epochs", "epoch"),
    ],
)
def test_a_unit_may_be_given_in_the_plural(given, word):
    assert unit_word(given) == unit_word(word) == word
    assert Budget(f"3 {given}", unit=given) == Budget(f"3 {given}", unit=word)


def test_a_resource_limited_twice_is_refused():
    with pytest.raises(InvalidBudget, match="limits wall_s twice"):
        Budget("10m", "1h")


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text):
    try:
        assert all(amount > 0 for amount in Budget(text).limits.values())
    except (InvalidBudget, UnknownName) as refusal:
        assert "\n" not in str(refusal).replace(repr(text), "")


def test_what_is_left_is_never_below_zero():
    assert Budget("10s, 5 epochs").left(Cost(units=7, wall_s=4.0)) == {"wall_s": 6.0, "units": 0.0}


def test_costs_add_and_subtract_by_resource():
    cost = Cost(1, 2.0, 3.0, 4.0, 5.0, 6.0)

    assert (cost + cost - cost) == cost
    assert list(cost.as_dict()) == list(RESOURCES)


@pytest.mark.parametrize(
    ("texts", "usd"),
    [
        (["2.5/gpu-hour"], 2.5),
        (["$3.6/hour"], 3.6),
        (["1.8/cpu-hours"], 3.6),
        (["0.5/kWh"], 2.0),
        (["1/gpu-hour", "1/kWh"], 5.0),
        ([], 0.0),
    ],
)
def test_a_price_is_per_resource(texts, usd):
    assert Price(*texts).of(Cost(wall_s=3600, cpu_s=7200, gpu_s=3600, kwh=4).as_dict()) == pytest.approx(usd)


@pytest.mark.parametrize("text", ["2.5", "x/hour", "-1/hour", "inf/hour", "1/epoch", "1/usd", "/hour", 2.5])
def test_what_is_no_price_is_refused(text):
    with pytest.raises(InvalidBudget):
        Price(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.35, "0.35s"), (12.34, "12.3s"), (150, "2m30s"), (3599.9, "1h00m"), (5400, "1h30m"), (90000, "25h00m")]
)
def test_a_duration_is_written_as_a_person_would(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("resource", "amount", "text"),
    [
        ("units", 1, "1 epoch"),
        ("units", 20, "20 epochs"),
        ("gpu_s", 7200, "2 GPU-hours"),
        ("cpu_s", 5, "5 CPU-seconds"),
        ("usd", 5, "5 usd"),
    ],
)
def test_an_amount_is_written_with_its_resource(resource, amount, text):
    assert describe(resource, amount, "epoch") == text
