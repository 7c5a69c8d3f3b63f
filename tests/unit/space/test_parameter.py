from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.errors import InvalidSpace
from shoestring.space.parameter import Choice, Float, Int


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Float(1, 0), "low=1.0 is above high=0.0"),
        (lambda: Float(math.nan, 1), "low=nan is out of bounds"),
        (lambda: Float(0, math.inf), "high=inf is out of bounds"),
        (lambda: Float(0, 10**400), "is out of bounds"),
        (lambda: Float(True, 2), "low=True is not a number"),
        (lambda: Float("0", 1), "low='0' is not a number"),
        (lambda: Float(0, 1, log=True), "low=0.0 has no logarithm"),
        (lambda: Float(0, 1, 0.5), "A default is given by name: default=0.5"),
        (lambda: Float(0, 1, default=2), "default=2.0 is outside of 0.0 to 1.0"),
        (lambda: Float(0, 1, default=math.nan), "default=nan is out"),
        (lambda: Int(0, 3.0), "high=3.0 is not a whole number"),
        (lambda: Int(0, 10**13), "is out of bounds"),
        (lambda: Int(-1, 3, log=True), "low=-1 has no logarithm"),
        (lambda: Choice([]), "has no options"),
        (lambda: Choice("relu"), "is not a sequence"),
        (lambda: Choice({"relu", "tanh"}), "is not a sequence"),
        (lambda: Choice(["a", "b", "a"]), "options 'a' and 'a' are equal"),
        (lambda: Choice([1, True]), "options 1 and True are equal"),
        (lambda: Choice([[1]]), "is not a plain value"),
        (lambda: Choice([math.inf]), "is not a plain value"),
        (lambda: Choice(["a"], default="b"), "default='b' is not among 'a'"),
        (lambda: Float(0, 1, when={"opt": []}), "allows no value of opt"),
        (lambda: Float(0, 1, when="opt=sgd"), "is not a mapping"),
    ],
)
def test_senseless_parameters_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(InvalidSpace) as error:
        make()

    assert sentence in str(error.value)


def test_numpy_scalars_become_python():
    param = Int(np.int64(1), np.int32(4), default=np.int64(2))
    choice = Choice([np.str_("a"), np.float64(0.5), np.bool_(True)])

    assert [type(x) for x in (param.low, param.high, param.default)] == [int, int, int]
    assert [type(x) for x in choice.options] == [str, float, bool]


def test_one_value_in_a_condition_is_the_same_as_a_list_of_it():
    assert Float(0, 1, when={"opt": "sgd"}) == Float(0, 1, when={"opt": ["sgd"]})


@pytest.mark.parametrize(
    ("param", "prior"),
    [
        (Float(0, 1), 0.5),
        (Float(1e-4, 1, log=True), 0.01),
        (Int(0, 10), 5),
        (Int(1, 100, log=True), 10),
        (Choice(["b", "a"]), "b"),
        (Float(0, 1, default=0.9), 0.9),
        (Int(0, 10, default=0), 0),
        (Choice([True, False], default=False), False),
    ],
)
def test_prior_is_the_default_or_the_middle_or_the_first(param, prior):
    assert param.prior == pytest.approx(prior)


@given(st.floats(-1e100, 1e100), st.floats(-1e100, 1e100), st.floats(0, 1))
def test_floats_decode_within_bounds_and_encode_back(a, b, u):
    param = Float(min(a, b), max(a, b))

    value = param.decode(u)

    assert param.check("x", value) == value
    assert param.decode(param.encode(value)) == pytest.approx(value, rel=1e-9, abs=1e-12 * max(abs(a), abs(b)))


@given(st.floats(1e-300, 1e100), st.floats(1e-300, 1e100), st.floats(0, 1))
def test_log_floats_decode_within_bounds_and_encode_back(a, b, u):
    param = Float(min(a, b), max(a, b), log=True)

    value = param.decode(u)

    assert param.check("x", value) == value
    assert param.decode(param.encode(value)) == pytest.approx(value, rel=1e-9)


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.booleans(), st.data())
def test_ints_encode_and_decode_exactly(a, b, log, data):
    param = Int(min(a, b), max(a, b), log)
    value = data.draw(st.integers(param.low, param.high))

    assert param.decode(param.encode(value)) == value
    assert param.decode(0.0) == param.low
    assert param.decode(1.0) == param.high


@pytest.mark.parametrize("param", [Int(-2, 2), Choice(["a", "b", "c", "d", "e"])])
def test_bins_have_equal_mass(param):
    drawn = [param.decode(u) for u in (np.arange(1000) + 0.5) / 1000]

    assert {drawn.count(value) for value in set(drawn)} == {200}
