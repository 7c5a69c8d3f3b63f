"""The training function: it can be paused bit for bit, and reports what its docstring says."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.recursive_npi import training
from shoestring.systems.recursive_npi.training import Config, begin

SMALL = {"task": "topological-sort", "models": 2, "width": 12, "n_steps": 50, "lengths": "3,4", "n_test": 5, "lr": 0.02}


def reported(function, config, seed=1, horizon=2):
    """Returns what a trial reports at the end."""
    kept = {}
    trial = SimpleNamespace(config=config, seed=seed, device="cpu", horizon=horizon, steps=lambda **_: range(horizon), report=kept.update)
    function(trial)
    return kept


def test_it_reports_what_it_says():
    found = reported(training.train, SMALL | {"n_steps": 2000})  # it ends where all is proved

    assert found.keys() >= {"learnt", "certified", "at_once", "rounds", "failed", "safe", "collapsed", "right_3", "right_4"}
    assert found["safe"] == found["certified"] > 0 == found["failed"]


def test_loops_are_tested_without_a_proof():
    found = reported(training.train, SMALL | {"recursion": "none", "verified": False})

    assert found["certified"] == 0 and 0 <= found["right_4"] <= 1


def test_a_planted_bug_is_never_certified():
    found = reported(training.train, SMALL | {"models": 4, "n_steps": 1000, "bug": True})

    assert found["certified"] == found["safe"] == 0 < found["learnt"], "models that learnt all are not certified, and there are some"


def test_going_on_from_a_state_is_going_on_bit_for_bit():
    config = Config.of(SMALL)
    straight, paused, resumed = (begin(config, 1)[1] for _ in range(3))
    straight.run(50)

    paused.run(35)
    resumed.load_state_dict(copy.deepcopy(paused.state_dict()))
    resumed.run(15)

    assert resumed.model().digest() == straight.model().digest()
    assert str(resumed.state_dict()) == str(straight.state_dict())


def test_another_seed_is_another_run():
    first, second = (begin(Config.of(SMALL), seed)[1] for seed in (1, 2))

    assert first.model().digest() != second.model().digest()


def test_frames_are_counted_and_covered():
    assert reported(training.cover, {"array": "paper"}) == {"covered": 1.0, "whole": 1.0}
    assert reported(training.cover, {"array": "2"})["whole"] == 0


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"task": "quick-sort"}, "quicksort"), ({"with": 3}, "width"), ({"traces": "one"}, "paper"), ({"traces": "on"}, "paper")],
)
def test_a_misspelt_setting_is_named_with_the_nearest(settings, match):
    with pytest.raises(UnknownName, match=match):
        reported(training.train, settings)


def test_loops_cannot_be_verified():
    with pytest.raises(UsageError, match="verified=False"):
        begin(Config.of(SMALL | {"recursion": "none"}), 0)


def test_the_papers_scale_is_there():
    assert Config.paper().width == 256
