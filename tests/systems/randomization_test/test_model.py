from __future__ import annotations

import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.randomization_test.model import Ensemble, mlp, small_alexnet, small_inception

CIFAR = (3, 28, 28)


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_the_networks_have_the_papers_numbers_of_parameters():
    assert count(mlp(CIFAR, 10)) == 1_209_866
    assert count(mlp(CIFAR, 10, depth=3)) == 1_735_178
    assert count(small_alexnet(CIFAR, 10)) == 1_387_786
    assert count(small_inception(CIFAR, 10)) == 1_649_402


@pytest.mark.parametrize("make", [small_alexnet, small_inception])
@pytest.mark.parametrize("shape", [(8, 8), (3, 12, 12)])
def test_images_with_and_without_channels_give_logits(make, shape):
    assert make(shape, 7, scale=0.1)(torch.zeros(4, *shape)).shape == (4, 7)


def test_what_is_no_image_is_refused():
    with pytest.raises(UsageError, match="must be images"):
        small_alexnet((5,), 2)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("make", [lambda: mlp((5, 5), 3, 7, 2), lambda: small_inception((5, 5), 3, 0.06)])
def test_networks_side_by_side_are_the_networks_one_by_one(together, make):
    x = torch.randn(3, 6, 5, 5, generator=torch.Generator().manual_seed(0))
    ensemble = Ensemble(make, [4, 5, 4])
    ensemble.together = together
    alone = []
    for seed, inputs in zip([4, 5, 4], x, strict=True):
        torch.manual_seed(seed)
        alone.append(make())
        alone[-1](inputs)  # moves the running means of the batch normalisation

    ensemble(x, training=True)
    found = ensemble(x)

    expected = torch.stack([model.eval()(inputs) for model, inputs in zip(alone, x, strict=True)])
    assert torch.allclose(found, expected, atol=1e-5)
    assert ensemble.n_weights == count(alone[0])


class Recurrent(torch.nn.Module):
    def __init__(self):
        torch.nn.Module.__init__(self)
        self.cell = torch.nn.GRU(3, 4, batch_first=True)

    def forward(self, x):
        return self.cell(x)[0][:, -1]


def test_a_layer_that_cannot_be_batched_is_evaluated_one_by_one():
    ensemble = Ensemble(Recurrent, [0, 1])
    torch.manual_seed(1)
    alone, x = Recurrent(), torch.randn(2, 5, 6, 3)

    assert torch.allclose(ensemble(x)[1], alone(x[1]), atol=1e-6)


def test_an_error_of_the_network_itself_comes_through():
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        Ensemble(lambda: mlp((4,), 2), [0, 1])(torch.ones(2, 3, 5))


def test_making_networks_leaves_the_generator_as_it_was():
    torch.manual_seed(1)
    before = torch.get_rng_state()

    Ensemble(lambda: mlp((4,), 2), [1, 2])

    assert torch.equal(torch.get_rng_state(), before)


def test_the_state_comes_back():
    ensemble, other = (Ensemble(lambda: small_inception((5, 5), 3, 0.06), [seed]) for seed in (1, 2))

    other.load_state_dict(ensemble.state_dict())

    x = torch.randn(1, 2, 5, 5)
    assert torch.equal(ensemble(x), other(x))


def test_bfloat16_gives_float32_logits():
    ensemble = Ensemble(lambda: mlp((4,), 2), [0, 1], dtype=torch.bfloat16)

    assert ensemble(torch.ones(2, 3, 4)).dtype == torch.float32


def test_a_function_that_makes_no_network_is_refused():
    with pytest.raises(UsageError, match="gave a list"):
        Ensemble(list, [0])
