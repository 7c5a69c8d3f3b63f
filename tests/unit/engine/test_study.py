"""The loop of a study: budgets to the unit, decisions that a stop does not change, and a clear outcome for all that trials do wrong."""

from __future__ import annotations

import json
import math
import os
import shutil
from contextlib import closing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shoestring.budget import Budget
from shoestring.engine.dispatcher import PATIENCE_WITH_LOSSES
from shoestring.engine.launch import make_strategy
from shoestring.engine.ledger import Ledger
from shoestring.engine.study import Study
from shoestring.errors import DifferentQuestion, StoreUnwritable, UnknownName, UsageError
from shoestring.machine.signals import Interruption
from shoestring.questions.search.question import Search
from shoestring.runners.inline import InlineRunner
from shoestring.runners.replay import ReplayRunner
from shoestring.runners.worker import python_work
from shoestring.space import Float, Space
from shoestring.store import schema
from shoestring.store.store import Store
from shoestring.trial.lease import Exit, Lease, Report, Usage
from shoestring.values.answer import Status

SPACE = Space({"x": Float(0, 1)})


def question(**changes):
    return Search("a test", SPACE, **({"metric": "loss", "goal": "min", "horizon": 9, "sampler": "random", "confirm": False} | changes))


def curve(config, seed):
    return [{"loss": config["x"] + 1 / unit} for unit in range(1, 10)]


def study_of(store, runner, budget="40 epochs", **changes):
    asked = question(**changes)
    ledger = Ledger(store, Budget(budget), clock=runner.now, rates=runner.rates, slots=runner.capacity)
    return Study(asked, make_strategy(asked, store), runner, store, ledger, grace=0.5)


def run(store, runner, budget="40 epochs", **changes):
    return study_of(store, runner, budget, **changes).run()


def inline(train):
    return InlineRunner(python_work(train))


def descend(trial):
    for epoch in trial.steps():
        trial.report(loss=trial.config["x"] + 1 / (epoch + 1))


@pytest.fixture
def store(tmp_path):
    with closing(Store.create_or_open(tmp_path / "run")) as store:
        yield store


def decisions(store):
    return [(row["kind"], row["trial_id"], row["unit"], row["loss"]) for row in store.rows(schema.decisions)]


def spent_units(store):
    return sum(row["units"] for row in store.rows(schema.leases))


class Counting:
    """A training function that counts the units that are really run."""

    def __init__(self, length=math.inf):
        self.n, self.length = 0, length

    def __call__(self, trial):
        for epoch in trial.steps():
            self.n += 1
            trial.report(loss=trial.config["x"])
            if epoch + 1 >= self.length * trial.config["x"]:
                return


@settings(max_examples=10)
@given(
    budget=st.integers(9, 40),
    scheduler=st.sampled_from(["fixed", "halving", "hyperband", "async-hyperband", "one-step"]),
    length=st.sampled_from([math.inf, 12]),
)
def test_the_units_that_run_are_those_in_the_ledger_and_within_the_budget(budget, scheduler, length):
    train = Counting(length)
    with closing(Store.in_memory()) as store:
        answer = run(store, inline(train), f"{budget} epochs", scheduler=scheduler)

        assert train.n == spent_units(store) == answer.spent.units <= budget
        assert train.n == budget or scheduler in ("halving", "one-step") or length < math.inf


@settings(max_examples=15)
@given(budget=st.integers(9, 90), workers=st.integers(1, 9), length=st.integers(1, 9), pausable=st.booleans())
def test_many_workers_never_spend_a_unit_too_many(budget, workers, length, pausable):
    ran = []

    def counted(config, seed):
        ran.append(length)
        return curve(config, seed)[:length]

    with closing(Store.in_memory()) as store:
        answer = run(store, ReplayRunner(counted, workers, pausable=pausable), f"{budget} epochs")

        rows = store.rows(schema.leases)
        assert answer.spent.units == sum(row["units"] for row in rows) == budget
        assert all(row["units"] <= row["to"] - row["start"] for row in rows)
        assert all(row["outcome"] for row in rows)


