from __future__ import annotations

import math

import numpy as np
import pytest

from shoestring import Float, Space
from shoestring.errors import UsageError
from shoestring.schedulers import Fixed, OneStep, brackets
from shoestring.systems.hyperband import METHODS, Curves, crossing_curves, replay
from shoestring.systems.hyperband.replaying import CHANCE, Method

R = 81
SAMPLED = [name for name in METHODS if METHODS[name].sampler is None]


@pytest.fixture
def curves():
    """500 configurations that get better and worse on their way, with a noisy test set."""
    rng = np.random.default_rng(0)
    errors = 0.2 + 0.6 * rng.random((500, 1)) * np.linspace(1, 0.3, R) + 0.02 * rng.standard_normal((500, R))
    return Curves(errors, errors + 0.01 * rng.standard_normal((500, R)))


def drawn(curves, seed, n):
    """The rows that every method is dealt."""
    return np.random.default_rng(seed).integers(len(curves.errors), size=4096)[:n]


def halved(curves, rows, rungs):
    """One bracket by the word of Algorithm 1: what it has seen, as ``(error, test error, price when trained again from nothing)``."""
    seen, price, last, alive = [], 0, 0, list(enumerate(rows))
    for n, to in rungs:
        alive = sorted(alive, key=lambda pair: (curves.errors[pair[1], last - 1], pair[0]))[:n] if last else alive
        for _, row in alive:
            seen += [(curves.errors[row, u], curves.test_errors[row, u], price + u + 1) for u in range(last, to)]
            price += to
        last = to
    return seen


@pytest.mark.parametrize(
    ("table1", "starts", "prices"),
    [(False, [81, 34, 15, 8, 5], [405, 363, 351, 378, 405]), (True, [81, 27, 9, 6, 5], [405, 324, 243, 324, 405])],
)
def test_both_tables_of_the_paper(table1, starts, prices):
    table = brackets(R, 3, table1)

    assert [bracket.n for bracket in table] == starts
    assert [bracket.units(resume=False) for bracket in table] == prices


def test_the_first_bracket_is_halving_by_the_word(curves):
    seen = halved(curves, drawn(curves, 3, 81), [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)])

    trace = replay(curves, METHODS["hyperband"], 3, 297)  # what the bracket costs when trials go on where they were

    np.testing.assert_array_equal(trace.errors, [error for error, _, _ in seen])
    np.testing.assert_array_equal(trace.prices["restart"], [price for _, _, price in seen])
    np.testing.assert_array_equal(trace.prices["resume"], np.arange(1, len(seen) + 1))
    assert trace.prices["restart"][-1] == 5 * R
    assert trace.test_error(5 * R) == min(seen)[1]


def test_random_search_returns_the_best_of_what_it_paid_for(curves):
    rows = drawn(curves, 7, 5)
    best = np.unravel_index(np.argmin(curves.errors[rows]), (5, R))

    trace = replay(curves, METHODS["random"], 7, 5 * R)

    assert trace.n_trials == 5
    assert trace.test_error(5 * R) == curves.test_errors[rows][best]


def test_a_round_costs_what_its_brackets_do(curves):
    trace = replay(curves, METHODS["hyperband"], 0, sum(bracket.units() for bracket in brackets(R, 3)))

    assert trace.prices["restart"][-1] == sum(bracket.units(resume=False) for bracket in brackets(R, 3)) == 1902
    assert trace.n_trials == 143


@pytest.mark.parametrize("name", SAMPLED)
def test_every_method_goes_on_for_as_long_as_it_is_paid(curves, name):
    trace = replay(curves, METHODS[name], 1, 30 * R)

    assert trace.prices["resume"][-1] >= 30 * R
    assert (trace.prices["restart"] >= trace.prices["resume"]).all()
    at = trace.test_errors_at(np.arange(1.0, 31) * R)
    assert [trace.test_error(units * R) for units in range(1, 31)] == at.tolist()


def test_a_method_that_is_through_begins_again_with_new_rows(curves):
    two = Method(lambda sampler, horizon: Fixed(sampler, horizon, n_trials=2))

    trace = replay(curves, two, 5, 6 * R)

    np.testing.assert_array_equal(trace.errors, curves.errors[drawn(curves, 5, 6)].ravel())


def test_a_trial_that_diverges_is_paid_up_to_there_and_never_returned():
    errors = np.array([[0.5, 0.4, math.inf, math.inf]])
    table = Curves(errors, np.where(np.isfinite(errors), errors, 1.0))

    trace = replay(table, METHODS["random"], 0, 6)

    assert trace.prices["resume"].tolist() == [1, 2, 3, 4, 5, 6]
    assert trace.test_error(6) == 0.4


def test_nothing_found_is_chance():
    table = Curves(np.full((3, 4), math.inf), np.full((3, 4), 0.1))

    assert replay(table, METHODS["random"], 0, 4).test_error(4) == CHANCE


def test_one_step_takes_the_best_three_of_its_first_units(curves):
    three = Method(lambda sampler, horizon: OneStep(sampler, horizon, n_trials=9))
    rows = drawn(curves, 2, 9)
    best = rows[np.argsort(curves.errors[rows, 0], kind="stable")[:3]]

    trace = replay(curves, three, 2, 9 + 3 * (R - 1))

    np.testing.assert_array_equal(trace.errors[9:], curves.errors[best, 1:].ravel())


def test_a_sampler_that_learns_draws_near_what_was_good():
    places = np.random.default_rng(0).random((300, 2))
    errors = np.repeat(((places - 0.7) ** 2).sum(1, keepdims=True), 3, axis=1)
    table = Curves(errors, errors, Space({"x": Float(0, 1), "y": Float(0, 1)}), places)

    def late(name):
        return np.mean([replay(table, METHODS[name], seed, 90).errors[-30:].mean() for seed in range(3)])

    assert late("tpe") < late("random") / 2


def test_crossing_curves_mislead_until_the_last_unit():
    errors = crossing_curves(50, R, np.random.default_rng(0)).errors
    final = errors[:, -1]

    for unit in range(R - 1):
        np.testing.assert_array_equal(np.argsort(errors[:, unit]), np.argsort(-final))
    assert errors[:, :-1].min() > 1 > final.max()
    assert (np.diff(errors, axis=1) < 0).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: replay(table, METHODS["random"], 0, 0), "1 or more"),
        (lambda table: replay(table, METHODS["tpe"], 0, 5), "space and places"),
        (lambda _: Curves(np.zeros(3), np.zeros(3)), r"\(n_configs, horizon\)"),
        (lambda _: Curves(np.full((2, 2), math.nan), np.zeros((2, 2))), "NaN"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(curves, change, says):
    with pytest.raises(UsageError, match=says):
        change(curves)
