from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.randomization_test.complexity import (
    convex_stability_bound,
    nonconvex_stability_bound,
    norms,
    pairs_of,
    stability,
)
from shoestring.systems.randomization_test.fitting import Regulariser, generators, train_epoch
from shoestring.systems.randomization_test.model import Ensemble, mlp
from shoestring.systems.randomization_test.task import Data


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    return Data(x[:50], y[:50], x[50:], y[50:])


def test_norms_are_those_of_numpy():
    ensemble = Ensemble(lambda: mlp((4,), 3, 5), [0, 1])
    first = Ensemble(lambda: mlp((4,), 3, 5), [2, 3]).state_dict()["parameters"]

    found = norms(ensemble, first)

    for i in range(2):
        parts = [p[i].detach().numpy().astype(float) for p in ensemble.parameters.values()]
        moved = [part - first[name][i].numpy() for part, name in zip(parts, ensemble.parameters, strict=True)]
        assert found.l2[i] == pytest.approx(np.sqrt(sum((part**2).sum() for part in parts)))
        assert found.moved[i] == pytest.approx(np.sqrt(sum((part**2).sum() for part in moved)), rel=1e-5)
        assert found.spectral[i] == pytest.approx(np.prod([np.linalg.norm(part, 2) for part in parts if part.ndim == 2]))


def test_a_pair_differs_in_one_example_that_was_held_back(data):
    pairs = pairs_of(data, 3, np.random.default_rng(0))

    for i in range(3):
        whole, other = pairs.sets.rows[2 * i], pairs.sets.rows[2 * i + 1]
        assert torch.equal((whole != other).nonzero()[:, 0], pairs.changed[i : i + 1])
        assert other[pairs.changed[i]] == 47 + i and pairs.seeds[2 * i] == pairs.seeds[2 * i + 1]
    assert pairs.sets.n == 47
    assert torch.equal(pairs.sets.labels, torch.tensor(data.y_train)[pairs.sets.rows])


def test_in_a_pair_with_one_left_out_only_its_weight_differs(data):
    pairs = pairs_of(data, 2, np.random.default_rng(0), leave_out=True)

    assert torch.equal(pairs.sets.rows[0], pairs.sets.rows[1])
    assert pairs.sets.weights[0::2].min() == 1
    assert [int(row.argmin()) for row in pairs.sets.weights[1::2]] == pairs.changed.tolist()


def test_distances_are_those_of_the_definition_and_zero_before_training(data):
    pairs = pairs_of(data, 2, np.random.default_rng(0))
    ensemble = Ensemble(lambda: mlp((4,), 2, 6), pairs.seeds)
    before = stability(ensemble, pairs)
    optimizer, orders = torch.optim.SGD(list(ensemble.parameters.values()), lr=0.1), generators(pairs.seeds)
    for _ in range(3):
        train_epoch(ensemble, optimizer, pairs.sets, orders, 8, Regulariser())

    after = stability(ensemble, pairs)

    assert before.parameters == before.predictions == before.memorised == (0.0, 0.0)
    flat = torch.cat([p.detach().flatten(1) for p in ensemble.parameters.values()], dim=1).double().numpy()
    assert after.parameters[1] == pytest.approx(np.linalg.norm(flat[3] - flat[2]) / np.linalg.norm(flat[2]))
    chance = ensemble(torch.tensor(data.x_test).expand(4, -1, -1)).softmax(2).detach().numpy()
    assert after.predictions[1] == pytest.approx(0.5 * np.abs(chance[2] - chance[3]).sum(axis=1).mean(), rel=1e-4)
    assert min(after.predictions) > 0


def test_a_memorised_example_is_right_only_with_it_in_the_set():
    x = np.concatenate([np.full((20, 2), 1.0), np.eye(2), np.full((2, 2), 1.0)]).astype(np.float32)
    y = np.array([0] * 20 + [1, 0] + [0, 0])
    data = Data(x, y, x[:2], y[:2])
    rng = next(rng for rng in map(np.random.default_rng, range(999)) if rng.permutation(22)[0] == 20)
    pairs = pairs_of(data, 2, np.random.default_rng(rng.bit_generator.seed_seq.entropy), leave_out=True)
    ensemble = Ensemble(lambda: mlp((2,), 2, 50), pairs.seeds)
    optimizer, orders = torch.optim.Adam(list(ensemble.parameters.values()), lr=0.01), generators(pairs.seeds)
    for _ in range(60):
        train_epoch(ensemble, optimizer, pairs.sets, orders, 8, Regulariser())

    assert pairs.changed[0] == 20 and stability(ensemble, pairs).memorised[0] == 1


def test_the_bounds_are_the_published_ones_and_see_no_label():
    assert convex_stability_bound(2.0, 100, [0.1] * 50) == pytest.approx(2 * 4 / 100 * 5)
    beta, c, n, lipschitz, steps = 2.0, 0.5, 101, 3.0, 1000
    expected = (1 + 1 / (beta * c)) / (n - 1) * (2 * c * lipschitz**2) ** (1 / (beta * c + 1)) * steps ** (beta * c / (beta * c + 1))
    assert nonconvex_stability_bound(lipschitz, beta, n, c, steps) == pytest.approx(expected)


def test_too_few_examples_are_refused(data):
    with pytest.raises(UsageError, match="give 1 to 25"):
        pairs_of(data, 26, np.random.default_rng(0))
