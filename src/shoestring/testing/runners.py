"""The checks of a runner: leases are carried out, followed, stopped, killed and recovered as the engine relies on it.

A check takes what makes a runner of a target, and an empty folder:

    @pytest.mark.parametrize("check", RUNNER_CHECKS)
    def test_my_runner(check, tmp_path):
        check(lambda target: MyRunner(target, workers=2), tmp_path)

The target is ``train`` of this module, which does what the trial's configuration says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from shoestring.runners.protocol import Runner
from shoestring.runners.worker import EVENTS, Train
from shoestring.trial.events import read
from shoestring.trial.lease import Exit, Lease, Report
from shoestring.trial.trial import Trial

Make: TypeAlias = Callable[[Train], Runner]

HORIZON = 6
PATIENCE_S = 30.0  # in which anything must have happened


def train(trial: Trial) -> None:
    """Descends, and after two units does what ``how`` says."""
    how = trial.config["how"]
    for epoch in trial.steps():
        trial.report(loss=1 / (epoch + 1))
        if how == "slowly":
            time.sleep(0.05)
        if epoch == 1 and how == "raise":
            raise ValueError("two is too many")
        if epoch == 1 and how == "hang":
            time.sleep(60)
        if epoch == 1 and how == "return":
            return


@dataclass
class Session:
    """A runner at work in a folder."""

    runner: Runner
    folder: Path
    n_leases: int = 0

    def lease(self, how: str = "well", to: int = HORIZON, trial_id: int = 0, start: int = 0, **terms: Any) -> Lease:
        """Returns the next lease of a trial."""
        self.n_leases += 1
        offset = max((offset for _, offset in read(self.folder / str(trial_id) / EVENTS)), default=0)
        terms = {"offset": offset, "grace": 0.5} | terms
        return Lease(self.n_leases, trial_id, {"how": how}, 1, start, to, HORIZON, "epoch", "loss", self.folder / str(trial_id), **terms)

    def start(self, *args: Any, **terms: Any) -> Lease:
        """Starts the next lease of a trial."""
        lease = self.lease(*args, **terms)
        self.runner.start(lease)
        return lease

    def until_exit(self, n: int = 1) -> list[Report | Exit]:
        """Returns what was told until so many leases had ended."""
        told: list[Report | Exit] = []
        give_up = time.monotonic() + PATIENCE_S
        while sum(isinstance(item, Exit) for item in told) < n:
            told += self.runner.poll(0.5)
            assert time.monotonic() < give_up, f"no lease has ended within {PATIENCE_S:.0f} s; told were {told}"
        return told

    def carry_out(self, *args: Any, **terms: Any) -> tuple[list[dict[str, Any]], Exit]:
        """Returns the events and the exit of a lease that is carried out alone."""
        self.start(*args, **terms)
        *reports, exit_ = self.until_exit()
        assert isinstance(exit_, Exit)
        return [dict(report.event) for report in reports if isinstance(report, Report)], exit_


@contextmanager
def at_work(make: Make, folder: Path) -> Iterator[Session]:
    """Gives a runner at work, and closes it."""
    runner = make(train)
    try:
        yield Session(runner, folder)
    finally:
        runner.close()


def curve_of(events: Iterable[Mapping[str, Any]]) -> list[tuple[int, Any]]:
    """Returns unit and loss of each report among events."""
    return [(event["unit"], event["metrics"]["loss"]) for event in events if "metrics" in event]


def it_carries_a_lease_out_to_its_last_unit(make: Make, folder: Path) -> None:
    """All units that a lease gives are trained and reported, and the trial pauses."""
    with at_work(make, folder) as session:
        events, exit_ = session.carry_out(to=3)

    assert curve_of(events) == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert exit_.how == "ended"
    assert (events[-1]["end"], events[-1]["at"]) == ("paused", 3)


def it_says_that_a_unit_begins_before_it_is_reported(make: Make, folder: Path) -> None:
    """So a unit is charged, whatever becomes of it."""
    with at_work(make, folder) as session:
        events, _ = session.carry_out(to=3)

    told = [event.get("begin") or ("report", event["unit"]) for event in events if "begin" in event or "metrics" in event]
    assert told == [1, ("report", 1), 2, ("report", 2), 3, ("report", 3)]


def it_tells_all_reports_before_the_exit(make: Make, folder: Path) -> None:
    """And nothing of a lease comes after its exit."""
    with at_work(make, folder) as session:
        lease = session.start(to=3)
        told = session.until_exit()
        after = list(session.runner.poll(0.1))

    assert [isinstance(item, Exit) for item in told] == [False] * (len(told) - 1) + [True]
    assert {item.token for item in told} == {lease.token}
    assert after == []


def it_goes_on_where_a_paused_trial_was(make: Make, folder: Path) -> None:
    """The second lease of a trial starts from the first one's checkpoint."""
    with at_work(make, folder) as session:
        first, _ = session.carry_out(to=2)
        second, _ = session.carry_out(to=5, start=max(event["checkpoint"] for event in first if "checkpoint" in event))

    assert curve_of(first) == [(1, 1.0), (2, 0.5)]
    assert [unit for unit, _ in curve_of(second)] == [3, 4, 5]