@settings(max_examples=15)
@given(seconds=st.integers(2, 30), workers=st.integers(1, 5), unit_s=st.sampled_from([0.7, 1.0, 7.0]))
def test_many_workers_never_outlast_the_clock(seconds, workers, unit_s):
    with closing(Store.in_memory()) as store:
        runner = ReplayRunner(curve, workers, unit_s)
        answer = run(store, runner, f"{seconds} s")

        assert runner.now() <= seconds * (1 + 1e-9)
        assert answer.spent.wall_s == pytest.approx(runner.now())


@settings(max_examples=4)
@example(stops=[4, 7], scheduler="async-hyperband", sampler="tpe")
@given(
    stops=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    scheduler=st.sampled_from(["halving", "hyperband", "async-hyperband", "one-step"]),
    sampler=st.sampled_from(["random", "sobol"]),
)
def test_a_stopped_study_goes_on_with_the_decisions_of_an_undisturbed_one(tmp_path_factory, stops, scheduler, sampler):
    with closing(Store.in_memory()) as undisturbed:
        expected = run(undisturbed, inline(descend), "24 epochs", scheduler=scheduler, sampler=sampler)
        made = decisions(undisturbed)
    folder = tmp_path_factory.mktemp("stopped") / "run"

    for n in [*stops, None]:
        with closing(Store.create_or_open(folder)) as store:
            study = study_of(store, inline(stopped_after(descend, n)), "24 epochs", scheduler=scheduler, sampler=sampler)
            STOP["now"] = study.stop
            answer = study.run()
            assert answer.status == (Status.ANSWERED if n is None else answer.status)
            found = decisions(store)

    assert found == made
    assert (answer.best, answer.n_trials, answer.spent.units) == (expected.best, expected.n_trials, expected.spent.units)


STOP = {}


def stopped_after(train, n):
    """Asks the study to stop in the n-th unit that is reported."""
    count = iter(range(n or 0, 0, -1))

    def watched(trial):
        report = trial.report

        def report_and_count(**metrics):
            report(**metrics)
            if next(count, None) == 1:
                STOP["now"]()

        trial.report = report_and_count
        train(trial)

    return watched


class Killed(Interruption):
    """Ends everything at once, as kill -9 would, but lets the test go on."""


