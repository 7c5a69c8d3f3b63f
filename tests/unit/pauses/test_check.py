"""Checks of pausability see what is forgotten, say what it was, and pass what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shoestring import check
from shoestring.errors import InvalidTarget, UsageError
from shoestring.pauses.check import Checker, shortened
from shoestring.pauses.verdict import Verdict
from shoestring.pauses.watch import WatchedTrial, largest_difference
from shoestring.trial import Trial

pytestmark = pytest.mark.slow

NUMPY_CASES = """
import random
import time

import numpy as np

CALLS = 0
UNSEEDED = np.random.default_rng().normal()


class Agent:
    def __init__(self, seed):
        self.rng = random.Random(seed)


def make_counter():
    n = 0

    def count():
        nonlocal n
        n += 1
        return n

    return count


def passes(trial):
    w, rng = np.zeros(3), np.random.default_rng(trial.seed)
    for done in trial.steps(w=w, others={"rngs": [rng]}):
        w += rng.normal(size=3) + np.random.normal(size=3) + done / trial.horizon
        trial.report(loss=float(w.sum()))


def generator(trial):
    w, rng = np.zeros(3), np.random.default_rng(trial.seed)
    for _ in trial.steps(w=w):
        w += rng.normal(size=3)
        trial.report(loss=float(w.sum()))


def nested_generator(trial):
    w, agent = {"w": 0.0}, Agent(trial.seed)

    def run():
        for _ in trial.steps(w=w):
            w["w"] += agent.rng.random()
            trial.report(loss=w["w"])

    run()


def closure(trial):
    w, count = {"w": 0.0}, make_counter()
    for _ in trial.steps(w=w):
        w["w"] += 1 / count()
        trial.report(loss=w["w"])


def global_counter(trial):
    global CALLS
    w = {"w": 0.0}
    for _ in trial.steps(w=w):
        CALLS += 1
        w["w"] += 1 / CALLS
        trial.report(loss=w["w"])


def enumerated(trial):
    w = {"w": 0.0}
    for i, _ in enumerate(trial.steps(w=w)):
        w["w"] += 1 / (1 + i)
        trial.report(loss=w["w"])


def rebound(trial):
    w = {"w": 0.0}
    for _ in trial.steps(w=w):
        w = {"w": w["w"] + 1.0}
        trial.report(loss=w["w"])


def timed(trial):
    w = {"w": 0.0}
    for _ in trial.steps(w=w):
        w["w"] += time.perf_counter()
        trial.report(loss=w["w"])


def timed_metric(trial):
    w = {"w": 0.0}
    for _ in trial.steps(w=w):
        w["w"] += 1.0
        trial.report(loss=w["w"], seconds=time.perf_counter())


def imported(trial):
    w = {"w": 0.0}
    for _ in trial.steps(w=w):
        w["w"] += UNSEEDED
        trial.report(loss=w["w"])


def fails(trial):
    w = {"w": 0.0}
    for _ in trial.steps(w=w):
        trial.report(loss=w["no such key"])


def fails_late(trial):
    w = {"w": 0.0}
    for done in trial.steps(w=w):
        if done == 0:
            best = 1.0
        trial.report(loss=best)


def returns_early(trial):
    w = {"w": 0.0}
    for done in trial.steps(w=w):
        w["w"] += 1.0
        trial.report(loss=w["w"])
        if done == 2:
            break


def unusable(trial):
    for _ in trial.steps(w=3):
        trial.report(loss=1)


def dies(trial):
    import os

    for _ in trial.steps():
        os.abort()


class Lossy:
    w = 0.0

    def state_dict(self):
        return {"w": self.w}

    def load_state_dict(self, state):
        self.w = state["w"] / 2


def lossy(trial):
    held = Lossy()
    for _ in trial.steps(held=held):
        held.w += 1.0
        trial.report(loss=held.w)


def train(trial):
    globals()[trial.config["case"]](trial)
"""

TORCH_CASES = """
import torch
from torch import nn

torch.set_num_threads(1)
X = torch.linspace(-1, 1, 64).reshape(16, 4)
Y = X.sum(1, keepdim=True)


def parts(trial, momentum):
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 1))
    return net, torch.optim.SGD(net.parameters(), 0.1, momentum=momentum), torch.Generator().manual_seed(trial.seed)


def one_unit(net, opt, batches):
    total = 0.0
    for i in batches:
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(X[i]), Y[i])
        loss.backward()
        opt.step()
        total += loss.item()
    return total


def passes(trial):
    net, opt, g = parts(trial, 0.9)
    for _ in trial.steps(net=net, others={"opt": opt, "generators": [g]}):
        trial.report(loss=one_unit(net, opt, torch.randperm(16, generator=g).split(4)))


def optimizer(trial):
    net, opt, g = parts(trial, 0.9)
    for _ in trial.steps(net=net, g=g):
        trial.report(loss=one_unit(net, opt, torch.randperm(16, generator=g).split(4)))


def generator(trial):
    net, opt, g = parts(trial, 0.0)
    for _ in trial.steps(net=net, opt=opt):
        trial.report(loss=one_unit(net, opt, torch.randperm(16, generator=g).split(4)))


