"""Comparisons end to end on known curves: what is decided, why it stopped, what a failed run counts; order of arrival is nothing."""

from __future__ import annotations

import itertools
import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

import shoestring as ss
from shoestring.engine.run import Run
from shoestring.errors import DifferentQuestion, UnknownName, UsageError
from shoestring.questions.compare.question import Arm, Compare
from shoestring.questions.compare.strategy import Comparing, seed_of
from shoestring.values.answer import Status
from shoestring.values.orders import Observation


def noisy(shift, spread=1.0):
    """A training whose last value is normal about ``shift`` of its arm."""

    def curve(config, seed):
        if config.get("crash", 0) > np.random.default_rng([seed, 1]).random():
            return [{"score": float("nan")}]
        return [{"score": shift * config["arm"] + spread * np.random.default_rng([seed, config["arm"]]).normal()}]

    return curve


def compare(curve, arms=None, **changes):
    arms = arms or {"a": {"arm": 1}, "b": {"arm": 0}}
    asked = {"metric": "score", "goal": "max", "budget": "400 epochs", "seeds": 20, "runner": "replay", "store": ":memory:"}
    return ss.compare(arms, curve, **(asked | changes))


def test_a_large_difference_is_found_after_few_seeds():
    answer = compare(noisy(3.0))

    assert (answer.status, answer.finding.better) == (Status.ANSWERED, "a")
    assert answer.finding.method == "SEQ-FLIP"
    assert 6 <= answer.finding.n < 12
    low, high = answer.finding.headline.interval
    assert 0 < low < 3 < high
    assert answer.spent.units == 2 * answer.finding.n


def test_the_goal_turns_the_verdict_and_not_the_difference():
    answer = compare(noisy(3.0), goal="min")

    assert answer.finding.better == "b"
    assert answer.finding.headline.difference > 0


def test_no_difference_is_undecided_and_never_called_none():
    answer = compare(noisy(0.0))

    assert (answer.status, answer.status.exit_code) == (Status.UNANSWERED, 3)
    assert answer.finding.better is None
    assert "does not show that there is none" in str(answer)
    low, high = answer.finding.detectable
    assert 0 < low < high and f"twice the budget would find a difference of {low:.2g} to {high:.2g}" in str(answer)


@pytest.mark.parametrize(("shift", "seeds"), [(3.0, 20), (0.0, 5)])
def test_what_more_budget_would_find_is_left_out_after_a_find_and_below_six_seeds(shift, seeds):
    answer = compare(noisy(shift), seeds=seeds)

    assert answer.finding.detectable is None and "twice the budget" not in str(answer)


def test_a_race_that_is_open_says_at_which_error_rate():
    assert "(error rate 0.05 a pair)" in str(compare(noisy(0.0), {name: {"arm": i} for i, name in enumerate("abc")}))


def test_below_eight_seeds_a_race_says_that_it_assumes_normal_differences():
    assert "about 1 claim in 8 is false" in str(compare(noisy(2.0), {name: {"arm": i} for i, name in enumerate("abc")}, seeds=5))


def test_a_difference_of_interest_can_be_excluded():
    answer = compare(noisy(0.0, spread=0.1), difference=1.0)

    assert answer.finding.equivalent
    assert answer.status is Status.ANSWERED
    assert "by no more than 1" in str(answer)


def test_below_eight_seeds_it_says_that_it_assumes_normal_differences():
    answer = compare(noisy(4.0), seeds=5)

    assert answer.finding.method == "T-MIX"
    assert "normal" in str(answer)


def test_an_open_horizon_goes_on_until_something_is_shown():
    answer = compare(noisy(2.0), seeds="open")

    assert (answer.finding.method, answer.finding.better, answer.finding.horizon) == ("sign-flip e-process", "a", None)


def test_the_budget_settles_the_number_of_seeds_from_what_the_first_cost():
    answer = compare(noisy(0.5), budget="24 epochs", seeds=None)

    assert answer.finding.horizon == 12
    assert answer.spent.units <= 24


@pytest.mark.parametrize("goal", ["min", "max"])
def test_seeds_that_change_nothing_name_no_winner(goal):
    answer = compare(lambda config, seed: [{"score": math.exp(-0.3 - config["arm"])}], goal=goal)

    found = answer.finding
    assert (found.deterministic, found.n, found.better) == (True, 4, None)
    assert all(pair.better is None and pair.p == 1 for pair in found.pairs)
    assert "the seeds change nothing" in str(answer) and "is better" not in str(answer)


