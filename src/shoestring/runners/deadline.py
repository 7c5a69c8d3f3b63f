"""A deadline that the kernel keeps: it kills this process, whatever runs in it and whoever else was stopped."""

from __future__ import annotations

import ctypes
import math
import signal
import sys
from contextlib import suppress

from shoestring.machine.clock import monotonic

_CLOCK_MONOTONIC = 1


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class _SignalEvent(ctypes.Structure):
    _fields_ = (("value", ctypes.c_void_p), ("number", ctypes.c_int), ("notify", ctypes.c_int), ("rest", ctypes.c_char * 48))


def kill_self_at(moment: float) -> None:
    """Has the kernel send SIGKILL to this process at a moment on the monotonic clock, but not to what it forks; never for infinity."""
    if moment == math.inf or sys.platform != "linux":
        return
    with suppress(AttributeError):  # a C library without timers: the server's deadline has to do
        libc, timer, left = ctypes.CDLL(None), ctypes.c_void_p(), max(0.001, moment - monotonic())
        event = _SignalEvent(None, signal.SIGKILL, 0)
        spec = _TimerSpec(_TimeSpec(0, 0), _TimeSpec(int(left), int(left % 1 * 1e9)))
        if libc.timer_create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)) == 0:
            libc.timer_settime(timer, 0, ctypes.byref(spec), None)
