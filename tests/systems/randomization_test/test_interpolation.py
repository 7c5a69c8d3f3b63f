from __future__ import annotations

import numpy as np
import pytest

from shoestring.errors import UsageError
from shoestring.systems.randomization_test.evidence import gabor
from shoestring.systems.randomization_test.interpolation import gaussian_kernel, kernel_interpolant, minimum_norm


def test_the_least_norm_solution_interpolates_and_lies_in_the_span_of_the_inputs():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 20)), rng.standard_normal((6, 2))

    w = minimum_norm(x, y)

    assert x @ w == pytest.approx(y)
    assert w == pytest.approx(x.T @ np.linalg.solve(x @ x.T, y))  # equation 3 of the paper
    assert w == pytest.approx(np.linalg.pinv(x) @ y)


def test_gradient_descent_from_zero_ends_at_the_least_norm_and_from_elsewhere_does_not():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((5, 12)), rng.standard_normal(5)
    ends = []
    for w in (np.zeros(12), rng.standard_normal(12)):
        for _ in range(20_000):
            w = w - 0.02 * x.T @ (x @ w - y)
        ends.append(w)

    assert ends[0] == pytest.approx(minimum_norm(x, y), abs=1e-8)
    assert x @ ends[1] == pytest.approx(y, abs=1e-8) and np.linalg.norm(ends[1]) > np.linalg.norm(ends[0]) + 0.1


def test_the_kernel_is_what_it_says():
    rng = np.random.default_rng(2)
    x, z = rng.random((4, 3)), rng.random((5, 3))

    by_hand = [[np.exp(-0.7 * np.sum((a - b) ** 2)) for b in z] for a in x]

    assert gaussian_kernel(x, z, 0.7) == pytest.approx(np.array(by_hand))


def test_the_kernel_interpolant_passes_through_all_targets_and_knows_its_norm():
    rng = np.random.default_rng(3)
    x, y = rng.random((30, 8)), rng.standard_normal((30, 2))

    f = kernel_interpolant(x, y, 5.0)

    assert f(x) == pytest.approx(y, abs=1e-7)
    assert f.norm**2 == pytest.approx(np.trace(f.alpha.T @ gaussian_kernel(x, x, 5.0) @ f.alpha))


def test_a_singular_kernel_is_named():
    x = np.ones((3, 2))

    with pytest.raises(UsageError, match="singular at bandwidth 0.02"):
        kernel_interpolant(x, np.ones((3, 1)))


def test_gabor_features_see_orientation_and_no_even_surface():
    stripes = np.tile(np.cos(2 * np.pi * np.arange(28) / 6), (28, 1))  # they vary along the width: angle 0

    features = gabor(np.stack([stripes, np.ones((28, 28))])).reshape(2, 8, 7, 7)

    assert features.shape == (2, 8, 7, 7)
    middle = features[:, :, 2:5, 2:5].mean(axis=(2, 3))
    assert middle[0].argmax() == 0 and middle[0, 0] > 10 * middle[0, 4]
    assert np.abs(middle[1]).max() < 1e-9
