from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from shoestring.stats.scaling_forms import FORMS, fit_form, fixed_b

SIZES = 2.0 ** np.arange(6, 12)


@pytest.mark.parametrize("b", [0.05, 0.1, 0.35, 0.5, 1.0, 2.0])
def test_a_power_law_without_noise_is_recovered(b):
    values = np.stack([5 * SIZES**-b + 0.3, 80 * SIZES**-b + 2.0])

    fit = fit_form("power+offset", SIZES, values, values)

    assert fit.b == pytest.approx([b, b], abs=1e-4)
    assert fit.c == pytest.approx([0.3, 2.0], rel=1e-3)
    assert fit.at(SIZES) == pytest.approx(values, rel=1e-6)


def test_the_other_forms_are_recovered_too():
    power, log = 3 * SIZES[None] ** -0.4, 3 - 0.2 * np.log(SIZES)[None]

    assert fit_form("power", SIZES, power, power).b[0] == pytest.approx(0.4, abs=1e-5)
    assert fit_form("log-linear", SIZES, log, log).b[0] == pytest.approx(-0.2, abs=1e-12)


def test_with_the_exponent_held_it_is_non_negative_least_squares():
    values = np.random.default_rng(0).uniform(0.5, 2.0, size=(60, 6))

    fit = fixed_b("power+offset", np.full(60, 0.7), SIZES, values, values)

    for i, row in enumerate(values):
        (a, c), residual = nnls(np.stack([SIZES**-0.7, np.ones(6)], axis=1) / row[:, None], np.ones(6))
        assert (fit.a[i], fit.c[i]) == pytest.approx((a, c), abs=1e-9)
        assert fit.sse[i] == pytest.approx(residual**2, abs=1e-12)


def test_the_refined_exponent_is_no_worse_than_any_of_a_fine_grid():
    rng = np.random.default_rng(1)
    values = (5 * SIZES**-0.5 + 0.3) * (1 + 0.03 * rng.normal(size=(20, 6)))
    for form in FORMS[:2]:
        best = fit_form(form, SIZES, values, values).sse
        for b in np.geomspace(0.02, 3, 700):
            assert np.all(best <= fixed_b(form, np.full(20, b), SIZES, values, values).sse * (1 + 1e-6))


def test_samples_do_not_influence_each_other():
    values = np.random.default_rng(2).uniform(0.5, 2.0, size=(9, 6))
    for form in FORMS:
        together, alone = fit_form(form, SIZES, values, values), fit_form(form, SIZES, values[4:5], values[4:5])
        assert (together.a[4], together.b[4], together.c[4]) == (alone.a[0], alone.b[0], alone.c[0])