def it_takes_an_early_return_for_finished(make: Make, folder: Path) -> None:
    """A trial that returns before its last unit is over."""
    with at_work(make, folder) as session:
        events, exit_ = session.carry_out("return")

    assert (events[-1]["end"], exit_.how) == ("finished", "ended")
    assert [unit for unit, _ in curve_of(events)] == [1, 2]


def it_carries_the_traceback_of_a_failure(make: Make, folder: Path) -> None:
    """What a trial raises is told with its traceback, after all that it has reported."""
    with at_work(make, folder) as session:
        events, exit_ = session.carry_out("raise")

    assert (events[-1]["end"], exit_.how) == ("failed", "ended")
    assert "two is too many" in events[-1]["error"]["traceback"]
    assert [unit for unit, _ in curve_of(events)] == [1, 2]


def its_usage_is_not_negative_and_says_where_it_comes_from(make: Make, folder: Path) -> None:
    """What a lease has used is a fact of some provenance."""
    with at_work(make, folder) as session:
        _, exit_ = session.carry_out(to=2)
    usage = exit_.usage

    assert min(usage.busy_s, usage.cpu_s, usage.gpu_s, usage.kwh, usage.peak_bytes) >= 0
    assert usage.busy_s > 0
    assert set(usage.provenance.values()) <= {"measured", "sampled", "estimated"}


def its_clock_moves_on(make: Make, folder: Path) -> None:
    """Carrying out a lease takes time on the runner's clock."""
    with at_work(make, folder) as session:
        before = session.runner.now()
        session.carry_out(to=2)

        assert session.runner.now() > before


def it_runs_as_many_at_once_as_it_has_room_for(make: Make, folder: Path) -> None:
    """So many leases as its capacity run side by side, each with its own reports."""
    with at_work(make, folder) as session:
        leases = [session.start(trial_id=trial_id, to=3) for trial_id in range(session.runner.capacity)]
        assert all(session.runner.usage(lease.token).busy_s >= 0 for lease in leases)
        told = session.until_exit(n=len(leases))

    assert {item.token for item in told if isinstance(item, Exit)} == {lease.token for lease in leases}
    for lease in leases:
        events = [item.event for item in told if isinstance(item, Report) and item.token == lease.token]
        assert [unit for unit, _ in curve_of(events)] == [1, 2, 3]


def it_has_a_stopped_trial_save_and_pause(make: Make, folder: Path) -> None:
    """A stop lets the unit under way end, and loses nothing."""
    with at_work(make, folder) as session:
        lease = session.start("slowly")
        told = list(session.runner.poll(5))
        session.runner.stop(lease.token, 2.0)
        told += session.until_exit()

    *reports, exit_ = told
    events = [report.event for report in reports if isinstance(report, Report)]
    assert isinstance(exit_, Exit) and exit_.how == "ended"
    assert events[-1]["end"] == "paused"
    assert events[-1]["at"] == max((event["checkpoint"] for event in events if "checkpoint" in event), default=0) < HORIZON


def it_kills_a_trial_that_overstays(make: Make, folder: Path) -> None:
    """When the seconds of a lease and its grace are over, the trial ends; what it had reported is kept."""
    with at_work(make, folder) as session:
        began = time.monotonic()
        events, exit_ = session.carry_out("hang", seconds=0.8, grace=0.3)
        took = time.monotonic() - began

    assert (exit_.how, [unit for unit, _ in curve_of(events)]) in [("killed", [1, 2]), ("ended", [1, 2])]  # a keeper may live to tell
    assert took < 0.8 + 0.3 + 1.5


def it_recovers_what_nobody_has_read(make: Make, folder: Path) -> None:
    """After a crash of the engine, what a lease wrote is read in from the offset that was reached."""
    with at_work(make, folder) as session:
        session.carry_out(to=2)
        (_, offset), *rest = read(folder / "0" / EVENTS)
        found = session.runner.recover(folder / "0", 1, offset, None)

    assert [(report.event, report.offset) for report in found] == rest


def it_may_be_closed_twice(make: Make, folder: Path) -> None:
    """Closing what is closed does no harm."""
    with at_work(make, folder) as session:
        session.runner.close()


RUNNER_CHECKS: list[Callable[[Make, Path], None]] = [
    it_carries_a_lease_out_to_its_last_unit,
    it_says_that_a_unit_begins_before_it_is_reported,
    it_tells_all_reports_before_the_exit,
    it_goes_on_where_a_paused_trial_was,
    it_takes_an_early_return_for_finished,
    it_carries_the_traceback_of_a_failure,
    its_usage_is_not_negative_and_says_where_it_comes_from,
    its_clock_moves_on,
    it_runs_as_many_at_once_as_it_has_room_for,
    it_has_a_stopped_trial_save_and_pause,
    it_kills_a_trial_that_overstays,
    it_recovers_what_nobody_has_read,
    it_may_be_closed_twice,
]
