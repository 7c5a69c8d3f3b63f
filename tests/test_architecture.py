"""The layers of the engine: a module imports only from layers below its own, or from its own folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "shoestring"
LAYERS = {
    0: "cleaning errors arguments clock processor",
    1: "interrupts mark guardian space parameter space_text convert orders lease events kinds packing unpacking modules built generators "
    "state handed randomness checkpoint trial budget lock files storable finding selection comparison scaling answer options speed",
    2: "schema sqlite integrity redo unread store stats",
    3: "samplers schedulers questions",
    4: "ledger",
    5: "runners",
    6: "study leases casebook",
    7: "run standing spending naming verification launch sources identity origin plan plan_compare plan_scale export watch "
    "suspects pause_verdict pausable doctor datasets",
    8: "doors report claim rules claims",
    9: "cli __init__ systems",
    10: "__main__",
}
LAYER = {name: number for number, names in LAYERS.items() for name in names.split()}
HEAVY = {"torch", "matplotlib"}
MODULES = sorted(SOURCE.rglob("*.py"))
# What a system may import of the engine: what any user would, and of the two whose component is a part of the engine that part.
PUBLIC = {"__init__", "answer", "budget", "claim", "rules", "speed", "datasets", "errors", "comparison", "selection", "scaling", "options"}
COMPONENTS = {"hyperband": {"schedulers", "samplers"}, "nas_rl": {"samplers", "orders"}}

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
def test_every_module_has_a_layer(path):
    assert part_of(path) in LAYER


@modules
def test_a_module_imports_only_from_below_or_from_its_own_folder(path):
    part = part_of(path)
    if part == "systems":
        return  # they are users: see below
    own = {part} if path.parent != SOURCE or part == "__init__" else set()
    same_layer_modules = (
        {other for other in LAYER if LAYER[other] == LAYER[part] and not (SOURCE / other).is_dir()} if path.parent == SOURCE else set()
    )

    above = {other for other in parts_imported(ast.parse(path.read_text())) if LAYER[other] >= LAYER[part]}

    assert above <= own | same_layer_modules


def test_modules_of_one_layer_do_not_go_round_in_a_circle():
    needs = {
        path.stem: parts_imported(ast.parse(path.read_text())) - {"__init__"} for path in SOURCE.glob("*.py") if path.stem != "__init__"
    }
    while ready := [name for name, others in needs.items() if not others & needs.keys()]:
        for name in ready:
            del needs[name]

    assert not needs


@pytest.mark.parametrize("path", sorted(SOURCE.glob("systems/*/*.py")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_system_is_a_user_of_the_engine_and_of_no_other_system(path):
    system = path.parent.name
    tree = ast.parse(path.read_text())

    others = {name.split(".")[2] for name in imports(tree) if name.startswith("shoestring.systems.")} - {system}
    engine = parts_imported(tree) - {"systems"}

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
