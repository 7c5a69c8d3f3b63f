"""The calibration bars of the pair tests and what stands beside them; ``calibrate.py`` runs them.

Each bar is a function of a number of studies that returns rows. Seeds are fixed. A control is a procedure that must be seen to fail.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from calibration_draws import COARSE, CRASHES, EQUAL_MEANS_ONLY, NULLS, RATES, Array, Draw, bimodal, crashing, normal, stated, student
from calibration_row import Row, rate
from scipy.stats import t as student_t

from shoestring.stats.blocks import block_stops
from shoestring.stats.choose import choose_test
from shoestring.stats.eprocess import log_e as log_e_flip
from shoestring.stats.eprocess import log_wealth
from shoestring.stats.equivalence import inside_margin
from shoestring.stats.futility import HOPELESS, predictive_powers
from shoestring.stats.reserve import extend
from shoestring.stats.seqflip import SeqFlip, flip_stops
from shoestring.stats.superiority import win_interval
from shoestring.stats.tmix import TMix, critical_t, evidence, is_coarse, log_c, log_e, running_moments
from shoestring.stats.winsor import WINSOR

ALPHA, TYPE_ONE = 0.05, 0.0565
CHUNK = 25  # studies that SEQ-FLIP follows at once; more would not fit a processor's cache


def seqflip_stops(differences: Array, horizon: int, alpha: float = ALPHA) -> Array:
    """Returns where SEQ-FLIP stops, ``(n_studies,)``, 0: never; each chunk of studies has sign patterns of its own."""
    parts = [
        flip_stops(differences[start : start + CHUNK], horizon, (alpha,), start // CHUNK % 20)[0][:, 0]
        for start in range(0, len(differences), CHUNK)
    ]
    return np.concatenate(parts)


def first_true(reached: Array) -> Array:
    """Returns the first n at which ``(n_studies, n)`` is true, 0 where it never is."""
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, 0)


def tmix_stops(differences: Array, horizon: int, alpha: float = ALPHA, *, one_sided: bool = False) -> Array:
    """Returns where T-MIX stops, 0: never."""
    test = TMix(horizon, alpha, one_sided=one_sided)
    found, sign = evidence(differences)
    reached = found >= np.where(is_coarse(differences), test.log_c_coarse, test.log_c)
    return first_true(reached & (sign > 0) if one_sided else reached)


def process_stops(differences: Array, alpha: float = ALPHA) -> Array:
    """Returns where the sign-flip e-process stops, 0: never."""
    return first_true(log_e_flip(*log_wealth(differences)) >= -math.log(alpha))


def hopeless_from(differences: Array, horizon: int, winsor: float | None) -> Array:
    """Returns the first n at which the predictive power is too small, 0: never."""
    least = 4 if horizon <= 8 else 6
    power = [predictive_powers(differences[:, :n], horizon, ALPHA, winsor=winsor) for n in range(least, horizon)]
    reached = np.array(power).T < HOPELESS
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + least, 0)


def seeds_used(stops: Array, horizon: int) -> Array:
    """Returns the seeds each study used: all of them where it never stopped."""
    return np.where(stops > 0, stops, horizon)


def mean_row(bar: int, what: str, side: str, limit: float, values: Array) -> Row:
    """Returns the row of a mean."""
    return Row(bar, what, side, limit, float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))))


def worked_values(studies: int) -> list[Row]:
    """Bar 1: values known beforehand; the figures are the largest errors."""
    del studies
    known_e = ((3, 5, 0.5, 2.94222), (2, 10, 0.5, 1.79580), (4, 8, 1.0, 15.71273), (0, 30, 0.5, 0.25))
    known_c = ((10, 4.998), (20, 7.238), (30, 8.436))
    known_t = ((30, 5, 7.63), (30, 6, 4.67), (30, 8, 3.61), (30, 10, 3.28), (30, 20, 2.93), (30, 30, 2.885), (10, 6, 3.54), (10, 10, 2.84))

    def with_t(t: float, n: int) -> Array:
        shape = np.linspace(-1.0, 1.0, n)
        return shape / shape.std(ddof=1) + t / math.sqrt(n)

    differences = np.random.default_rng(1).normal(0.3, 2.0, 30)
    test = TMix(30, ALPHA)
    ends = [abs(float(log_e(differences - end)[-1]) - test.log_c) for end in test.interval(differences)]
    moved = [np.max(np.abs(log_e(factor * differences)[2:] - log_e(differences)[2:])) for factor in (-1.0, 3.7, 1e-8)]
    return [
        Row(1, "T-MIX: four values of E", "<=", 1e-5, max(abs(math.exp(log_e(with_t(t, n), g)[-1]) - e) for t, n, g, e in known_e)),
        Row(1, "T-MIX: c(N, .05), N = 10, 20, 30, relative", "<=", 0.015, max(abs(math.exp(log_c(n, ALPHA)) / c - 1) for n, c in known_c)),
        Row(1, "T-MIX: t*, relative", "<=", 0.01, max(abs(float(critical_t(k, log_c(n, ALPHA))) / t - 1) for n, k, t in known_t)),
        Row(1, "T-MIX: log E at the ends of the interval against log c", "<=", 1e-9, max(ends)),
        Row(1, "T-MIX: log E in another unit, and with the arms swapped", "<=", 1e-12, float(max(moved))),
    ]


def type_one_tmix(studies: int, horizons: tuple[int, ...] = (10, 20, 30)) -> list[Row]:
    """Bar 2, T-MIX: false claims at any moment; two points are documented only, for they are as far from normal as can be."""
    rows = []
    for horizon in horizons:
        for k, (name, draw) in enumerate(NULLS.items()):
            stops = tmix_stops(draw(np.random.default_rng([2, horizon, k]), (studies, horizon)), horizon)
            side = "none" if draw is NULLS["two-point ±1"] else "<="
            rows.append(rate(2, f"T-MIX, N = {horizon}, {name}: false claims", side, TYPE_ONE, int(np.sum(stops > 0)), studies))
    return rows


def type_one_seqflip(studies: int, horizons: tuple[int, ...] = (10, 20, 30)) -> list[Row]:
    """Bar 2, SEQ-FLIP: false claims at any moment."""
    rows = []
    for horizon in horizons:
        for k, (name, draw) in enumerate(NULLS.items()):
            stops = seqflip_stops(draw(np.random.default_rng([3, horizon, k]), (studies, horizon)), horizon)
            rows.append(rate(2, f"SEQ-FLIP, N = {horizon}, {name}: false claims", "<=", TYPE_ONE, int(np.sum(stops > 0)), studies))
    return rows


def type_one_process(studies: int, horizon: int = 30) -> list[Row]:
    """Bar 2, sign-flip e-process: false claims within 30 seeds, at any moment and at the moments of an adversary."""
    rows = []
    for k, (name, draw) in enumerate(NULLS.items()):
        rng = np.random.default_rng([4, k])
        differences = draw(rng, (studies, horizon))
        reached = log_e_flip(*log_wealth(differences)) >= -math.log(ALPHA)
        batches = rng.random(reached.shape) < 0.3
        # looks only while the side that was ahead after 5 seeds is ahead by more than a standard error
        mean, square = running_moments(differences)
        n = np.arange(1, horizon + 1)
        ahead = np.sign(mean[:, 4:5]) * mean * n > np.sqrt(square / np.maximum(n - 1, 1) * n)
        for looks, mask in (("after each seed", np.ones_like(reached)), ("in random batches", batches), ("by an adversary", ahead)):
            hits = int(np.sum((reached & mask).any(axis=1)))
            rows.append(rate(2, f"sign-flip e-process, {name}, looks {looks}: false claims", "<=", TYPE_ONE, hits, studies))
    return rows


def type_one_others(studies: int) -> list[Row]:
    """Bar 2 for what is derived from the tests: one-sided, a planned reserve, blocks of unequal cost."""
    rng = np.random.default_rng(5)
    differences = rng.standard_normal((studies, 30))
    evidence, up = log_e(differences), np.cumsum(differences, axis=1) > 0
    one_sided = ((evidence >= log_c(30, 2 * ALPHA)) & up).any(axis=1)
    both = one_sided & ((evidence >= log_c(30, 2 * ALPHA)) & ~up).any(axis=1)
    early, late = evidence[:, :10] >= log_c(10, 0.04), evidence >= log_c(30, 0.01)
    ahead = np.concatenate([flip_stops(bimodal(rng, (CHUNK, 14)), 14, (2 * ALPHA,), 0)[1][:, 0] for _ in range(studies // CHUNK)]) > 0
    blocks = np.concatenate([block_stops(rng.standard_normal((100, 20, 4)), 20, ALPHA, k)[0] for k in range(studies // 100)])
    return [
        rate(2, "T-MIX one-sided, N = 30, normal: false claims", "<=", TYPE_ONE, int(one_sided.sum()), studies),
        rate(2, "T-MIX one-sided, N = 30, normal: both sides crossed", "<=", 0.002, int(both.sum()), studies),
        rate(2, "SEQ-FLIP one-sided, N = 14, one run in ten diverges: false claims", "<=", TYPE_ONE, int(ahead.sum()), len(ahead)),
        rate(
            2,
            "T-MIX with a reserve, N = 10 then 30, normal: false claims",
            "<=",
            TYPE_ONE,
            int((early.any(1) | late.any(1)).sum()),
            studies,
        ),
        rate(2, "blocks of 3 cheap runs, N = 20, normal: false claims", "<=", TYPE_ONE, int(np.sum(blocks > 0)), len(blocks)),
    ]


SHORT = (3, 4, 5, 6, 7)  # horizons of T-MIX


def coarse(studies: int) -> list[Row]:
    """Bar 2 for equal arms whose results take few values, or that crash: the worst of the short horizons, two-sided and one-sided."""
    rows = []
    for k, (law, draw) in enumerate({**COARSE, **CRASHES}.items()):
        for one_sided in (False, True):
            hits = [
                int(np.sum(tmix_stops(draw(np.random.default_rng([18, k, n]), (studies, n)), n, one_sided=one_sided) > 0)) for n in SHORT
            ]
            what = f"T-MIX{' one-sided' if one_sided else ''}, N = 3 to 7, {law}: false claims, the worst N"
            rows.append(rate(2, what, "<=", TYPE_ONE, max(hits), studies))
        stops = seqflip_stops(draw(np.random.default_rng([19, k]), (studies, 10)), 10)
        rows.append(rate(2, f"SEQ-FLIP, N = 10, {law}: false claims", "<=", TYPE_ONE, int(np.sum(stops > 0)), studies))
        stops = process_stops(draw(np.random.default_rng([20, k]), (studies, 30)))
        rows.append(rate(2, f"sign-flip e-process, N = 30, {law}: false claims", "<=", TYPE_ONE, int(np.sum(stops > 0)), studies))
    few = min(studies, 500)
    draws = stated(np.random.default_rng(21), (few, 7))
    hits = [sum(TMix(n, ALPHA, against_value=True).stop(row[:n]) is not None for row in draws) for n in SHORT]
    what = f"T-MIX, N = 3 to 7, two values against a stated one ({few:,} studies): false claims, the worst N"
    return [*rows, rate(2, what, "<=", TYPE_ONE, max(hits), few)]


def one_arm_crashes(studies: int) -> list[Row]:
    """Bar 4: only one of two arms crashes, the other results are alike; how often that is found, and how often it wins."""
    rows = []
    tests: tuple[tuple[str, int, Callable[[Array, int], Array]], ...] = (
        *(("T-MIX", n, tmix_stops) for n in (3, 5, 7)),
        ("SEQ-FLIP", 10, seqflip_stops),
        ("sign-flip e-process", 30, lambda differences, _horizon: process_stops(differences)),
    )
    for name, n, stops_of in tests:
        for k, share in enumerate(RATES):
            differences = crashing((0.0, share))(np.random.default_rng([22, n, k]), (studies, n))
            stops = stops_of(differences, n)
            ends = np.where(np.arange(1, n + 1) <= stops[:, None], differences, 0.0)
            wrong = (stops > 0) & (np.sum(np.sign(ends), axis=1) < 0)
            what = f"{name}, N = {n}, {share:.0%} of the runs of one arm crash"
            rows.append(rate(2, f"{what}: it is called better", "<=", TYPE_ONE, int(wrong.sum()), studies))
            rows.append(rate(4, f"{what}: it loses", ">=" if share == 1 else "none", 1.0 * (share == 1), int(np.sum(stops > 0)), studies))
    return rows


def controls(studies: int) -> list[Row]:
    """Bar 3: procedures that must be seen to fail, and the refusal to extend a horizon."""
    differences = normal(np.random.default_rng(6), (studies, 30))
    mean, square = running_moments(differences)
    n = np.arange(1, 31)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(mean) / np.sqrt(square / (n - 1) / n)
    naive = (t[:, 2:] > student_t.ppf(1 - ALPHA / 2, n[2:] - 1)).any(axis=1)
    evidence = log_e(differences)
    extended = (evidence[:, :10] >= log_c(10, ALPHA)).any(axis=1) | (evidence >= log_c(30, ALPHA)).any(axis=1)
    refused = 0
    for test in (choose_test(10, ALPHA, 0), choose_test(10, ALPHA, 0, assume_normal=True), choose_test(None, ALPHA, 0)):
        try:
            extend(test, 30)
        except ValueError:
            refused += 1
    return [
        rate(
            3,
            "control: t-test looked at after each seed until p < .05, N = 30, normal: false claims",
            ">=",
            0.24,
            int(naive.sum()),
            studies,
        ),
        rate(3, "control: T-MIX extended from N = 10 to 30 without a plan, normal: false claims", ">=", 0.06, int(extended.sum()), studies),
        Row(3, "tests that refuse such an extension, of 3", ">=", 3, refused),
    ]


def economy(studies: int) -> list[Row]:
    """Bar 4: seeds used and differences found."""
    wanted: tuple[tuple[str, Callable[[Array, int], Array], int, Draw, float, float | None, float | None], ...] = (
        ("T-MIX", tmix_stops, 30, normal, 0.5, None, 0.55),
        ("T-MIX", tmix_stops, 30, normal, 1.0, 11.6, 0.99),
        ("T-MIX", tmix_stops, 30, normal, 2.0, 6.8, 0.99),
        ("T-MIX", tmix_stops, 10, normal, 1.0, None, 0.66),
        ("SEQ-FLIP", seqflip_stops, 30, normal, 0.5, None, 0.55),
        ("SEQ-FLIP", seqflip_stops, 30, normal, 1.0, 12.4, 0.99),
        ("SEQ-FLIP", seqflip_stops, 30, normal, 2.0, 7.7, 0.99),
        ("SEQ-FLIP", seqflip_stops, 10, normal, 1.0, None, 0.63),
        ("SEQ-FLIP", seqflip_stops, 30, bimodal, 1.0, None, 0.60),
    )
    rows = []
    for k, (name, stop, horizon, draw, effect, most_seeds, least_power) in enumerate(wanted):
        stops = stop(draw(np.random.default_rng([7, k]), (studies, horizon)) + effect, horizon)
        law = "normal" if draw is normal else "one run in ten diverges"
        what = f"{name}, N = {horizon}, {law}, d = {effect:g}"
        if least_power is not None:
            rows.append(rate(4, f"{what}: found", ">=", least_power, int(np.sum(stops > 0)), studies))
        if most_seeds is not None:
            rows.append(mean_row(4, f"{what}: seeds used", "<=", most_seeds, seeds_used(stops, horizon)))
    return rows


def futility(studies: int) -> list[Row]:
    """Bar 5: what giving up saves, and what it costs; for SEQ-FLIP also by the plain mean, the way that was not taken."""
    rows = []
    for name, stop, ways in (("T-MIX", tmix_stops, (None,)), ("SEQ-FLIP", seqflip_stops, (WINSOR, None))):
        for law, draw, effect in (("normal", normal, 0.0), ("normal", normal, 0.5), ("one run in ten diverges", bimodal, 1.0)):
            differences = draw(np.random.default_rng([8, int(2 * effect)]), (studies, 30)) + effect
            stops = stop(differences, 30)
            for winsor in ways:
                how = f"{name} giving up by {'plain' if winsor is None else 'winsorised'} mean, N = 30, {law}, d = {effect:g}"
                taken = winsor == ways[0]
                rows += giving_up(how, stops, hopeless_from(differences, 30, winsor), effect, required=taken and draw is normal)
    return rows


def giving_up(how: str, stops: Array, lost: Array, effect: float, *, required: bool) -> list[Row]:
    """Returns the rows of one rule for giving up; ``stops`` and ``lost`` say where the test stopped and where it was given up, 0: never."""
    claimed = (stops > 0) & ((lost == 0) | (stops <= lost))
    used, side = np.where(claimed, stops, seeds_used(lost, 30)), "<=" if required else "none"
    if effect == 0:
        false_claims = rate(5, f"{how}: false claims", "<=", TYPE_ONE, int(claimed.sum()), len(stops))
        return [false_claims, mean_row(5, f"{how}: seeds used", side, 16.5, used)]
    given_up = int(((stops > 0) & ~claimed).sum())
    return [
        rate(5, f"{how}: given up though the test would have found it", side, 0.03, given_up, len(stops)),
        mean_row(5, f"{how}: seeds used", "none", 0, used),
    ]


def equivalence(studies: int) -> list[Row]:
    """Bar 5: claims that a difference is below 1 standard deviation, where it is 0 and where it is 1."""
    rows = []
    for effect, side, limit in ((0.0, ">=", 0.95), (1.0, "<=", TYPE_ONE)):
        differences = normal(np.random.default_rng([9, int(effect)]), (studies, 30)) + effect
        claimed = inside_margin(differences, 1.0, log_c(30, 2 * ALPHA)).any(axis=1)
        what = f"equivalence within 1 SD, N = 30, normal, d = {effect:g}: {'' if effect == 0 else 'false '}claims"
        rows.append(rate(5, what, side, limit, int(claimed.sum()), studies))
    return rows


def coverage(studies: int, horizon: int = 30) -> list[Row]:
    """Bar 6: whether intervals contain the truth; for SEQ-FLIP when the test stops, which is when they are read."""
    rows = []
    n = np.arange(1, horizon + 1)
    t = critical_t(n, log_c(horizon, ALPHA))
    for k, effect in enumerate((0.0, 0.5, 1.0, 2.0)):
        mean, square = running_moments(normal(np.random.default_rng([10, k]), (studies, horizon)) + effect)
        error = np.sqrt(square / np.maximum(n - 1, 1) / n)
        with np.errstate(invalid="ignore"):
            missed = (np.isfinite(t) & (np.abs(mean - effect) > np.where(np.isfinite(t), t, 0) * error)).any(axis=1)
        rows.append(
            rate(6, f"T-MIX interval, N = {horizon}, normal, d = {effect:g}: misses at any n", "<=", TYPE_ONE, int(missed.sum()), studies)
        )
    for k, (law, draw) in enumerate({"normal": normal, "t with 3 degrees of freedom": student, "one run in ten diverges": bimodal}.items()):
        for effect in (0.5, 1.0):
            noise = draw(np.random.default_rng([11, k, int(2 * effect)]), (studies, horizon))
            end, missed_at = seeds_used(seqflip_stops(noise + effect, horizon), horizon), seqflip_stops(noise, horizon)
            hits = int(np.sum((missed_at == 0) | (missed_at > end)))
            rows.append(
                rate(
                    6, f"SEQ-FLIP interval, N = {horizon}, {law}, d = {effect:g}: contains the truth at stopping", ">=", 0.94, hits, studies
                )
            )
    return rows


def interval_agrees(studies: int, horizon: int = 20) -> list[Row]:
    """Bar 6: the interval leaves out 0 if and only if the test stopped, by the intervals themselves."""
    n_intervals = max(30, studies // 50)
    rng, wrong = np.random.default_rng(12), 0
    test = SeqFlip(horizon, ALPHA, 0)
    for k in range(n_intervals):
        differences = (normal, student, bimodal)[k % 3](rng, (1, horizon))[0] + (0.0, 0.6, 1.2)[k // 3 % 3]
        low, high = test.interval(differences)
        wrong += (low > 0 or high < 0) != (test.stop(differences) is not None)
    return [Row(6, f"SEQ-FLIP, N = {horizon}: intervals of {n_intervals} at odds with the test", "<=", 0, wrong)]


def wins(studies: int) -> list[Row]:
    """Bar 6: whether the interval of P(A > B) ever misses within 60 seeds."""
    horizon, rows = 60, []
    limits = np.array(
        [[win_interval(min(won, n), n, ALPHA) if n else (0.0, 1.0) for won in range(horizon + 1)] for n in range(horizon + 1)]
    )
    for p in (0.5, 0.75, 0.9):
        won = np.cumsum(np.random.default_rng([16, int(100 * p)]).random((studies, horizon)) < p, axis=1)
        low, high = np.moveaxis(limits[np.arange(1, horizon + 1), won], -1, 0)
        missed = ((p < low) | (p > high)).any(axis=1)
        rows.append(
            rate(6, f"interval of P(A > B), N = {horizon}, truth {p:g}: misses at any n", "<=", TYPE_ONE, int(missed.sum()), studies)
        )
    return rows


def unequal_costs(studies: int) -> list[Row]:
    """Documented: what it costs to decide if one arm's run costs 10 times the other's, by the number of cheap runs in a block."""
    rows, horizon = [], 20
    for k in (1, 3, 9):
        rng = np.random.default_rng([17, k])
        stops = []
        for chunk in range(studies // 100):
            blocks = rng.normal(scale=math.sqrt(0.5), size=(100, horizon, k + 1))
            blocks[:, :, 0] += 1.0
            stops.append(block_stops(blocks, horizon, ALPHA, chunk)[0])
        cost = seeds_used(np.concatenate(stops), horizon) * (10 + k)
        rows.append(
            mean_row(4, f"costs 10 : 1, {k} cheap run{'s' * (k > 1)} in a block, N = {horizon}, normal, d = 1: cost", "none", 0, cost)
        )
    return rows


def reach(studies: int) -> list[Row]:
    """Documented: equal means but unequal distributions, which no test here calls equal."""
    rows = []
    for k, (name, draw) in enumerate(EQUAL_MEANS_ONLY.items()):
        differences = draw(np.random.default_rng([13, k]), (studies, 30))
        for test, stops in (
            ("T-MIX", tmix_stops(differences, 30)),
            ("SEQ-FLIP", seqflip_stops(differences, 30)),
            ("sign-flip e-process", process_stops(differences)),
        ):
            rows.append(rate(2, f"{test}, N = 30, {name}: called different", "none", 0, int(np.sum(stops > 0)), studies))
    return rows


def exaggeration(studies: int) -> list[Row]:
    """Documented: the mean of those estimates at which T-MIX stopped."""
    rows = []
    for horizon, effect in ((10, 0.5), (30, 0.5), (30, 1.0), (30, 2.0)):
        differences = normal(np.random.default_rng([14, horizon, int(2 * effect)]), (studies, horizon)) + effect
        stops = tmix_stops(differences, horizon)
        found = stops > 0
        means = np.cumsum(differences, axis=1)[found, stops[found] - 1] / stops[found]
        shrunken = means * stops[found] * 0.5 / (1 + stops[found] * 0.5)
        rows.append(mean_row(4, f"T-MIX, N = {horizon}, d = {effect:g}: mean estimate where it stopped", "none", 0, means))
        rows.append(mean_row(4, f"T-MIX, N = {horizon}, d = {effect:g}: the same, shrunken", "none", 0, shrunken))
    return rows


def speed(studies: int) -> list[Row]:
    """The harness itself: processor seconds for 10,000 null studies of 30 seeds, and milliseconds for one decision and one interval."""
    n_timed = min(studies, 1000)
    differences = normal(np.random.default_rng(15), (n_timed, 30))
    seqflip_stops(differences[:500], 30)
    start = time.process_time()
    seqflip_stops(differences, 30)
    per_study = (time.process_time() - start) / n_timed
    test, taken = SeqFlip(30, ALPHA, 0), []
    for job in (test.stop, test.interval):
        job(differences[0])
        start = time.process_time()
        for k in range(5):
            job(differences[k])
        taken.append((time.process_time() - start) / 5)
    return [
        Row(0, "processor seconds for 10,000 null studies of SEQ-FLIP, N = 30", "<=", 180, per_study * 10_000),
        Row(0, "milliseconds for one decision of SEQ-FLIP, N = 30", "<=", 20, 1000 * taken[0]),
        Row(0, "milliseconds for one interval of SEQ-FLIP, N = 30", "<=", 500, 1000 * taken[1]),
    ]


BARS = [
    worked_values,
    type_one_tmix,
    type_one_seqflip,
    type_one_process,
    type_one_others,
    coarse,
    one_arm_crashes,
    reach,
    controls,
    economy,
    exaggeration,
    futility,
    equivalence,
    coverage,
    interval_agrees,
    wins,
    unequal_costs,
    speed,
]
