"""The confirmation after a search: its reserve, its fresh seeds, what is said of the winner, and that a stop changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import shoestring as ss
from shoestring.engine.asked import Asked
from shoestring.engine.journal import Journal
from shoestring.engine.run import Run
from shoestring.plans import plan_of
from shoestring.questions.search.question import Search
from shoestring.questions.search.strategy import SearchTally
from shoestring.space import Space
from shoestring.store.store import Store
from shoestring.values.answer import Status
from shoestring.values.orders import Observation, Start

pytestmark = pytest.mark.slow

SPACE = {"x": ss.Float(0, 1, default=0.1)}


def curve(slope, spread=0.05):
    return lambda config, seed: [
        {"score": slope * config["x"] + spread * np.random.default_rng([seed, int(1e6 * config["x"])]).normal()} for _ in range(3)
    ]


def search(curve, **changes):
    asked = {"metric": "score", "goal": "max", "budget": "300 epochs", "horizon": 3, "runner": "replay", "store": ":memory:"}
    return ss.search(curve, SPACE, **(asked | changes))


def test_a_winner_that_is_better_is_confirmed_on_fresh_seeds(tmp_path):
    answer = search(curve(1.0), store=tmp_path / "run")

    found = answer.finding.confirmation
    assert found.better == "best"
    assert found.horizon == 12  # a quarter of 300 epochs pays for 12 pairs of 6, and no more than 12 are set aside
    assert dict(found.arms[1].config) == {"x": 0.1}
    assert answer.spent.units <= 300
    run = Run.read(tmp_path / "run")
    searched = {trial.seed for trial in run.trials if trial.purpose == "useful"}
    confirming = {trial.seed for trial in run.trials if trial.arm in ("best", "default")}
    assert len(confirming) == found.n and not confirming & searched
    assert run.by_outcome()["confirmation"][0] >= 2 * found.n
    assert "so it is optimistic: expect a fresh run to score lower" in str(answer)
    assert "\nconfirmed on" in str(answer) and answer.to_json()["confirmed"]
    assert run.ranked()[0][0].id == answer.best.trial


def test_a_winner_by_luck_is_not_called_better():
    wrong = sum(search(curve(0.0), seed=seed).finding.confirmation.better is not None for seed in range(8))

    assert wrong <= 3  # of 8 at one-sided .05: more than 3 has a chance of 0.04%


def test_a_larger_budget_does_not_reopen_a_confirmed_search(tmp_path):
    first = search(curve(1.0), store=tmp_path / "run")
    again = search(curve(1.0), store=tmp_path / "run", budget="600 epochs")

    assert (again.finding, again.spent) == (first.finding, first.spent)
    assert "ask in another --store" in str(again)


def test_without_confirmation_the_whole_budget_searches():
    answer = search(curve(1.0), confirm=False)

    assert answer.finding.confirmation is None
    assert answer.to_json()["confirmation"] is None


def test_a_budget_of_twelve_trainings_is_confirmed():
    answer = search(curve(1.0), budget="36 epochs")

    assert answer.finding.confirmation.n == 3
    assert answer.spent.units <= 36


def test_a_budget_too_small_for_a_test_is_all_for_the_search():
    answer = search(curve(1.0), budget="35 epochs")

    assert answer.spent.units == 35
    assert answer.finding.confirmation is None
    assert "not confirmed: half of the budget does not pay" in str(answer) and "from 12 full trainings on (36 epochs)" in str(answer)


def test_what_the_released_reserve_finds_is_not_called_the_default():
    tally = SearchTally(Search("t", Space(SPACE), "score", "max", 1))
    for trial, (x, loss) in enumerate([(0.1, -0.5), (0.7, -0.9)]):  # the default, and what the released reserve found
        tally.started(Start(trial, {"x": x}, 1))
        tally.tell(Observation(trial, 1, loss))
        if trial == 0:
            tally.settle(5)

    assert (tally.best.trial, tally.confirming) == (1, None)
    assert "found with the budget reserved" in tally.finding("").unconfirmed


def fixed(config, seed):
    """A training that no seed changes: it gets worse after its first epoch, and the default does not."""
    return [{"score": (0.5 if config["x"] < 0.2 else 0.9 - 0.3 * unit) + 1e-3 * config["x"]} for unit in range(3)]


@pytest.mark.parametrize("budget", ["300 epochs", "60 epochs", "36 epochs"])
def test_seeds_that_change_nothing_confirm_nothing(budget):
    answer = search(fixed, budget=budget)

    assert "not confirmed: the seeds change nothing" in str(answer)
    assert "optimistic" not in str(answer) and not answer.to_json()["confirmed"]


def test_seeds_that_change_nothing_cost_no_reserve(tmp_path):
    answer = search(fixed, store=tmp_path / "run")

    run = Run.read(tmp_path / "run")
    assert run.by_outcome()["confirmation"][1].units == 1
    assert answer.spent.units == 300
    assert run.finding == answer.finding


@pytest.mark.parametrize("value", [lambda x: round(x, 1), lambda x: float(x > 0.3), lambda x: int(50 * x) / 50])
def test_a_coarse_metric_is_not_said_to_be_fixed_because_it_repeats_itself(value):
    def coarse(config, seed):
        return [{"score": value(0.9 * config["x"] + 0.1 * np.random.default_rng(seed).random())}] * 3

    said = ["seeds change nothing" in str(search(coarse, seed=seed)) for seed in range(5)]

    assert sum(said) == 0


@pytest.mark.parametrize(("goal", "worse"), [("min", "higher"), ("max", "lower")])
def test_the_caution_follows_the_goal(goal, worse):
    assert f"expect a fresh run to score {worse}" in str(search(curve(1.0), goal=goal))


def test_fresh_runs_are_judged_as_the_search_was():
    def peaks(config, seed):
        noise = 0.01 * np.random.default_rng([seed, int(1e6 * config["x"])]).normal(size=3)
        return [{"score": score + more} for score, more in zip((config["x"], 0.0, 0.0), noise, strict=True)]

    found = search(peaks).finding

    assert found.confirmation.judged == "best"
    assert found.confirmation.arms[0].mean == pytest.approx(found.best.config["x"], abs=0.05)


@pytest.mark.parametrize("winner", ["best", "default", None])
def test_winner_and_statement_agree(winner):
    found = replace(search(curve(1.0)).finding.confirmation, better=winner)

    said = next(found.confirming_lines())
    assert said.startswith("confirmed on") == found.confirmed == (winner == "best")
    assert ("default is better" in said) == (winner == "default")


@pytest.mark.parametrize("epochs", [35, 36, 37, 120])
def test_the_plan_says_what_will_be_confirmed(epochs):
    budget = f"{epochs} epochs"
    question = Search("t", Space(SPACE), "score", "max", 3)

    planned = plan_of(Asked(curve(1.0), question, {"budget": budget, "workers": 1, "runner": "replay", "store": ":memory:"}))

    assert (planned.n_confirming >= 6) == (search(curve(1.0), budget=budget).finding.confirmation is not None)
    assert ("from 12 full trainings on (36 epochs)" in str(planned)) == (epochs < 36)


def test_the_default_can_be_given():
    answer = search(curve(1.0), default={"x": 0.5})

    assert dict(answer.finding.confirmation.arms[1].config) == {"x": 0.5}
    with pytest.raises(ss.ShoestringError, match="x"):
        search(curve(1.0), default={"x": 5.0})
    with pytest.raises(ss.ShoestringError, match="unknown parameter 'y'"):
        search(curve(1.0), default={"y": 5.0})


def test_a_trial_that_the_end_of_the_search_left_unbegun_is_not_counted(tmp_path):
    answer = search(curve(1.0), budget="41 epochs", horizon=1, store=tmp_path / "run")

    run = Run.read(tmp_path / "run")
    assert answer.finding.confirmation is not None
    assert answer.n_trials == run.n_begun() == answer.spent.units


def test_a_stop_in_the_middle_of_it_changes_nothing(tmp_path):
    undisturbed = search(curve(1.0))
    stopped_after = []

    def stop_now(study):
        if len(study.trials) > 20 and not stopped_after and any(t.purpose == "confirmation" for t in study.trials.values()):
            stopped_after.append(len(study.trials))
            study.stop()

    first = search(curve(1.0), store=tmp_path / "run", on_progress=stop_now)
    assert first.status is Status.STOPPED
    again = search(curve(1.0), store=tmp_path / "run")

    assert again.finding.confirmation.to_json() == undisturbed.finding.confirmation.to_json()


def test_a_confirming_seed_that_the_search_has_used_is_an_error_in_the_code():
    class Careless:
        done, undecided_cost = False, None

        def __init__(self):
            self.orders = [Start(0, {"x": 0.1}, 1, seed=7), Start(1, {"x": 0.1}, 1, seed=7, purpose="confirmation")]

        def ask(self):
            return self.orders.pop(0)

    store = Store.in_memory()
    journal = Journal(Search("t", Space(SPACE), "score", "max", 1), Careless(), store, print)
    journal.next_order()
    with pytest.raises(RuntimeError, match="confirming seed 7 was used by the search"):
        journal.next_order()
    store.close()
