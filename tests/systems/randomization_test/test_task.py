from __future__ import annotations

import numpy as np
import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.randomization_test.task import Data, load, variant_of, whiten


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (4000, 2, 3)).astype(np.float32)
    return Data(x[:3000], rng.integers(10, size=3000), x[3000:], rng.integers(10, size=1000))


def test_of_labels_drawn_anew_nine_in_ten_are_wrong(data):
    corrupted = variant_of("corrupt-40%")(data, np.random.default_rng(1))

    wrong = np.mean(corrupted.y_train != data.y_train)
    assert wrong == pytest.approx(0.4 * 0.9, abs=0.03)
    assert corrupted.y_test is data.y_test and corrupted.x_train is data.x_train


def test_random_labels_know_nothing_of_the_true_ones(data):
    corrupted = variant_of("random-labels")(data, np.random.default_rng(1))

    assert np.mean(corrupted.y_train == data.y_train) == pytest.approx(0.1, abs=0.02)


def test_shuffled_pixels_are_one_permutation_for_training_and_test(data):
    shuffled = variant_of("shuffled-pixels")(data, np.random.default_rng(1))

    flat, moved = data.x_train.reshape(3000, 6), shuffled.x_train.reshape(3000, 6)
    order = [int(np.flatnonzero((flat == moved[:, [i]]).all(axis=0))[0]) for i in range(6)]
    assert sorted(order) == list(range(6))
    assert np.array_equal(shuffled.x_test.reshape(1000, 6), data.x_test.reshape(1000, 6)[:, order])


def test_random_pixels_are_a_permutation_of_its_own_for_each_input(data):
    shuffled = variant_of("random-pixels")(data, np.random.default_rng(1))

    assert np.array_equal(np.sort(shuffled.x_train.reshape(3000, 6)), np.sort(data.x_train.reshape(3000, 6)))
    kept = np.mean(shuffled.x_train == data.x_train, axis=0)
    assert kept == pytest.approx(np.full((2, 3), 1 / 6), abs=0.04)


def test_gaussian_inputs_have_the_mean_and_variance_of_the_data(data):
    noise = variant_of("gaussian")(data, np.random.default_rng(1))

    assert noise.x_train.mean() == pytest.approx(data.x_train.mean(), abs=0.1)
    assert noise.x_train.std() == pytest.approx(data.x_train.std(), abs=0.1)
    assert noise.y_train is data.y_train


def test_signs_are_fair_coins(data):
    signs = variant_of("signs")(data, np.random.default_rng(1)).y_train

    assert set(signs) == {0, 1} and np.mean(signs) == pytest.approx(0.5, abs=0.04)


def test_each_image_is_whitened_by_itself_and_an_even_one_is_not_divided_by_nothing():
    images = np.random.default_rng(0).random((3, 4, 5))
    images[0] = 0.5

    white = whiten(images)

    assert white.mean(axis=(1, 2)) == pytest.approx(np.zeros(3), abs=1e-6)
    assert white.std(axis=(1, 2)) == pytest.approx([0, 1, 1], abs=1e-5)


def test_digits_are_split_without_overlap():
    data = load("digits", 1200, 597)

    rows = {row.tobytes() for row in data.x_train}
    assert data.x_train.shape == (1200, 8, 8) and data.n_classes == 10
    assert sum(row.tobytes() in rows for row in data.x_test) == 0


def test_senseless_requests_are_refused(data):
    with pytest.raises(UnknownName, match="random-labels"):
        variant_of("random-label")
    with pytest.raises(UsageError, match="a share of 1.4"):
        variant_of("corrupt-140%")
    with pytest.raises(UsageError, match="give 1 to 1200"):
        load("digits", 1201)
    with pytest.raises(UnknownName, match="fashion-mnist"):
        load("fashion")
    with pytest.raises(UsageError, match="one label for each input"):
        Data(data.x_train, data.y_train[:5], data.x_test, data.y_test)
    with pytest.raises(UsageError, match="must be a row of class numbers"):
        Data(data.x_train, data.y_train * 0.5, data.x_test, data.y_test)
