"""What a run ran on: machine, software, energy, each with where the figure comes from. What was not seen is said to be open."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from shoestring.budget import describe, duration
from shoestring.report.spending import by_source
from shoestring.run import Run
from shoestring.runners import gpus

BEGAN = "recorded when the run began"
LEDGER = "ledger"
NOW = "seen when this report was written, on a machine of the same platform and cores"
OPEN = "not recorded"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known, or not.

    Attributes:
        name: of what.
        value: in words; None where it was not seen.
        source: where it comes from.
    """

    name: str
    value: str | None
    source: str


def environment(run: Run) -> Mapping[str, Any]:
    """Returns what was written down of the machine when the run began, nothing if that is not there."""
    with suppress(OSError, ValueError):
        read = json.loads((run.folder / "env.json").read_text(encoding="utf-8"))
        return read if isinstance(read, dict) else {}
    return {}


def is_virtual(run: Run) -> bool:
    """Returns whether the run was replayed on a virtual clock, so that its seconds are nobody's."""
    return run.request.get("runner") == "replay"


def facts(run: Run) -> list[Fact]:
    """Returns what is known of where the run ran and what it used."""
    env = environment(run)
    return [*_machine(env), *_used(run), *_software(env)]


def workers(run: Run) -> str:
    """Returns how the trials were run, in words."""
    request = run.request
    n = request.get("workers")
    return f"{request.get('runner') or 'a runner of its own'}, {f'{n} at once' if n else 'workers by default'}"


def git(run: Run) -> str | None:
    """Returns the commit that the run began with, None if none was recorded."""
    found = environment(run).get("git")
    return f"{found['commit']}{' with changes that are not committed' if found['changed'] else ''}" if found else None


def _machine(env: Mapping[str, Any]) -> Iterator[Fact]:
    yield Fact("platform", env.get("platform"), BEGAN if env.get("platform") else OPEN)
    cores = env.get("cores")
    yield Fact("cores", f"{cores}, {env.get('machine')}" if cores else None, BEGAN if cores else OPEN)
    same = bool(env) and env.get("platform") == platform.platform() and cores == os.cpu_count()
    model, memory = (_processor(), f"{psutil.virtual_memory().total / 2**30:.3g} GiB") if same else (None, None)
    yield Fact("processor", model, NOW if model else OPEN)
    yield Fact("memory", memory, NOW if memory else OPEN)
    found = ", ".join(f"{gpu.name} ({gpu.total_bytes / 2**30:.3g} GiB)" for gpu in gpus.visible()) if same else ""
    yield Fact("GPUs", (found or "none") if same else None, NOW if same else OPEN)


def _used(run: Run) -> Iterator[Fact]:
    spent = run.spent()
    source = f"{LEDGER}; virtual clock of a replay, nobody's time" if is_virtual(run) else LEDGER
    yield Fact("time on the clock", duration(spent.wall_s), source)
    yield Fact("CPU time", describe("cpu_s", spent.cpu_s), _with_sources(run, "cpu_s"))
    yield Fact("GPU time", describe("gpu_s", spent.gpu_s) if spent.gpu_s else "none", _with_sources(run, "gpu_s"))
    peak = max((row["peak_bytes"] for row in run.ledger), default=0)
    yield Fact("most memory of one trial", f"{peak / 2**20:.4g} MiB" if peak else None, LEDGER if peak else OPEN)
    yield Fact("energy", f"{spent.kwh:.3g} kWh" if spent.kwh else None, _with_sources(run, "kwh") if spent.kwh else OPEN)
    price = ", ".join(run.request.get("price") or ())
    yield Fact(
        "money", f"{spent.usd:.4g} USD" if price else None, f"{LEDGER}, at the user's price of {price}" if price else "no price was given"
    )
    yield Fact("CO2", None, "no region or intensity was given, and none is assumed")
    yield Fact("how trials ran", workers(run), "as asked")


def _software(env: Mapping[str, Any]) -> Iterator[Fact]:
    python = env.get("python")
    yield Fact("Python", python, BEGAN if python else OPEN)
    packages = env.get("packages") or {}
    yield Fact("packages", ", ".join(f"{name} {number}" for name, number in packages.items()) or None, BEGAN if packages else OPEN)


def _with_sources(run: Run, resource: str) -> str:
    sources = by_source(run, resource)
    whole = sum(sources.values())
    if not whole:
        return LEDGER
    return f"{LEDGER}: " + ", ".join(f"{amount / whole:.0%} {source}" for source, amount in sorted(sources.items()))


def _processor() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None
