"""Where Python lets no exception through: finalizers and callbacks. A signal that comes there stops the process all the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shoestring.machine.signals import EXIT_CODE, STOPPED

PROGRAM = """
import atexit, gc, os, signal, weakref
from shoestring.machine import signals
signals.stop_at_once_on_signals()
class Thing:
    pass
def stop(*_):
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):  # the signal is handled here
        pass
"""
MOMENTS = {
    "finalizer": "Thing.__del__ = stop\nThing()",
    "weak reference": "thing = Thing()\nwatch = weakref.ref(thing, stop)\ndel thing",
    "garbage collection": "gc.callbacks.append(stop)\ngc.collect()",
    "end of the program": "atexit.register(stop)\nraise SystemExit",
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_stop_where_no_exception_is_let_through_ends_the_process(moment):
    done = subprocess.run([sys.executable, "-c", f"{PROGRAM}\n{moment}\nprint('went on')"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (EXIT_CODE, "", f"{STOPPED}\n")


def test_other_errors_there_are_reported_as_ever():
    done = subprocess.run(
        [sys.executable, "-c", f"{PROGRAM}\nThing.__del__ = lambda thing: 1 / 0\nThing()"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert "Exception ignored in" in done.stderr and "ZeroDivisionError" in done.stderr
