"""What a run ran on: machine, software, energy, each with where the figure comes from. What was not seen is said to be open."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shoestring.budget import describe, duration
from shoestring.engine.run import Run
from shoestring.reports.spending import by_source

BEGAN = "recorded when the run began"
LEDGER = "ledger"
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
    """Returns what was recorded of the machine when the run began; nothing of what is not there or is not what it should be."""
    with suppress(OSError, ValueError, RecursionError):
        read = json.loads((run.folder / "env.json").read_text(encoding="utf-8"))
        return {name: value for name, value in read.items() if name in _SOUND and _SOUND[name](value)} if isinstance(read, dict) else {}
    return {}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


_SOUND: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("python", "platform", "machine", "processor"), _is_text),
    **dict.fromkeys(("cores", "memory_bytes"), _is_number),
    "packages": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
    "command": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "git": lambda value: isinstance(value, dict) and {"commit", "changed"} <= value.keys(),
    "gpus": lambda value: (
        isinstance(value, list) and all(isinstance(gpu, dict) and "name" in gpu and _is_number(gpu.get("memory_bytes")) for gpu in value)
    ),
}


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
    yield Fact("processor", env.get("processor"), BEGAN if env.get("processor") else OPEN)
    level = env.get("cpu_capability")
    yield Fact("CPU capability", level, BEGAN if level else OPEN)
    memory = env.get("memory_bytes")
    yield Fact("memory", _gib(memory) if memory else None, BEGAN if memory else OPEN)
    found = env.get("gpus")
    named = ", ".join(f"{gpu['name']} ({_gib(gpu['memory_bytes'])})" for gpu in found or ())
    yield Fact("GPUs", None if found is None else named or "none", OPEN if found is None else BEGAN)


def _gib(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.3g} GiB"


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
