"""The front door: plain arguments in, an answer out, and one clear sentence for what makes no sense."""

from __future__ import annotations

import json

import pytest

import shoestring as ss
from shoestring.engine.naming import folder_of, name_of
from shoestring.engine.run import Run
from shoestring.engine.spending import check_feasible
from shoestring.errors import BudgetTooSmall, DifferentQuestion, InvalidBudget, InvalidSpace, InvalidTarget, UnknownName, UsageError
from shoestring.questions.search.question import Search
from shoestring.space import Space
from shoestring.values.answer import Status

SPACE = {"lr": ss.Float(1e-4, 1, log=True), "width": ss.Int(8, 256, log=True)}


def train(trial):
    for epoch in trial.steps():
        trial.report(loss=trial.config["lr"] + 1 / (epoch + 1))


def search(train=train, space=SPACE, **changes):
    asked = {
        "metric": "loss",
        "goal": "min",
        "budget": "30 epochs",
        "horizon": 9,
        "sampler": "random",
        "runner": "inline",
        "store": ":memory:",
    }
    return ss.search(train, space, **(asked | changes))


def test_a_search_answers_with_its_price(tmp_path):
    answer = search(store=tmp_path / "run")

    assert answer.status is Status.ANSWERED
    assert answer.to_json()["spent"]["epochs"] == 30
    assert answer.to_json()["best"]["config"] == dict(answer.best.config)
    assert answer.run == tmp_path / "run"


def test_the_same_call_again_has_the_same_answer_at_no_cost(tmp_path):
    first = search(store=tmp_path / "run")
    again = search(store=tmp_path / "run")

    assert (again.status, again.best, again.spent, again.n_trials) == (first.status, first.best, first.spent, first.n_trials)


def test_a_larger_budget_goes_on_and_keeps_the_last_budget(tmp_path):
    search(store=tmp_path / "run")

    assert search(store=tmp_path / "run", budget="40 epochs").spent.units == 40
    assert Run.read(tmp_path / "run").budget.limits == {"units": 40}


def test_the_seed_decides(tmp_path):
    assert search(seed=1).best == search(seed=1).best != search(seed=2).best


@pytest.mark.parametrize("sampler", ["random", "sobol", "grid", "tpe", "gp", "cma-es"])
def test_every_sampler_works_behind_the_door(sampler):
    assert search(sampler=sampler, budget="18 epochs").status is Status.ANSWERED


@pytest.mark.parametrize("scheduler", ["fixed", "halving", "hyperband", "async-hyperband", "one-step"])
def test_every_scheduler_works_behind_the_door(scheduler):
    assert search(scheduler=scheduler).status is Status.ANSWERED


@pytest.mark.parametrize("store", [":memory:", "run"])
def test_the_process_runner_works_behind_the_door(tmp_path, store):
    answer = search(runner="process", workers=2, store=store if store == ":memory:" else tmp_path / store)

    assert (answer.status, answer.spent.units) == (Status.ANSWERED, 30)