@pytest.mark.parametrize("values", [(1.0, 0.0), (0.98, 0.96), (4 / 7, 3 / 7), (12.0, 1300.0)])
def test_a_coarse_metric_that_repeats_itself_is_tested(values):
    answer = compare(lambda config, seed: [{"score": values[config["arm"]]}])

    assert (answer.finding.deterministic, answer.finding.better) == (False, "a" if values[1] > values[0] else "b")


def test_equal_results_on_a_few_seeds_end_no_study_that_varies_later():
    late = {seed_of(0, nth) for nth in range(3, 20)}
    answer = compare(lambda config, seed: [{"score": math.exp(config["arm"]) + (seed in late) * np.random.default_rng(seed).random()}])

    assert not answer.finding.deterministic


def test_a_coarse_metric_is_tested_when_its_step_is_given():
    answer = compare(lambda config, seed: [{"score": float(config["arm"])}], resolution=1.0)

    assert not answer.finding.deterministic
    assert answer.finding.better == "a"


def crashing(rates, spread=0.01, unit=1.0, offset=0.0):
    """A training that crashes at the rate of its arm, and else scores alike."""

    def curve(config, seed):
        rng = np.random.default_rng([seed, config["arm"]])
        crashed, score = rng.random() < rates[config["arm"]], unit * (0.9 + spread * rng.random()) + offset
        return [{"score": math.nan if crashed else score}]

    return curve


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("seeds", [3, 5, 7, 8, "open"])
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_an_arm_that_always_crashes_loses(seeds, goal, unit):
    answer = compare(crashing({0: 0.0, 1: 1.0}, unit=unit, offset=3 * unit), seeds=seeds, goal=goal)

    assert answer.finding.better == "b"
    assert "nan" not in str(answer) and "inf" not in str(answer)


@pytest.mark.parametrize("arms", [{"a": {"arm": 1}, "b": {"arm": 0}, "c": {"arm": 2}}])
@pytest.mark.parametrize("changes", [{}, {"mode": "ablation", "full": "b"}, {"mode": "pick"}, {"seeds": 5}])
def test_an_arm_that_always_crashes_loses_among_several(arms, changes):
    answer = compare(crashing({0: 0.0, 1: 1.0, 2: 1.0}), arms, **changes)

    pairs = {(pair.first, pair.second): pair.better for pair in answer.finding.pairs}
    assert "b" in (answer.finding.better, answer.finding.picked) or set(pairs.values()) == {"b"}


def test_an_arm_that_always_crashes_loses_to_a_cheap_one():
    assert compare(crashing({0: 0.0, 1: 1.0}), repeats={"b": 3}, seeds=5).finding.better == "b"


@pytest.mark.parametrize("rate", [0.3, 0.6])
@pytest.mark.parametrize("seeds", [5, 12])
def test_the_unit_of_the_metric_changes_no_decision_where_runs_crash(rate, seeds):
    def decided(unit, offset, seed):
        found = compare(crashing({0: 0.1, 1: rate}, 0.5, unit, offset), seeds=seeds, seed=seed).finding
        return found.better, found.n, round(found.headline.p, 9)

    for seed in range(2):
        assert decided(1.0, 0.0, seed) == decided(1e-9, 1e-9, seed) == decided(1e9, 1e10, seed)


def test_seeds_on_which_both_crash_are_ties():
    found = compare(crashing({0: 1.0, 1: 1.0}), seeds=5).finding

    assert (found.better, found.headline.ties, found.headline.p) == (None, found.n, 1.0)


def test_ties_are_named_and_given_to_nobody():
    answer = compare(lambda config, seed: [{"score": float(config["arm"] and np.random.default_rng(seed).random() < 0.5)}], seeds=8)

    pair = answer.finding.headline
    assert pair.wins + pair.ties == pair.n and pair.ties > 0
    assert f"beat b on {pair.wins} of {pair.n} seeds, with {pair.ties} tie" in str(answer)


