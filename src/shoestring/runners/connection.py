"""The engine's end of a warm server: it is started, spoken to, and ended here."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psutil

from shoestring.errors import InvalidTarget, shown
from shoestring.machine import mark as marks
from shoestring.machine.clock import monotonic, sleep
from shoestring.runners.arms import Target, to_plain, work_of

END_S = 5.0  # how long a server may take to kill what it started
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_exit = os._exit  # a training function may put something else in its place


class Connection:
    """A running server.

    Args:
        target: what it is to run; a function is handed on by forking the server from this process.
        work: ``package.module:function`` that makes the work of a target given by name, None for ``worker.python_work``.
        threads: how many threads each of its children may use.
        mark: the mark of the run, which it and all its children carry.
        ready_by: the moment, on ``clock.monotonic``, at which it must be ready; None for as long as it takes.
    Attributes:
        pid: the server's process.
    Raises:
        InvalidTarget: the target cannot be imported; its own traceback comes along.
        TimeoutError: it was not ready in time, and is gone.
    """

    def __init__(self, target: Target, work: str | None, threads: int, mark: str, ready_by: float | None) -> None:
        self._received = b""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            if (plain := to_plain(target)) is not None:
                try:
                    self.pid, self._is_gone = _start(theirs, plain, work, threads, mark)
                except InvalidTarget:
                    self._socket.close()
                    raise
            else:
                self.pid, self._is_gone = _fork(self._socket, theirs, target, threads, mark)
        try:
            answer = self._first_answer(ready_by)
        except BaseException:  # it was not ready in time, or someone wants to stop
            self.close(kill=True)
            raise
        if answer.get("refused") or answer.get("cuda_initialized"):
            self.close()
            raise InvalidTarget(_refusal(target, answer))

    def say(self, message: dict[str, Any]) -> bool:
        """Sends a message; False if the server is gone."""
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def answers(self, timeout_s: float) -> Sequence[dict[str, Any]] | None:
        """Returns what the server has said, waiting up to ``timeout_s`` for something; None if it is gone."""
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return []
        try:
            data = self._socket.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            return None
        *lines, self._received = (self._received + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self, kill: bool = False) -> None:
        """Ends the server, which kills what still runs before it goes; ``kill`` is for one that cannot listen, or is stopped."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # closing is not enough: another runner's server may have been forked with a copy of it
        self._socket.close()
        until = monotonic() + (0.0 if kill else END_S)
        while not self._is_gone():
            if monotonic() >= until:
                os.kill(self.pid, signal.SIGKILL)
            sleep(0.001)

    def _first_answer(self, ready_by: float | None) -> dict[str, Any]:
        while True:
            left_s = None if ready_by is None else max(0.0, ready_by - monotonic())
            answers = self.answers(3600.0 if left_s is None else left_s)
            if answers is None:
                return {"refused": {"traceback": "", "type": "crash", "message": "the process that imports it died"}}
            if answers:
                return answers[0]
            if left_s == 0.0:
                raise TimeoutError


def _start(theirs: socket.socket, target: Any, work: str | None, threads: int, mark: str) -> tuple[int, Callable[[], bool]]:
    order = json.dumps({"target": target, "threads": threads, "work": work, "path": sys.path, "engine": os.getpid()})
    # A pool of OpenMP threads would not survive the fork; and waiting threads that spin make a shared machine ten times slower.
    environment = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OPENBLAS_NUM_THREADS": str(threads),
        **os.environ,
        "OMP_NUM_THREADS": "1",
        marks.VARIABLE: mark,
    }
    try:
        server = subprocess.Popen(
            [sys.executable, "-m", "shoestring.runners.server", str(theirs.fileno()), order],
            env=environment,
            pass_fds=[theirs.fileno()],
            preexec_fn=_end_with_engine,
            start_new_session=True,  # what stops or hangs up the terminal's group must leave those who keep its time alone
            stdin=subprocess.DEVNULL,
            stdout=2,
        )
    except OSError as error:
        if error.errno != errno.E2BIG:
            raise
        raise InvalidTarget(f"target {shown(target)} is too long to be handed to a process; put the command into a file.") from None
    return server.pid, lambda: server.poll() is not None


def _fork(ours: socket.socket, theirs: socket.socket, target: Target, threads: int, mark: str) -> tuple[int, Callable[[], bool]]:
    if threading.active_count() > 1 or psutil.Process().num_threads() > 1:
        threads = 1  # a pool of threads does not survive the fork
    engine, pid = os.getpid(), os.fork()
    if pid == 0:
        status = 1
        try:
            from shoestring.runners.server import serve

            ours.close()
            os.setsid()
            _end_with_engine()
            if os.getppid() != engine:
                _exit(status)
            os.environ[marks.VARIABLE], _kept = mark, marks.engrave(mark)
            serve(theirs, lambda: work_of(target), threads, engine)
            status = 0
        finally:
            _exit(status)

    def is_gone() -> bool:
        try:
            return os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True

    return pid, is_gone


def _end_with_engine() -> None:
    """Asks the kernel to end the server with its engine, from before its first import on."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _refusal(target: Target, answer: dict[str, Any]) -> str:
    if answer.get("cuda_initialized"):
        return (
            f"target {target}: CUDA is in use before the first trial starts, which a forked process cannot take over. "
            "Touch the GPU only inside the training function, or use --runner inline."
        )
    error = answer["refused"]
    if error["type"] in ("InvalidTarget", "UnknownName"):
        return str(error["message"])
    return f"target {target} could not be imported ({error['type']}: {error['message']}).\n{error['traceback']}"
