"""Finds what ``file.py:name`` or ``package.module:name`` names: a training function, a sampler, a set of claims."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from shoestring.errors import InvalidTarget, UnknownName, brief, shown
from shoestring.machine.signals import Interruption


def load(target: str) -> Callable[..., Any]:
    """Imports the module and returns the function; the folder of a file, or the current one, comes first in the search path.

    Raises:
        InvalidTarget: it is not written ``file.py:function`` or ``package.module:function``, does not exist, is not a function, or its
            module raises something while it is imported; the traceback from the module's own frames on comes along.
        UnknownName: the module has no such function.
    """
    where, colon, name = target.rpartition(":")
    if not colon or not where or not name.isidentifier():
        raise InvalidTarget(f"target {shown(target)} cannot be read; write file.py:function or package.module:function.")
    module = load_module(where, target)
    train = getattr(module, name, None)
    if train is None:
        functions = [
            key for key, value in vars(module).items() if callable(value) and getattr(value, "__module__", None) == module.__name__
        ]
        raise UnknownName(f"function in {brief(where)}:", name, functions)
    if not callable(train):
        raise InvalidTarget(f"{brief(target)} must be a function of one argument (the trial), got {shown(train)}.")
    return train  # type: ignore[no-any-return]  # what it takes is found out when it is called


def load_module(where: str, target: str = "") -> ModuleType:
    """Imports ``file.py`` or ``package.module``; the folder of a file, or the current one, comes first in the search path.

    Args:
        target: what to call it in an error.
    Raises:
        InvalidTarget: it does not exist, or raises something while it is imported.
    """
    target = target or where
    try:
        return _module_of_file(Path(where), target) if where.endswith(".py") else _module(where, target)
    except (InvalidTarget, Interruption):
        raise
    except BaseException as error:  # the edge: a user's module may raise anything
        raise InvalidTarget(_import_failed(target, error)) from error


def reference(train: Callable[..., Any]) -> str | None:
    """Returns the ``package.module:function`` under which a fresh process can import ``train``, or None if there is none."""
    module, name = getattr(train, "__module__", None), getattr(train, "__qualname__", "")
    if not module or module == "__main__" or not name.isidentifier():
        return None
    return f"{module}:{name}" if getattr(sys.modules.get(module), name, None) is train else None


def written(train: Callable[..., Any]) -> str:
    """Returns the ``package.module:function`` or ``file.py:function`` under which a fresh process can import a function.

    Raises:
        InvalidTarget: there is none, as for a function of a session or inside of another function.
    """
    named, main = reference(train), getattr(sys.modules["__main__"], "__file__", None)
    name = getattr(train, "__qualname__", "")
    if named is None and main and getattr(train, "__module__", "") == "__main__" and name.isidentifier():
        named = f"{main}:{name}"
    if named is None:
        raise InvalidTarget(f"{shown(train)} cannot be imported by another process; put it into a file and give file.py:function.")
    return named


def _import_failed(target: str, error: BaseException) -> str:
    frames = error.__traceback__
    while frames and (frames.tb_frame.f_code.co_filename == __file__ or "importlib" in frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    trace = "".join(traceback.format_exception(type(error), error, frames, chain=False)).rstrip()
    return f"target {target} could not be imported ({type(error).__name__}: {error}).\n{trace}"


def _module_of_file(path: Path, target: str) -> ModuleType:
    if not path.is_file():
        raise InvalidTarget(f"target {shown(target)}: there is no file {brief(str(path))}. Give a path from the current folder.")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _module(name: str, target: str) -> ModuleType:
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise InvalidTarget(
                f"target {shown(target)}: there is no module {shown(error.name)}. Run from its folder, or write file.py:function."
            ) from error
        raise
