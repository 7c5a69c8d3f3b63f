"""Where a run's folder was made, and whether that was here: what lies in a folder that came from elsewhere is not run unasked."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from shoestring.engine.naming import name_of
from shoestring.runners.arms import Arms, Target
from shoestring.runners.script import Script

_SEALED = ("target", "cwd", "runner")


def made_here(folder: Path, request: Mapping[str, Any], members: Sequence[str]) -> dict[str, str]:
    """Returns user, host and path of a run, with a seal over them and over what it runs that no other machine can make.

    Args:
        members: what the question runs besides the target, such as a sampler from a file.
    """
    made = {"user": _user(), "host": platform.node(), "path": str(folder.resolve())}
    sealed = json.dumps([_machine(), os.geteuid(), made, [request.get(name) for name in _SEALED], *members], sort_keys=True)
    return made | {"seal": hashlib.sha256(sealed.encode(errors="surrogatepass")).hexdigest()}


def foreign(folder: Path, request: Mapping[str, Any], members: Sequence[str]) -> str | None:
    """Returns why a run's folder is not taken for one that was made here by this user; None where it is."""
    then, now = request.get("made"), made_here(folder, request, members)
    if then == now:
        return None
    if not isinstance(then, Mapping):
        return "does not say where it was made"
    said = [f"{name} {then.get(name)!r}" for name in ("user", "host", "path") if then.get(name) != now[name]]
    return f"was made elsewhere ({', '.join(said)})" if said else "does not have the seal of this machine"


def command_of(target: Target) -> str:
    """Returns what a target runs, so that nothing in it can pass for something else."""
    if isinstance(target, Arms):
        return "; ".join(f"arm {name}: {command_of(member)}" for name, member in target.members.items())
    return shlex.join(target.command) if isinstance(target, Script) else name_of(target)


def _user() -> str:
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return str(os.geteuid())


def _machine() -> str:
    for place in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with suppress(OSError):
            return Path(place).read_text(encoding="ascii").strip()
    return ""
