"""What a run's folder already holds: nothing, this question, another one, one that came to nothing, or the finished answer."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from shoestring.budget import Budget
from shoestring.engine.identity import changed, same_name
from shoestring.engine.run import Run
from shoestring.errors import DifferentQuestion, StoreError
from shoestring.machine.files import replace, unwritable
from shoestring.machine.processor import capability
from shoestring.questions.protocol import Question
from shoestring.runners import gpus
from shoestring.store.address import without_password
from shoestring.store.integrity import making_sense
from shoestring.store.store import Store
from shoestring.values.answer import Answer, Status


def set_aside_if_void(folder: Path, question: Question) -> None:
    """Renames the folder of a run whose metric no trial ever reported, if another question is asked now: a misspelling bars no folder."""
    try:
        store = Store.read(folder)
    except StoreError:
        return
    try:
        with store.reading():
            void = store.noted("void") and store.noted("question") != question.to_json()
    finally:
        store.close()
    if void:
        number = next(n for n in count(1) if not folder.with_name(f"{folder.name}.void{n}").exists())
        folder.rename(folder.with_name(f"{folder.name}.void{number}"))


def finished_answer(folder: Path, question: Question, budget: Budget, code: Mapping[str, str], *, accept: bool) -> Answer | None:
    """Returns the answer of a run that has already ended with this question and budget, None if there is more to do.

    Args:
        code: the pieces of what would be trained now.
        accept: give the answer of other code too; a note says so.
    Raises:
        DifferentQuestion: the code has changed since.
    """
    try:
        run = Run.read(folder)
    except StoreError:
        return None
    ended = run.ended
    with making_sense(folder):
        if not ended or ended["limits"] != dict(budget.limits) or differing(run.question.to_json(), question.to_json()):
            return None
        stored = run.request.get("code")
        record = code_record(stored, code, folder, accept=accept, reported=bool(run.observations))
        notes = [f"Saved answer{' of ' + moment(ended['at']) if 'at' in ended else ''}; nothing was run."]
        if stored and record["accepted"] != stored["accepted"]:
            notes.append("The code has changed since. Raise the budget to run the new code.")
        notes += [*ended["notes"], *code_notes(run.request)]
        return Answer(Status[ended["status"]], run.finding, run.spent(), budget, question.unit, ended["n_trials"], folder, tuple(notes))


def code_record(
    stored: Mapping[str, Any] | None, code: Mapping[str, str], folder: Path, *, accept: bool, reported: bool = True
) -> dict[str, Any]:
    """Returns what a run is to record of its code: the pieces, since when, and what changes were accepted.

    Args:
        stored: the record so far, None where there is none.
        code: the pieces now.
        accept: take a change, which then stays on record.
        reported: whether any trial has reported something; before that, a change mixes no results and is taken.
    Raises:
        DifferentQuestion: the code has changed, and that is not accepted.
    """
    now = time.time()
    if stored is None:
        return {"pieces": dict(code), "at": now, "accepted": []}
    pieces = changed(stored["pieces"], code)
    if not pieces:
        return {**stored, "pieces": stored["pieces"] or dict(code)}  # what is new now, such as what a command wrote, is none of it
    said = brief(pieces)
    if reported and not accept:
        raise DifferentQuestion(
            f"the code has changed since {folder} was run on {moment(stored['at'])}: {said}. Choose another --store to ask the question of "
            "the new code, or give --accept-changes (accept_changes=True) to mix old and new results, which the report then says."
        )
    return {"pieces": dict(code), "at": now, "accepted": [*stored["accepted"], {"at": now, "changed": said, "mixed": reported}]}


def code_notes(request: Mapping[str, Any]) -> list[str]:
    """Returns a sentence for each change of the code that was accepted during a run."""
    accepted = (request.get("code") or {}).get("accepted", ())
    return [
        f"The code changed on {moment(each['at'])} ({each['changed']})"
        + (": results of old and new code are mixed." if each["mixed"] else ", before any trial had reported.")
        for each in accepted
    ]


def moment(at: float) -> str:
    """Returns a time as people read it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def brief(pieces: Sequence[str]) -> str:
    """Returns the names of pieces of code, of many the first few."""
    return ", ".join(pieces[:5]) + (f" and {len(pieces) - 5} more" if len(pieces) > 5 else "")


def differing(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Returns in what two questions differ; a target may have been named in another way."""
    return [key for key in asked if not _same(key, stored.get(key), asked[key])]


def _same(key: str, then: Any, now: Any) -> bool:
    if key == "target" and isinstance(then, str) and isinstance(now, str):
        return same_name(then, now)
    if key == "arms" and isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(not differing(*pair) for pair in zip(then, now, strict=True))
    return bool(then == now)


def settle_identity(store: Store, question: Question) -> None:
    """Writes down what a new run asks; checks that a stored one asks the same.

    Raises:
        DifferentQuestion: it asks something else.
    """
    asked = question.to_json()
    stored = store.noted("question")
    if stored is None:
        store.note("question", asked)
        store.commit()
        if store.is_on_disk:
            _write_about(store.folder, asked)
    elif stored != asked:
        with store.reading():
            keys = differing(stored, asked)
            if not keys:
                return
            if keys == ["seeds"]:
                raise DifferentQuestion(
                    f"{store.folder} cannot be extended from {stored['seeds']} to {asked['seeds']} seeds: continuing after seeing results "
                    "raises the error rate (from .05 to .073, measured). Plan the most that could ever be run, or a --reserve, "
                    "in another --store."
                )
            first = keys[0]
            then, now = _first_difference(stored.get(first), asked[first])
            raise DifferentQuestion(
                f"{store.folder} holds another question: {', '.join(keys)} differ "
                f"({first}: stored {_brief(then)}, now {_brief(now)}). "
                "Choose another --store, or ask the stored question to resume."
            )


def _write_about(folder: Path, asked: Mapping[str, Any]) -> None:
    for name, content in {"study.json": asked, "env.json": environment()}.items():
        try:
            replace(folder / name, json.dumps(content, indent=2, sort_keys=True) + "\n")
        except OSError as error:
            raise unwritable(folder / name, error) from error


def environment() -> dict[str, Any]:
    """Returns what a rerun would need to know of this machine and its software."""
    packages = {}
    for name in ("shoestring", "numpy", "torch", "optuna", "scipy", "sqlalchemy"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "cpu_capability": capability(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": [{"name": gpu.name, "memory_bytes": gpu.total_bytes} for gpu in gpus.visible()],
        "packages": packages,
        "command": [without_password(word) for word in sys.argv],
        "git": _git(),
    }


def _processor() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def _git() -> dict[str, Any] | None:
    """Returns the commit of the current folder and whether files differ from it, None outside of a repository."""
    try:
        commit, changes = (
            subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=5, check=True).stdout.strip()
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "changed": bool(changes)}


def _first_difference(then: object, now: object) -> tuple[object, object]:
    """Returns two values, of two lists the first entries that differ."""
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return next((pair for pair in zip(then, now, strict=True) if pair[0] != pair[1]), (then, now))
    return then, now


def _brief(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 60 else text[:57] + "..."
