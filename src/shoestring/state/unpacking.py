"""What ``packing`` made, read back: nothing is unpickled, and no class is made but the few that the format names and named tuples."""

from __future__ import annotations

import enum
import io
import json
import math
import pickle
import sys
from collections import defaultdict, deque
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from shoestring.errors import InvalidState
from shoestring.state.packing import AS_TEXT, DICTS, FACTORIES, ITEMS, Moved, Saved, Tree, class_named

if TYPE_CHECKING:
    import torch

_NOT_A_CHECKPOINT = (pickle.UnpicklingError, LookupError, ValueError, TypeError, RuntimeError, EOFError, OSError, AttributeError)
_BY_TAG: dict[str, Any] = {tag: kind for kind, tag in (DICTS | ITEMS).items()}
_FROM_TEXT = {tag: read for tag, _, read in AS_TEXT.values()}


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
        return _Unpacked(arrays, tensors, device).unpack(head["tree"])
    except InvalidState:
        raise
    except _NOT_A_CHECKPOINT as error:
        raise ValueError(f"not a checkpoint: {error}") from error


class _Unpacked:
    """Turns JSON, arrays and tensors into the tree that was packed."""

    def __init__(self, arrays: IO[bytes], tensors: list[torch.Tensor], device: str) -> None:
        self._arrays = arrays
        self._tensors = tensors
        self._device = device
        self._met: list[Tree] = []

    def unpack(self, value: Any) -> Tree:
        if not isinstance(value, list | dict):
            return value
        tag: str
        content: Any
        tag, content = next(iter(value.items()), ("", None)) if isinstance(value, dict) else ("", None)
        if tag in _FROM_TEXT and tag != "$bytearray":
            return _FROM_TEXT[tag](content)
        match tag:
            case "$int":
                return int(content, 16)
            case "$tuple":
                return tuple(map(self.unpack, content))
            case "$moved":
                return Moved(content[0], self.unpack(content[1]))
            case "$named":
                return _made_named(content[0], content[1], [self.unpack(item) for item in content[2]])
            case "$enum":
                return _member(*content)
            case "$scalar":
                return self._array(content)[()]
            case "$torch":
                torch = sys.modules["torch"]
                return (
                    torch.Size(content[1])
                    if content[0] == "Size"
                    else (getattr(torch, content[1]) if content[0] == "dtype" else torch.device(content[1]))
                )
            case "$same":
                return self._met[content]
        number = len(self._met)
        self._met.append(None)
        self._met[number] = found = self._object(tag, content, value)
        return found

    def _object(self, tag: str, content: Any, value: Any) -> Tree:
        if isinstance(value, list):
            return [self.unpack(item) for item in value]
        match tag:
            case "$array":
                return self._array(content)
            case "$tensor":
                return self._tensor(value)
            case "$bytearray":
                return _FROM_TEXT[tag](content)
            case "$saved":
                return Saved(content[0], content[1], self.unpack(content[2]), self.unpack(content[3]))
            case "$default":
                return defaultdict(FACTORIES[content[0]], self._pairs(content[1]))
            case "$dict" | "$ordered" | "$counter":
                return _BY_TAG[tag](self._pairs(content))
            case "$set" | "$frozenset":
                return _BY_TAG[tag]([self.unpack(item) for item in content])
            case "$deque":
                return deque([self.unpack(item) for item in content[0]], content[1])
        return {key: self.unpack(item) for key, item in value.items()}

    def _pairs(self, content: Any) -> dict[Any, Any]:
        return {self.unpack(key): self.unpack(item) for key, item in content}

    def _array(self, described: list[Any]) -> np.ndarray[Any, Any]:
        descr, shape, order, *flags = described
        dtype = np.lib.format.descr_to_dtype(self.unpack(descr))
        if dtype.hasobject:
            raise ValueError("an array of Python objects")
        array = np.ndarray(shape, dtype, self._arrays.read(math.prod(shape) * dtype.itemsize), order=order).copy(order)
        array.flags.writeable = not flags
        return array

    def _tensor(self, value: Any) -> Any:
        tensor: Any = self._tensors[value["$tensor"]]
        tensor = tensor if value["device"] == "cpu" else tensor.to(self._device)
        if flags := value.get("flags"):
            kind, requires_grad, grad = flags
            tensor = (
                sys.modules["torch"].nn.Parameter(tensor, requires_grad) if kind == "Parameter" else tensor.requires_grad_(requires_grad)
            )
            tensor.grad = self.unpack(grad)
        return tensor


def _made_named(module: str, name: str, items: list[Any]) -> Any:
    kind = class_named(module, name)
    if not (kind and issubclass(kind, tuple) and len(getattr(kind, "_fields", ())) == len(items)):
        raise InvalidState(
            f"the checkpoint holds a {name!r} of module {module!r}, which is not there any more. Run the code that saved it."
        )
    return tuple.__new__(kind, items)


def _member(module: str, name: str, member: str) -> Any:
    kind = class_named(module, name)
    if not (kind and issubclass(kind, enum.Enum) and member in kind.__members__):
        raise InvalidState(
            f"the checkpoint holds {name}.{member} of module {module!r}, which is not there any more. Run the code that saved it."
        )
    return kind.__members__[member]