@pytest.mark.parametrize("worst", [None, -5.0])
def test_a_crash_is_a_result(worst):
    answer = compare(noisy(0.0), {"a": {"arm": 1}, "b": {"arm": 0, "crash": 0.6}}, worst=worst)

    found = answer.finding
    assert found.better == "a"
    assert found.arms[1].crashes >= 2
    assert len(found.arms[1].values) >= found.n
    assert found.arms[1].crashes / len(found.arms[1].values) < found.arms[1].crash_bound <= 1
    assert "crashed or diverged" in str(answer)


def test_a_stated_value_is_an_arm_that_costs_nothing():
    answer = compare(noisy(5.0), {"ours": {"arm": 1}, "paper": 2.0})

    assert answer.finding.better == "ours"
    assert answer.spent.units == answer.finding.n


def test_several_arms_race_to_the_best():
    answer = compare(noisy(2.0), {name: {"arm": i} for i, name in enumerate("abcd")})

    assert answer.finding.better == "d"
    assert {answer.finding.headline.first, answer.finding.headline.second} == {"c", "d"}
    assert len(answer.finding.pairs) == 6
    assert answer.spent.units < 4 * 20


def test_a_pick_claims_nothing():
    answer = compare(noisy(2.0), {name: {"arm": i} for i, name in enumerate("abcd")}, mode="pick")

    assert (answer.finding.picked, answer.finding.better) == ("d", None)
    assert "no claim" in str(answer)


def test_ablations_are_told_from_what_changes_nothing():
    arms = {"full": {"arm": 3}, "without x": {"arm": 0}, "without y": {"arm": 3, "y": False}}
    answer = compare(noisy(1.5), arms, mode="ablation", full="full")

    assert [pair.better for pair in answer.finding.pairs] == ["full", None]
    assert "without x (worse)" in str(answer)


def test_a_cheap_arm_may_run_several_times_a_seed():
    answer = compare(noisy(3.0), repeats={"b": 3})

    assert answer.finding.better == "a"
    assert answer.finding.n <= 6
    assert answer.spent.units == 4 * answer.finding.n


def test_an_extension_is_refused_unless_it_was_planned(tmp_path):
    compare(noisy(0.3), seeds=8, store=tmp_path / "run")
    with pytest.raises(DifferentQuestion, match="cannot be extended from 8 to 16 seeds.*reserve"):
        compare(noisy(0.3), seeds=16, store=tmp_path / "run")
    with pytest.raises(UsageError, match="planned no extension"):
        compare(noisy(0.3), seeds=8, store=tmp_path / "run", extend=True)


def test_a_planned_extension_goes_on_from_where_it_was(tmp_path):
    first = compare(noisy(0.5), seeds=8, reserve=30, seed=1, store=tmp_path / "run")
    assert (first.finding.better, first.finding.horizon) == (None, 8)

    later = compare(noisy(0.5), seeds=8, reserve=30, seed=1, extend=True, store=tmp_path / "run")

    assert later.finding.horizon == 30
    assert later.finding.n > first.finding.n
    assert compare(noisy(0.5), seeds=8, reserve=30, seed=1, store=tmp_path / "run").finding == later.finding


def test_what_was_stored_gives_the_same_answer(tmp_path):
    answer = compare(noisy(2.0), store=tmp_path / "run")

    assert Run.read(tmp_path / "run").finding == answer.finding
    assert compare(noisy(2.0), store=tmp_path / "run").finding == answer.finding


def finding_of(question, results, order):
    """Returns the finding when results arrive in an order: all runs are started first, as with many workers."""
    strategy = Comparing(question)
    starts = list(itertools.islice(iter(strategy.ask, None), len(results)))
    for i in order:
        strategy.tell(Observation(starts[i].trial_id, 1, results[starts[i].seed, starts[i].arm]))
    return strategy.finding("the budget is spent")


@pytest.mark.parametrize("effect", [0.0, 0.8, 3.0])
def test_the_order_of_arrival_changes_not_one_byte(effect):
    question = Compare("t", (Arm("a"), Arm("b")), "score", "max", seeds=12)
    rng = np.random.default_rng(3)
    results = {(seed_of(0, n), arm): -effect * (arm == "a") + rng.normal() for n in range(12) for arm in "ab"}

    expected = json.dumps(finding_of(question, results, range(24)).to_json())

    for _ in range(10):
        assert json.dumps(finding_of(question, results, rng.permutation(24)).to_json()) == expected


