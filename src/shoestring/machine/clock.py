"""The clocks, as the interpreter has them: what training code puts in place of ``time.monotonic`` or ``time.sleep`` does not reach them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import BuiltinImporter

_spec = BuiltinImporter.find_spec("time")
assert _spec is not None, "time is built in"
_time = importlib.util.module_from_spec(_spec)  # a module of its own: the shared one may have been changed before this was imported
BuiltinImporter.exec_module(_time)

monotonic: Callable[[], float] = _time.monotonic
sleep: Callable[[float], None] = _time.sleep
wall: Callable[[], float] = _time.time
