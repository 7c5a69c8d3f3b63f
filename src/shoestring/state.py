"""The state of a trial as plain data: what the objects handed to ``trial.steps`` hold, and how it is put back into them.

Stored are a line of JSON, the numbers of arrays, and one ``weights_only`` file of tensors: nothing in it is ever unpickled into objects.
torch is used if the trial has imported it, and is not imported otherwise.
"""

from __future__ import annotations

import base64
import io
import json
import math
import pickle
import random
import sys
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeGuard, runtime_checkable

import numpy as np

from shoestring.errors import InvalidState

if TYPE_CHECKING:
    import torch

Tree: TypeAlias = Any  # nested dicts, lists and tuples with numbers, strings, bytes, None, arrays and tensors as leaves

_ALLOWED = "modules, optimizers and others with state_dict/load_state_dict, arrays, tensors, dicts, lists, and random generators"
_RNG = "$rng"
_NOT_A_CHECKPOINT = (
    pickle.UnpicklingError,
    LookupError,
    ValueError,
    TypeError,
    RuntimeError,
    EOFError,
    OSError,
)


@runtime_checkable
class Stateful(Protocol):
    """Anything that can tell its state and take it back."""

    def state_dict(self) -> Any:
        """Returns the state."""

    def load_state_dict(self, state: Any) -> Any:
        """Takes the state back."""


def capture(value: object) -> Tree:
    """Returns the state of ``value`` as a tree; dicts and lists are followed."""
    if isinstance(value, Stateful):
        return value.state_dict()
    if isinstance(value, random.Random):
        return {_RNG: _array_of(value.getstate())}
    if isinstance(value, np.random.Generator):
        return {_RNG: value.bit_generator.state}
    if isinstance(value, np.random.RandomState):
        return {_RNG: value.get_state(legacy=False)}
    if (torch := sys.modules.get("torch")) and isinstance(value, torch.Generator):
        return {_RNG: value.get_state()}
    if isinstance(value, dict):
        kind = type(value) if type(value) in (Counter, OrderedDict) else dict
        return kind({key: capture(item) for key, item in value.items()})
    if isinstance(value, list):
        return [capture(item) for item in value]
    return value


def restore(value: object, tree: Tree, name: str) -> Tree:
    """Puts a captured tree back into ``value``, in place where that can be, and returns what should stand in its stead.

    Raises:
        InvalidState: the tree does not fit the object, such as an array of another shape.
    """
    if isinstance(value, Stateful):
        value.load_state_dict(tree)
    elif isinstance(value, dict) and isinstance(tree, dict):
        items = {key: restore(value.get(key), item, f"{name}[{key!r}]") for key, item in tree.items()}
        value.clear()
        value.update(items)
    elif isinstance(value, list) and isinstance(tree, list):
        value[:] = [restore(value[i] if i < len(value) else None, item, f"{name}[{i}]") for i, item in enumerate(tree)]
    elif isinstance(tree, dict) and _RNG in tree:
        _restore_rng(value, tree[_RNG], name)
    elif is_array(value) and is_array(tree):
        _copy_into(value, tree, name)
    else:
        return tree
    return value


def check_restorable(stateful: Mapping[str, object]) -> None:
    """Checks that each object handed to ``steps`` can be restored in place.

    Raises:
        InvalidState: one is a number, a string or another value that its holder would not see change.
    """
    for name, value in stateful.items():
        torch = sys.modules.get("torch")
        known = isinstance(value, Stateful | dict | list | random.Random | np.random.Generator | np.random.RandomState) or is_array(value)
        if not known and not (torch and isinstance(value, torch.Generator)):
            raise InvalidState(
                f"steps({name}=...) was handed {type(value).__name__!r}, which cannot be restored in place; allowed are {_ALLOWED}. "
                f"Put a plain value into a dict, such as {name}={{'value': ...}}."
            )


def to_bytes(tree: Tree) -> bytes:
    """Returns a tree as bytes: a line of JSON, the numbers of its arrays, and its tensors as torch writes them.

    Raises:
        InvalidState: something in it is no plain data; the message says where.
    """
    packed = _Packed()
    head = {"tree": packed.pack(tree, "state"), "array_bytes": sum(array.nbytes for array in packed.arrays)}
    file = io.BytesIO()
    file.write(json.dumps(head).encode() + b"\n")
    for array in packed.arrays:
        file.write(array.tobytes(_order(array)))
    if packed.tensors:
        sys.modules["torch"].save(packed.tensors, file)
    return file.getvalue()


def from_bytes(data: bytes, device: str = "cpu") -> Tree:
    """Returns the tree of ``to_bytes``; tensors that were on an accelerator come back on ``device``.

    Raises:
        ValueError: the bytes hold no tree.
    """
    try:
        file = io.BytesIO(data)
        head = json.loads(file.readline())
        arrays = io.BytesIO(file.read(head["array_bytes"]))
        tensors: list[torch.Tensor] = []
        if rest := file.read():
            import torch

            tensors = torch.load(io.BytesIO(rest), map_location="cpu", weights_only=True)
        return _unpack(head["tree"], arrays, tensors, device)
    except _NOT_A_CHECKPOINT as error:
        raise ValueError(f"not a checkpoint: {error}") from error


