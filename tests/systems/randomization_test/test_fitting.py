from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from shoestring.systems.randomization_test.fitting import Regulariser, Sets, accuracies, generators, shifted, train_epoch
from shoestring.systems.randomization_test.model import Ensemble, mlp


def drawn(n_models, n=40, d=6, k=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, d)).astype(np.float32) for _ in range(n_models)], [rng.integers(k, size=n) for _ in range(n_models)]


def by_hand(x, y, seed, epochs, batch_size, weight_decay):
    """One network, torch's own optimiser and weight decay."""
    torch.manual_seed(seed)
    model = mlp((6,), 3, 8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=weight_decay)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in torch.randperm(len(y), generator=order).split(batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(torch.tensor(x)[batch]), torch.tensor(y)[batch]).backward()
            optimizer.step()
    return model


@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
def test_networks_trained_at_once_are_those_trained_one_by_one(weight_decay):
    xs, ys = drawn(3)
    ensemble, sets = Ensemble(lambda: mlp((6,), 3, 8), [7, 8, 9]), Sets.of(xs, ys)
    optimizer, orders = torch.optim.SGD(list(ensemble.parameters.values()), lr=0.1, momentum=0.9), generators([7, 8, 9])
    for _ in range(3):
        assert train_epoch(ensemble, optimizer, sets, orders, 16, Regulariser(weight_decay))

    for i, seed in enumerate([7, 8, 9]):
        alone = by_hand(xs[i], ys[i], seed, 3, 16, weight_decay)
        for name, parameter in alone.named_parameters():
            assert torch.allclose(ensemble.parameters[name][i], parameter, atol=1e-5)
        right = (alone(torch.tensor(xs[i])).argmax(1).numpy() == ys[i]).mean()
        assert accuracies(ensemble, sets)[i] == pytest.approx(right)


def test_inputs_that_are_shared_are_kept_once():
    (x, other), labels = drawn(2)[0], drawn(3)[1]

    sets = Sets.of([x, other, x], labels)

    assert len(sets.pool) == 80
    assert torch.equal(sets.pool[sets.rows[1]], torch.tensor(other)) and torch.equal(sets.rows[2], sets.rows[0])


def test_an_example_of_weight_zero_changes_nothing():
    (x,), (y,) = drawn(1)
    ends = []
    for label in (0, 1):
        labels, weights = y.copy(), torch.ones(1, 40)
        labels[5], weights[0, 5] = label, 0
        sets = Sets(torch.tensor(x), torch.arange(40)[None], torch.tensor(labels)[None], weights)
        ensemble = Ensemble(lambda: mlp((6,), 3, 8), [0])
        train_epoch(ensemble, torch.optim.SGD(list(ensemble.parameters.values()), lr=0.1), sets, generators([0]), 16, Regulariser())
        ends.append(ensemble.state_dict()["parameters"])

    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_a_shift_moves_whole_images_by_at_most_so_many_pixels():
    image = torch.zeros(1, 50, 9, 9)
    image[:, :, 4, 4] = 1

    moved = shifted(image, 2, generators([3]))

    places = moved[0].nonzero()[:, 1:]
    assert moved.shape == image.shape and len(places) == 50
    assert {int(place) for place in places.flatten()} == {2, 3, 4, 5, 6}


def test_a_shift_moves_all_channels_alike():
    image = torch.randn(2, 3, 4, 9, 9)

    moved = shifted(image, 3, generators([0, 1]))

    assert torch.allclose(shifted(image[:, :, :1], 3, generators([0, 1]))[:, :, 0], moved[:, :, 0])
    assert torch.allclose(shifted(image[1:, :, 2:3], 3, generators([1]))[0], moved[1, :, 2:3])


@pytest.mark.parametrize("is_on", [True, False])
def test_dropout_is_on_only_where_it_is_asked_for(is_on):
    (x,), (y,) = drawn(1)
    ends = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        ensemble = Ensemble(lambda: nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3)), [0])
        optimizer = torch.optim.SGD(list(ensemble.parameters.values()), lr=0.1)
        train_epoch(ensemble, optimizer, Sets.of([x], [y]), generators([0]), 16, Regulariser(dropout=is_on))
        ends.append(ensemble.parameters["0.weight"])

    assert torch.equal(*ends) != is_on


def test_it_stops_between_batches():
    (x,), (y,) = drawn(1)
    ensemble = Ensemble(lambda: mlp((6,), 3, 8), [0])

    assert not train_epoch(
        ensemble,
        torch.optim.SGD(list(ensemble.parameters.values()), lr=0.1),
        Sets.of([x], [y]),
        generators([0]),
        16,
        Regulariser(),
        lambda: True,
    )
