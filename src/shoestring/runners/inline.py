"""The inline runner: trials run one after the other in this process, where a debugger can follow them."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from shoestring.machine import mark as marks
from shoestring.machine.clock import monotonic
from shoestring.machine.signals import TimeIsUp
from shoestring.runners.arms import catch_up, work_of
from shoestring.runners.energy import EnergyMeter
from shoestring.runners.family import Family
from shoestring.runners.guarding import Guard
from shoestring.runners.protocol import Post
from shoestring.runners.worker import EVENTS, Work
from shoestring.trial import seeding
from shoestring.trial.events import read, read_until_damage
from shoestring.trial.lease import Exit, Lease, Report, Usage

_WOKEN_S = 0.1  # by how much less than the timer has counted the clock may have moved on
_AGAIN_S = 1.0  # until ``TimeIsUp`` is raised again: a finalizer or a bare ``except`` may have swallowed it


class InlineRunner:
    """Runs each lease to its end inside ``poll``.

    When the time of a lease and its grace are over, ``TimeIsUp`` is raised in the training function, again and again until it has ended:
    Python code, sleeps included, stops there. A function that hangs in C does not; the process runner stops that too. Whatever a trial has
    started ends with its lease. While this process is stopped (Ctrl-Z), so is what the trial has started, and no time is charged.

    Args:
        work: what carries out a lease.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        device: handed to the trials.
        mark: the mark of the run, which everything that a trial starts carries; without one, there is no guardian.
        catch_up: called with folder and token of a lease that did not end by itself, before what it wrote is read.
    """

    capacity = 1

    def __init__(
        self,
        work: Work,
        watts: float | None = None,
        device: str = "cpu",
        mark: str | None = None,
        catch_up: Callable[[Path, int], None] = lambda _folder, _token: None,
    ) -> None:
        self._work = work
        self._catch_up = catch_up
        self._device = device
        self._mark = mark or marks.new()
        self._guard = Guard(self._mark, freeze=True)
        self._is_guarded = mark is not None
        self._meter = EnergyMeter(watts)
        self.rates = self._meter.rates(cores=os.cpu_count() or 1, n_gpus=int(device != "cpu"))
        self._waiting: list[Lease] = []
        self._stop = False
        self._generators = seeding.capture()  # trials seed them, and may not change what the caller draws

    def now(self) -> float:
        """Returns seconds on the monotonic clock, less those in which this process was stopped."""
        return monotonic() - self._guard.stops()[0]

    def start(self, lease: Lease) -> None:
        """Keeps the lease for the next ``poll``."""
        self._stop = False
        self._waiting.append(lease)

    def poll(self, timeout_s: float) -> Sequence[Report | Exit]:
        """Runs the waiting lease, and returns its reports and its exit."""
        if not self._waiting:
            return []
        lease = self._waiting.pop()
        energy = self._meter.begin()
        if self._is_guarded:
            self._guard.ensure()
        began, cpu_before = self.now(), _cpu_s()
        killed = False
        try:
            with _marked(self._mark), Family(), _alarm(lease, self.now):
                self._work(lease, lambda: self._stop, self._device)
        except TimeIsUp:
            killed = True
            self._catch_up(lease.folder, lease.token)
        busy_s, cpu_s = self.now() - began, _cpu_s() - cpu_before
        kwh, source = self._meter.used(energy, cpu_s)
        gpu_s = busy_s * self.rates.gpu_s
        provenance = {"busy_s": "measured", "cpu_s": "measured", "gpu_s": "measured", "kwh": source}
        events, damage = read_until_damage(lease.folder / EVENTS, lease.offset)
        usage = Usage(busy_s, cpu_s, gpu_s, kwh, 0, provenance)
        exit_ = Exit(lease.token, usage, "damaged" if damage else "killed" if killed else "ended", damage)
        return [*(Report(lease.token, event, offset) for event, offset in events), exit_]

    def usage(self, token: int) -> Usage:
        """Returns nothing used: a lease is over before anyone could ask."""
        return Usage()

    def stop(self, token: int, grace_s: float) -> None:
        """Lets the running lease pause after the unit under way."""
        self._stop = True

    def process(self, token: int) -> None:
        """Returns None: there is no process but this."""

    def recover(self, folder: Path, token: int, offset: int, process: Mapping[str, float | str] | None) -> Sequence[Report]:
        """Ends what a dead engine has left running, and returns what was recorded before a crash and not read yet."""
        marks.end(self._mark)
        self._catch_up(folder, token)
        return [Report(token, event, end) for event, end in read(folder / EVENTS, offset, may_be_shorter=True)]

    def close(self) -> None:
        """Forgets what was not begun, and leaves the random generators as they were."""
        self._waiting.clear()
        self._guard.close()
        seeding.restore(self._generators)


@contextmanager
def _marked(mark: str) -> Iterator[None]:
    """Marks what is started within the block."""
    before, mapping = os.environ.get(marks.VARIABLE), marks.engrave(mark)
    os.environ[marks.VARIABLE] = mark
    try:
        yield
    finally:
        os.environ.pop(marks.VARIABLE, None)
        if before is not None:
            os.environ[marks.VARIABLE] = before
        if mapping is not None:
            mapping.close()


@contextmanager
def _alarm(lease: Lease, now: Callable[[], float]) -> Iterator[None]:
    if lease.seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    ends_at = now() + lease.seconds + lease.grace

    def ring(_number: int, _frame: FrameType | None) -> None:
        left = ends_at - now()
        is_over = left <= _WOKEN_S  # if not, this process was stopped meanwhile
        set_timer(signal.ITIMER_REAL, _AGAIN_S if is_over else left)
        if is_over:
            raise TimeIsUp

    set_timer = signal.setitimer
    before = signal.signal(signal.SIGALRM, ring)
    set_timer(signal.ITIMER_REAL, lease.seconds + lease.grace)
    try:
        yield
    finally:
        try:
            set_timer(signal.ITIMER_REAL, 0)
        finally:  # it may ring just before
            set_timer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _cpu_s() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def inline(post: Post) -> InlineRunner:
    """Returns the inline runner of a post."""
    target = post.target
    return InlineRunner(work_of(target), post.watts, mark=post.mark, catch_up=lambda folder, token: catch_up(target, folder, token))
