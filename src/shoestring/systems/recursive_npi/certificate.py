"""Certificates as files: a JSON beside the weights that it is about, and the check that proves it anew from both.

Nothing is unpickled: weights are safetensors. What verifies is in ``verification``.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.model import NPI
from shoestring.systems.recursive_npi.soundness import Checked
from shoestring.systems.recursive_npi.task import Task
from shoestring.systems.recursive_npi.tasks import make_task
from shoestring.systems.recursive_npi.verification import Certificate, Counterexample, verify

__all__ = ["Certificate", "Counterexample", "read_weights", "recheck", "write"]

SYSTEM, VERSION = "recursive_npi", 2
MOST_LENGTHS, MOST_PROBLEMS = 1000, 100_000  # what is read from a file must not cost hours
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "task": str,
    "built_in": (dict, type(None)),
    "frames": int,
    "steps": int,
    "min_margin": (int, float),
    "problems": int,
    "lengths": list,
    "met": int,
    "solved": (int, float),
    "model_hash": str,
    "task_hash": str,
    "width": int,
    "layers": int,
    "weights": str,
    "seed": int,
    "derived_from": int,
}


def write(certificate: Certificate, model: NPI, path: str | Path) -> Path:
    """Writes a certificate, and the model's weights beside it under the same name and ``.safetensors``; returns the certificate's path.

    Raises:
        UsageError: the certificate is of other weights, or the place cannot be written.
    """
    if model.digest() != certificate.model_hash:
        raise UsageError("the certificate is of other weights than these; write it with the model that was verified.")
    path = Path(path)
    weights = path.with_suffix(".safetensors")
    record = {"system": SYSTEM, "version": VERSION, "weights": weights.name, **asdict(certificate)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}, weights)
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror or error}); choose another place.") from error
    return path


def recheck(path: str | Path, task: Task | None = None) -> Certificate | Counterexample | Checked:
    """Reads a certificate and the weights stored beside it, checks both hashes, and proves it anew.

    A certificate of a task of one's own names no code to run: give the task. From the command line only tasks that come with the system
    can be checked again.

    Args:
        path: of the certificate.
        task: what the model should do; None for the task that comes with the system and that the certificate names.
    Returns:
        a certificate that says the same; or the frame in which the model does something else; or what forbids a proof.
    Raises:
        UsageError: the file is no certificate, or of another version, or of another task; the weights are missing, or others; it is
            evidence, of which another sample would be other evidence.
    """
    path = Path(path)
    record = _record(path)
    if record["kind"] != "proof":
        raise UsageError(f"{path} is evidence from a sample, not a proof, so there is nothing to prove anew; verify with mode='abstract'.")
    if task is None and record["built_in"] is None:
        raise UsageError(
            f"{path} is of {record['task']!r}, a task of its author's own, and only tasks that come with the system can be rechecked "
            "by name; call recheck(path, task=...) from Python."
        )
    if task is None:
        settings = dict(record["built_in"])
        task = make_task(str(settings.pop("task", "")), settings)
    if task.name != record["task"]:
        raise UsageError(f"{path} is of task {record['task']!r}, not of {task.name!r}; give that task.")
    if record["width"] > 2048 or record["layers"] > 16:
        raise UsageError(
            f"{path} asks for a model of width {record['width']} and {record['layers']} layers; it is not a certificate of this system."
        )
    model = NPI(task, width=record["width"], layers=record["layers"])
    read_weights(model, path.parent / record["weights"])
    if model.digest() != record["model_hash"]:
        raise UsageError(
            f"{record['weights']} holds other weights than those that {path} is about; restore them, or verify the model anew."
        )
    lengths = record["lengths"]
    found = verify(model, task, n=record["problems"] // len(lengths), lengths=lengths, seed=record["seed"])
    if isinstance(found, Certificate) and found.task_hash != record["task_hash"]:
        raise UsageError(
            f"{path} was given for another version of task {task.name!r}: its frames have hash {record['task_hash'][:12]}, "
            f"and today's {found.task_hash[:12]}; verify the model anew."
        )
    return found


def read_weights(model: NPI, path: Path) -> None:
    """Reads a model's weights from a safetensors file, in place.

    Raises:
        UsageError: the file is missing, is none, or is of another model.
    """
    if not path.is_file():
        raise UsageError(f"the weights {path} are missing; put them beside their certificate.")
    try:
        found = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageError(f"{path} holds no weights ({error}); restore the file that was written with the certificate.") from error
    own = model.state_dict()
    if {name: tuple(value.shape) for name, value in found.items()} != {name: tuple(value.shape) for name, value in own.items()}:
        raise UsageError(
            f"{path} holds weights of another model than width {model.width} and {model.layers} layers; restore the right file."
        )
    model.load_state_dict(found)


def _record(path: Path) -> dict[str, Any]:
    """Returns what a certificate's file holds, checked field by field."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}; give the path of a certificate.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a certificate ({error}); give the .json that was written with a model.") from error
    if not isinstance(record, dict) or record.get("system") != SYSTEM:
        raise UsageError(f"{path} is not a certificate of {SYSTEM}; give the .json that was written with a model.")
    if record.get("version") != VERSION:
        raise UsageError(f"{path} has version {record.get('version')!r}, and this Shoestring reads {VERSION}; use the one that wrote it.")
    for name, kind in _FIELDS.items():
        least = 0 if name in ("seed", "derived_from") else 1
        if not isinstance(record.get(name), kind) or (isinstance(record[name], int) and record[name] < least):
            raise UsageError(f"{path} is not a whole certificate: its {name} is {record.get(name)!r}; verify the model anew.")
    lengths = record["lengths"]
    if not (0 < len(lengths) <= MOST_LENGTHS and all(isinstance(length, int) and 0 <= length <= MOST_LENGTHS for length in lengths)):
        raise UsageError(f"{path} has lengths {str(lengths)[:40]}; they must be 1 to {MOST_LENGTHS} whole numbers up to {MOST_LENGTHS}.")
    if record["problems"] > MOST_PROBLEMS:
        raise UsageError(f"{path} asks for {record['problems']} random problems; it must be at most {MOST_PROBLEMS}.")
    if not re.fullmatch(r"[\w.-]+\.safetensors", record["weights"]):
        raise UsageError(f"{path} names the weights {record['weights']!r}; they must be a .safetensors file beside it.")
    return record
