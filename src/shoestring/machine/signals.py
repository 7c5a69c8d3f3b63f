"""What ends a study from outside: Ctrl-C, SIGTERM, a closed terminal. The first asks for an orderly stop, a second Ctrl-C stops at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from shoestring.machine.clock import monotonic

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
STOPPED = "shoestring: Stopped. Run the same command to resume."
EXIT_CODE = 4
_BY_HAND = (signal.SIGINT, signal.SIGQUIT)
_IMPATIENT_S = 1.0  # schedulers and shells may send the same signal twice in a moment, and mean it once


class Interruption(BaseException):
    """Ends what runs in this process from outside. Whatever else a training function raises is a failure of its own."""


class TimeIsUp(Interruption):
    """Raised inside a training function that did not end within the grace; no ``except Exception`` holds it up."""


class Stopped(Interruption):
    """Someone wants this process to stop at once."""


class StoppedByKeyboard(Stopped, KeyboardInterrupt):
    """A second Ctrl-C, for callers from Python."""


class _AtOnce:
    """A signal handler: the first signal raises ``Stopped``, and one that comes while that is obeyed ends the process."""

    def __init__(self) -> None:
        self.came_at: float | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.came_at is None:
            self.came_at = monotonic()
            raise Stopped
        if number in _BY_HAND or monotonic() - self.came_at > _IMPATIENT_S:
            leave(STOPPED)


def stop_at_once_on_signals() -> None:
    """Has every signal that asks for a stop raise ``Stopped`` from now on; a study under way takes them over and stops in order.

    Finalizers and callbacks of weak references let no exception through: a stop that comes while one runs ends the process there.
    """
    handler, sys.unraisablehook = _AtOnce(), _not_let_through
    for number in SIGNALS:
        if not _is_for_others(number):
            signal.signal(number, handler)


def _not_let_through(unraisable: sys.UnraisableHookArgs) -> None:
    if isinstance(unraisable.exc_value, Stopped):
        leave(STOPPED)
    if not isinstance(unraisable.exc_value, TimeIsUp):  # which is raised again until it is obeyed
        sys.__unraisablehook__(unraisable)


def leave(message: str = "") -> NoReturn:
    """Ends this process as stopped, and at once: while Python shuts down, one more signal would end it with a code of its own."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):  # its pipe is gone, it is closed, or a signal came while it was written to
            stream.flush()
    with suppress(OSError):
        os.write(2, f"{message}\n".encode() if message else b"")
    os._exit(EXIT_CODE)


@contextmanager
def on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Calls ``stop`` at the first signal that asks for it within the block, and raises ``Stopped`` at a later Ctrl-C.

    Only the main thread can take signals; in another, they are left to whoever takes them there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked, terminals = False, [file for file in (0, 1, 2) if os.isatty(file)]

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number in _BY_HAND:
            if isinstance(handler := before[signal.SIGINT], _AtOnce):
                handler(number, frame)
            raise StoppedByKeyboard
        _let_go_of(terminals)
        if not asked:
            asked = True
            stop()

    before = {number: signal.signal(number, interrupted) for number in SIGNALS if not _is_for_others(number)}
    if any(isinstance(handler, _AtOnce) and handler.came_at is not None for handler in before.values()):
        asked = True  # it came while something was imported that let no exception through
        stop()
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: Mapping[signal.Signals, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)  # type: ignore[arg-type]  # None: it was set outside of Python


def _is_for_others(number: signal.Signals) -> bool:
    """Tells whether this process was started so that a closed terminal does not end it, as ``nohup`` does."""
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN


def _let_go_of(terminals: list[int]) -> None:
    """Sends to nowhere what would be written to a terminal that was closed: an error would end the study before it is stopped."""
    for file in [file for file in terminals if not os.isatty(file)]:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, file)
        os.close(nowhere)
        terminals.remove(file)
