"""Servers that tests start for themselves and end by their process: nothing that runs here already is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

SETTINGS = "-c listen_addresses= -c shared_buffers=16MB -c max_connections=30"


class Postgresql:
    """A PostgreSQL of one's own, reached by a socket in its folder.

    Args:
        binaries: the folder of its programs.
        folder: where it keeps everything; short, as a socket's name has at most 107 bytes.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self.folder = folder
        self._run(
            "initdb", "-D", "data", "-U", "shoestring", "--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"
        )
        self.start()
        self._run("createdb", "-h", str(folder), "-U", "shoestring", "shoestring")

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://shoestring@/shoestring?host={self.folder}"

    def start(self) -> None:
        """Starts it."""
        options = f"-c unix_socket_directories={self.folder} {SETTINGS}"
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", "30", "-s", "start", "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stops it: at once, as if the machine had lost its power, unless another mode of ``pg_ctl`` is given."""
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "-s", "stop")

    def ask(self, statement: str) -> str:
        """Returns what a statement of SQL gives, as ``psql`` prints it bare."""
        return self._run("psql", "-h", str(self.folder), "-U", "shoestring", "-At", "-c", statement, "shoestring")

    def _run(self, program: str, *words: str) -> str:
        other_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []  # it refuses root
        command = [*other_user, str(self._binaries / program), *words]
        log = self.folder / "out"
        with open(log, "w+b") as out:  # a pipe would be kept open by the server that pg_ctl starts
            done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=60)
        said = log.read_text(errors="replace").strip()
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {said}")
        return said


def missing(what: str) -> NoReturn:
    """Skips a test for want of something; fails it under ``make cluster``, which has installed all."""
    (pytest.fail if os.environ.get("CLUSTER") else pytest.skip)(what)


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """Gives a PostgreSQL of one's own, and removes it; skips the test where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        missing("postgresql is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        server = Postgresql(found[-1].parent, folder)
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder)
