"""The engine's end of its guardian: started with the first trial, started anew when someone has killed it, and sent away at the end."""

from __future__ import annotations

import mmap
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from shoestring.machine import guardian
from shoestring.machine import mark as marks

_FOLDER = str(Path(guardian.__file__).parents[2])
_PROGRAM = f"import sys; sys.path.append({_FOLDER!r}); from shoestring.machine.guardian import main; main()"
_PATIENCE_S = 1.0


class Guard:
    """Keeps a guardian beside this process.

    Args:
        mark: the mark of the run.
        freeze: whether all that carries the mark is stopped for as long as this process is.
    """

    def __init__(self, mark: str, freeze: bool) -> None:
        self._mark = mark
        self._freeze = freeze
        self._control: socket.socket | None = None
        self._stops: mmap.mmap | None = None
        self._before_s = 0.0  # what earlier guardians had counted

    def ensure(self) -> None:
        """Starts the guardian, unless it is there."""
        if self._control is not None and not self._is_gone():
            return
        self._forget()
        if hasattr(os, "memfd_create"):
            with suppress(OSError):  # without a shell, or a process more: the server and the kernel still keep the time
                self._start()

    def stops(self) -> tuple[float, float]:
        """Returns for how many seconds this process was stopped since the start, and when the last stop began."""
        if self._stops is None:
            return self._before_s, 0.0
        stopped_s, began = guardian.STOPS.unpack_from(self._stops)
        return self._before_s + stopped_s, began

    def close(self) -> None:
        """Sends the guardian away, and waits until it is gone, unless it is still being started."""
        if self._control is not None:
            with suppress(OSError):
                self._control.sendall(guardian.BYE)
                if pid := self._control.recv(64, socket.MSG_DONTWAIT):
                    os.kill(int(pid), signal.SIGKILL)
                    self._control.settimeout(_PATIENCE_S)
                    self._control.recv(1)
        self._forget()

    def _is_gone(self) -> bool:
        assert self._control is not None, "asked only of one that was started"
        try:
            return not self._control.recv(64, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _forget(self) -> None:
        self._before_s = self.stops()[0]
        if self._control is not None:
            self._control.close()
        if self._stops is not None:
            self._stops.close()
        self._control = self._stops = None

    def _start(self) -> None:
        stops = os.memfd_create("shoestring-stops")
        self._control, theirs = socket.socketpair()
        try:
            os.ftruncate(stops, mmap.PAGESIZE)
            self._stops = mmap.mmap(stops, mmap.PAGESIZE)
            how = "freeze" if self._freeze else "leave"
            given = [str(os.getpid()), self._mark, how, str(theirs.fileno()), str(stops)]
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-I", "-S", "-c", _PROGRAM, *given],
                env=os.environ | {marks.VARIABLE: self._mark},
                pass_fds=[theirs.fileno(), stops],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        finally:
            theirs.close()
            os.close(stops)
