"""Imports point down only: no file imports from a layer above its own, and none in a circle.

Read from the sources (ast), lazy imports inside functions too: an arrow is an arrow, whenever it
is followed.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "shimtool"

# Top first. Those of one layer must not import each other, but for the arrows named below.
LAYERS = (
    {"appliance", "launched", "enter_dom0", "__main__"},
    {"cli"},
    {"commands"},
    {"output"},
    {"payload"},
    {"plan"},
    {"configs", "shims"},
    {"dom0"},
    {"system", "assets", "text", "mounts"},
    {"errors", "model", "deferred", ""},
)
WITHIN = {("model", "errors"), ("model", ""), ("model", "deferred"), ("errors", "deferred")}
TYPER = {"typer"}  # the command line's library


def modules() -> dict[str, Path]:
    """Every module of the package by its name below it: "plan.hvm"; "" is the package itself."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[str]:
    """Full names of what a file imports, submodules told apart from what is in a module."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            for alias in node.names:
                below = f"{node.module}.{alias.name}".removeprefix("shimtool.")
                yield f"shimtool.{below}" if below in MODULES else str(node.module)


def arrows() -> dict[str, set[str]]:
    """Which modules of ours each one imports."""
    return {
        name: {
            found.removeprefix("shimtool").removeprefix(".")
            for found in imports(path)
            if found.partition(".")[0] == "shimtool"
        }
        - {name}
        for name, path in MODULES.items()
    }


ARROWS = arrows()


def top(name: str) -> str:
    return name.partition(".")[0]


def layer(name: str) -> int:
    (number,) = [number for number, names in enumerate(LAYERS) if top(name) in names]
    return number


def test_every_module_has_its_layer() -> None:
    assert {top(name) for name in MODULES} == set().union(*LAYERS)


@pytest.mark.parametrize("name", ARROWS)
def test_imports_point_down(name: str) -> None:
    for other in ARROWS[name]:
        if top(other) == top(name):
            continue
        down = layer(other) > layer(name)
        assert down or (top(name), top(other)) in WITHIN, f"{name} imports {other}"


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_circle_of_files() -> None:
    # A package's __init__ stands for itself only; who imports it does not import all below it.
    assert not circle(ARROWS)


def folder(name: str) -> str:
    """The folder a module lies in: "payload.kernel"; a package's own is itself."""
    return name if (PACKAGE / name.replace(".", "/")).is_dir() else name.rpartition(".")[0]


def test_no_circle_of_folders() -> None:
    graph: dict[str, set[str]] = {}
    for name, others in ARROWS.items():
        found = {folder(other) for other in others} - {folder(name), ""}
        if folder(name):
            graph.setdefault(folder(name), set()).update(found)
    assert not circle(graph)


def test_only_the_command_line_knows_its_library() -> None:
    users = {name for name, path in MODULES.items() if TYPER & {*map(top, imports(path))}}
    assert {top(name) for name in users} == {"cli"}
    rich = {name for name, path in MODULES.items() if any(top(i) == "rich" for i in imports(path))}
    assert rich == {"cli.guest_table", "cli.page", "cli.terminal"}


def test_planning_is_pure() -> None:
    """It opens, runs and asks nothing: what it needs is handed to it."""
    doors = {"os.path", "subprocess", "socket", "shutil", "tempfile", "time", "random", "glob"}
    for name, path in MODULES.items():
        if top(name) == "plan":
            assert not doors & {*imports(path)}, name
            calls = [n for n in ast.walk(ast.parse(path.read_bytes())) if isinstance(n, ast.Call)]
            assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "open"]


def test_logic_never_prints_or_exits() -> None:
    for name, path in MODULES.items():
        if top(name) in {"cli", *LAYERS[0]}:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "exit", "quit", "input"), name
            if isinstance(node, ast.Attribute) and node.attr == "exit":
                assert not (isinstance(node.value, ast.Name) and node.value.id == "sys"), name
            assert not (isinstance(node, ast.Name) and node.id == "SystemExit"), name


def test_a_circle_would_be_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b"}, "b": {"c"}, "c": set()})
