"""Plain data as bytes: a line of JSON, the numbers of arrays, and one ``weights_only`` file of tensors; ``unpacking`` reads them back.

What comes back has the type, dtype, shape and flags of what was packed, and what was one object is one object again; all else is refused by
name. Nothing is ever unpickled: of classes, only those of named tuples and enums that the program itself has imported are looked up.
"""

from __future__ import annotations

import base64
import datetime
import enum
import io
import json
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import numpy as np

from shoestring.errors import InvalidState

if TYPE_CHECKING:
    import torch

Tree: TypeAlias = Any  # nested containers with numbers, strings, arrays, tensors, ``Saved`` and ``Moved`` in them

ALLOWED = (
    "modules, optimizers and others with state_dict and load_state_dict, random generators, arrays, tensors, numbers, strings, bytes, "
    "dates, paths, named tuples, enums, and dicts, lists, tuples, sets and deques of these"
)
MAX_DEPTH = 100
_LONG = 1 << 63
FACTORIES: dict[str, Any] = {"None": None} | {kind.__name__: kind for kind in (int, float, bool, str, list, dict, set, tuple)}


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The state of an object that is more than plain data, and is restored into one like it.

    Attributes:
        kind: ``"module"``, ``"optimizer"``, ``"object"``, ``"generator"``, or ``"dict"`` and ``"list"`` for classes derived from these.
        cls: the name of its class.
        state: its state.
        extra: what the state does not hold, by name.
    """

    kind: str
    cls: str
    state: Tree
    extra: dict[str, Tree]


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """A tree that is not restored into what stands at its place.

    Attributes:
        at: where its object was built, None if it was made while training.
        tree: the tree.
    """

    at: str | None
    tree: Tree


def to_bytes(tree: Tree, name: str = "state") -> bytes:
    """Returns a tree as bytes.

    Args:
        tree: the tree.
        name: what errors call it; if empty, the tree is a dict whose keys are the names.
    Raises:
        InvalidState: something in it cannot be saved; the message says where.
    """
    packed = _Packed()
    head = {"tree": packed.pack(tree, name), "array_bytes": sum(array.nbytes for array in packed.arrays)}
    file = io.BytesIO()
    file.write(json.dumps(head).encode() + b"\n")
    for array in packed.arrays:
        file.write(array.tobytes(_order(array)))
    if packed.tensors:
        sys.modules["torch"].save(packed.tensors, file)
    return file.getvalue()


def place(name: str, key: object) -> str:
    """Returns how a user writes the item ``key`` of what is called ``name``."""
    return f"{name}[{key!r}]" if name else str(key)


def refuse(name: str, value: object, hint: str = "") -> NoReturn:
    """Refuses to save a value.

    Raises:
        InvalidState: always.
    """
    raise InvalidState(f"{name} is a {type(value).__qualname__!r}, which cannot be saved. {hint or f'A state may hold {ALLOWED}.'}")


def _date_text(value: Any) -> str:
    if getattr(value, "fold", 0) or type(getattr(value, "tzinfo", None)) not in (type(None), datetime.timezone):
        raise ValueError("only fixed time zones come back")
    return str(value.isoformat())


_BASE64 = (lambda value: base64.b64encode(value).decode(), base64.b64decode)
AS_TEXT: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    bytes: ("$bytes", *_BASE64),
    bytearray: ("$bytearray", _BASE64[0], lambda text: bytearray(base64.b64decode(text))),
    complex: ("$complex", lambda value: [value.real, value.imag], lambda parts: complex(*parts)),
    range: ("$range", lambda value: [value.start, value.stop, value.step], lambda parts: range(*parts)),
    Decimal: ("$decimal", str, Decimal),
    Fraction: ("$fraction", str, Fraction),
    type(Path()): ("$path", str, Path),
    datetime.date: ("$date", _date_text, datetime.date.fromisoformat),
    datetime.datetime: ("$datetime", _date_text, datetime.datetime.fromisoformat),
    datetime.time: ("$time", _date_text, datetime.time.fromisoformat),
    datetime.timedelta: ("$timedelta", lambda t: [t.days, t.seconds, t.microseconds], lambda parts: datetime.timedelta(*parts)),
}
DICTS: dict[type, str] = {dict: "$dict", OrderedDict: "$ordered", Counter: "$counter", defaultdict: "$default"}
ITEMS: dict[type, str] = {set: "$set", frozenset: "$frozenset", deque: "$deque"}


class _Packed:
    """Turns a tree into JSON, arrays and tensors; a dict with one key that begins with ``$`` stands for what JSON lacks."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.tensors: list[torch.Tensor] = []
        self._numbers: dict[int, int] = {}  # of the objects that can be changed, in the order in which they are met
        self._met: list[object] = []  # these objects, so that no id is given twice
        self._depth = 0

    def pack(self, value: Tree, name: str) -> Any:
        kind = type(value)
        if value is None or kind in (bool, float, str):
            return value
        if kind is int:
            return value if -_LONG <= value < _LONG else {"$int": hex(value)}
        if kind in AS_TEXT and kind is not bytearray:
            return self._pack_text(value, name)
        if kind is tuple:
            return {"$tuple": self._pack_items(value, name)}
        if kind is Moved:
            return {"$moved": [value.at, self.pack(value.tree, name)]}
        if isinstance(value, tuple | enum.Enum):
            return self._pack_named(value, name)
        if isinstance(value, np.generic):
            return {"$scalar": self._pack_array(np.asarray(value), value, name)}
        if (torch := sys.modules.get("torch")) and isinstance(value, torch.dtype | torch.device):
            return {"$torch": [kind.__name__, str(value).removeprefix("torch.")]}
        if id(value) in self._numbers:
            return {"$same": self._numbers[id(value)]}
        self._numbers[id(value)] = len(self._met)
        self._met.append(value)
        return self._pack_object(value, name)

    def _pack_object(self, value: Tree, name: str) -> Any:
        kind = type(value)
        if kind is list:
            return self._pack_items(value, name)
        if kind in DICTS:
            return self._pack_dict(value, name)
        if kind in ITEMS:
            items = self._pack_items(list(value), name)
            return {ITEMS[kind]: [items, value.maxlen] if kind is deque else items}
        if kind is Saved:
            return {"$saved": [value.kind, value.cls, self.pack(value.state, name), self.pack(value.extra, name)]}
        if kind is bytearray:
            return self._pack_text(value, name)
        if kind is np.ndarray:
            return {"$array": self._pack_array(value, value, name)}
        if (torch := sys.modules.get("torch")) and isinstance(value, torch.Tensor):
            return self._pack_tensor(value, name)
        refuse(name, value, _hint(value, name))

    def _pack_items(self, items: Any, name: str) -> list[Any]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidState(f"{name} is nested more than {MAX_DEPTH} deep. Store it flat.")
        packed = [item if type(item) is float else self.pack(item, f"{name}[{i}]") for i, item in enumerate(items)]
        self._depth -= 1
        return packed

    def _pack_dict(self, value: dict[Any, Any], name: str) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidState(f"{name} is nested more than {MAX_DEPTH} deep. Store it flat.")
        packed: Any
        if type(value) is dict and all(type(key) is str and not key.startswith("$") for key in value):
            packed = {key: self.pack(item, place(name, key)) for key, item in value.items()}
        else:
            pairs = [[self.pack(key, f"a key of {name}"), self.pack(item, place(name, key))] for key, item in value.items()]
            packed = {DICTS[type(value)]: pairs}
            if isinstance(value, defaultdict):
                factory = getattr(value.default_factory, "__name__", str(value.default_factory))
                if factory not in FACTORIES or FACTORIES[factory] is not value.default_factory:
                    refuse(name, value, f"Its default_factory may be {', '.join(FACTORIES)}.")
                packed = {"$default": [factory, pairs]}
        self._depth -= 1
        return packed

    def _pack_text(self, value: Any, name: str) -> Any:
        tag, write, read = AS_TEXT[type(value)]
        try:
            text = write(value)
            if tag != "$complex" and read(text) != value and value == value:
                raise ValueError("it does not come back")
        except ValueError as error:
            raise InvalidState(f"{name} is a {type(value).__qualname__!r} that cannot be saved: {error}.") from error
        return {tag: text}

    def _pack_named(self, value: Any, name: str) -> Any:
        kind = type(value)
        if (torch := sys.modules.get("torch")) and kind is torch.Size:
            return {"$torch": ["Size", list(value)]}
        label = [kind.__module__, kind.__qualname__]
        if isinstance(value, tuple) and (not hasattr(kind, "_fields") or getattr(value, "__dict__", None)):
            refuse(name, value, "Store it as tuple(...).")
        if class_named(*label) is not kind:
            refuse(name, value, f"Define the class {kind.__qualname__} at the top of a module, so that it can be found again.")
        if isinstance(value, tuple):
            return {"$named": [*label, self._pack_items(value, name)]}
        if kind.__members__.get(value.name or "") is not value:
            refuse(name, value, "Store its value.")
        return {"$enum": [*label, value.name]}

    def _pack_array(self, array: np.ndarray[Any, Any], value: Any, name: str) -> list[Any]:
        dtype = array.dtype
        if dtype.hasobject or dtype.metadata:
            refuse(name, value, "An array must hold numbers, dates or strings of fixed size, and its dtype no metadata.")
        descr = np.lib.format.dtype_to_descr(dtype)
        if np.lib.format.descr_to_dtype(descr) != dtype or (dtype.names and np.lib.format.descr_to_dtype(descr).itemsize != dtype.itemsize):
            refuse(name, value, f"Its dtype {dtype} does not come back.")
        self.arrays.append(array)
        return [self.pack(descr, name), list(array.shape), _order(array), *([] if array.flags.writeable else ["read-only"])]

    def _pack_tensor(self, value: torch.Tensor, name: str) -> Any:
        torch = sys.modules["torch"]
        if type(value) not in (torch.Tensor, torch.nn.Parameter):
            refuse(name, value, "Store a plain tensor.")
        if value.requires_grad and not value.is_leaf:
            raise InvalidState(f"{name} is part of a computation graph, which cannot be saved. Store {name}.detach().")
        packed = {"$tensor": len(self.tensors), "device": value.device.type}
        try:
            self.tensors.append(_alone(value))
        except (RuntimeError, NotImplementedError) as error:
            raise InvalidState(f"{name} is a tensor that cannot be saved: {error}.") from error
        if value.requires_grad or type(value) is torch.nn.Parameter:
            grad = None if value.grad is None else value.grad.detach()
            packed["flags"] = [type(value).__name__, value.requires_grad, self.pack(grad, f"{name}.grad")]
        return packed


def _alone(value: torch.Tensor) -> torch.Tensor:
    """Returns a tensor on the CPU without a graph, and without the storage that it is only a view of."""
    data = value.detach().cpu().resolve_conj().resolve_neg()
    if data.layout is not sys.modules["torch"].strided or data.untyped_storage().nbytes() == data.numel() * data.element_size():
        return data
    return data.clone()


def _hint(value: object, name: str) -> str:
    if isinstance(value, np.ndarray | dict | list | set | deque):
        base = next(kind for kind in (np.ndarray, dict, list, set, deque) if isinstance(value, kind))
        return f"Store it as a plain {base.__name__}."
    if hasattr(value, "__dict__") and not callable(value):
        return f"Give it state_dict() and load_state_dict(), or store plain data such as dict(vars({name}))."
    return ""


def class_named(module: str, name: str) -> Any:
    """Returns the class of this name in a module that is imported, None if there is none."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None


def _order(array: np.ndarray[Any, Any]) -> Literal["C", "F"]:
    return "F" if np.isfortran(array) else "C"
