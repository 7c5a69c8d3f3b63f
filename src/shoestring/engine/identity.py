"""What a run trains, by the hashes of its pieces: the code of a function, the files of a command. It tells what has changed since.

The same function is one target, whether it is run as a program, imported, or named on the command line. What only a session holds (a
function of a notebook) is known by its own text and by the plain values that it uses.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from shoestring.engine.sources import Pieces, Source, digest, digest_of_value, is_own, names_in, nodes_at
from shoestring.runners.arms import Arms, One, Target
from shoestring.runners.script import Script

LARGEST_FILE = 1 << 22  # bytes of a file that a command names; a larger one is data
_DATA = re.compile(r".*\.(csv|tsv|txt|log|jsonl|np[yz]|pth?|ckpt|pkl|h5|hdf5|parquet|bin|safetensors|db|zip|gz|tar)", re.IGNORECASE)
_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/opt/", "/nix/")
_SHELL = (".sh", ".bash", "")
_FIXED = (str, bytes, int, float, complex, type(None))
_GIVEN = ("arguments", "attributes")  # what a target was made with, which must be the same even where one side has none


def pieces_of(target: Target) -> dict[str, str]:
    """Returns the hash of each piece of what is trained, by its name; nothing where the target cannot be found."""
    if isinstance(target, Arms):
        return {f"arm {name}, {key}": value for name, member in target.members.items() for key, value in _pieces(member).items()}
    return _pieces(target)


def changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Returns the names of the pieces that differ; what only one side has shows in what names it."""
    if not then or not now:
        return []
    old, new = ({_bare(key): value for key, value in pieces.items()} for pieces in (then, now))
    given = {key for key in {*old, *new} if key.rpartition(" ")[2] in _GIVEN}
    shared = old.keys() & new.keys()
    differing = {key for key in shared | given if old.get(key) != new.get(key)}
    return [key for bare, key in {_bare(key): key for key in (*then, *now)}.items() if bare in differing] if shared else list(now)


def _bare(key: str) -> str:
    """Returns the name of a piece without that of its file: a function may have come from a session, or gone into a file."""
    return key.rpartition(" in ")[0] or key


def same_name(first: str, second: str) -> bool:
    """Tells whether two names are those of one function or command, whatever way it was named."""
    short = [_short(first), _short(second)]
    sessions = [name.partition(":")[2] for name in short if name.startswith("__main__:")]
    return first == second or len(set(short)) == 1 or (bool(sessions) and all(name.endswith(f":{sessions[0]}") for name in short))


def _short(name: str) -> str:
    where, colon, function = name.rpartition(":")
    if not colon or not function.replace(".", "").replace("<locals>", "").replace("<lambda>", "f").isidentifier():
        return name
    return f"{Path(where).stem if where.endswith('.py') else where.rpartition('.')[2]}:{function}"


def _pieces(target: One) -> dict[str, str]:
    if isinstance(target, Script):
        return _of_command(target)
    pieces = Pieces([])
    with suppress(OSError, SyntaxError, UnicodeError, ValueError):  # what cannot be read cannot be imported either, and that says why
        if isinstance(target, str):
            _add_named(pieces, target)
        else:
            _Session(pieces).add(target)
    return pieces.found


def _add_named(pieces: Pieces, target: str) -> None:
    """Adds what ``file.py:function`` or ``package.module:function`` names."""
    where, _, name = target.rpartition(":")
    if where.endswith(".py"):
        path = Path(where)
        pieces.places = [str(path.resolve().parent)]
        pieces.add_name(Source.of(path, path.name), name)
        return
    pieces.places = [str(Path.cwd())]
    path_of_module, package = pieces.locate(where)
    if path_of_module is None or not is_own(path_of_module):
        pieces.found |= _installed(where)
    else:
        pieces.add_name(Source.of(path_of_module, path_of_module.name, package), name)


def _installed(module: str) -> dict[str, str]:
    """Returns the version of the package that a module belongs to."""
    top = module.partition(".")[0]
    try:
        return {top: version(top)}
    except PackageNotFoundError:
        return {}


