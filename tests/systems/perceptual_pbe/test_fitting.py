"""What is measured of restarts, against counting and closed forms."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.perceptual_pbe.fitting import Fit, are_right, chance_selected, fit_labels, fit_learner, network_accuracy, wilson
from shoestring.systems.perceptual_pbe.learner import Learner, Perceptrons, inputs_of
from shoestring.systems.perceptual_pbe.scenarios import Grid
from shoestring.systems.perceptual_pbe.task import TASKS, Examples, Pool, add_grids, apply_grids, digits, expressions, operators
from shoestring.systems.perceptual_pbe.works import right_program


@pytest.fixture
def pool():
    """Images that say what they are: a pixel for each digit."""
    labels = torch.arange(10).repeat(20)
    return Pool(3 * torch.eye(10)[labels], labels, "made up")


@pytest.mark.parametrize("k", [1, 2, 5, 6])
def test_the_chance_of_selecting_a_right_restart_is_counted(k):
    losses, right = torch.tensor([0.3, 0.1, 0.9, 0.5, 0.2, 0.7]), torch.tensor([True, False, True, True, False, True])
    picked = [min(draw, key=lambda i: float(losses[i])) for draw in combinations(range(6), k)]

    assert chance_selected(losses, right, k) == pytest.approx(sum(bool(right[i]) for i in picked) / len(picked))


def test_wilson_is_the_published_interval():
    low, high = wilson(7, 12)

    for end in (low, high):  # the shares at which the observed one lies 1.96 standard errors away
        assert abs(7 / 12 - end) == pytest.approx(1.959964 * (end * (1 - end) / 12) ** 0.5, rel=1e-6)
    assert wilson(0, 5)[0] == 0.0 and wilson(5, 5)[1] == 1.0
    with pytest.raises(UsageError, match="must be a share"):
        wilson(3, 2)


def test_a_perceptron_is_its_equation():
    rng = torch.Generator().manual_seed(0)
    net, x = Perceptrons(2, (5, 4, 3), rng, n=6), torch.randn(7, 5, generator=rng)

    found = net(x)[1].detach().numpy()

    w, b = ([p[1].detach().numpy() for p in part] for part in (net.weights, net.biases))
    logits = np.maximum(x.numpy() @ w[0] + b[0], 0) @ w[1] + b[1]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found[:, :3], expected, rtol=1e-5)
    assert not found[:, 3:].any()


@pytest.mark.parametrize("task", TASKS)
def test_the_right_program_is_right_and_another_is_not(task, pool):
    grid, rng = Grid(lines=3), torch.Generator().manual_seed(0)
    learner = Learner(grid.template, {"net_0": Perceptrons(2, (10, 10), rng, n=19)}, 2, rng)
    test = add_grids(pool, task, 50, np.random.default_rng(0))

    right = are_right(learner, [right_program(task, 3), {**right_program(task, 3), "return": 0}], test, 19)

    assert right.tolist() == [True, False]


def test_programs_and_networks_are_learnt_from_sums(pool):
    rng = torch.Generator().manual_seed(3)
    learner = Learner(Grid(lines=2).template, {"net_0": Perceptrons(6, (10, 10), rng, n=19)}, 6, rng)
    fit = fit_learner(learner, add_grids(pool, "top", 600, np.random.default_rng(0)), lr_network=0.02)

    fit.train(150)

    best = int(fit.judged().argmin())
    test = add_grids(pool, "top", 100, np.random.default_rng(1))
    assert are_right(learner, [learner.discretise()[best]], test, 19)[0]
    assert network_accuracy(learner.networks, test)[best] > 0.9


def test_bfloat16_computes_about_the_same(pool):
    rng = torch.Generator().manual_seed(0)
    learner = Learner(Grid(lines=2).template, {"net_0": Perceptrons(3, (10, 10), rng, n=19)}, 3, rng)
    examples = add_grids(pool, "top", 50, np.random.default_rng(0))
    expected = learner.losses(examples).detach()

    found = learner.to(torch.bfloat16).losses(examples)

    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=0.05, atol=0.05)


def test_networks_are_learnt_from_labels(pool):
    networks = torch.nn.ModuleDict({"net_0": Perceptrons(1, (10, 10), torch.Generator().manual_seed(0))})
    examples = add_grids(pool, "top", 200, np.random.default_rng(0))

    fit_labels(networks, examples, lr=0.05).train(120)

    assert network_accuracy(networks, examples)[0] == 1


def test_apply_and_expressions_are_worked_out_from_left_to_right():
    numbers, signs = Pool(torch.zeros(1, 4), torch.tensor([7]), ""), Pool(torch.zeros(1, 4), torch.tensor([1]), "")

    examples = expressions(numbers, signs, 3, 5, np.random.default_rng(0))
    grids = apply_grids(signs, "top", 20, np.random.default_rng(0))

    assert examples.targets.tolist() == [(7 - 7 - 7) % 10] * 5
    a, b, c = (grids.given[f"aux {i}"].argmax(1) for i in range(3))
    assert torch.equal(grids.targets, (a - b - c) % 10)


def test_shuffling_keeps_images_and_deals_answers_out_anew(pool):
    examples = add_grids(pool, "left", 200, np.random.default_rng(0))
    shuffled = examples.shuffled(np.random.default_rng(1))

    assert sorted(shuffled.targets.tolist()) == sorted(examples.targets.tolist())
    assert not torch.equal(shuffled.targets, examples.targets)
    assert shuffled.views["net_0 0"][1] is examples.views["net_0 0"][1]


def test_generated_digits_and_operators_can_be_told_apart():
    pool, signs = digits("test", generated=True), operators(600, np.random.default_rng(0))

    assert pool.source == "generated" and pool.images.shape == (2000, 196)
    means = torch.stack([signs.images[:300][signs.labels[:300] == i].mean(0) for i in range(4)])
    nearest = torch.cdist(signs.images[300:], means).argmin(1)
    assert (nearest == signs.labels[300:]).float().mean() > 0.6


def test_what_cannot_be_used_is_refused(pool):
    rng = torch.Generator()
    with pytest.raises(UsageError, match="side=20"):
        digits("train", side=20)
    with pytest.raises(UsageError, match="make no network"):
        Perceptrons(1, (5, 4), rng, n=3)
    with pytest.raises(UnknownName, match="digit"):
        inputs_of({"digt": Perceptrons(1, (5, 4), rng)}, Examples({"x": ("digit", torch.zeros(2, 5))}, torch.zeros(2)))
    with pytest.raises(UnknownName, match="top"):
        add_grids(pool, "tpo", 5, np.random.default_rng(0))
    with pytest.raises(UsageError, match="no example"):
        Fit(torch.nn.Linear(1, 1), lambda rows: rows, 0, [])
    with pytest.raises(UsageError, match="k=7"):
        chance_selected(torch.zeros(6), torch.zeros(6), 7)
    with pytest.raises(UsageError, match="1 or more"):
        expressions(pool, pool, 0, 5, np.random.default_rng(0))
