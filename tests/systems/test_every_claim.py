"""What all claims of all systems have in common: they can be asked, have a control that is another question, and come cheap."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from shoestring.budget import UNITS, Budget
from shoestring.systems.graph_transition import training as graph_transition
from shoestring.systems.perceptual_pbe import training as perceptual_pbe
from shoestring.systems.program_lattice import training as program_lattice
from shoestring.systems.recursive_npi import training as recursive_npi
from shoestring.systems.rnn_capacity import training as rnn_capacity
from shoestring.systems.symbolic_rl import training as symbolic_rl
from shoestring.verdicts.check import claim_set, systems


@pytest.mark.parametrize("system", systems())
def test_every_claim_can_be_asked_and_has_a_control(system):
    for claim in claim_set(system).claims:
        assert isinstance(claim.question, partial) and isinstance(claim.control, partial), claim.name
        assert claim.statement.endswith(".") and claim.source, claim.name
        assert {ask.keywords.get("unit", "epoch") for ask in (claim.question, claim.control)} <= set(UNITS), claim.name
        assert (claim.question.args, claim.question.keywords) != (claim.control.args, claim.control.keywords), claim.name
        assert claim.control.keywords["metric"] == claim.question.keywords["metric"], claim.name
        if claim.name != "the-gap-grows-with-corruption":  # its control has two of five shares: pixels are shuffled, or they are not
            assert claim.control.args[0].keys() == claim.question.args[0].keys(), claim.name


def _npi(arm):
    return arm.keys() <= {"array", "recursion"} or recursive_npi.Config.of(arm).make_task()


@pytest.mark.parametrize(
    ("system", "read"),
    [
        ("graph_transition", graph_transition.Config.of),
        ("perceptual_pbe", perceptual_pbe.config_of),
        ("program_lattice", program_lattice.config_of),
        ("recursive_npi", _npi),
        ("rnn_capacity", rnn_capacity.config_of),
        ("symbolic_rl", symbolic_rl.Config.of),
    ],
)
def test_every_arm_of_a_claim_can_be_made(system, read):
    for claim in claim_set(system).claims:
        for arm in (*claim.question.args[0].values(), *claim.control.args[0].values()):
            assert isinstance(arm, float) or read(arm), claim.name


@pytest.mark.parametrize(
    ("minutes", "names"),
    [
        (20, ("hyperband", "nas_rl", "randomization_test", "rnn_capacity")),
        (35, ("recursive_npi", "program_lattice", "perceptual_pbe")),
        (35, ("symbolic_rl", "graph_transition")),
    ],
)
def test_a_group_of_systems_is_checked_within_what_was_promised(minutes, names):
    budgets = [Budget(claim.budget).limits["wall_s"] for name in names for claim in claim_set(name).claims]

    assert sum(budgets) <= 60 * minutes


def test_the_page_and_every_readme_show_the_verdicts_that_are_kept(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import verdicts

    assert verdicts.main(["--check"]) == 0
