"""The rooms of the package: a module imports only from rooms below its own, or from its own, and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "shoestring"
ROOMS = [  # from the ground up; those of one line do not know each other
    "cleaning",
    "errors",
    "arguments datasets machine state",
    "budget members",
    "values",
    "space trial stats",
    "store samplers schedulers",
    "questions runners",
    "engine testing",
    "plans reports pauses doctor",
    "verdicts",
    "api",
    "__init__ systems",
    "cli",
    "__main__",
]
LAYER = {name: number for number, names in enumerate(ROOMS) for name in names.split()}
HEAVY = {"torch", "matplotlib"}
MODULES = sorted(SOURCE.rglob("*.py"))
# What a system may import of the engine: what any user would, and of the two whose component is a part of the engine that part.
PUBLIC = {"__init__", "systems", "budget", "datasets", "errors", "values", "verdicts"}
# The kit reads what a user hands in as the engine's own doors do.
COMPONENTS = {"hyperband": {"schedulers", "samplers"}, "nas_rl": {"samplers"}, "kit": {"arguments"}}

modules = pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(SOURCE)) for path in MODULES])


def part_of(path: Path) -> str:
    """Returns the folder or module directly below the package: what a layer is given to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Yields the dotted name of everything that is imported, inside of functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_at_module_level(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)) and not isinstance(
            node, ast.FunctionDef | ast.ClassDef
        ):
            yield from imports(node)


def parts_imported(tree: ast.Module) -> set[str]:
    names = [name.split(".") for name in imports(tree) if name.split(".")[0] == "shoestring"]
    return {name[1] if len(name) > 1 and name[1] in LAYER else "__init__" for name in names}


@modules
def test_every_module_is_in_a_room(path):
    assert part_of(path) in LAYER


def test_the_ground_floor_holds_rooms_and_few_files():
    files = {path.stem for path in SOURCE.glob("*.py")}

    assert files <= {"__init__", "__main__", "api", "arguments", "budget", "cleaning", "datasets", "doctor", "errors", "members"}


@modules
def test_a_module_imports_only_from_below_or_from_its_own_room(path):
    room = part_of(path)
    if room == "systems":
        return  # they are users: see below

    above = {other for other in parts_imported(ast.parse(path.read_text())) if LAYER[other] >= LAYER[room]}

    assert above <= {room}


def test_no_imports_go_round_in_a_circle():
    engine = [path for path in MODULES if part_of(path) != "systems"]
    names = {".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in engine}
    needs = {name: {known(other, names) for other in imports(ast.parse(path.read_text()))} & names.keys() for name, path in names.items()}
    rooms = {name for name, path in names.items() if path.name == "__init__.py"}  # a room lists its members, and they may name the room
    while ready := [name for name, others in needs.items() if not (others - {name} - rooms) & needs.keys()]:
        for name in ready:
            del needs[name]

    assert not needs


def known(name: str, names: Mapping[str, Path]) -> str:
    """Returns the module that a dotted name stands for or lies in."""
    return name if name in names else name.rpartition(".")[0]


@pytest.mark.parametrize("path", sorted(SOURCE.glob("systems/*/*.py")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_system_is_a_user_of_the_engine_and_of_no_other_system(path):
    system = path.parent.name
    tree = ast.parse(path.read_text())

    others = {name.split(".")[2] for name in imports(tree) if name.startswith("shoestring.systems.")} - {system, "kit"}
    engine = parts_imported(tree)

    assert not others
    assert engine <= PUBLIC | COMPONENTS.get(system, set())


def test_the_engine_knows_no_system():
    names = {path.name for path in SOURCE.glob("systems/*") if path.is_dir()} - {"__pycache__"}
    engine = [path for path in MODULES if part_of(path) != "systems"]

    assert not {f"{path.name}: {name}" for path in engine for name in names if f"systems.{name}" in path.read_text()}


@modules
def test_nothing_heavy_is_imported_before_it_is_needed(path):
    if part_of(path) == "systems":
        return  # nothing of theirs is imported before someone asks for them
    found = {name.split(".")[0] for name in imports_at_module_level(ast.parse(path.read_text()))}

    assert not found & HEAVY


@modules
def test_every_module_says_what_it_is_and_is_of_reviewable_size(path):
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 600
