from __future__ import annotations

import math

import numpy as np
import pytest

from shoestring.samplers.scores import Scores, half_ranked
from shoestring.values.orders import Observation


def scores_of(curves, enough=2, ended=()):
    """Scores of trials 0, 1, ... given their losses by unit."""
    scores = Scores(enough)
    for trial_id, curve in enumerate(curves):
        for unit, loss in curve.items():
            scores.tell(Observation(trial_id, unit, loss, ended=trial_id in ended and unit == max(curve)))
    return scores.values()


def order(scores):
    return sorted(scores, key=lambda trial_id: (scores[trial_id], trial_id))


def test_trials_are_compared_at_the_highest_unit_with_enough():
    scores = scores_of([{1: 1.0, 2: 9.0}, {1: 2.0, 2: 8.0, 4: 0.0}, {1: 3.0, 2: 7.0}])

    assert order(scores) == [2, 1, 0]


def test_without_enough_the_unit_most_trials_reached_is_taken():
    scores = scores_of([{1: 1.0, 2: 9.0}, {1: 2.0, 2: 0.0}, {1: 3.0}], enough=5)

    assert order(scores) == [0, 1, 2]


def test_a_trial_stopped_early_gets_the_median_change_of_those_that_went_on():
    scores = scores_of([{1: 5.0, 3: 2.0}, {1: 6.0, 3: 4.0}, {1: 7.0, 3: 4.0}, {1: 4.0}, {1: 4.5}])

    assert scores[3] == pytest.approx(4.0 - 3.0)
    assert scores[4] == pytest.approx(4.5 - 3.0)


def test_a_trial_that_ended_by_itself_keeps_its_last_loss():
    scores = scores_of([{1: 5.0, 3: 2.0}, {1: 6.0, 3: 3.0}, {1: 1.5}], ended={2})

    assert scores[2] == pytest.approx(1.5)


def test_a_trial_that_diverged_later_is_worst_whatever_it_showed_before():
    scores = scores_of([{1: 0.1, 2: 0.1, 3: math.inf}, {1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0}, {0: math.nan}])

    assert order(scores)[:2] == [1, 2]
    assert scores[0] == scores[3] > scores[2]


def test_a_failure_after_a_report_at_the_same_unit_counts_in_either_order():
    report, failure = Observation(0, 1, 0.5), Observation(0, 1, math.inf, ended=True)
    told = []
    for observations in ([report, failure], [failure, report]):
        scores = Scores(enough=1)
        for observation in [*observations, Observation(1, 1, 1.0)]:
            scores.tell(observation)
        told.append(scores.values())

    assert told[0] == told[1]
    assert told[0][0] > told[0][1]


def test_half_ranking_keeps_the_order_and_the_better_half():
    losses = np.array([3.0, 1.0, math.inf, 2.0, 1e90, 4.0, math.inf])

    scores = half_ranked(losses)

    assert scores[[1, 3, 0]].tolist() == [1.0, 2.0, 3.0]
    assert 3 < scores[5] < scores[4] < scores[2] == scores[6] < 10


@pytest.mark.parametrize("losses", [[math.inf, math.inf], [], [1.0], [0.0, 0.0, 0.0, 1.0, math.inf]])
def test_half_ranking_of_little_or_equal_losses_is_finite_and_in_order(losses):
    scores = half_ranked(np.array(losses))

    assert np.isfinite(scores).all()
    assert np.argsort(scores, kind="stable").tolist() == list(range(len(losses)))
