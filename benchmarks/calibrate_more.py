"""The calibration bars of races, ablations, confirmations, capacities, scaling laws and plans; ``calibrate.py`` runs them.

Each bar is a function of a number of studies that returns rows; where it runs fewer, the row says how many. Seeds are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from calibration_races import COSTS, HORIZON, run_races, run_schedule
from calibration_row import Row, rate
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from shoestring.stats.capacity_bayes import CapacityBayes
from shoestring.stats.capacity_bayes import simulate as simulate_bayes
from shoestring.stats.capacity_strict import CapacityStrict
from shoestring.stats.capacity_strict import simulate as simulate_strict
from shoestring.stats.confirmation import check_fresh
from shoestring.stats.futility import predictive_powers
from shoestring.stats.holm import holm
from shoestring.stats.power import expected
from shoestring.stats.race import Race
from shoestring.stats.scaling_forms import fit_form
from shoestring.stats.scaling_law import extrapolate, fit_scaling_law
from shoestring.stats.seqflip import flip_stops
from shoestring.stats.tmix import TMix, log_c, log_e
from shoestring.stats.winsor import WINSOR

Array = NDArray[np.float64]
LEADERS = np.array([2.0, 2.0, 0.0, 0.0, 0.0])  # in standard deviations of a difference: two tied leaders, the worst case
SINGLE = np.array([1.0, 0.0, 0.0, 0.0, 0.0])


def arms(rng: np.random.Generator, n_studies: int, means: Array) -> Array:
    """Returns normal scores, ``(n_studies, n_arms, HORIZON)``, with unit variance and means in standard deviations of a difference."""
    return rng.standard_normal((n_studies, means.size, HORIZON)) + math.sqrt(2) * means[None, :, None]


def races(n_studies: int) -> list[Row]:
    """Five arms, of which two are tied leaders or one is best; costs 1, 1, 2, 4, 8."""
    rows = []
    settings = [("direct", 0.0565, True, n_studies), ("strict", 0.035, True, n_studies), ("direct", 0.0565, False, n_studies // 10)]
    for mode, limit, assume_normal, n in settings:
        race = Race(5, HORIZON, mode=mode, assume_normal=assume_normal, costs=COSTS)
        which = f"{mode} race of {race.test().name}{'' if n == n_studies else f' ({n:,} studies)'}"
        rng = np.random.default_rng(81)
        states, spent = run_races(arms(rng, n, LEADERS), race)
        rows.append(rate(8, f"{which}, two tied leaders: one is called best", "<=", limit, sum(s.best is not None for s in states), n))
        states, spent = run_races(arms(rng, n, SINGLE), race)
        rows.append(rate(8, f"{which}, one best by 1 SD: found", ">=", 0.95, sum(s.best == 0 for s in states), n))
        rows.append(Row(8, f"{which}, one best by 1 SD: share of the full price", "<=", 0.45, float(spent.mean())))
        states, _ = run_races(arms(rng, n, SINGLE), race)
        rows.append(
            rate(8, f"{which}, one best by 1 SD: parked or another called best", "<=", limit, sum(0 in s.parked for s in states), n)
        )
    naive = Race(5, HORIZON, assume_normal=True, futility=False)
    states, _ = run_races(arms(np.random.default_rng(82), n_studies, LEADERS), naive, naive_t=True)
    rows.append(
        rate(8, "control: race by repeated t-tests, two tied leaders", ">=", 0.15, sum(s.best is not None for s in states), n_studies)
    )
    return rows


def schedules(n_studies: int) -> list[Row]:
    """The next arm is chosen by looking at all scores, and a claim is made the moment it can be."""
    race = Race(5, HORIZON, assume_normal=True)
    rows = []
    for name in ("the arm with the highest mean", "the arm with the lowest mean", "the arm behind in the pair closest to a decision"):
        scores = arms(np.random.default_rng(83), n_studies, LEADERS)
        claimed = run_schedule(scores, race, name)
        rows.append(
            rate(8, f"next seed always to {name}, two tied leaders: one is called best", "<=", 0.0565, int(claimed.sum()), n_studies)
        )
    return rows


def ablations(n_studies: int) -> list[Row]:
    """Five ablations against one full model, Holm on p-values that are valid at any moment, 20 seeds."""
    rows, test = [], TMix(20, 0.05)
    for n_real in (0, 2, 4):
        rng = np.random.default_rng(84 + n_real)
        results = rng.standard_normal((n_studies, 6, 20))
        effect = np.where(np.arange(5) < n_real, math.sqrt(2), 0.0)
        false = found = 0
        for full, *others in results:
            rejected = holm([test.p_value(full + shift - other) for shift, other in zip(effect, others, strict=True)], 0.05)
            false += any(rejected[n_real:])
            found += sum(rejected[:n_real])
        rows.append(rate(8, f"5 ablations, Holm, T-MIX, {n_real} of them real by 1 SD: any false", "<=", 0.0565, false, n_studies))
        if n_real:
            rows.append(rate(8, f"5 ablations, Holm, T-MIX, {n_real} of them real by 1 SD: found", "none", 0.0, found, n_studies * n_real))
    return [*rows, _flip_ablations(n_studies // 10)]


def _flip_ablations(n_studies: int) -> Row:
    """The same with SEQ-FLIP, all null; its p-values from levels that run side by side, as ``SeqFlip.p_value`` does from alpha down."""
    levels = (0.05, 0.025, 0.0166, 0.0125, 0.01)
    results = np.random.default_rng(90).standard_normal((n_studies, 6, 20))
    p = np.ones((n_studies, 5))
    for other in range(5):
        stopped, _ = flip_stops(results[:, 0] - results[:, other + 1], 20, levels, 0)
        held = np.cumprod(stopped > 0, axis=1).sum(axis=1)
        p[:, other] = np.where(held > 0, np.array(levels)[np.maximum(held - 1, 0)], 1.0)
    false = sum(any(holm(row, 0.05)) for row in p)
    return rate(8, f"5 ablations, Holm, SEQ-FLIP, none real ({n_studies:,} studies): any false", "<=", 0.0565, false, n_studies)


def confirmations(n_studies: int) -> list[Row]:
    """The best of M configurations, all as good as the default, on fresh seeds; against a t-test on the search's own scores."""
    rows = []
    for m in (9, 27, 81):
        rng = np.random.default_rng(70 + m)
        first = rng.standard_normal((n_studies, m))
        kept = max(3, m // 9)
        top = np.argsort(-first, axis=1)[:, :kept]
        scores = np.concatenate([np.take_along_axis(first, top, 1)[:, :, None], rng.standard_normal((n_studies, kept, 2))], axis=2)
        best = scores[np.arange(n_studies), scores.mean(axis=2).argmax(axis=1)]
        naive = ttest_ind(best, rng.standard_normal((n_studies, 3)), axis=1, alternative="greater").pvalue <= 0.05
        rows.append(rate(7, f"control: best of {m} equal ones, t-test on the search's scores", ">=", 0.15, int(naive.sum()), n_studies))
        fresh = rng.standard_normal((n_studies, 20)) - rng.standard_normal((n_studies, 20))
        evidence = np.where(np.cumsum(fresh, axis=1) > 0, log_e(fresh), -np.inf)
        claims = int((evidence.max(axis=1) >= log_c(20, 0.1)).sum())
        rows.append(rate(7, f"best of {m} equal ones, confirmed on fresh seeds, T-MIX", "<=", 0.0565, claims, n_studies))
        few = n_studies // 3
        stopped, sign = flip_stops(fresh[:few], 20, (0.1,), 0)
        claims = int(((stopped[:, 0] > 0) & (sign[:, 0] > 0)).sum())
        rows.append(rate(7, f"best of {m} equal ones, confirmed on fresh seeds, SEQ-FLIP ({few:,} studies)", "<=", 0.0565, claims, few))
    try:
        check_fresh([1, 2, 3], [3])
        refused = 0.0
    except ValueError:
        refused = 1.0
    return [*rows, Row(7, "a confirming seed that the search used is refused", ">=", 1.0, refused)]


def capacities(n_studies: int) -> list[Row]:
    """The largest size still solved, log2 of it uniform from 4 to 10, on a steep and on a shallow curve; cost grows with size."""
    rows = []
    for width, what in ((0.25, "steep"), (0.6, "shallow")):
        n = n_studies // 5
        rng = np.random.default_rng(91)
        sought = rng.uniform(4, 10, n)
        run = simulate_bayes(CapacityBayes(start=8, largest=2**14), sought, np.full(n, width), rng)
        false = int(((run.lower > sought) | (run.upper < sought)).sum())
        rows.append(rate(9, f"capacity, Bayesian, {what} ({n:,} studies): an end is false", "<=", 0.05, false, n))
        cost = run.cost / 2**sought
        error = float(cost.std() / math.sqrt(n))
        rows.append(Row(9, f"capacity, Bayesian, {what}: cost in trials at that size", "<=", 20.0, float(cost.mean()), error))
        strict = [simulate_strict(CapacityStrict(start=8, largest=2**14), float(s), width, rng)[0] for s in sought]
        wrong = sum(not state.lower <= 2**s <= state.upper for state, s in zip(strict, sought, strict=True))
        rows.append(rate(9, f"capacity, strict, {what} ({n:,} studies): an end is false", "<=", 0.05, wrong, n))
        cost = np.array([state.cost for state in strict]) / 2**sought
        error = float(cost.std() / math.sqrt(n))
        rows.append(Row(9, f"capacity, strict, {what}: cost in trials at that size", "none", 0.0, float(cost.mean()), error))
        naive = sum(_bisected(rng, float(s), width) for s in sought)
        rows.append(rate(9, f"control: bisection with one trial a size, {what}: an end is false", ">=", 0.4, naive, n))
    return rows


def _bisected(rng: np.random.Generator, sought: float, width: float) -> bool:
    """Returns whether doubling and bisecting with one trial a size ends with a bracket that leaves out the size sought."""
    low, high, at = 0.0, 14.0, 3.0
    while high - low > 0.5:
        if rng.random() < 1 / (1 + math.exp((at - sought) / width)):
            low = at
        else:
            high = at
        at = min(low + 1, 14.0) if high == 14.0 else max(high - 1, 0.0) if low == 0.0 else (low + high) / 2
        if at in (low, high):
            break
    return not low <= sought <= high


SIZES = 2.0 ** np.arange(6, 12)
LAWS: dict[str, Callable[[Array], Array]] = {
    "power law with offset": lambda n: 5 * n**-0.5 + 0.3,
    "power law": lambda n: 5 * n**-0.3,
    "log-linear": lambda n: 3 - 0.2 * np.log(n),
}


def scaling(n_studies: int) -> list[Row]:
    """Six sizes, three seeds, 3% noise: coverage at 4 times the largest size, and whether curves of another form are refused."""
    n, rows = n_studies // 20, []
    for name, law in LAWS.items():
        rng, truth = np.random.default_rng(95), float(law(np.array([4 * SIZES[-1]]))[0])
        covered = alone = issued = 0
        for _ in range(n):
            fit = fit_scaling_law(SIZES, law(SIZES)[:, None] * (1 + 0.03 * rng.standard_normal((6, 3))))
            (far,) = extrapolate(fit, [4 * SIZES[-1]], rng, draws=150)
            covered += far.lower <= truth <= far.upper
            low, high = far.by_form.get("power", (math.inf, math.inf))
            alone += low <= truth <= high
            issued += fit.refused is None
        rows.append(rate(9, f"scaling, {name} ({n:,} studies): interval at 4 times the largest size holds", ">=", 0.9, covered, n))
        rows.append(rate(9, f"scaling, {name}: extrapolation is given, not refused", "none", 0.0, issued, n))
        if name == "log-linear":
            rows.append(rate(9, "control: the interval of the pure power law alone, where the law is log-linear", "<=", 0.6, alone, n))
    return [*rows, *_other_forms(n), _noiseless()]


def _other_forms(n: int) -> list[Row]:
    rng, rows = np.random.default_rng(96), []
    refused = 0
    for _ in range(n):
        middle = rng.uniform(8, 11)
        curve = 0.05 + 0.95 / (1 + np.exp((np.log2(SIZES) - middle) / 0.7))
        refused += fit_scaling_law(SIZES, curve[:, None] * (1 + 0.03 * rng.standard_normal((6, 3)))).refused is not None
    rows.append(rate(9, f"scaling, sigmoid with its middle within the data ({n:,} studies): refused", ">=", 0.9, refused, n))
    for where, low, high in (("inside", 8.0, 10.5), ("just past", 11.0, 12.0)):
        refused = covered = 0
        for _ in range(n):
            k = 2 ** rng.uniform(low, high)

            def broken(sizes: Array, k: float = k) -> Array:
                return np.asarray(5 * np.where(sizes <= k, sizes**-0.2, k**-0.2 * (sizes / k) ** -0.6), dtype=np.float64)

            fit = fit_scaling_law(SIZES, broken(SIZES)[:, None] * (1 + 0.03 * rng.standard_normal((6, 3))))
            (far,) = extrapolate(fit, [4 * SIZES[-1]], rng, draws=100)
            refused += fit.refused is not None
            covered += fit.refused is None and far.lower <= float(broken(np.array([far.size]))[0]) <= far.upper
        what = f"scaling, power law that bends {where} the data"
        rows.append(rate(9, f"{what}: refused", "none", 0.0, refused, n))
        rows.append(rate(9, f"{what}: interval holds where it is given", "none", 0.0, covered, max(n - refused, 1)))
    return rows


def _noiseless() -> Row:
    worst = 0.0
    for b in np.linspace(0.05, 2.0, 40):
        values = (5 * SIZES**-b + 0.3)[None]
        worst = max(worst, abs(float(fit_form("power+offset", SIZES, values, values).b[0]) - b))
    return Row(9, "scaling, no noise: error of the exponent, worst of 40", "<=", 0.02, worst)


def plans(n_studies: int, points: int = 20) -> list[Row]:
    """Power and mean seeds that the planner predicts, against the test itself on other draws, at random horizons and differences."""
    rows = []
    for method, n in (("T-MIX", n_studies), ("SEQ-FLIP", n_studies // 4)):
        rng = np.random.default_rng(100)
        worst_power = worst_seeds = least_sure = 0.0
        for _ in range(points):
            horizon = int(rng.integers(8, 31))
            difference = float(rng.uniform(0.3, 1.6) * 3.5 / math.sqrt(horizon))
            draws = rng.standard_normal((n, horizon)) + difference
            power, seeds, spread = _measured(draws, method)
            plan = expected(horizon, 0.05, "T-MIX" if method == "T-MIX" else "SEQ-FLIP", difference)
            worst_power = max(worst_power, abs(plan.power - power))
            worst_seeds, least_sure = max(worst_seeds, abs(plan.seeds / seeds - 1)), max(least_sure, spread / seeds)
        rows.append(
            Row(10, f"plan, {method} ({n:,} studies): error of the power, worst of {points}", "<=", 0.04, worst_power, 0.5 / math.sqrt(n))
        )
        rows.append(
            Row(
                10,
                f"plan, {method}: relative error of the mean seeds, worst of {points}",
                "<=",
                0.1,
                worst_seeds,
                least_sure / math.sqrt(n),
            )
        )
    return rows


def _measured(draws: Array, method: str) -> tuple[float, float, float]:
    """Returns how often the test with the futility stop finds a difference above 0, and mean and standard deviation of the seeds used."""
    horizon = draws.shape[1]
    if method == "T-MIX":
        reached = log_e(draws) >= log_c(horizon, 0.05)
        stopped = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, horizon + 1)
        right = np.take_along_axis(np.cumsum(draws, axis=1), np.minimum(stopped, horizon)[:, None] - 1, axis=1)[:, 0] > 0
    else:
        n, sign = flip_stops(draws, horizon, (0.05,), 0)
        stopped, right = np.where(n[:, 0] > 0, n[:, 0], horizon + 1), sign[:, 0] > 0
    gave_up = np.full(len(draws), horizon + 1)
    for n_seen in range(horizon - 1, 3 if horizon <= 8 else 5, -1):
        winsor = None if method == "T-MIX" else WINSOR
        gave_up[predictive_powers(draws[:, :n_seen], horizon, 0.05, winsor=winsor) < 0.05] = n_seen
    found = right & (stopped <= horizon) & (stopped <= gave_up)
    used = np.minimum(np.minimum(stopped, gave_up), horizon)
    return float(found.mean()), float(used.mean()), float(used.std())


BARS: list[Callable[[int], list[Row]]] = [races, schedules, ablations, confirmations, capacities, scaling, plans]
