"""The pieces of source that a training function reaches, each with its hash. Nothing is imported or run to find them.

Of the function's own file these are the definitions and assignments that it uses, directly or through others: a call of ``search`` beside
it, with its budget, is not among them. Of each module of the user's own that is imported, it is the whole file. Comments and blank lines do
not count. Installed packages and data files are not pieces.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
import sysconfig
import textwrap
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_ASKING = {"search", "compare", "scale", "largest", "resume"}
_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_INSTALLED = {"site-packages", "dist-packages"}


def digest(text: str | bytes) -> str:
    """Returns the hash of a piece; of text without its comments and blank lines."""
    if isinstance(text, str):
        lines = [line.rstrip() for line in textwrap.dedent(text).splitlines()]
        text = "\n".join(line for line in lines if line and not line.lstrip().startswith("#")).encode(errors="surrogatepass")
    return hashlib.sha256(text).hexdigest()


def is_own(path: Path) -> bool:
    """Tells whether a file is the user's own: neither of Python, nor of an installed package, nor of Shoestring."""
    resolved = path.resolve()
    return not _INSTALLED & set(resolved.parts) and not any(resolved.is_relative_to(place) for place in _not_own())


@lru_cache
def _not_own() -> tuple[Path, ...]:
    return tuple(
        Path(place).resolve() for place in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), Path(__file__).parents[1])
    )


@dataclass(frozen=True)
class Source:
    """The source of one module, read and parsed.

    Attributes:
        label: what it is called in a message.
        text: all of it.
        package: in which its relative imports are looked up.
    """

    label: str
    text: str
    package: str = ""

    @classmethod
    def of(cls, path: Path, label: str, package: str = "") -> Source:
        """Returns the source in a file.

        Raises:
            OSError, SyntaxError, UnicodeError: it cannot be read, or is not Python.
        """
        with tokenize.open(path) as file:
            return cls(label, file.read(), package)

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    def segment(self, node: ast.stmt | ast.expr) -> str:
        """Returns the lines of a node, decorators included; of a lambda only itself."""
        if not isinstance(node, ast.stmt):
            return ast.get_source_segment(self.text, node) or ""
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
        return "\n".join(self.text.splitlines()[first - 1 : node.end_lineno])

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """What stands at its top: without what only runs as a program, and what asks a question."""
        verbs = _verbs(self.tree)
        return [
            node
            for node in self.tree.body
            if not (isinstance(node, ast.If) and "__name__" in names_in(node.test)) and not _asks(node, verbs)
        ]


