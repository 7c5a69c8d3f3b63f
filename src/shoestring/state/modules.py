"""What torch's modules and optimizers hold besides their ``state_dict``: flags, gradients, attributes, and how they are built."""

from __future__ import annotations

import hashlib
import sys
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from shoestring.errors import InvalidState
from shoestring.state.packing import Saved

if TYPE_CHECKING:
    import torch

_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def is_module(value: object) -> TypeGuard[torch.nn.Module]:
    """Tells whether a value is a torch module."""
    torch = sys.modules.get("torch")
    return bool(torch and isinstance(value, torch.nn.Module))


def is_optimizer(value: object) -> TypeGuard[torch.optim.Optimizer]:
    """Tells whether a value is a torch optimizer."""
    torch = sys.modules.get("torch")
    return bool(torch and isinstance(value, torch.optim.Optimizer))


def outline(value: object) -> dict[str, Any]:
    """Returns how a module or optimizer is built, by part: what must be the same for a state to be restored into it; nothing of others."""
    if is_optimizer(value):
        return {f"parameter group {i}": len(group["params"]) for i, group in enumerate(value.param_groups)}
    if not is_module(value):
        return {}
    places: dict[int, str] = {}
    parts: dict[str, Any] = {name or "itself": type(part).__qualname__ for name, part in value.named_modules()}
    for name, tensor in value.state_dict().items():
        is_lazy = not hasattr(tensor, "shape") or sys.modules["torch"].nn.parameter.is_lazy(tensor)
        tied_to = "" if is_lazy or not tensor.numel() else places.setdefault(tensor.data_ptr(), name)
        parts[name] = None if is_lazy else (tuple(tensor.shape), "" if tied_to == name else tied_to)
    return parts


def check_outline(value: object, built: Mapping[str, Any], name: str) -> None:
    """Checks that an object is still built as it was when it was handed to ``steps``.

    Raises:
        InvalidState: parts were added, removed or changed, so that no fresh object could take its state.
    """
    now = outline(value)
    changed = [part for part in {**built, **now} if part not in now or part not in built or (built[part] and built[part] != now[part])]
    if changed:
        how = "added" if changed[0] not in built else "removed" if changed[0] not in now else "changed"
        raise InvalidState(
            f"{name} ({type(value).__name__}) was built differently when it was handed to steps(): {changed[0]} was {how} while training, "
            "so a pause could not restore it. Build all of it before steps(), from trial.config alone."
        )


def attributes(module: torch.nn.Module) -> dict[str, Any]:
    """Returns marks of what the attributes of a module and its parts are now, by which it can be told later whether they have changed."""
    return {path: _mark(value) for path, value in _attributes(module)}


