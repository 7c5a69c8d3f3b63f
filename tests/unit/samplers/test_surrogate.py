"""The Gaussian process of the screened sampler: that it predicts, tells parameters apart, and bears any scores."""

from __future__ import annotations

import numpy as np
import pytest

from shoestring.samplers.surrogate import Surrogate


def surrogate(points, scores, is_choice=None):
    flags = np.zeros(points.shape[1], dtype=bool) if is_choice is None else np.array(is_choice)
    return Surrogate(points, scores, flags, np.random.default_rng(0))


def test_improvement_is_expected_at_the_bottom_and_not_at_the_edge():
    rng = np.random.default_rng(1)
    points = rng.random((40, 2))

    model = surrogate(points, ((points - 0.3) ** 2).sum(axis=1))
    bottom, edge = model.expected_improvement(np.array([[0.3, 0.3], [1.0, 1.0]]))

    assert bottom > 10 * edge


def test_a_parameter_without_effect_counts_less():
    rng = np.random.default_rng(2)
    points = rng.random((60, 2))

    model = surrogate(points, (points[:, 0] - 0.5) ** 2)
    here, across, along = model.expected_improvement(np.array([[0.5, 0.5], [0.5, 0.9], [0.9, 0.5]]))

    assert abs(here - across) < abs(here - along)


def test_the_options_of_a_choice_have_no_order():
    thirds = np.array([1 / 6, 1 / 2, 5 / 6])
    points = np.stack([np.repeat(thirds, 10), np.tile(np.linspace(0, 1, 10), 3)], axis=1)

    model = surrogate(points, np.where(points[:, 0] == thirds[1], 0.0, 1.0), [True, False])
    low, middle, high = model.expected_improvement(np.stack([thirds, np.full(3, 0.5)], axis=1))

    assert low == pytest.approx(high, rel=0.1)
    assert middle > low


def test_the_points_that_are_kept_hold_the_best_ones():
    rng = np.random.default_rng(3)
    points = rng.random((1000, 1))

    model = surrogate(points, np.abs(points[:, 0] - 0.7))
    expected = model.expected_improvement(np.linspace(0, 1, 101)[:, None])

    assert abs(np.argmax(expected) / 100 - 0.7) < 0.03


@pytest.mark.parametrize("scores", [np.zeros(20), np.full(20, -1e99), np.linspace(-1e99, 1e99, 20), np.r_[np.zeros(19), 1e-300]])
def test_any_finite_scores_will_do(scores):
    points = np.random.default_rng(4).random((20, 3))

    expected = surrogate(points, scores).expected_improvement(points)

    assert np.isfinite(expected).all()


def test_the_same_point_may_be_scored_many_times():
    points = np.full((30, 2), 0.5)

    expected = surrogate(points, np.arange(30.0)).expected_improvement(points[:1])

    assert np.isfinite(expected).all()
