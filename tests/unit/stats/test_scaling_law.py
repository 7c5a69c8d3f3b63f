from __future__ import annotations

import numpy as np
import pytest

from shoestring.stats.scaling_law import extrapolate, fit_scaling_law

SIZES = 2.0 ** np.arange(6, 12)


def power_offset(n):
    return 5 * n**-0.5 + 0.3


def observed(curve, seed=0, noise=0.03, sizes=SIZES, n_seeds=3):
    return curve(sizes)[:, None] * (1 + noise * np.random.default_rng(seed).normal(size=(len(sizes), n_seeds)))


def test_a_curve_that_keeps_its_form_is_mostly_extrapolated_and_the_interval_holds():
    laws = [fit_scaling_law(SIZES, observed(power_offset, seed)) for seed in range(20)]
    points = [extrapolate(law, [4 * SIZES[-1]], np.random.default_rng(0))[0] for law in laws if law.refused is None]

    assert len(points) > 10
    assert sum(point.lower < power_offset(4 * SIZES[-1]) < point.upper for point in points) >= len(points) - 2
    assert all(point.lower < point.middle < point.upper for point in points)


def test_the_noise_is_that_of_one_run():
    law = fit_scaling_law(SIZES, observed(power_offset, n_seeds=200))

    assert law.relative_sd == pytest.approx(0.03, rel=0.05)
    assert law.standard_errors == pytest.approx(0.03 / 200**0.5, rel=0.05)


def test_a_curve_that_drops_at_once_is_refused():
    law = fit_scaling_law(SIZES, observed(lambda n: 0.05 + 1 / (1 + np.exp((np.log2(n) - 9) / 0.5))))

    assert law.refused == "none of the three forms fits within the noise among seeds"
    assert not any(curve.fits for curve in law.curves)


def test_the_exponent_lies_in_its_profile_interval_about_as_often_as_it_says():
    inside = 0
    for seed in range(100):
        law = fit_scaling_law(SIZES, observed(lambda n: 5 * n**-0.3, seed))
        low, high = law.curves[1].b_interval
        inside += low <= 0.3 <= high
    assert inside >= 88


def test_the_profile_interval_is_about_the_exponent_and_within_its_range():
    for seed in range(5):
        for curve in fit_scaling_law(SIZES, observed(power_offset, seed)).curves[:2]:
            low, high = curve.b_interval
            assert 0.02 <= low <= curve.b * 1.001 and curve.b * 0.999 <= high <= 3.0


def test_the_interval_grows_with_the_distance_and_contains_what_each_form_says():
    law = fit_scaling_law(SIZES, observed(power_offset, 1))
    points = extrapolate(law, SIZES[-1] * np.array([1.0, 2.0, 4.0]), np.random.default_rng(0))

    ratios = [point.upper / point.lower for point in points]
    assert ratios == sorted(ratios)
    assert all(point.lower <= low and high <= point.upper for point in points for low, high in point.by_form.values())


def test_what_lies_too_far_out_needs_to_be_asked_for():
    law = fit_scaling_law(SIZES, observed(power_offset))

    with pytest.raises(ValueError, match="more than 4 times"):
        extrapolate(law, [5 * SIZES[-1]], np.random.default_rng(0))
    assert extrapolate(law, [16 * SIZES[-1]], np.random.default_rng(0), unverified=True)[0].size == 16 * SIZES[-1]


def test_the_same_rng_gives_the_same_interval():
    law = fit_scaling_law(SIZES, observed(power_offset))

    assert extrapolate(law, [3000], np.random.default_rng(4)) == extrapolate(law, [3000], np.random.default_rng(4))


def test_the_unit_of_the_metric_does_not_matter():
    runs = observed(power_offset)
    one, two = fit_scaling_law(SIZES, runs), fit_scaling_law(SIZES, 1000 * runs)

    assert one.refused == two.refused and one.drift == pytest.approx(two.drift, rel=1e-6)
    assert [c.chi2 for c in one.curves] == pytest.approx([c.chi2 for c in two.curves], rel=1e-6)


def test_sizes_may_carry_different_numbers_of_seeds():
    rng = np.random.default_rng(0)
    runs = [power_offset(n) * (1 + 0.03 * rng.normal(size=k)) for n, k in zip(SIZES, (8, 8, 4, 4, 2, 2), strict=True)]

    law = fit_scaling_law(SIZES, runs)

    assert law.noise_df == 28 - 6
    assert law.standard_errors[-1] == pytest.approx(2 * law.standard_errors[0])


def test_the_largest_size_may_have_a_single_run():
    runs = [*observed(power_offset)[:-1], [power_offset(SIZES[-1])]]

    assert fit_scaling_law(SIZES, runs).noise_df == 10


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        (SIZES[:4], "at least 5 sizes"),
        (SIZES[::-1], "at least sqrt 2"),
        (np.array([64, 80, 160, 320, 640, 1280]), "at least sqrt 2"),
        (np.array([0.0, 1, 2, 4, 8, 16]), "at least sqrt 2"),
    ],
)
def test_sizes_that_cannot_carry_a_law_are_refused(sizes, says):
    with pytest.raises(ValueError, match=says):
        fit_scaling_law(sizes, np.ones((len(sizes), 3)))


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        (np.ones((6, 1)), "repeated 0 times"),
        (np.ones((6, 0)), "at least one number"),
        (np.ones((6, 3)), "the noise .* is unknown"),
        (np.zeros((6, 3)), "above 0"),
        (np.full((6, 3), np.nan), "above 0"),
        (np.ones((5, 3)), "lists of results"),
    ],
)
def test_results_that_cannot_carry_a_law_are_refused(runs, says):
    with pytest.raises(ValueError, match=says):
        fit_scaling_law(SIZES, runs)


def test_sizes_rounded_from_half_doublings_are_allowed():
    sizes = np.array([8, 11, 16, 23, 32, 45])

    assert fit_scaling_law(sizes, observed(power_offset, sizes=sizes.astype(float))).sizes.size == 6
