from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.systems.hyperband.model import Networks, Recipe
from shoestring.systems.hyperband.task import SIDE

RECIPES = [Recipe(5, 0.1, 0.01, 0.9, 1e-3, 1.0, 0), Recipe(3, 0.02, 1.0, 0.0, 0.0, 0.5, 1), Recipe(8, 0.5, 0.1, 0.5, 1e-2, 2.0, 2)]
N_STEPS = 4


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.standard_normal((len(RECIPES), 20, SIDE * SIDE)).astype(np.float32))
    return images, torch.from_numpy(rng.integers(10, size=(len(RECIPES), 20)))


def trained(net, which, data, n_steps=N_STEPS):
    images, classes = data
    networks = Networks(net, [RECIPES[i] for i in which], n_steps)
    for _ in range(N_STEPS):
        networks.step(images[which], classes[which])
    return networks


def weights(networks):
    return [weight.numpy() for weight in networks.state_dict()["weights"]]


def reference_mlp(recipe, start, images, classes):
    """Softmax regression on two ReLU layers by hand: backpropagation, momentum with weight decay, a rate that falls exponentially."""
    params = [array.astype(np.float64) for array in start]
    speeds = [np.zeros_like(array) for array in params]
    for t in range(N_STEPS):
        w1, b1, w2, b2, w3, b3 = params
        h1 = np.maximum(images @ w1 + b1, 0)
        h2 = np.maximum(h1 @ w2 + b2, 0)
        logits = h2 @ w3 + b3
        p = np.exp(logits - logits.max(1, keepdims=True))
        d3 = (p / p.sum(1, keepdims=True) - np.eye(10)[classes]) / len(classes)
        d2 = d3 @ w3.T * (h2 > 0)
        d1 = d2 @ w2.T * (h1 > 0)
        slopes = [images.T @ d1, d1.sum(0), h1.T @ d2, d2.sum(0), h2.T @ d3, d3.sum(0)]
        rate = recipe.lr * recipe.decay ** (t / N_STEPS)
        for i, slope in enumerate(slopes):
            speeds[i] = recipe.momentum * speeds[i] + slope + recipe.weight_decay * params[i]
            params[i] = params[i] - rate * speeds[i]
    return params


def reference_conv(images, kernel, bias):
    """A 3 x 3 convolution of stride 2 with one zero around, then ReLU; images ``(n, channels, side, side)``."""
    n, _, side, _ = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((n, len(kernel), (side + 1) // 2, (side + 1) // 2))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = np.einsum("ncab,ocab->no", padded[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3], kernel) + bias
    return np.maximum(out, 0)


@pytest.mark.parametrize("which", range(len(RECIPES)))
def test_the_mlp_learns_as_a_reference_in_numpy_does(which, data):
    images, classes = (part[which].numpy() for part in data)
    start = [array[0] for array in weights(Networks("mlp", [RECIPES[which]], N_STEPS))]

    found = weights(trained("mlp", [which], data))

    for ours, theirs in zip(found, reference_mlp(RECIPES[which], start, images, classes), strict=True):
        np.testing.assert_allclose(ours[0], theirs, rtol=2e-4, atol=2e-5)


def test_the_cnn_computes_what_a_reference_in_numpy_does(data):
    images, classes = data[0][0], data[1][0]
    networks = Networks("cnn", [RECIPES[0]], N_STEPS)
    w1, b1, w2, b2, w3, b3 = (array[0] for array in weights(networks))
    hidden = reference_conv(reference_conv(images.numpy().reshape(-1, 1, SIDE, SIDE), w1, b1), w2, b2)
    answers = (hidden.reshape(len(images), -1) @ w3 + b3).argmax(1)

    assert networks.errors(images, classes).item() == np.mean(answers != classes.numpy())


@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_networks_trained_together_learn_what_they_learn_alone(net, data):
    together = weights(trained(net, [0, 1, 2], data))

    for i in range(len(RECIPES)):
        alone = weights(trained(net, [i], data))
        for many, one in zip(together, alone, strict=True):
            own = many[i][tuple(slice(size) for size in one[0].shape)]
            np.testing.assert_allclose(own, one[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_what_pads_a_narrow_network_stays_zero(net, data):
    networks = trained(net, [1, 2], data)
    width = RECIPES[1].width
    first, bias = (array[0] for array in weights(networks)[:2])

    assert not (first[:, width:] if net == "mlp" else first[width:]).any()
    assert not bias[width:].any()


def test_a_network_that_diverges_is_marked_and_spoils_no_other(data):
    images, classes = data
    networks = Networks("mlp", [Recipe(5, 1e9, 1.0, 0.9, 1.0, 1.0, 0), RECIPES[1]], N_STEPS)
    for _ in range(20):
        networks.step(images[:2], classes[:2])

    errors = networks.errors(images[0], classes[0])

    assert errors[0] == torch.inf
    assert errors[1] <= 1


def test_bfloat16_trains(data):
    images, classes = data
    networks = Networks("mlp", RECIPES, N_STEPS, dtype=torch.bfloat16)

    networks.step(images, classes)

    assert torch.isfinite(networks.errors(images[0], classes[0])).all()
