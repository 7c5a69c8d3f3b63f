"""What ``shoestring doctor`` tells of this machine: whether trials can run here, be stopped, be stored and be measured.

It looks, in less than a second, and changes nothing but for one small file that it writes beside the runs, forces to disk and removes.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeAlias

import psutil

from shoestring import datasets
from shoestring.errors import StoreError
from shoestring.machine.lock import holder
from shoestring.machine.processor import capability
from shoestring.runners import gpus
from shoestring.runners.energy import EnergyMeter
from shoestring.store.layout import has_note, is_elsewhere, runs_in

State: TypeAlias = Literal["ok", "note", "problem"]

PACKAGES = ("shoestring", "numpy", "scipy", "sqlalchemy", "optuna", "torch", "scikit-learn")
NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "afs", "9p", "fuse.sshfs")
JOURNAL = "persist"  # as the store sets it
MIN_FREE_BYTES = 1 << 30
MIN_OPEN_FILES = 256
MIN_PROCESSES = 256
SLOW_FSYNC_S = 0.05
_N_FSYNCS = 5
_PR_GET_PDEATHSIG, _PR_GET_CHILD_SUBREAPER = 2, 37


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        state: ``"ok"``, ``"note"`` (works, but something should be known) or ``"problem"`` (trials or results are at risk).
        text: what was found, and what to do about it.
    """

    name: str
    state: State
    text: str

    def to_json(self) -> dict[str, Any]:
        """Returns the finding as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.state:<8}{self.name:<14}{self.text}"


def examine(runs: Path) -> list[Finding]:
    """Returns what was found on this machine.

    Args:
        runs: the folder of all runs; it need not exist yet.
    """
    return [
        _python(),
        _processor(),
        *_graphics(),
        _energy(),
        _disk(runs),
        _file_system(runs),
        _fsync(runs),
        _sqlite(),
        _packages(),
        _processes(),
        _limits(),
        _settings(runs),
        _data(),
        *_runs(runs),
    ]


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.platform(terse=True)}, {platform.machine()}"
    if sys.platform == "linux":
        return Finding("python", "ok", text)
    return Finding("python", "note", f"{text}. Only Linux kills every process of a trial for certain; elsewhere use --runner inline.")


def _processor() -> Finding:
    memory = psutil.virtual_memory()
    usable = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else psutil.cpu_count() or 1
    busy = os.getloadavg()[0]
    text = f"{usable} cores usable (load {busy:.1f}), {_gib(memory.available)} of {_gib(memory.total)} memory free"
    if level := capability():
        text += f", PyTorch computes with {level}"
    limit = _memory_limit()
    if limit is not None and limit < memory.total:
        text += f", limited to {_gib(limit)} by its control group"
    if memory.available < MIN_FREE_BYTES:
        return Finding("processor", "problem", f"{text}. Close something, or lower --workers.")
    if busy > usable:
        return Finding("processor", "note", f"{text}. Others are using the cores: trials will be slower, and seconds of budget buy less.")
    return Finding("processor", "ok", text)


def _graphics() -> Iterator[Finding]:
    found = gpus.visible()
    if not found:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        yield Finding("gpu", "ok", "none found" if hidden is None else f"none found (CUDA_VISIBLE_DEVICES={hidden!r})")
    for gpu in found:
        text = f"{gpu.index}: {gpu.name}, {_gib(gpu.free_bytes)} of {_gib(gpu.total_bytes)} free"
        others = gpus.processes(gpu.index)
        if others:
            yield Finding("gpu", "note", f"{text}; in use by process {', '.join(map(str, others))}")
        else:
            yield Finding("gpu", "ok", text)


def _energy() -> Finding:
    meter = EnergyMeter()
    cards = "; GPUs: NVML (measured)" if gpus.visible() else ""
    text = f"processor: {meter.processor_source}{cards}"
    if "measured" in meter.processor_source:
        return Finding("energy", "ok", text)
    return Finding("energy", "note", f"{text}. Give --watts, or make /sys/class/powercap/intel-rapl:*/energy_uj readable.")


def _disk(runs: Path) -> Finding:
    place = _existing(runs)
    if not os.access(place, os.W_OK):
        return Finding("disk", "problem", f"{place} cannot be written. Set SHOESTRING_RUNS, or give --store.")
    free = shutil.disk_usage(place).free
    if free < MIN_FREE_BYTES:
        return Finding("disk", "problem", f"{_gib(free)} free at {place}. Free some space: each trial keeps two checkpoints.")
    return Finding("disk", "ok", f"{_gib(free)} free at {place}")


def _file_system(runs: Path) -> Finding:
    place = _existing(runs).resolve()
    kind = _file_system_of(place)
    if kind is None:
        return Finding("file system", "note", f"of {place}: could not be told")
    if kind in NETWORK_FILE_SYSTEMS or "lustre" in kind:
        advice = "locks may not hold there. Put the runs on a local disk (SHOESTRING_RUNS), and let no two machines work on one run."
        return Finding("file system", "note", f"{kind} at {place} is a network file system: {advice}")
    if kind in ("tmpfs", "ramfs"):
        return Finding("file system", "note", f"{kind} at {place} is memory: runs there are gone at the next restart.")
    return Finding("file system", "ok", f"{kind} at {place}")


def _fsync(runs: Path) -> Finding:
    place = _existing(runs)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            taken = statistics.median(_time_of_fsync(file.fileno()) for _ in range(_N_FSYNCS))
    except OSError as error:
        return Finding("fsync", "problem", f"{place} cannot be written ({error.strerror}).")
    text = f"{1e3 * taken:.1f} ms to force a write to disk"
    if taken > SLOW_FSYNC_S:
        return Finding(
            "fsync", "note", f"{text}, which is slow: every checkpoint waits for some. A local disk would be faster (SHOESTRING_RUNS)."
        )
    return Finding("fsync", "ok", text)


def _time_of_fsync(file: int) -> float:
    os.pwrite(file, os.urandom(4096), 0)
    began = time.perf_counter()
    os.fsync(file)
    return time.perf_counter() - began


def _sqlite() -> Finding:
    text = f"SQLite {sqlite3.sqlite_version}, journal mode {JOURNAL}, synchronous full, one writer a run"
    if sqlite3.sqlite_version_info < (3, 24):
        return Finding("database", "problem", f"{text}; 3.24 or newer is needed.")
    return Finding("database", "ok", text)


def _packages() -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    text = ", ".join(found)
    if missing:
        return Finding("packages", "note", f"{text}; not installed: {', '.join(missing)} (pip install 'shoestring[systems]')")
    return Finding("packages", "ok", text)


def _processes() -> Finding:
    """Looks for what the process runner rests on: fork, death with the parent, and adoption of orphans."""
    missing = [] if hasattr(os, "fork") else ["fork"]
    libc = ctypes.CDLL(None)
    value = ctypes.c_int()
    for name, option in (("PR_SET_PDEATHSIG", _PR_GET_PDEATHSIG), ("PR_SET_CHILD_SUBREAPER", _PR_GET_CHILD_SUBREAPER)):
        if not hasattr(libc, "prctl") or libc.prctl(option, ctypes.byref(value)) != 0:
            missing.append(name)
    if missing:
        text = f"without {', '.join(missing)}, what a trial starts may outlive it. Use --runner inline, or a Linux machine."
        return Finding("processes", "problem", text)
    return Finding("processes", "ok", "fork, PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER: no trial outlives its engine")


def _limits() -> Finding:
    limits = {"open files": resource.RLIMIT_NOFILE, "processes": resource.RLIMIT_NPROC}
    soft = {name: resource.getrlimit(which)[0] for name, which in limits.items()}
    text = ", ".join(f"{name}: {'no limit' if value == resource.RLIM_INFINITY else value}" for name, value in soft.items())
    low = [
        name
        for name, least in (("open files", MIN_OPEN_FILES), ("processes", MIN_PROCESSES))
        if soft[name] != resource.RLIM_INFINITY and soft[name] < least
    ]
    if low:
        return Finding("limits", "problem", f"{text}. Raise the limit of {' and '.join(low)} (ulimit -n, ulimit -u).")
    return Finding("limits", "ok", text)


def _settings(runs: Path) -> Finding:
    given = {name: os.environ.get(name) for name in ("SHOESTRING_RUNS", "SHOESTRING_DATA")}
    text = ", ".join(f"{name}={value}" if value else f"{name} not set" for name, value in given.items())
    data = given["SHOESTRING_DATA"]
    if data and not Path(data).is_dir():
        return Finding("settings", "problem", f"{text}: there is no folder {data}.")
    return Finding("settings", "ok", f"{text}; runs in {runs.resolve()}")


def _data() -> Finding:
    places = datasets.folders()
    found = sorted({path.name for place in places if place.is_dir() for path in place.iterdir() if path.is_dir() and path.name[0] != "."})
    where = ", ".join(map(str, places))
    if not found:
        return Finding("data sets", "note", f"none found in {where}. Only studies on such data need them; set SHOESTRING_DATA.")
    return Finding("data sets", "ok", f"{', '.join(found)} (looked for in {where})")


def _runs(runs: Path) -> Iterator[Finding]:
    folders = sorted(runs_in(runs))
    held = {folder: pid for folder in folders if (pid := holder(folder)) is not None}
    unanswered = [folder for folder in folders if folder not in held and not _is_ended(folder)]
    text = f"{len(folders)} in {runs}, {len(held)} being worked on, {len(unanswered)} unfinished"
    if unanswered:
        names = ", ".join(folder.name for folder in unanswered[:5]) + (", ..." if len(unanswered) > 5 else "")
        yield Finding("runs", "note", f"{text}: {names}. Resume with `shoestring resume NAME`.")
    else:
        yield Finding("runs", "ok", text)
    for folder, pid in held.items():
        yield Finding("run", "ok", f"{folder.name} is being worked on by process {pid}")


def _is_ended(folder: Path) -> bool:
    if not is_elsewhere(folder):
        return has_note(folder, "ended")
    from shoestring.store.store import Store  # with SQLAlchemy, which a look at files does without

    try:
        with closing(Store.read(folder)) as store:
            return store.noted("ended") is not None
    except StoreError:
        return False


def _memory_limit() -> int | None:
    """Returns the memory limit of the control group in bytes, None if there is none."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            return int(Path(path).read_text(encoding="ascii"))
    return None


def _file_system_of(place: Path) -> str | None:
    """Returns the kind of the file system that a folder is on, that of the innermost mount point."""
    kinds = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((kinds[folder] for folder in (place, *place.parents) if folder in kinds), None)


def _existing(folder: Path) -> Path:
    """Returns the folder, or the nearest above it that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _gib(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.1f} GiB"
