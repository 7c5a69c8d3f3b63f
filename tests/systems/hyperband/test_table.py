from __future__ import annotations

import numpy as np
import pytest
from hyperband_tabulate import N_CONFIGS, configs_of

from shoestring.systems.hyperband.table import HORIZON, N_TEST, N_VALID, PATH, fashion_mnist_curves
from shoestring.systems.hyperband.task import NETS, space
from shoestring.systems.hyperband.training import Config, batches


def test_the_table_is_small():
    assert PATH.stat().st_size < 1_000_000


@pytest.mark.parametrize("net", NETS)
def test_the_table_has_200_curves_of_each_network(net):
    curves = fashion_mnist_curves(net)

    assert curves.errors.shape == curves.test_errors.shape == (N_CONFIGS, HORIZON)
    assert np.isfinite(curves.errors[:, 0]).any()
    assert curves.errors.min() > 0.05  # no network of this size does better on 1500 images
    assert not np.isfinite(curves.errors[np.isinf(curves.errors[:, :-1]).any(1), -1]).any()


@pytest.mark.parametrize("net", NETS)
def test_the_table_holds_the_configurations_that_its_command_draws(net):
    drawn = [space(net).encode({name: getattr(config, name) for name in space(net).names}) for config in configs_of(net)]

    np.testing.assert_allclose(fashion_mnist_curves(net).places, drawn)


def test_the_table_counts_errors_of_as_many_images_as_are_trained_with():
    assert (Config().n_valid, Config().n_test) == (N_VALID, N_TEST)


@pytest.mark.parametrize("net", NETS)
def test_every_configuration_is_trained_once_with_others_of_its_batch_size(net):
    configs = configs_of(net)
    together = list(batches(configs))

    assert sorted(i for numbers in together for i in numbers) == list(range(N_CONFIGS))
    assert all(len({configs[i].batch_size for i in numbers}) == 1 for numbers in together)


def test_a_blinded_table_says_nothing_early_and_all_late():
    curves = fashion_mnist_curves("mlp")

    blinded = curves.blinded(27, np.random.default_rng(0))

    assert (blinded.errors[:, :27] >= 0.85).all()
    assert abs(np.corrcoef(blinded.errors[:, 26], np.nan_to_num(curves.errors[:, -1], posinf=1))[0, 1]) < 0.2
    np.testing.assert_array_equal(blinded.errors[:, 27:], curves.errors[:, 27:])