def test_functions_and_scripts_can_be_arms(tmp_path):
    script = "import json, os, random; random.seed(int(os.environ['SHOESTRING_SEED'])); " + (
        "open(os.environ['SHOESTRING_EVENTS'], 'a').write(json.dumps(dict(unit=1, score=random.gauss(SHIFT, 1))) + chr(10))"
    )
    arms = {
        name: ss.Script((sys.executable, "-c", script.replace("SHIFT", shift)), None, "score") for name, shift in (("a", "9"), ("b", "0"))
    }
    answer = compare(None, {name: arms[name] for name in "ab"}, runner="process", workers=1, store=tmp_path / "scripts")
    assert answer.finding.better == "a"

    def good(trial):
        for _ in trial.steps():
            trial.report(score=np.random.default_rng(trial.seed).normal() + 9)

    def bad(trial):
        for _ in trial.steps():
            trial.report(score=np.random.default_rng([trial.seed, 1]).normal())

    answer = compare(None, {"good": good, "bad": bad}, runner="inline")
    assert answer.finding.better == "good"


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"arms": {"a": {"arm": 1}}}, UsageError, "one arm"),
        ({"seeds": 2}, UsageError, "seeds=2"),
        ({"seeds": "often"}, UsageError, "'often'"),
        ({"difference": 0.0}, UsageError, "difference=0"),
        ({"goal": "more"}, UnknownName, "unknown goal"),
        ({"worst": float("nan")}, UsageError, "worst must be a number, got nan"),
        ({"alpha": 1.5}, UsageError, "alpha=1.5"),
        ({"alpha": 5e-324}, UsageError, "an error rate of 0.001 to 0.2"),
        ({"alpha": 0.004, "seeds": 10, "reserve": 20}, UsageError, "an error rate of 0.005 to 0.2"),
        (
            {"alpha": 0.001, "mode": "ablation", "full": "a", "arms": {"a": 1, "b": {"arm": 1}, "c": {"arm": 2}}},
            UsageError,
            "an error rate of 0.002",
        ),
        ({"mode": "ablation", "full": "c"}, UnknownName, "unknown arm 'c'"),
        ({"repeats": {"c": 2}}, UnknownName, "unknown arm 'c'"),
        ({"reserve": 8}, UsageError, "reserve=8"),
        ({"arms": {"a": 1.0, "b": 2.0}}, UsageError, "every arm is a stated value"),
        ({"arms": {"a": {"arm": 1}, "b": float("-inf")}}, UsageError, "arm 'b' states -inf; give a finite value"),
        ({"budget": "5 epochs"}, UsageError, "cannot carry 6 runs"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, error, words):
    arms = changes.pop("arms", None)
    with pytest.raises(error, match=words):
        compare(noisy(1.0), arms, **changes)


def test_a_question_survives_as_plain_data():
    question = Compare("t", (Arm("a", {"x": 1}), Arm("b", value=2.0)), "score", "max", seeds=12, margin=0.5, worst=0.0)

    assert Compare.from_json(json.loads(json.dumps(question.to_json()))) == question
    assert replace(question, seed=1).to_json() != question.to_json()


def test_runs_that_all_crash_are_no_answer():
    answer = compare(noisy(0.0), {"a": {"arm": 1, "crash": 2.0}, "paper": 0.9})

    assert (answer.status, answer.finding.deterministic) == (Status.ALL_FAILED, False)


def test_arms_that_agree_to_the_last_bit_are_pointed_out():
    answer = compare(noisy(0.0), {"a": {"arm": 1}, "b": {"arm": 1, "widht": 64}})

    assert "is a parameter misspelt or unused?" in str(answer)


def test_the_estimate_lies_in_its_interval():
    for effect in (0.0, 0.5, 1.0, 2.0):
        pair = compare(noisy(effect)).finding.headline
        low, high = pair.interval
        assert (low is None or low <= pair.difference) and (high is None or pair.difference <= high)


def test_what_excludes_a_difference_is_the_interval_that_is_shown():
    answer = compare(noisy(0.0, spread=0.1), difference=0.3)

    low, high = answer.finding.headline.interval
    assert answer.finding.equivalent
    assert -0.3 <= low < high <= 0.3
    assert "90% interval" in str(answer)