def extra(module: torch.nn.Module, built: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns what the state of a module does not hold.

    Args:
        module: the module.
        built: its ``attributes`` when it was handed to ``steps``; those that are the same now are left out. All are, if None.
    """
    training = "".join(str(int(part.training)) for part in module.modules())
    found: dict[str, Any] = {} if set(training) == {"1"} else {"training": training}
    parameters = list(module.parameters())
    if not all(parameter.requires_grad for parameter in parameters):
        found["requires_grad"] = "".join(str(int(parameter.requires_grad)) for parameter in parameters)
    grads = {str(i): parameter.grad.detach() for i, parameter in enumerate(parameters) if parameter.grad is not None}
    if grads:
        found["grads"] = grads
    if built is not None:
        changed = {path: value for path, value in _attributes(module) if path not in built or not _is_unchanged(value, built[path])}
        if changed:
            found["attributes"] = {path: value.detach() if hasattr(value, "detach") else value for path, value in changed.items()}
    return found


def restore_module(module: torch.nn.Module, saved: Saved, name: str) -> None:
    """Restores a module: dtypes, numbers, flags, gradients and attributes.

    Raises:
        InvalidState: it has other parts than the one that was saved.
    """
    torch = sys.modules["torch"]
    state: Any = saved.state
    if isinstance(state, dict):
        current = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))
        for target, tensor in ((current[key], state[key]) for key in current.keys() & state.keys()):
            if torch.nn.parameter.is_lazy(target) or target.shape != tensor.shape:
                continue
            if target.dtype != tensor.dtype or target.is_contiguous() != tensor.is_contiguous():
                target.data = torch.empty_like(tensor, device=target.device)
        state = OrderedDict(state)
        if metadata := getattr(module.state_dict(), "_metadata", None):
            state._metadata = metadata  # the versions of its parts, which a checkpoint lacks
    module.load_state_dict(state)
    parts, parameters = list(module.modules()), list(module.parameters())
    training = saved.extra.get("training", "1" * len(parts))
    wanted = saved.extra.get("requires_grad", "1" * len(parameters))
    if (len(training), len(wanted)) != (len(parts), len(parameters)):
        raise InvalidState(f"{name} has {len(parts)} parts, and had {len(training)} at the checkpoint. Build it from trial.config alone.")
    for part, flag in zip(parts, training, strict=True):
        part.training = flag == "1"
    for i, (parameter, flag) in enumerate(zip(parameters, wanted, strict=True)):
        parameter.requires_grad_(flag == "1")
        grad = saved.extra.get("grads", {}).get(str(i))
        parameter.grad = None if grad is None else grad.to(parameter.device)
    for path, value in saved.extra.get("attributes", {}).items():
        owner, _, attribute = path.rpartition(".")
        setattr(module.get_submodule(owner), attribute, value)


def restore_optimizer(optimizer: torch.optim.Optimizer, saved: Saved) -> None:
    """Restores an optimizer, and the dtypes of its numbers, which torch would change to those of the parameters."""
    optimizer.load_state_dict(saved.state)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    numbers = [number for group in saved.state["param_groups"] for number in group["params"]]
    for parameter, number in zip(parameters, numbers, strict=True):
        for key, value in saved.state["state"].get(number, {}).items():
            own = optimizer.state[parameter].get(key)
            if hasattr(own, "dtype") and own.dtype != value.dtype:
                optimizer.state[parameter][key] = value.to(parameter.device)


def tensors_in(state: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields the tensors in the state of a module or optimizer, with the key of each; those of the parameters of an optimizer by number."""
    torch = sys.modules["torch"]
    for key, value in state.items():
        if isinstance(value, torch.Tensor):
            yield str(key), value
        elif isinstance(value, dict):
            yield from ((f"{key}.{inner}", tensor) for inner, tensor in tensors_in(value))


def span_of(value: Any) -> tuple[str, int, int] | None:
    """Returns device, first byte and end of the memory of an array or a tensor, None if it has none of its own."""
    if isinstance(value, np.ndarray):
        return ("cpu", *np.lib.array_utils.byte_bounds(value)) if value.nbytes else None
    if value.layout is not sys.modules["torch"].strided or not value.numel() or value.device.type == "meta":
        return None
    extent = 1 + sum((size - 1) * stride for size, stride in zip(value.shape, value.stride(), strict=True))
    return str(value.device), value.data_ptr(), value.data_ptr() + extent * value.element_size()


def is_built_like(value: torch.nn.Module, other: object) -> bool:
    """Tells whether a copy of ``other`` could stand for ``value`` once it has its state."""
    if type(value) is not type(other) or not is_module(other) or repr(value) != repr(other) or outline(value) != outline(other):
        return False
    ours, theirs = dict(_attributes(value)), dict(_attributes(other))
    return ours.keys() == theirs.keys() and all(type(ours[path]) is type(theirs[path]) for path in ours)


def _attributes(module: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    """Yields path and value of the attributes that are plain data, an array or a tensor, and in no ``state_dict``."""
    torch = sys.modules["torch"]
    own = vars(torch.nn.Module())
    for name, part in module.named_modules():
        start = f"{name}." if name else ""
        loose = {key: value for key, value in vars(part).items() if key not in own}
        loose |= {key: part._buffers[key] for key in part._non_persistent_buffers_set if part._buffers.get(key) is not None}
        for key, value in loose.items():
            if _is_plain(value) or type(value) in (np.ndarray, torch.Tensor):
                yield start + key, value


def _mark(value: Any) -> Any:
    if type(value) is np.ndarray:
        return value.dtype, value.shape, hashlib.sha256(value.tobytes()).digest()
    return (weakref.ref(value), value._version) if type(value) is sys.modules["torch"].Tensor else repr(value)


def _is_unchanged(value: Any, mark: Any) -> bool:
    if type(value) is sys.modules["torch"].Tensor:
        return isinstance(mark, tuple) and isinstance(mark[0], weakref.ref) and mark[1] == value._version and mark[0]() is value
    return bool(_mark(value) == mark)


def _is_plain(value: Any) -> bool:
    if type(value) in (list, tuple, set):
        return len(value) <= 1000 and all(map(_is_plain, value))
    if type(value) is dict:
        return len(value) <= 1000 and all(map(_is_plain, value.keys())) and all(map(_is_plain, value.values()))
    return type(value) in _PLAIN