class _Packed:
    """Turns a tree into JSON, arrays and tensors; a dict with one key that begins with ``$`` stands for what JSON lacks."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.tensors: list[torch.Tensor] = []

    def pack(self, value: Tree, name: str) -> Any:
        torch = sys.modules.get("torch")
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is list:
            return [self.pack(item, f"{name}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, tuple):
            return {"$tuple": [self.pack(item, f"{name}[{i}]") for i, item in enumerate(value)]}
        if isinstance(value, dict):
            return self._pack_dict(value, name)
        if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
            array = np.asarray(value)
            self.arrays.append(array)
            described = [self.pack(np.lib.format.dtype_to_descr(array.dtype), name), array.shape, _order(array)]
            return {"$array" if isinstance(value, np.ndarray) else "$scalar": described}
        if isinstance(value, bytes):
            return {"$bytes": base64.b64encode(value).decode()}
        if torch and isinstance(value, torch.Tensor):
            self.tensors.append(value.detach().cpu())
            return {"$tensor": len(self.tensors) - 1, "device": value.device.type}
        if torch and isinstance(value, torch.dtype):
            return {"$dtype": str(value).removeprefix("torch.")}
        raise InvalidState(
            f"{name} is a {type(value).__name__!r}, which is no plain data; a state may hold {_ALLOWED}, numbers, strings and bytes."
        )

    def _pack_dict(self, value: dict[Any, Any], name: str) -> Any:
        if type(value) is dict and all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: self.pack(item, f"{name}[{key!r}]") for key, item in value.items()}
        kind = "counter" if isinstance(value, Counter) else "ordered" if isinstance(value, OrderedDict) else "dict"
        return {f"${kind}": [[self.pack(key, name), self.pack(item, f"{name}[{key!r}]")] for key, item in value.items()]}


def _unpack(value: Any, arrays: IO[bytes], tensors: list[torch.Tensor], device: str) -> Tree:
    if isinstance(value, list):
        return [_unpack(item, arrays, tensors, device) for item in value]
    if not isinstance(value, dict):
        return value
    tag: str
    content: Any
    tag, content = next(iter(value.items()), ("", None))
    match tag:
        case "$tuple":
            return tuple(_unpack(content, arrays, tensors, device))
        case "$array":
            return _read_array(content, arrays)
        case "$scalar":
            return _read_array(content, arrays)[()]
        case "$bytes":
            return base64.b64decode(content)
        case "$tensor":
            return tensors[content] if value["device"] == "cpu" else tensors[content].to(device)
        case "$dtype":
            return getattr(sys.modules["torch"], content)
        case "$dict" | "$ordered" | "$counter":
            pairs = {_unpack(key, arrays, tensors, device): _unpack(item, arrays, tensors, device) for key, item in content}
            kinds: dict[str, type[dict[Any, Any]]] = {"$dict": dict, "$ordered": OrderedDict, "$counter": Counter}
            return kinds[tag](pairs)
    return {key: _unpack(item, arrays, tensors, device) for key, item in value.items()}


def _read_array(described: list[Any], file: IO[bytes]) -> np.ndarray[Any, Any]:
    descr, shape, order = described
    dtype = np.lib.format.descr_to_dtype(_unpack(descr, file, [], "cpu"))
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    array = np.ndarray(shape, dtype, file.read(math.prod(shape) * dtype.itemsize), order=order)
    return array.copy(order)


def _order(array: np.ndarray[Any, Any]) -> Literal["C", "F"]:
    return "F" if np.isfortran(array) else "C"


def _array_of(state: tuple[Any, ...]) -> Tree:
    version, words, gauss = state
    return (version, np.array(words, np.uint32), gauss)


def _restore_rng(value: object, state: Tree, name: str) -> None:
    if isinstance(value, random.Random):
        version, words, gauss = state
        value.setstate((version, tuple(words.tolist()), gauss))
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = state
    elif isinstance(value, np.random.RandomState) or ((torch := sys.modules.get("torch")) and isinstance(value, torch.Generator)):
        value.set_state(state)
    else:
        raise InvalidState(
            f"{name} was a random generator at the checkpoint and is now a {type(value).__name__!r}; hand in the same kinds of objects."
        )


def is_array(value: object) -> TypeGuard[Any]:
    """Tells whether a value is a NumPy array or a torch tensor."""
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or bool(torch and isinstance(value, torch.Tensor))


def _copy_into(value: Any, tree: Tree, name: str) -> None:
    if tuple(value.shape) != tuple(tree.shape):
        raise InvalidState(
            f"{name} has shape {tuple(value.shape)}, but its checkpoint has {tuple(tree.shape)}; build it from trial.config alone."
        )
    if isinstance(value, np.ndarray):
        value[...] = tree
        return
    with sys.modules["torch"].no_grad():
        value.copy_(tree)