class _Session:
    """Adds what functions and classes of this process are made of.

    Args:
        pieces: where it is collected.
    """

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._done: set[int] = set()

    def add(self, thing: object) -> None:
        """Adds a function, a class, or an object that can be called."""
        if isinstance(thing, functools.partial):
            self._given("arguments", {str(i): value for i, value in enumerate(thing.args)} | thing.keywords)
            self.add(thing.func)
        elif isinstance(thing, MethodType):
            self.add(thing.__self__)
            self.add(thing.__func__)
        elif not isinstance(thing, FunctionType | type):
            self._given("attributes", {name: value for name, value in getattr(thing, "__dict__", {}).items() if isinstance(value, _FIXED)})
            self.add(type(thing))
        elif id(thing) not in self._done:
            self._done.add(id(thing))
            self._add(inspect.unwrap(thing) if isinstance(thing, FunctionType) else thing)

    def _given(self, what: str, values: Mapping[str, object]) -> None:
        said = sorted((name, repr(value)) for name, value in values.items() if _is_plain(value))
        self._pieces.found[what] = digest_of_value(said)
        for value in values.values():
            if isinstance(value, FunctionType | type):
                self.add(value)

    def _add(self, thing: FunctionType | type) -> None:
        path = _file_of(thing)
        if path is not None and not is_own(path):
            self._pieces.found |= _installed(thing.__module__)
            self._add_cells(thing)
        elif path is not None:
            self._add_of_file(thing, path)
        else:
            self._add_of_session(thing)

    def _add_of_file(self, thing: FunctionType | type, path: Path) -> None:
        module = sys.modules.get(thing.__module__)
        source = Source.of(path, path.name, getattr(module, "__package__", None) or "")
        self._pieces.places = [*self._pieces.places, str(path.resolve().parent)]
        if "<" not in thing.__qualname__:
            self._pieces.add_name(source, thing.__qualname__.partition(".")[0])
            return
        for node in nodes_at(source, thing.__name__, thing.__code__.co_firstlineno if isinstance(thing, FunctionType) else None):
            self._pieces.add_node(source, node, thing.__name__)
        self._add_cells(thing)

    def _add_cells(self, thing: FunctionType | type) -> None:
        """Adds what a function took from around it: functions, and plain values that training cannot change."""
        if isinstance(thing, FunctionType):
            for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
                with suppress(ValueError):  # not bound yet
                    self._add_value(f"value of {name}", cell.cell_contents, _FIXED)

    def _add_of_session(self, thing: FunctionType | type) -> None:
        try:
            text = textwrap.dedent(inspect.getsource(thing))
            names = sorted(names_in(Source("", text).tree))
        except (OSError, TypeError, SyntaxError):
            text, names = _of_code(thing), sorted(_names_of_code(thing))
        self._pieces.found[thing.__qualname__] = digest(text)
        self._add_cells(thing)
        around = thing.__globals__ if isinstance(thing, FunctionType) else getattr(sys.modules.get(thing.__module__), "__dict__", {})
        for name in names:
            if name in around:
                self._add_value(name, around[name], (*_FIXED, list, tuple, dict))

    def _add_value(self, name: str, value: object, kinds: tuple[type, ...]) -> None:
        if isinstance(value, ModuleType):
            self._pieces.add_module(value.__name__)
        elif isinstance(value, FunctionType | type):
            if _is_own_module(value.__module__):
                self.add(value)
        elif isinstance(value, kinds) and _is_plain(value):
            self._pieces.found[name] = digest_of_value(value)


def _file_of(thing: FunctionType | type) -> Path | None:
    """Returns the file that a function or class was read from; None for one of a session."""
    name: object = thing.__code__.co_filename if isinstance(thing, FunctionType) else None
    if name is None:
        name = getattr(sys.modules.get(thing.__module__), "__file__", None)
    path = Path(str(name)) if name else None
    return path if path is not None and path.suffix == ".py" and path.is_file() and "ipykernel" not in str(path) else None


def _is_own_module(name: str) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    return name == "__main__" or (file is not None and is_own(Path(file)))


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, _FIXED)


def _of_code(thing: FunctionType | type) -> str:
    """Returns a text that stands for what has no source."""
    return "\n".join(
        f"{code.co_name} {code.co_code.hex()} {code.co_names} {[value for value in code.co_consts if not isinstance(value, CodeType)]}"
        for code in _codes(thing)
    )


def _names_of_code(thing: FunctionType | type) -> set[str]:
    return {name for code in _codes(thing) for name in code.co_names}


def _codes(thing: Any) -> Iterator[CodeType]:
    members = [thing] if isinstance(thing, FunctionType) else [each for each in vars(thing).values() if isinstance(each, FunctionType)]
    waiting = [member.__code__ for member in members]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [value for value in code.co_consts if isinstance(value, CodeType)]


def _of_command(script: Script) -> dict[str, str]:
    """Returns the files that a command names, and the modules that those in Python import."""
    pieces = Pieces([])
    pieces.found["command"] = digest_of_value(script.command)
    waiting = [word for element in script.command for word in (element, *_words(element))]
    for i, word in enumerate(waiting):  # the list grows by what shell scripts name
        if i and waiting[i - 1] == "-m":
            pieces.places = [str(Path.cwd())]
            pieces.add_module(word)
            pieces.add_module(f"{word}.__main__")
        elif word not in pieces.found and (path := _file_named(word)) is not None:
            pieces.places = [str(path.resolve().parent)]
            pieces.add_file(path, word)
            if path.suffix in _SHELL:
                waiting += _words(path.read_text(encoding="utf-8", errors="replace"))
    return pieces.found


def _words(text: str) -> list[str]:
    """Returns what could be the names of files in an option, a shell's command or a shell's script."""
    return [word for word in re.split(r"[\s=;:,&|()<>'\"]+", text) if word]


def _file_named(text: str) -> Path | None:
    with suppress(OSError, ValueError):
        path = Path(text)
        if text and path.is_file() and not _DATA.fullmatch(path.name) and path.stat().st_size <= LARGEST_FILE:
            is_system = str(path.resolve()).startswith((*_SYSTEM, sys.base_prefix + os.sep))
            return None if is_system or (path.parent / "activate").exists() else path
    return None
