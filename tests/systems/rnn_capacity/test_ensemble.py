"""Training many networks at once is training each by itself."""

from __future__ import annotations

import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.rnn_capacity.ensemble import Adam, Ensemble
from shoestring.systems.rnn_capacity.model import Recurrent

LRS, BETA1 = [0.01, 0.03, 0.1], [0.9, 0.5, 0.0]


def networks():
    torch.manual_seed(0)
    return [Recurrent("lstm", 4, 3, 1, depth=2, delay=2, forget_bias=bias) for bias in (0.0, 1.0, 3.0)]


def test_answers_are_each_networks_own():
    models, x = networks(), torch.randn(3, 8, 4)

    together = Ensemble(models)(x)

    torch.testing.assert_close(together, torch.stack([model(one) for model, one in zip(models, x, strict=True)]))


def test_one_after_the_other_is_together():
    models, x = networks(), torch.randn(8, 4)

    torch.testing.assert_close(Ensemble(models, together=False)(x, shared=True), Ensemble(models)(x, shared=True))


def test_adam_moves_each_network_as_torchs_adam_would():
    models, x, y = networks(), torch.randn(3, 8, 4), torch.randn(3, 8, 1)
    ensemble = Ensemble(models)
    adam = Adam(ensemble, LRS, beta1=BETA1, clip=[0.05] * 3)

    for _ in range(5):
        adam.step((ensemble(x) - y).square().mean(dim=(1, 2)).sum(), scale=0.5)

    for i, model in enumerate(models):
        optimizer = torch.optim.Adam(model.parameters(), LRS[i] / 2, betas=(BETA1[i], 0.999))
        for _ in range(5):
            optimizer.zero_grad()
            (model(x[i]) - y[i]).square().mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
            optimizer.step()
        torch.testing.assert_close(
            ensemble.flat[i].detach(), torch.cat([p.detach().flatten() for p in model.parameters()]), rtol=1e-3, atol=1e-5
        )


def test_a_network_that_diverges_leaves_the_others_as_they_are():
    ensembles = [Ensemble(networks()), Ensemble(networks())]
    x = torch.randn(3, 8, 4)
    with torch.no_grad():
        ensembles[0].flat[1] = torch.nan

    for ensemble in ensembles:
        Adam(ensemble, LRS).step(ensemble(x).square().sum())

    assert torch.equal(ensembles[0].flat[[0, 2]], ensembles[1].flat[[0, 2]])
    assert ensembles[0].flat[1].isnan().all()


def test_bfloat16_computes_about_the_same_without_a_warning():
    models, x = networks(), torch.randn(3, 8, 4)

    answers = Ensemble(models, dtype=torch.bfloat16)(x)

    assert answers.dtype == torch.float32
    torch.testing.assert_close(answers, Ensemble(models)(x), rtol=0.1, atol=0.05)


def test_networks_of_two_shapes_are_refused():
    with pytest.raises(UsageError, match="2 shapes"):
        Ensemble([Recurrent("rnn", 4, 3, 1), Recurrent("rnn", 4, 5, 1)])