@settings(max_examples=6)
@given(kills=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_a_killed_study_goes_on_without_losing_a_report_or_a_unit(tmp_path_factory, kills):
    with closing(Store.in_memory()) as undisturbed:
        expected = run(undisturbed, inline(descend), "20 epochs")
        made = decisions(undisturbed)
    folder = tmp_path_factory.mktemp("killed") / "run"
    reported = []

    def killed_after(n):
        def train(trial):
            nonlocal n
            for epoch in trial.steps():
                loss = trial.config["x"] + 1 / (epoch + 1)
                trial.report(loss=loss)
                reported.append((trial._lease.trial_id, epoch + 1))
                n -= 1
                if n == 0:
                    raise Killed

        return train

    for n in [*kills, -1]:
        with closing(Store.create_or_open(folder)) as store:
            try:
                answer = run(store, inline(killed_after(n)), f"{20 + 9 * len(kills)} epochs", n_trials=expected.n_trials)
            except Killed:
                continue
            observed = {(row["trial_id"], row["unit"]) for row in store.rows(schema.observations)}
            assert spent_units(store) == len(reported)
            assert set(reported) == observed
            assert answer.best == expected.best
            assert decisions(store)[: len(made) - 9] == made[: len(made) - 9]


def test_a_larger_budget_goes_on(tmp_path):
    for budget in (9, 30):
        with closing(Store.create_or_open(tmp_path / "run")) as store:
            assert run(store, inline(descend), f"{budget} epochs").spent.units == budget
            made = decisions(store)
    with closing(Store.in_memory()) as store:
        run(store, inline(descend), "30 epochs")
        assert decisions(store) == made


def test_decisions_that_cannot_be_made_again_are_refused(tmp_path):
    with closing(Store.create_or_open(tmp_path / "run")) as store:
        run(store, inline(descend), scheduler="hyperband")

        with pytest.raises(DifferentQuestion, match="cannot be made again"):
            run(store, inline(descend), scheduler="one-step")


def test_the_best_is_the_lowest_loss_or_the_highest_score(store):
    answer = run(store, ReplayRunner(lambda config, seed: [{"accuracy": config["x"]}] * 9), metric="accuracy", goal="max")

    best = max(row["metrics"] for row in store.rows(schema.observations))
    assert best == f'{{"accuracy": {answer.best.value}}}'
    assert answer.best.value == answer.best.config["x"]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_misspelt_metric_is_named_with_the_nearest(store, workers):
    with pytest.raises(UnknownName, match="unknown metric 'los'; known: loss. Did you mean 'loss'"):
        run(store, ReplayRunner(curve, workers), metric="los")

    assert all(row["outcome"] for row in store.rows(schema.leases))


def test_a_metric_that_comes_last_is_not_missed_in_a_trial_that_was_cut_short(store):
    def train(trial):
        for done in trial.steps():
            trial.report(other=1.0)
            if done + 1 == trial.horizon:
                trial.report(loss=trial.config["x"])

    answer = run(store, inline(train), "13 epochs", scheduler="fixed")

    assert answer.spent.units == 13 and answer.best.trial == 0


@pytest.mark.parametrize("metric", ["los", "loss"])
def test_exits_that_come_together_are_all_settled_before_an_error(store, metric):
    wrong = {"end": "failed", "error": {"type": "UsageError", "message": "wrong", "usage": True, "traceback": ""}}
    runner = Scripted(lambda lease, n: ([*list(well(lease))[:-1], wrong], "ended"), capacity=3)

    with pytest.raises(UsageError, match="Did you mean 'loss'" if metric == "los" else "trial 0: wrong"):
        run(store, runner, metric=metric)

    assert len(runner.leases) == 3
    assert all(row["outcome"] for row in store.rows(schema.leases))


def test_what_was_wrong_in_a_crashed_session_is_settled_and_told_by_the_next_trial(store):
    wrong = {"end": "failed", "error": {"type": "UsageError", "message": "wrong", "usage": True, "traceback": ""}}
    crashing = Scripted(lambda lease, n: ([], "ended"), capacity=2)
    crashing.poll = lambda timeout_s: 1 / 0
    with pytest.raises(ZeroDivisionError):
        run(store, crashing)
    again = Scripted(lambda lease, n: ([wrong], "ended"))
    again.recover = lambda folder, token, offset, process: [Report(token, {"token": token, **wrong}, 0)]

    with pytest.raises(UsageError, match="trial 2: wrong"):
        run(store, again)

    assert all(row["outcome"] for row in store.rows(schema.leases))


def reports_nothing(trial):
    for _ in trial.steps():
        pass


def returns_without_a_word(trial):
    for _ in trial.steps():
        return


def raises(trial):
    for _ in trial.steps():
        raise OSError("no data")


def raises_before_the_first_unit(trial):
    raise OSError("no data")


def diverges(trial):
    for _ in trial.steps():
        trial.report(loss=math.nan)


@pytest.mark.parametrize(
    ("train", "note"),
    [
        (reports_nothing, "metric never reported: 'loss' was not reported by epoch 1"),
        (returns_without_a_word, "metric never reported: 'loss' was not reported before the trial returned"),
        (raises, "OSError: no data"),
        (raises_before_the_first_unit, "OSError: no data"),
        (diverges, "trials diverged"),
    ],
)
def test_if_every_trial_comes_to_nothing_the_study_says_so(store, train, note):
    answer = run(store, inline(train))

    assert answer.status is Status.ALL_FAILED
    assert answer.best is None
    assert note in str(answer)
    assert all(row["outcome"] for row in store.rows(schema.leases))


def test_some_failures_are_noted_and_do_not_end_the_study(store):
    def train(trial):
        if trial.config["x"] > 0.5:
            raise MemoryError
        descend(trial)

    answer = run(store, inline(train))

    assert answer.status is Status.ANSWERED
    assert any("failed" in note and "out of memory" in note for note in answer.notes)


def test_a_wrong_use_ends_the_study_with_its_sentence(store):
    def train(trial):
        for _ in trial.steps():
            trial.report(loss="low")

    with pytest.raises(UsageError, match="trial 0: .* a metric must be a single number"):
        run(store, inline(train))
    assert all(row["outcome"] == "failed" for row in store.rows(schema.leases) if row["trial_id"] is not None)


def test_a_full_disk_ends_the_study_and_it_can_go_on(tmp_path):
    def full(trial):
        for _ in trial.steps():
            trial.report(loss=1)
            raise StoreUnwritable("the disk is full")

    folder = tmp_path / "run"
    with closing(Store.create_or_open(folder)) as store, pytest.raises(StoreUnwritable, match="full"):
        run(store, inline(full))
    with closing(Store.create_or_open(folder)) as store:
        assert run(store, inline(descend)).status is Status.ANSWERED


class Scripted:
    """A runner that says what it is told to say, lease by lease; ``acts`` maps a lease to the events and the exit."""

    rates = ReplayRunner(curve).rates

    def __init__(self, act, capacity=1):
        self.act, self.capacity, self.told, self.leases, self.stopped = act, capacity, [], [], []

    def now(self):
        return 0.0

    def start(self, lease: Lease):
        self.leases.append(lease)
        events, how = self.act(lease, len(self.leases))
        self.told += [Report(lease.token, {"token": lease.token, **event}, 0) for event in events] + [Exit(lease.token, Usage(), how)]

    def poll(self, timeout_s):
        assert self.told, "nobody waits where nothing runs: that time would be charged"
        told, self.told = self.told, []
        return told

    def usage(self, token):
        return Usage()

    def stop(self, token, grace_s):
        assert token in [lease.token for lease in self.leases], "nobody is stopped who was not started"
        self.stopped.append(token)

    def process(self, token):
        return None

    def recover(self, folder, token, offset, process):
        return []

    def close(self):
        pass


def well(lease):
    for unit in range(lease.start + 1, lease.to + 1):
        yield {"begin": unit}
        yield {"unit": unit, "metrics": {"loss": lease.config["x"] + 1e-12 * lease.seed}}
    yield {"checkpoint": lease.to}
    yield {"end": "paused", "at": lease.to}


def test_the_step_from_search_to_confirmation_waits_for_nothing(store):
    answer = run(store, Scripted(lambda lease, n: (well(lease), "ended")), "400 epochs", n_trials=5, confirm=True)

    assert answer.finding.confirmation is not None


def test_a_worker_whose_event_file_lacks_its_end_has_failed_and_all_it_was_given_is_charged(store):
    runner = Scripted(lambda lease, n: (well(lease), "ended") if n > 1 else ([{"begin": 1}], "ended"))

    answer = run(store, runner, n_trials=3, scheduler="fixed")

    assert any(
        "1 of 3 trials failed; trial 0: event file damaged" in note and "events.jsonl lacks the end" in note for note in answer.notes
    )
    assert next(row["units"] for row in store.rows(schema.leases) if row["trial_id"] == 0) == 9


def test_a_lost_lease_is_given_again_from_its_checkpoint(store):
    runner = Scripted(lambda lease, n: (well(lease), "ended") if n != 1 else ([{"begin": 1}, {"begin": 2}, {"checkpoint": 1}], "lost"))

    run(store, runner, scheduler="fixed", n_trials=1)

    assert [(lease.trial_id, lease.start, lease.to) for lease in runner.leases] == [(0, 0, 9), (0, 1, 9)]
    assert [(row["outcome"], row["units"], row["lost_units"]) for row in store.rows(schema.leases)] == [("lost", 2, 1), ("useful", 8, 0)]


def test_units_that_no_checkpoint_keeps_are_counted_as_repeated_by_a_later_run_too(store):
    runner = Scripted(lambda lease, n: ([event for event in well(lease) if "checkpoint" not in event], "ended"))

    run(store, runner, "5 epochs", scheduler="fixed", n_trials=1)
    run(store, runner, "14 epochs", scheduler="fixed", n_trials=1)

    leases = [row for row in store.rows(schema.leases) if row["trial_id"] is not None]
    assert [(row["units"], row["lost_units"]) for row in leases] == [(5, 0), (9, 5)]


def test_what_is_killed_after_its_last_unit_has_done_it(store):
    runner = Scripted(lambda lease, n: ([*list(well(lease))[:-2], {"done": lease.to}], "killed"))

    answer = run(store, runner, scheduler="fixed", n_trials=1)

    assert (len(runner.leases), answer.status) == (1, Status.ANSWERED)
    assert [row["lost_units"] for row in store.rows(schema.leases) if row["trial_id"] is not None] == [0]


class Lingering(Scripted):
    """Ends a trial 1000 s after its last unit; the clock moves with each poll."""

    seconds = 0.0

    def now(self):
        return self.seconds

    def poll(self, timeout_s):
        self.seconds += 10
        ready = self.told if self.seconds > 1000 else [told for told in self.told if isinstance(told, Report)]
        self.told = [told for told in self.told if told not in ready]
        return ready


def test_a_trial_that_does_not_end_after_its_last_unit_is_mentioned_ever_more_rarely(store):
    study = study_of(store, Lingering(lambda lease, n: (well(lease), "ended")), scheduler="fixed", n_trials=1)
    study.run()

    waits = [message for message in study.messages if "waiting for it to end" in message]
    assert waits[0] == "trial 0: it reported its last epoch 30 s ago and still runs; waiting for it to end"
    assert 3 <= len(waits) <= 6


def test_what_is_remarked_of_many_trials_is_said_once(store):
    remark = {"remark": "text", "note": "left out 3 values"}
    study = study_of(store, Scripted(lambda lease, n: ([*list(well(lease))[:-1], remark, list(well(lease))[-1]], "ended")), n_trials=3)
    study.run()

    assert [message[:34] for message in study.messages if "left out" in message] == ["trial 0: left out 3 values (said o"]


@pytest.mark.parametrize("first", [1, 2])
def test_a_trial_of_which_nothing_is_read_ends_the_study_unless_another_was_read(store, first):
    error = {"type": "exit code 0", "message": "no --pattern", "usage": False, "unread": True, "traceback": ""}
    unread = [{"begin": 1}, {"end": "failed", "error": error}]
    runner = Scripted(lambda lease, n: (unread if n >= first else well(lease), "ended"))

    if first == 1:
        with pytest.raises(UsageError, match="trial 0: no --pattern"):
            run(store, runner, scheduler="fixed", n_trials=3)
    else:
        assert run(store, runner, scheduler="fixed", n_trials=3).status is Status.ANSWERED
    assert len(runner.leases) == [1, 3][first - 1]


def test_patience_with_a_trial_that_is_always_lost_ends(store):
    runner = Scripted(lambda lease, n: ([], "lost"))

    answer = run(store, runner, n_trials=1)

    assert answer.status is Status.ALL_FAILED
    assert len(runner.leases) == PATIENCE_WITH_LOSSES


def test_events_of_an_outdated_worker_are_passed_over(store):
    def act(lease, n):
        return [{"unit": 1, "metrics": {"loss": -1}, "token": lease.token - 1}, *well(lease)], "ended"

    answer = run(store, Scripted(act), n_trials=1)

    assert answer.best.value >= 0


def test_a_metric_that_only_some_units_report_is_judged_by_its_last_value(store):
    def train(trial):
        for epoch in trial.steps():
            trial.report(other=epoch)
            if epoch % 2 == 0:
                trial.report(loss=9 - epoch)

    answer = run(store, inline(train), scheduler="fixed", n_trials=1, horizon=8)

    assert (answer.best.value, answer.best.unit) == (3, 7)
    assert answer.status is Status.ANSWERED


def test_a_stop_while_leases_are_written_down_reaches_them(store, monkeypatch):
    study = study_of(store, runner := Scripted(lambda lease, n: (well(lease), "ended")))
    commit = store.commit

    def stop_and_commit():
        if study.running:
            study.stop()
        commit()

    monkeypatch.setattr(store, "commit", stop_and_commit)
    answer = study.run()

    assert answer.status is Status.STOPPED
    assert runner.stopped == [runner.leases[0].token]


def deletes_its_folder(trial):
    for epoch in trial.steps(state={}):
        trial.report(loss=epoch)
        shutil.rmtree(trial.directory.parent)


def cuts_its_event_file(trial):
    for epoch in trial.steps(state={}):
        trial.report(loss=epoch)
        if epoch == 1:
            os.truncate(trial.directory.parent / "events.jsonl", 0)


def moves_its_folder(trial):
    for epoch in trial.steps(state={}):
        trial.report(loss=epoch)
        trial.directory.parent.rename(trial.directory.parent.with_name(f"moved {trial.config['x']} {epoch}"))


@pytest.mark.parametrize("train", [deletes_its_folder, cuts_its_event_file, moves_its_folder], ids=lambda train: train.__name__)
def test_a_trial_that_harms_its_own_folder_is_named_and_charged_and_the_study_goes_on(store, train):
    answer = run(store, inline(lambda trial: (descend if trial.config["x"] > 0.5 else train)(trial)), "27 epochs")

    assert answer.status == Status.ANSWERED
    assert any("trials failed; trial" in note and "events.jsonl" in note for note in answer.notes)
    assert spent_units(store) <= 27
    assert all(row["units"] >= 1 for row in store.rows(schema.leases) if row["outcome"] == "failed")


@pytest.mark.parametrize("scheduler", ["fixed", "halving"])
def test_the_last_report_of_a_unit_decides_and_is_shown(store, scheduler):
    def train(trial):
        for epoch in trial.steps():
            trial.report(loss=0.0, other=1.0)
            trial.report(loss=trial.config["x"] + 1 / (epoch + 1))

    answer = run(store, inline(train), scheduler=scheduler)

    seen = [json.loads(row["metrics"]) for row in store.rows(schema.observations)]
    assert answer.best.value == min(metrics["loss"] for metrics in seen) > 0
    assert all(metrics["other"] == 1.0 for metrics in seen)
    assert {row["loss"] for row in store.rows(schema.decisions) if row["kind"] == "tell"} == {metrics["loss"] for metrics in seen}


def test_a_value_after_a_bad_one_in_the_same_unit_lets_the_trial_live(store):
    def train(trial):
        for _ in trial.steps():
            trial.report(loss=math.nan)
            trial.report(loss=trial.config["x"])

    assert not any("diverged" in note for note in run(store, inline(train), "9 epochs").notes)


def test_what_was_reported_and_not_told_yet_is_told_after_a_crash(tmp_path):
    def read_and_gone(lease, n):
        return ([{"begin": 1}, {"unit": 1, "metrics": {"loss": 0.5}}], "ended")

    with closing(Store.create_or_open(tmp_path / "run")) as first:
        study = study_of(first, Scripted(read_and_gone), scheduler="fixed", n_trials=1)
        study._fill()
        for report in study._dispatcher._runner.poll(0)[:-1]:
            study._dispatcher._take(report)
        study._journal.commit()
    with closing(Store.create_or_open(tmp_path / "run")) as again:
        runner = Scripted(lambda lease, n: ([{"end": "finished", "at": 1}], "ended"))
        assert run(again, runner, scheduler="fixed", n_trials=1).best.value == 0.5


def test_a_late_report_of_an_earlier_unit_adds_to_it_and_changes_no_decision(store):
    reports = [
        {"unit": unit, "metrics": metrics} for unit, metrics in [(1, {"loss": 3.0}), (2, {"loss": 2.0}), (1, {"loss": 9.0, "other": 1.0})]
    ]
    runner = Scripted(lambda lease, n: ([{"begin": 1}, {"begin": 2}, *reports, {"end": "finished", "at": 2}], "ended"))

    run(store, runner, n_trials=1)

    assert [json.loads(row["metrics"]) for row in store.rows(schema.observations)] == [{"loss": 3.0, "other": 1.0}, {"loss": 2.0}]


def test_a_refused_report_of_a_child_is_told_in_the_log(store):
    runner = Scripted(lambda lease, n: ([{"refused": 77}, *well(lease)], "ended"))

    run(store, runner, n_trials=1)

    assert "a report from process 77, a child of the trial, was refused" in (store.folder / "log.txt").read_text()


def test_a_log_that_cannot_be_written_ends_no_study(store):
    (store.folder / "log.txt").mkdir()

    assert run(store, ReplayRunner(curve)).status is Status.ANSWERED


def test_the_fixed_search_says_what_it_did_in_the_log(store):
    run(store, ReplayRunner(curve), n_trials=1)

    assert "trial 0: best loss so far" in (store.folder / "log.txt").read_text()