@dataclass
class Pieces:
    """Collects pieces.

    Attributes:
        places: where modules are looked for, before ``sys.path``.
        found: the hash of each piece, by ``name in file``, or by file.
    """

    places: Sequence[str]
    found: dict[str, str] = field(default_factory=dict)
    _begun: set[tuple[str, int, int]] = field(default_factory=set)  # nodes, by module and place
    _looked_for: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        importlib.invalidate_caches()

    def add_name(self, source: Source, name: str) -> None:
        """Adds a definition at the top of a module, and all that it reaches."""
        self._reach(source, {name})

    def add_node(self, source: Source, node: ast.stmt | ast.expr, name: str) -> None:
        """Adds a definition inside of another one, and what it reaches at the top of its module."""
        self._take(source, node, name)
        self._reach(source, names_in(node))

    def add_module(self, name: str, package: str = "") -> None:
        """Adds a module of the user's own as a whole, with the packages it lies in and the modules it imports; others not."""
        with suppress(ValueError, ImportError):
            dotted = importlib.util.resolve_name(name, package) if name.startswith(".") else name
            if dotted in self._looked_for:
                return
            self._looked_for.add(dotted)
            for spec in self._specs(dotted):
                if spec.origin and (path := Path(spec.origin)).is_file() and is_own(path):
                    self._add_file(spec, path)

    def locate(self, name: str) -> tuple[Path | None, str]:
        """Returns the file of a module and the package that it lies in; None where it is not found."""
        specs = list(self._specs(name))
        if not specs or specs[-1].name != name or not specs[-1].origin:
            return None, ""
        return Path(specs[-1].origin), name if specs[-1].submodule_search_locations else name.rpartition(".")[0]

    def add_file(self, path: Path, label: str) -> None:
        """Adds a file as a whole, and the modules that it imports if it reads as Python; one that cannot be read is left out."""
        with suppress(OSError):
            self.found[label] = digest(path.read_bytes())
            with suppress(SyntaxError, UnicodeError, ValueError):
                source = Source.of(path, label)
                self._imports(source, source.tree)
                self.found[label] = digest(source.text)

    def _add_file(self, spec: ModuleSpec, path: Path) -> None:
        is_package = bool(spec.submodule_search_locations)
        label = f"{spec.name.replace('.', '/')}{'/__init__' if is_package else ''}{path.suffix}"
        if label in self.found:
            return
        try:
            self._add_whole(Source.of(path, label, spec.name if is_package else spec.name.rpartition(".")[0]))
        except (SyntaxError, UnicodeError, ValueError):  # compiled, or no Python: its import will say so
            self.found[label] = digest(path.read_bytes())

    def _add_whole(self, source: Source) -> None:
        self.found[source.label] = digest("\n".join(map(source.segment, source.statements)))
        for node in source.statements:
            self._imports(source, node)

    def _reach(self, source: Source, names: set[str]) -> None:
        """Adds all statements at the top of a module that bind one of the names or what these use."""
        known = set[str]().union(*map(_touches, source.statements))
        wanted = (names & known) | {"*"}
        taken = set[ast.stmt]()
        while new := [node for node in source.statements if node not in taken and _touches(node) & wanted]:
            taken |= set(new)
            for node in new:
                self._take(source, node, ", ".join(sorted(_touches(node) & wanted)))
                wanted |= names_in(node) & known

    def _take(self, source: Source, node: ast.stmt | ast.expr, name: str) -> None:
        place, key = (source.label, node.lineno, node.col_offset), f"{name} in {source.label}"
        if place not in self._begun:
            self._begun.add(place)
            piece = _digest_of_value(node) or digest(source.segment(node))
            self.found[key] = digest(self.found[key] + piece) if key in self.found else piece
            self._imports(source, node)

    def _imports(self, source: Source, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import):
                for alias in inner.names:
                    self.add_module(alias.name)
            elif isinstance(inner, ast.ImportFrom):
                module = "." * inner.level + (inner.module or "")
                self.add_module(module, source.package)
                for alias in inner.names:
                    self.add_module(f"{module}{'' if module.endswith('.') else '.'}{alias.name}", source.package)
            elif isinstance(inner, ast.Call) and _last(inner.func) in ("import_module", "__import__"):
                for name in inner.args[:1]:
                    self.add_module(str(getattr(name, "value", "")), source.package)

    def _specs(self, dotted: str) -> Iterator[ModuleSpec]:
        """Yields where a module and the packages it lies in are found, the outermost first; nothing of Python's own and Shoestring's."""
        top, *rest = dotted.split(".")
        if not top or top in sys.stdlib_module_names or top == "shoestring":
            return
        spec = PathFinder.find_spec(top, [*self.places, *sys.path]) or importlib.util.find_spec(top)
        while spec is not None:
            yield spec
            if not rest or spec.submodule_search_locations is None:
                return
            spec = PathFinder.find_spec(f"{spec.name}.{rest.pop(0)}", list(spec.submodule_search_locations))


def names_in(node: ast.AST) -> set[str]:
    """Returns all names in a node."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _touches(node: ast.stmt) -> set[str]:
    """Returns the names that a statement at the top of a module binds or changes."""
    if isinstance(node, _DEFINITION):
        return {node.name}
    found = set[str]()
    for inner in ast.walk(node):
        if isinstance(inner, _DEFINITION):
            found.add(inner.name)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in inner.names}
        elif isinstance(inner, ast.Name | ast.Attribute | ast.Subscript) and isinstance(inner.ctx, ast.Store | ast.Del):
            found |= _root(inner)
        elif isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
            found |= _root(inner.value.func)
    return found


def _root(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def digest_of_value(value: object) -> str:
    """Returns the hash of a plain value, the same whether it stands in a file or is held by a session."""
    return digest(repr(value).encode(errors="surrogatepass"))


def _digest_of_value(node: ast.AST) -> str | None:
    """Returns the hash of the value that a statement such as ``RATE = 0.5`` gives a name, None where it does more."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        with suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return digest_of_value(ast.literal_eval(node.value))  # literals only: nothing of a user's module is run to hash it
    return None


def _last(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _verbs(tree: ast.Module) -> dict[str, str]:
    """Returns the names that a module has of Shoestring, and what they are called there."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or "shoestring": "" for alias in node.names if alias.name.partition(".")[0] == "shoestring"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "shoestring":
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
    return found


def _asks(node: ast.stmt, verbs: Mapping[str, str]) -> bool:
    """Tells whether a statement asks a question, such as ``answer = shoestring.search(train, ...)``; to define what would is not to ask."""
    if isinstance(node, _DEFINITION) or not verbs:
        return False
    called = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    return any(_root(func) & verbs.keys() and verbs.get(_last(func), _last(func)) in _ASKING for func in called)


def nodes_at(source: Source, name: str, line: int | None) -> Iterator[ast.stmt | ast.expr]:
    """Yields the functions and lambdas of a name that begin on a line; the classes of that name where there is no line."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Lambda) and name == "<lambda>":
            begins = node.lineno
        elif isinstance(node, _DEFINITION) and node.name == name and isinstance(node, ast.ClassDef) == (line is None):
            begins = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        else:
            continue
        if line is None or begins == line:
            yield node
