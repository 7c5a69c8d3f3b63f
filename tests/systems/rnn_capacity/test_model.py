"""Networks have the parameters that they are said to have, and no more than were paid for."""

from __future__ import annotations

import pytest
import torch

from shoestring.errors import BudgetTooSmall, UsageError
from shoestring.systems.rnn_capacity.cells import CELLS
from shoestring.systems.rnn_capacity.model import Recurrent, n_params, params_for_budget


@pytest.mark.parametrize("depth", [1, 2, 8])
@pytest.mark.parametrize("name", CELLS)
def test_parameters_are_counted_without_making_them(name, depth):
    if name == "+rnn" and depth == 1:
        with pytest.raises(UsageError, match="depth=2"):
            n_params(name, 5, 7, 3)
        return

    made = sum(p.numel() for p in Recurrent(name, 7, 5, 3, depth=depth).parameters())

    assert n_params(name, 5, 7, 3, depth) == made


def test_an_rnn_has_the_parameters_of_its_equation():
    assert n_params("rnn", 14, 16, 1) == 14 * (14 + 16 + 1) + 14 + 14 + 1


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("budget", [200, 941, 10_000])
def test_the_width_is_the_largest_that_the_budget_pays(name, budget):
    n_h = params_for_budget(name, budget, 16, 1, 2)

    assert n_params(name, n_h, 16, 1, 2) <= budget < n_params(name, n_h + 1, 16, 1, 2)


def test_too_few_parameters_are_refused_with_what_is_needed():
    with pytest.raises(BudgetTooSmall, match="narrowest has 76") as caught:
        params_for_budget("lstm", 75, 16, 1)

    assert caught.value.needed == 76


def test_an_answer_is_read_after_the_delay():
    model = Recurrent("gru", 4, 3, 2, delay=2)
    x = torch.randn(5, 4)
    answer = model(x)

    model.delay = 0
    assert torch.allclose(answer, model(torch.stack([x, 0 * x, 0 * x])), atol=1e-6)


def test_all_answers_are_read_if_asked_for():
    assert Recurrent("gru", 4, 3, 2, delay=2, reads_all=True)(torch.randn(5, 4)).shape == (3, 5, 2)
