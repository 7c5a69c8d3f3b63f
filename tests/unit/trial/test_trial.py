"""A trial as the training function sees it, under leases that the worker carries out in this process."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.runners.worker import EVENTS, carry_out
from shoestring.trial.events import read
from shoestring.trial.lease import Lease

HORIZON = 9


@dataclass
class Leases:
    """Gives leases for the trials in one folder, one after the other, and reads what was written."""

    folder: object

    def run(self, train, to=HORIZON, trial_id=0, start=None, stop=lambda: False, seed=1, **terms):
        folder = self.folder / str(trial_id)
        start = self.checkpoint(trial_id) if start is None else start
        lease = Lease(1, trial_id, {"lr": 0.1}, seed, start, to, HORIZON, "epoch", "loss", folder, **terms)
        carry_out(train, lease, stop)
        return self.events(trial_id)[-1]

    def events(self, trial_id=0):
        return [event for event, _ in read(self.folder / str(trial_id) / EVENTS, holding=b'"token"')]  # damaged lines passed over

    def checkpoint(self, trial_id=0):
        return max((event["checkpoint"] for event in self.events(trial_id) if "checkpoint" in event), default=0)

    def reports(self, trial_id=0):
        return [(event["unit"], event["metrics"]) for event in self.events(trial_id) if "metrics" in event]


@pytest.fixture
def leases(tmp_path):
    return Leases(tmp_path)


def plain(trial):
    for epoch in trial.steps():
        trial.report(loss=1 / (epoch + 1))


def random_walk(trial):
    """Depends on every generator, on an array, on a dict, and on how far it has come."""
    at, seen, own = np.zeros(2), {"sum": 0.0, "last": None}, np.random.default_rng(trial.seed)
    for epoch in trial.steps(at=at, seen=seen, own=own):
        at += [random.gauss(0, 1), np.random.randn()]
        seen["sum"] += float(own.random()) + at.sum()
        seen["last"] = (epoch, own.integers(9))
        trial.report(loss=seen["sum"], x=at[0], y=at[1])


def test_the_loop_counts_the_units_done_and_ends_at_the_lease(leases):
    epochs = []

    def train(trial):
        for epoch in trial.steps():
            epochs.append(epoch)
            trial.report(loss=0)

    assert leases.run(train, to=3) == {"token": 1, "end": "paused", "at": 3}
    assert leases.run(train, to=5)["at"] == 5
    assert epochs == [0, 1, 2, 3, 4]


def test_a_trial_that_has_nothing_to_save_says_that_its_last_unit_is_done(leases):
    leases.run(plain, to=HORIZON)

    assert [event.get("done") for event in leases.events()][-2:] == [HORIZON, None]


def test_each_unit_is_announced_before_it_runs_and_reported_within(leases):
    leases.run(plain, to=2)

    told = [event.get("begin") or ("report", event["unit"]) for event in leases.events() if "begin" in event or "metrics" in event]
    assert told == [1, ("report", 1), 2, ("report", 2)]


def test_what_comes_after_the_loop_is_run_each_time(leases):
    runs = []

    def train(trial):
        plain(trial)
        runs.append(trial.units_done)

    leases.run(train, to=1)
    leases.run(train, to=2)

    assert runs == [1, 2]


@given(pauses=st.sets(st.integers(1, HORIZON - 1)), stops=st.lists(st.integers(0, 3), max_size=3))
def test_a_paused_trial_goes_on_as_if_it_had_not_been_paused(tmp_path_factory, pauses, stops):
    straight, sliced = (Leases(tmp_path_factory.mktemp("trial")) for _ in range(2))
    straight.run(random_walk)

    for n in stops:
        answers = iter([False] * n)
        sliced.run(random_walk, stop=lambda answers=answers: next(answers, True))
    for to in [*sorted(pauses), HORIZON]:
        if to > sliced.checkpoint():
            sliced.run(random_walk, to=to)

    assert sliced.reports() == straight.reports()


def test_a_torch_trial_goes_on_bit_for_bit(torch, tmp_path_factory):
    def train(trial):
        net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Dropout(), torch.nn.Linear(4, 1))
        opt = torch.optim.Adam(net.parameters(), lr=trial.config["lr"])
        for _ in trial.steps(net=net, opt=opt):
            opt.zero_grad()
            loss = net(torch.randn(8, 2)).square().mean()
            loss.backward()
            opt.step()
            trial.report(loss=loss)

    straight, sliced = (Leases(tmp_path_factory.mktemp("trial")) for _ in range(2))
    straight.run(train)
    for to in (1, 4, HORIZON):
        sliced.run(train, to=to)

    assert sliced.reports() == straight.reports()


def test_interleaved_trials_do_not_disturb_each_other(leases, tmp_path_factory):
    alone = Leases(tmp_path_factory.mktemp("alone"))
    for trial_id in (0, 1):
        alone.run(random_walk, trial_id=trial_id, seed=trial_id)

    for to in (2, 3, 7, HORIZON):
        for trial_id in (0, 1):
            leases.run(random_walk, to=to, trial_id=trial_id, seed=trial_id)

    assert [leases.reports(i) for i in (0, 1)] == [alone.reports(i) for i in (0, 1)]


def damage_last_line(event_file):
    """Damages the newest state that lies in the event file."""
    data = bytearray(event_file.read_bytes())
    data[data.rindex(b'"state":"') + 50] ^= 1
    event_file.write_bytes(data)


@pytest.mark.parametrize("small", [1 << 15, 0])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(leases, monkeypatch, small):
    monkeypatch.setattr("shoestring.trial.checkpoint.SMALL", small)
    leases.run(random_walk, to=3)
    leases.run(random_walk, to=5)
    folder = leases.folder / "0"
    if small:
        damage_last_line(folder / EVENTS)
    else:
        max((folder / "checkpoints").iterdir()).write_bytes(b"damaged")
    before = leases.reports()

    assert leases.run(random_walk, to=7, start=5)["at"] <= 7
    leases.run(random_walk)

    assert {"token": 1, "damaged": 5, "from": 3} in leases.events()
    curve = dict(leases.reports())
    assert all(curve[unit] == metrics for unit, metrics in before)
    assert sorted(curve) == list(range(1, HORIZON + 1))


def test_a_fallback_begins_no_more_units_than_the_lease_pays_for(leases):
    leases.run(random_walk, to=3)
    damage_last_line(leases.folder / "0" / EVENTS)
    n_before = len(leases.reports())

    leases.run(random_walk, to=5, start=3)

    assert {"token": 1, "damaged": 3, "from": 0} in leases.events()
    assert len(leases.reports()) - n_before == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_deciding_metric_that_is_not_finite_ends_the_trial(leases, value):
    def train(trial):
        for epoch in trial.steps():
            trial.report(loss=value if epoch == 1 else 0, other=0)

    assert leases.run(train) == {"token": 1, "end": "diverged", "at": 2}
    assert leases.reports()[-1] == (2, {"loss": str(value), "other": 0.0})


def test_another_metric_may_be_anything(leases):
    def train(trial):
        for _ in trial.steps():
            trial.report(loss=1, gradient=float("nan"))

    assert leases.run(train)["end"] == "paused"


def test_a_function_that_returns_early_has_finished(leases):
    def train(trial):
        for epoch in trial.steps():
            trial.report(loss=1)
            if epoch == 2:
                return

    assert leases.run(train)["end"] == "finished"
    assert len(leases.reports()) == 3


def test_a_function_that_raises_has_failed_and_its_own_frames_are_kept(leases):
    def train(trial):
        for _ in trial.steps():
            raise KeyError("no such thing")

    error = leases.run(train)["error"]

    assert (error["type"], error["message"], error["usage"]) == ("KeyError", "'no such thing'", False)
    assert "no such thing" in error["traceback"]
    assert "worker.py" not in error["traceback"]


def test_leaving_the_process_is_a_failure_of_the_trial(leases):
    def train(trial):
        raise SystemExit(3)

    assert leases.run(train)["error"]["type"] == "SystemExit"


def misuse(name):
    def never(trial):
        pass

    def outside(trial):
        trial.report(loss=1)

    def behind(trial):
        plain(trial)
        trial.report(loss=1)

    def twice(trial):
        plain(trial)
        plain(trial)

    def number(trial):
        for _ in trial.steps(best=0.5):
            pass

    def misspelt(trial):
        trial.config["lrr"]

    def changing(trial):
        handed = {"a": {}} if not any(trial.directory.iterdir()) else {"b": {}}
        (trial.directory / "seen").touch()
        for _ in trial.steps(**handed):
            trial.report(loss=1)

    def kinds(trial):
        first = not any(trial.directory.iterdir())
        (trial.directory / "seen").touch()
        for _ in trial.steps(state={} if first else []):
            trial.report(loss=1)

    return locals()[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("never", "never called trial.steps()"),
        ("outside", "outside of the loop"),
        ("behind", "outside of the loop"),
        ("twice", "a second time"),
        ("number", "cannot be restored in place"),
        ("misspelt", "Did you mean 'lr'"),
        ("changing", "other objects than at the checkpoint (a, b)"),
        ("kinds", "hand in the same kinds of objects"),
    ],
)
def test_misuse_is_told_in_one_sentence(leases, name, message):
    train = misuse(name)
    leases.run(train, to=1)

    error = leases.run(train, to=2)["error"]

    assert error["usage"]
    assert message in error["message"]


@pytest.mark.parametrize(
    "metrics", [{}, {"loss": "0.1"}, {"loss": None}, {"loss": [1, 2]}, {"loss": 1j}, {"loss": np.zeros(2)}, {"loss": 10**400}], ids=str
)
def test_what_is_no_single_number_is_no_metric(leases, metrics):
    def train(trial):
        for _ in trial.steps():
            trial.report(**metrics)

    error = leases.run(train)["error"]

    assert error["usage"]
    assert "trial.report(" in error["message"]


def test_numbers_of_any_kind_are_metrics(leases, torch):
    def train(trial):
        for _ in trial.steps():
            trial.report(loss=torch.tensor([0.5], requires_grad=True), a=np.float32(2), b=True, c=np.array(3))

    leases.run(train, to=1)

    assert leases.reports() == [(1, {"loss": 0.5, "a": 2.0, "b": 1.0, "c": 3.0})]


def test_a_request_to_stop_ends_the_loop_before_the_next_unit(leases):
    asked = iter([False, False, True])

    assert leases.run(plain, stop=lambda: next(asked)) == {"token": 1, "end": "paused", "at": 2}
    assert leases.checkpoint() == 2


def test_a_lease_whose_time_is_over_begins_no_unit(leases):
    assert leases.run(plain, seconds=0.0) == {"token": 1, "end": "paused", "at": 0}


def test_the_scratch_folder_survives_pauses(leases):
    def train(trial):
        for _ in trial.steps():
            with open(trial.directory / "log", "a", encoding="utf-8") as file:
                file.write("x")
            trial.report(loss=1)

    leases.run(train, to=1)
    leases.run(train, to=3)

    assert (leases.folder / "0" / "scratch" / "log").read_text() == "xxx"


def test_threads_may_report(leases):
    def train(trial):
        for _ in trial.steps():
            threads = [threading.Thread(target=lambda i=i: trial.report(**{f"m{i}": i})) for i in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            trial.report(loss=1)

    assert leases.run(train, to=2)["at"] == 2

    assert {name for unit, metrics in leases.reports() if unit == 2 for name in metrics} == {"loss", *(f"m{i}" for i in range(8))}


@pytest.mark.parametrize("ends", ["raises", "returns", "exits"])
def test_a_forked_child_that_reports_or_comes_out_of_the_function_is_no_trial(leases, ends):
    def train(trial):
        for epoch in trial.steps():
            trial.report(loss=epoch)
            if (child := os.fork()) == 0:
                if ends == "returns":
                    return
                if ends == "exits":
                    raise SystemExit(0)
                trial.report(loss=-1)
            os.waitpid(child, 0)

    assert leases.run(train, to=3) == {"token": 1, "end": "paused", "at": 3}
    assert [metrics for _, metrics in leases.reports()] == [{"loss": epoch} for epoch in range(3)]


@pytest.mark.parametrize(
    "value", [np.ma.masked, np.ma.array([3.0, 4.0], mask=True).mean(), np.ma.array(5.0, mask=True), np.ma.array([5.0], mask=[True])]
)
def test_a_masked_value_is_not_finite(leases, value):
    def train(trial):
        for _ in trial.steps():
            trial.report(loss=value)

    assert leases.run(train)["end"] == "diverged"


def test_too_many_metrics_in_one_unit_fail_the_trial_alone(leases):
    def train(trial):
        for _ in trial.steps():
            for start in (0, 6000):
                trial.report(loss=1, **{f"m{i}": 1 for i in range(start, start + 6000)})

    error = leases.run(train)["error"]

    assert not error["usage"]
    assert "12,001 different metrics in one epoch; at most 10,000" in error["message"]