def loader(trial):
    net, opt, g = parts(trial, 0.0)
    batches = torch.utils.data.DataLoader(torch.arange(16), 4, shuffle=True, generator=g)
    del g
    for _ in trial.steps(net=net, opt=opt):
        trial.report(loss=one_unit(net, opt, batches))


def one_cycle(trial):
    net, opt, _ = parts(trial, 0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 0.1, total_steps=trial.horizon + 1)
    for _ in trial.steps(net=net, opt=opt):
        trial.report(loss=one_unit(net, opt, torch.randperm(16).split(4)))
        schedule.step()


def sliced_rate(trial):
    net, opt, _ = parts(trial, 0.0)
    slices = iter(range(1, 100))
    for _ in trial.steps(net=net, opt=opt):
        opt.param_groups[0]["lr"] = 0.1 / next(slices)
        trial.report(loss=one_unit(net, opt, torch.randperm(16).split(4)))


def unneeded(trial):
    net, opt, g = parts(trial, 0.0)
    for _ in trial.steps(net=net):
        torch.rand(1, generator=g)
        trial.report(loss=one_unit(net, opt, torch.randperm(16).split(4)))


def train(trial):
    globals()[trial.config["case"]](trial)
"""


@pytest.fixture(scope="module")
def numpy_checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    path = tmp_path_factory.mktemp("pausable") / "numpy_cases.py"
    path.write_text(NUMPY_CASES)
    with Checker(f"{path}:train") as checker:
        yield checker


@pytest.fixture(scope="module")
def torch_checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    pytest.importorskip("torch")
    path = tmp_path_factory.mktemp("pausable") / "torch_cases.py"
    path.write_text(TORCH_CASES)
    with Checker(f"{path}:train", imports=1) as checker:  # torch takes long to import
        yield checker


@pytest.fixture(scope="module")
def forgetful(numpy_checker: Checker) -> Verdict:
    """The verdict on a function that does not hand in its generator."""
    return numpy_checker.check({"case": "generator"}, units=2)


def named(verdict: Verdict) -> list[str]:
    return [each.name for each in verdict.forgotten]


def test_a_numpy_function_that_hands_in_everything_passes(numpy_checker: Checker) -> None:
    verdict = numpy_checker.check({"case": "passes"})
    assert (verdict.status, verdict.pauses, verdict.forgotten) == ("agrees", (1, 2, 3), ())
    assert "4 units straight and 1+3, 2+2, 3+1" in str(verdict)


def test_a_forgotten_numpy_generator_is_named(forgetful: Verdict) -> None:
    assert (forgetful.status, forgetful.differing, named(forgetful)) == ("differs", (1,), ["rng"])
    assert "hand it in: trial.steps(..., rng=rng)" in str(forgetful)


def test_what_differs_is_named_with_both_values_or_the_largest_difference(forgetful: Verdict) -> None:
    metric, state = forgetful.differences
    assert (metric.what, metric.name, metric.unit) == ("metric", "loss", 2)
    assert metric.straight != metric.here
    assert (state.what, state.name) == ("state", "w")
    assert state.max_abs is not None
    assert state.max_abs > 0


def test_a_generator_inside_of_an_object_is_named(numpy_checker: Checker) -> None:
    assert named(numpy_checker.check({"case": "nested_generator"}, units=2)) == ["agent.rng"]


@pytest.mark.parametrize(("case", "name", "where"), [("closure", "count.n", "closure"), ("global_counter", "CALLS", "global variable")])
def test_a_counter_is_a_hint_with_both_values(numpy_checker: Checker, case: str, name: str, where: str) -> None:
    verdict = numpy_checker.check({"case": case}, units=2)
    (found,) = verdict.forgotten
    assert (verdict.status, found.name, found.where, found.is_hint) == ("differs", name, where, True)
    assert (found.straight, found.here) == ("1", "0")


def test_a_loop_that_counts_its_slices_is_named(numpy_checker: Checker) -> None:
    verdict = numpy_checker.check({"case": "enumerated"}, units=2)
    assert "enumerate(trial.steps(...)) counts from 0" in str(verdict)


def test_a_name_given_to_another_object_is_told(numpy_checker: Checker) -> None:
    verdict = numpy_checker.check({"case": "rebound"}, units=2)
    assert verdict.forgotten[0].rebound
    assert "change that object in place" in str(verdict)


def test_an_object_that_does_not_take_its_state_back_is_told(numpy_checker: Checker) -> None:
    verdict = numpy_checker.check({"case": "lossy"}, units=2)
    assert "held does not take its state back" in str(verdict)
    assert "hand it in" not in str(verdict)


@pytest.mark.parametrize("case", ["timed", "imported"])
def test_what_depends_on_time_or_on_the_import_differs_before_any_pause(numpy_checker: Checker, case: str) -> None:
    verdict = numpy_checker.check({"case": case}, units=2)
    assert verdict.status == "not deterministic"
    assert "not deterministic even without a pause" in str(verdict)
    assert "UNSEEDED" in named(verdict)


def test_a_metric_that_is_a_time_can_be_ignored(numpy_checker: Checker) -> None:
    assert numpy_checker.check({"case": "timed_metric"}, units=2).status == "not deterministic"
    assert numpy_checker.check({"case": "timed_metric"}, units=2, ignore=["seconds"]).agrees


def test_a_failing_function_is_told_with_its_last_lines(numpy_checker: Checker) -> None:
    verdict = numpy_checker.check({"case": "fails"}, units=2)
    assert verdict.status == "failed"
    assert 'trial.report(loss=w["no such key"])' in str(verdict)
    assert "watch.py" not in str(verdict)


def test_a_function_that_fails_only_after_a_pause_cannot_be_paused(numpy_checker: Checker) -> None:
    verdict = numpy_checker.check({"case": "fails_late"}, units=2)
    assert (verdict.status, verdict.differing) == ("differs", (1,))
    assert "UnboundLocalError" in str(verdict)


def test_what_cannot_be_saved_and_what_crashes_is_said_in_one_line(numpy_checker: Checker) -> None:
    assert "cannot be restored in place" in str(numpy_checker.check({"case": "unusable"}, units=2))
    assert "SIGABRT" in str(numpy_checker.check({"case": "dies"}, units=2))


def test_a_function_that_returns_early_is_checked_up_to_there(numpy_checker: Checker) -> None:
    verdict = numpy_checker.check({"case": "returns_early"})
    assert (verdict.status, verdict.units, verdict.pauses) == ("agrees", 2, (1, 2))


def test_a_verdict_is_plain_data(forgetful: Verdict) -> None:
    data = json.loads(json.dumps(forgetful.to_json()))
    assert (data["agrees"], data["status"], data["differences"][0]["name"]) == (False, "differs", "loss")


def test_a_torch_function_that_hands_in_everything_passes(torch_checker: Checker) -> None:
    verdict = torch_checker.check({"case": "passes"}, units=3)
    assert (verdict.status, verdict.forgotten) == ("agrees", ())


@pytest.mark.parametrize(
    ("case", "name", "kind", "entry"),
    [
        ("optimizer", "opt", "SGD", "opt['state'][0]['momentum_buffer']"),
        ("generator", "g", "Generator", "g"),
        ("loader", "batches.generator", "Generator", "batches.generator"),
        ("one_cycle", "schedule", "OneCycleLR", "schedule['last_epoch']"),
    ],
)
def test_a_forgotten_torch_object_is_the_first_named(torch_checker: Checker, case: str, name: str, kind: str, entry: str) -> None:
    verdict = torch_checker.check({"case": case}, units=2)
    first = verdict.forgotten[0]
    assert (verdict.status, first.name, first.kind, first.entry) == ("differs", name, kind, entry)


def test_a_learning_rate_that_follows_the_slicing_is_told(torch_checker: Checker) -> None:
    verdict = torch_checker.check({"case": "sliced_rate"}, units=2)
    assert "opt['param_groups'][0]['lr']" in {each.name for each in verdict.differences}
    assert "learning-rate schedule begins again" in str(verdict)


def test_what_was_forgotten_without_harm_is_a_note(torch_checker: Checker) -> None:
    verdict = torch_checker.check({"case": "unneeded"}, units=2)
    assert (verdict.agrees, named(verdict)) == (True, ["g"])
    assert "it made no difference in these 2 units" in str(verdict)


def test_a_target_that_cannot_be_imported_shows_only_its_own_frames(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import math\n\nmath.sqrt(-1)\n")
    with pytest.raises(InvalidTarget, match=r"could not be imported \(ValueError") as caught:
        check(f"{tmp_path / 'broken.py'}:train", {})
    assert "math.sqrt(-1)" in str(caught.value)
    assert "runners" not in str(caught.value)
    assert "importlib" not in str(caught.value)


def test_arguments_that_make_no_sense_are_refused(numpy_checker: Checker, tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(UsageError, match="2 or more"):
        numpy_checker.check({}, units=1)
    with pytest.raises(UsageError, match="horizon=3"):
        numpy_checker.check({}, units=4, horizon=3)
    with pytest.raises(UsageError, match="not empty"):
        numpy_checker.check({}, folder=tmp_path)


def test_a_watched_trial_answers_to_all_that_a_trial_does() -> None:
    public = {name for name in vars(Trial) if not name.startswith("_")} - {"steps"}
    watched = WatchedTrial(Trial.__new__(Trial), lease=None)  # type: ignore[arg-type]  # not used here
    assert all(callable(getattr(WatchedTrial, name, None)) or name in vars(Trial) for name in public)
    assert watched.report.__func__ is Trial.report


def test_frames_of_the_workers_are_left_out_of_a_traceback() -> None:
    trace = (
        'Traceback\n  File "/x/shoestring/runners/worker.py", line 1, in f\n    call()\n  File "/x/mine.py", line 2, in g\n    1 / 0\nError'
    )
    assert shortened(trace) == 'Traceback\n  File "/x/mine.py", line 2, in g\n    1 / 0\nError'


def test_the_largest_difference_needs_two_numbers_of_one_shape() -> None:
    assert largest_difference(1.0, 3) == 2.0
    assert largest_difference("a", 3) is None
