"""What every sampler promises: one table of members, and the checks that a sampler of one's own has to pass too."""

from __future__ import annotations

import functools

import pytest

from shoestring.errors import UnknownName
from shoestring.samplers import SAMPLERS, make_sampler
from shoestring.space import Choice, Space
from shoestring.testing import SAMPLER_CHECKS
from shoestring.testing.samplers import SPACE, play


@pytest.fixture(params=SAMPLERS)
def name(request):
    if request.param == "gp":
        pytest.importorskip("torch")
    return request.param


@pytest.mark.parametrize("check", SAMPLER_CHECKS, ids=lambda check: check.__name__)
def test_a_sampler_keeps_its_promises(name, check):
    check(functools.partial(make_sampler, name))


def test_the_default_comes_first_but_in_a_grid(name):
    (first,) = play(make_sampler(name, SPACE, seed=3), 1)

    assert (first == SPACE.default()) == (name != "grid")


def test_only_a_grid_comes_to_an_end(name):
    sampler = make_sampler(name, Space({"x": Choice(["only"])}), seed=0)

    asked = [sampler.ask(trial_id) for trial_id in range(11)]

    assert (None in asked) == (name == "grid")


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'random'"):
        make_sampler("randm", SPACE, seed=0)