def test_a_script_works_behind_the_door(tmp_path):
    (tmp_path / "train.sh").write_text('for unit in $(seq $2); do echo "{\\"loss\\": $1}" >> $SHOESTRING_EVENTS; done')
    script = ss.Script(("sh", str(tmp_path / "train.sh"), "{lr}", "{to}"), None, "loss")

    answer = search(script, horizon=1, budget="3 epochs")

    assert answer.best.value == answer.best.config["lr"]
    assert answer.spent.units == 3


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"metric": "los"}, UnknownName, "Did you mean 'loss'"),
        ({"metric": ""}, UsageError, "the metric has no name"),
        ({"goal": "minimum"}, UnknownName, "Did you mean 'min'"),
        ({"unit": "epok"}, UsageError, "--unit epoch"),
        ({"unit": "two words"}, UsageError, "must be one word"),
        ({"unit": "hours"}, UsageError, "has another meaning"),
        ({"unit": "trial"}, UsageError, "has another meaning"),
        ({"budget": "20 trials"}, InvalidBudget, "n_trials (--trials)"),
        ({"unit": "step"}, UsageError, "use one word"),
        ({"horizon": 0}, UsageError, "horizon=0"),
        ({"seed": -1}, UsageError, "seed=-1"),
        ({"scheduler": "hyperbnd"}, UnknownName, "Did you mean 'hyperband'"),
        ({"sampler": "tpee"}, UnknownName, "Did you mean 'tpe'"),
        ({"runner": "proces"}, UnknownName, "Did you mean 'process'"),
        ({"eta": 1}, UsageError, "eta"),
        ({"n_trials": 0}, UsageError, "n_trials"),
        ({"workers": 0, "runner": "process"}, UsageError, "workers=0"),
        ({"grace": -1.0}, UsageError, "grace=-1"),
        ({"grace": float("nan")}, UsageError, "grace must be a number, got nan"),
        ({"budget": "8 epochs"}, BudgetTooSmall, "needs 9. Lower --horizon or raise --budget"),
        ({"budget": "soon"}, InvalidBudget, "cannot be read"),
        ({"budget": 10}, InvalidBudget, "must be text, got 10"),
        ({"budget": "5 usd"}, UsageError, "needs a price"),
        ({"budget": "2 gpu-hours"}, UsageError, "can never be spent"),
        ({"budget": "2 usd", "price": "1/gpu-hour"}, UsageError, "can never be spent"),
        ({"price": "free"}, InvalidBudget, "price 'free'"),
        ({"space": {}}, InvalidSpace, "empty"),
        ({"space": {"lr": 0.1}}, InvalidSpace, "lr is 0.1"),
        ({"train": "nowhere.py:train"}, InvalidTarget, "there is no file"),
        ({"train": "train"}, InvalidTarget, "write file.py:function"),
        ({"train": f"{__file__}:trian"}, UnknownName, "Did you mean 'train'"),
        ({"train": ss.Script(("echo", "{lrr}"), None, "loss")}, UnknownName, "Did you mean '{lr}'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(changes, error, message, tmp_path):
    with pytest.raises(error) as refusal:
        search(**({"store": tmp_path / "run"} | changes))

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_run_of_another_question_is_refused_with_what_differs(tmp_path):
    search(store=tmp_path / "run")

    with pytest.raises(DifferentQuestion, match=r"horizon differ \(horizon: stored 9, now 3\)"):
        search(store=tmp_path / "run", horizon=3)
    assert search(store=tmp_path / "run").status is Status.ANSWERED


def test_a_misspelt_metric_bars_no_folder(tmp_path):
    with pytest.raises(UnknownName):
        search(store=tmp_path / "run", metric="los")

    assert search(store=tmp_path / "run").status is Status.ANSWERED


def test_the_progress_is_shown_as_it_is_made():
    seen = []
    search(on_progress=lambda study: seen.append(study.ledger.spent().units))

    assert seen == sorted(seen)
    assert seen[-1] == 30


@pytest.mark.parametrize(("unit", "budget"), [("round", "20 rounds"), ("Tree", "9 trees"), ("batch", "9 batches"), ("fold", "9 folds, 1h")])
def test_a_unit_of_training_can_have_any_name(unit, budget, tmp_path):
    answer = search(unit=unit, budget=budget, store=tmp_path / "run")

    assert Run.read(tmp_path / "run").budget == ss.Budget(budget, unit=unit.lower())
    assert f"of {budget.partition(',')[0]}" in str(answer)
    assert search(unit=unit, budget=budget, store=tmp_path / "run").finding == answer.finding


def test_a_run_says_what_it_asks_and_where_it_was_made(tmp_path):
    search(store=tmp_path / "run")

    asked = json.loads((tmp_path / "run" / "study.json").read_text())
    assert (asked["metric"], asked["horizon"]) == ("loss", 9)
    assert json.loads((tmp_path / "run" / "env.json").read_text())["packages"]["shoestring"]


def asked_of(target):
    return Search(name_of(target), Space.of(SPACE), "loss", "min", 9)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (train, "test_api-train-search"),
        ("x" * 9999, f"{'x' * 60}-search"),
        ("dir/my file.py:fit", "my-file-fit-search"),
        (ss.Script(("./run me", "{lr}"), None, "loss"), "run-search"),
    ],
)
def test_a_run_has_a_folder_by_its_target(monkeypatch, target, name):
    monkeypatch.setenv("SHOESTRING_RUNS", "elsewhere")

    assert str(folder_of(None, asked_of(target))) == f"elsewhere/{name}"


def test_a_budget_in_plain_units_fits_any_unit():
    check_feasible(asked_of(train), ss.Budget("9 units"))


TARGETS = """
async def waits(trial): ...
def yields(trial): yield trial
def nothing(): ...
class Trains:
    def __init__(self, trial): ...
"""


@pytest.mark.parametrize("runner", ["inline", "process"])
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("waits", "is an async function"),
        ("yields", "is a generator function"),
        ("nothing", "takes ()"),
        ("Trains", "is a class"),
        ("builtins:len", "is a part of Python"),
        ("json:loads", "is a part of Python"),
    ],
)
def test_a_target_that_trains_nothing_is_told_what_it_is(tmp_path, monkeypatch, target, why, runner):
    (tmp_path / "target.py").write_text(TARGETS)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InvalidTarget) as refusal:
        search(target if ":" in target else f"target.py:{target}", runner=runner, store="run")

    assert why in str(refusal.value)
    assert "0x" not in str(refusal.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("curve", [None, 5, "loss", [1], [{"loss": "a"}], [{"loss": None}], {1: 2}.items()], ids=str)
def test_a_replay_that_gives_no_learning_curve_is_told_what_to_give(curve):
    with pytest.raises(UsageError, match=r"a learning curve must .*; return one mapping a unit"):
        search(lambda config, seed: curve, runner="replay", horizon=1)


def test_a_replay_that_raises_is_a_failed_trial():
    answer = search(lambda config, seed: 1 / 0, runner="replay", horizon=1)

    assert answer.status is Status.ALL_FAILED
    assert "ZeroDivisionError" in str(answer)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"metric": ["loss", "accuracy"]}, "metric must be the name of one metric (one metric decides"),
        ({"horizon": "9"}, "horizon must be a whole number, got '9'"),
        ({"seed": True}, "seed must be a whole number, got True"),
        ({"train": 5}, "train must be a training function of one argument"),
        ({"runner": object()}, "runner must be"),
        ({"runner": ss.ReplayRunner}, "got the class ReplayRunner"),
        ({"store": b"run"}, "store must be text, a path or None"),
        ({"on_progress": lambda: None}, "on_progress must be a function of 1 argument"),
        ({"default": {"lrr": 1}}, "unknown parameter 'lrr'"),
        ({"default": {"lr": "x"}}, "lr='x' is not a number"),
        ({"bogus": 1}, "unknown argument of search: 'bogus'"),
        ({"store": "x" * 5000}, "cannot be a folder"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_argument_of_another_type_is_refused_by_its_name(changes, sentence):
    with pytest.raises(UsageError) as refusal:
        search(**changes)

    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 500
