from __future__ import annotations

import numpy as np
import pytest

from shoestring.errors import UsageError
from shoestring.systems.randomization_test.expressivity import finite_sample_network


def drawn(n, d, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.integers(10, size=n).astype(float), rng


@pytest.mark.parametrize(("n", "d", "seed"), [(1, 1, 0), (2, 3, 1), (100, 1, 2), (300, 20, 3), (1000, 5, 4), (1000, 64, 5)])
def test_the_sum_of_relus_gives_every_label_to_within_a_millionth(n, d, seed):
    x, y, rng = drawn(n, d, seed)

    network = finite_sample_network(x, y, rng)

    assert np.abs(network.as_sum(x) - y).max() < 1e-6
    assert network.n_weights == network.a.size + network.b.size + network.w.size == 2 * n + d


def test_it_is_the_function_that_the_paper_writes_and_its_matrix_is_triangular():
    x, y, rng = drawn(40, 3, 0)
    network = finite_sample_network(x, y, rng)

    order = np.argsort(x @ network.a)
    matrix = np.maximum((x @ network.a)[order][:, None] - network.b[None, :], 0)  # A of the paper's lemma 1

    assert np.array_equal(matrix, np.tril(matrix)) and np.all(np.diag(matrix) > 0)
    assert np.linalg.solve(matrix, y[order]) == pytest.approx(network.w, rel=1e-6)
    fresh = rng.standard_normal((50, 3))
    by_hand = [sum(w * max(point @ network.a - b, 0) for w, b in zip(network.w, network.b, strict=True)) for point in fresh]
    assert network(fresh) == pytest.approx(by_hand, abs=1e-8)
    assert network.as_sum(fresh) == pytest.approx(by_hand, abs=1e-8)


@pytest.mark.parametrize("n", [5_000, 20_000])
def test_beyond_a_thousand_the_piecewise_linear_form_is_exact_to_rounding(n):
    x, y, rng = drawn(n, 4, 0)

    network = finite_sample_network(x, y, rng)

    assert np.abs(network(x) - y).max() < 1e-13
    assert np.abs(network(x[::-7]) - y[::-7]).max() < 1e-13  # in other company too
    assert np.abs(network.values).max() <= 3 * np.abs(y).max()
    with pytest.raises(UsageError, match="call the network itself"):
        network.as_sum(x)


def test_float32_and_inputs_that_are_alike_are_refused():
    x, y, rng = drawn(10, 3, 0)

    with pytest.raises(UsageError, match="float32 is too coarse"):
        finite_sample_network(x, y, rng, dtype=np.float32)
    with pytest.raises(UsageError, match="take the duplicates out"):
        finite_sample_network(np.vstack([x, x[:1]]), np.append(y, 1), rng)
    with pytest.raises(UsageError, match=r"\(n, d\)"):
        finite_sample_network(x, y[:4], rng)
    with pytest.raises(UsageError, match="NaN"):
        finite_sample_network(x, y * np.nan, rng)
