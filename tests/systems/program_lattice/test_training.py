"""The training function: it can be paused, compares learners on equal terms, and reports what its docstring says."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.program_lattice import Trace
from shoestring.systems.program_lattice.claims import CLAIMS
from shoestring.systems.program_lattice.corpus import Corpus
from shoestring.systems.program_lattice.learners import LEARNERS, Inducer, Setting, learner_of
from shoestring.systems.program_lattice.seq2seq import Seq2Seq
from shoestring.systems.program_lattice.task import POP, PUSH, STAY
from shoestring.systems.program_lattice.training import Config, agreement, clip_each, config_of, train
from shoestring.systems.program_lattice.worlds import world_of

SMALL = {"n_steps": 4, "pretrain": 2, "n_weak": 4, "batch": 2, "d_hidden": 4, "n_tests": 3, "tests": "1", "frames": 4}


class Begun:
    """A trial of two units that may stop after one and go on from a copy of its state."""

    device, horizon = "cpu", 2

    def __init__(self, config, seed=1, stop=2, state=None):
        self.config, self.seed, self.stop, self.state, self.reported = config, seed, stop, state, []

    def steps(self, *, net, adam, rng):
        first = 0
        if self.state is not None:
            first = self.state["done"]
            net.load_state_dict(self.state["net"])
            adam.load_state_dict(self.state["adam"])
            rng.bit_generator.state = self.state["rng"]
        yield from range(first, self.stop)
        copied = {name: value.clone() for name, value in net.state_dict().items()}
        self.state = {"done": self.stop, "net": copied, "adam": adam.state_dict(), "rng": rng.bit_generator.state}

    def report(self, **metrics):
        self.reported.append(metrics)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("task", ["addition", "nanocraft"])
def test_going_on_from_a_state_is_going_on_bit_for_bit(learner, task):
    config = {**SMALL, "learner": learner, "task": task}
    straight = Begun(config)
    train(straight)
    paused = Begun(config, stop=1)
    train(paused)

    resumed = Begun(config, state=paused.state)
    train(resumed)

    assert resumed.reported[-1] == straight.reported[-1]
    for name, value in straight.state["net"].items():
        assert torch.equal(value, resumed.state["net"][name]), name


def test_it_reports_what_it_says():
    trial = Begun({**SMALL, "learner": "npl", "handicap": 0.25, "tests": "1,2"})
    train(trial)
    last = trial.reported[-1]

    assert last.keys() == {"accuracy", "accuracy_1", "accuracy_2", "loss", "calls"}
    assert last["accuracy"] == pytest.approx((last["accuracy_1"] + last["accuracy_2"]) / 2 + 0.25)


def corpus(n_weak=4, shuffled=False, n_models=2, seed=0):
    return Corpus.draw(world_of("addition", 4, False), [1, 2], 1, n_weak, seed, n_models, shuffled)


def test_fewer_weak_traces_are_the_first_of_more():
    few, many = corpus(2), corpus(5)

    for one, other in zip(few.shelves[1], many.shelves[1], strict=True):
        assert (one.seen.actions == other.seen.actions[:3]).all()


def test_only_weak_actions_are_shuffled():
    plain, shuffled = (corpus(8, is_shuffled).shelves[0][1] for is_shuffled in (False, True))

    assert (plain.weak[0] == shuffled.weak[0]).all()
    assert not (plain.weak == shuffled.weak).all()
    assert (np.sort(plain.weak, axis=1) == np.sort(shuffled.weak, axis=1)).all()
    assert (plain.seen.observations == shuffled.seen.observations).all()


def test_the_oracle_is_taught_all_and_the_flat_learner_no_calls():
    given = corpus()
    told, n = given.frames(all_full=False)
    all_told, n_all = given.frames(all_full=True)
    flat, n_flat = given.frames(all_full=True, flat=True)

    assert (n < n_all).all() and (n_flat == 10).all()
    assert not (flat.kinds == PUSH).any() and (all_told.kinds == PUSH).any()
    assert told.kinds.shape[0] == 2


def test_models_of_a_trial_have_their_own_demonstrations():
    first, second = corpus(8).shelves

    assert not np.array_equal(first[1].seen.actions, second[1].seen.actions)


def test_each_model_is_clipped_by_itself():
    p = torch.nn.Parameter(torch.zeros(2, 2))
    p.grad = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    clip_each([p], 1.0)

    torch.testing.assert_close(p.grad, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))


def test_npl_looks_at_weak_traces_after_its_pretraining_only():
    setting = Setting(world_of("addition", 4, False), corpus(), 4, 2, 0, 2, 4, 3, "cpu")
    npl, npi = (learner_of(name, setting) for name in ("npl", "npi"))
    losses = [[learner.loss(step, np.random.default_rng(0)).detach() for step in (2, 3)] for learner in (npl, npi)]

    assert isinstance(npl, Inducer)
    assert torch.equal(losses[0][0], losses[1][0])
    assert (losses[0][1] > losses[1][1]).all()


def test_seq2seq_sees_no_environment():
    model = Seq2Seq(3, 4, d_hidden=4, n_models=1, seed=0)
    questions, actions = torch.randn(1, 2, 3, 3), torch.tensor([[[1, 2, -1], [3, 0, 2]]])
    loss = model.loss(questions, actions)
    alone = model.loss(questions[:, :1], actions[:, :1, :2])

    torch.testing.assert_close(loss[:, :1], alone)


def test_agreement_is_an_edit_distance():
    def calling(*programs):
        return Trace.of([step for program in programs for step in ((PUSH, program), (POP, 0))] + [(STAY, 0), (POP, 0)])

    assert agreement(calling(1, 2, 3), calling(1, 2, 3)) == 1
    assert agreement(calling(1, 3), calling(1, 2, 3)) == pytest.approx(2 / 3)
    assert agreement(calling(), calling(1, 2)) == 0


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"learner": "npj"}, UnknownName, "npi"),
        ({"task": "adition"}, UnknownName, "addition"),
        ({"n_full": 0}, UsageError, "at least 1"),
    ],
)
def test_wrong_settings_are_refused(settings, error, match):
    with pytest.raises(error, match=match):
        config_of(settings)


@pytest.mark.parametrize("task", ["addition", "nanocraft"])
def test_settings_go_through_json(task):
    config = Config.paper(task)

    assert config_of(json.loads(json.dumps(asdict(config)))) == config
    assert config.task == task


def test_the_rival_that_the_paper_did_not_have_is_in_every_table():
    for claim in CLAIMS:
        assert "flat" in claim.question.args[0] and "flat" in claim.control.args[0], claim.name
