"""Comparisons of equal arms, run through the strategy as a study does: a difference is called in few of them.

The share is measured at 10,000 studies by ``make calibrate``; this is that the strategy hands the tests what they are made for."""

from __future__ import annotations

import numpy as np

from shoestring.questions.compare.question import Arm, Compare
from shoestring.questions.compare.strategy import Comparing
from shoestring.values.orders import Observation

N_STUDIES = 60
MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / N_STUDIES)


def draw(rng):
    """A loss: normal, but one run in ten diverges."""
    return float("inf") if rng.random() < 0.1 else rng.normal()


def called(question, rng):
    """Returns whether a study calls an arm better, its results arriving in any order."""
    strategy = Comparing(question)
    waiting = []
    while not strategy.done:
        while len(waiting) < 4 and (order := strategy.ask()) is not None:
            waiting.append(order)
        if not waiting:
            break
        order = waiting.pop(rng.integers(len(waiting)))
        strategy.tell(Observation(order.trial_id, 1, draw(rng), ended=True))
    return strategy.finding("").better is not None


def test_two_equal_arms():
    rng = np.random.default_rng(1)
    question = Compare("t", (Arm("a"), Arm("b")), "loss", "min", seeds=9)

    assert np.mean([called(question, rng) for _ in range(N_STUDIES)]) <= MOST


def test_unequal_arms_are_told_apart():
    rng = np.random.default_rng(3)
    question = Compare("t", (Arm("a"), Arm("b")), "loss", "min", seeds=9)

    def better(question):
        strategy = Comparing(question)
        while not strategy.done and (order := strategy.ask()) is not None:
            strategy.tell(Observation(order.trial_id, 1, rng.normal() + 2.0 * (order.arm == "b"), ended=True))
        return strategy.finding("").better

    assert np.mean([better(question) == "a" for _ in range(20)]) >= 0.75
