from __future__ import annotations

import numpy as np
import pytest

from shoestring.stats.holm import adjusted, e_bh, holm


def test_a_worked_case_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == (True, False, False, True)
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_one_hypothesis_is_not_adjusted_and_none_is_fine():
    assert holm([0.05], 0.05) == (True,)
    assert holm([], 0.05) == ()


def test_holm_rejects_at_least_what_bonferroni_rejects():
    p = np.random.default_rng(0).uniform(size=(200, 6)) ** 4
    for row in p:
        assert all(rejected for rejected, small in zip(holm(row, 0.05), row <= 0.05 / 6, strict=True) if small)


def test_adjusted_p_values_are_at_most_one_and_keep_the_order():
    p = [0.2, 0.9, 0.5, 0.5]
    assert list(np.argsort(adjusted(p), kind="stable")) == [0, 1, 2, 3]
    assert adjusted(p).max() <= 1


def test_e_bh_rejects_the_largest_that_are_large_enough_together():
    # m = 4, alpha = .05: one needs 80, two need 40 each, three need 26.7, four need 20
    assert e_bh([80, 1, 1, 1], 0.05) == (True, False, False, False)
    assert e_bh([79, 39, 27, 19], 0.05) == (True, True, True, False)
    assert e_bh([79, 39, 26, 19], 0.05) == (False, False, False, False)
    assert e_bh([20, 20, 20, 20], 0.05) == (True, True, True, True)
    assert e_bh([], 0.05) == ()


@pytest.mark.parametrize("bad", [[1.2], [-0.1], [float("nan")], [[0.1]]])
def test_senseless_p_values_are_refused(bad):
    with pytest.raises(ValueError, match="0 to 1"):
        holm(bad, 0.05)


@pytest.mark.parametrize("alpha", [0, 1, -1, float("nan")])
def test_senseless_alpha_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        holm([0.1], alpha)
    with pytest.raises(ValueError, match="alpha"):
        e_bh([3.0], alpha)


def test_negative_e_values_are_refused():
    with pytest.raises(ValueError, match="at least 0"):
        e_bh([-1.0], 0.05)
