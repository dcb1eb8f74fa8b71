"""Who connects what: a controller itself to its view, the document and its own room; flows to each other only `app`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "latentseg_gui"
CONTROLLERS = PACKAGE / "controllers"
SHARED = {"jobs", "interfaces", "waiting"}
"""What every room builds on lies beside the rooms."""
MODULES = sorted(path for path in CONTROLLERS.rglob("*.py") if path.parent != CONTROLLERS)


def room_of_names(tree: ast.Module) -> dict[str, str]:
    """By imported name, the room of controllers that it comes from."""
    return {
        each.asname or each.name: node.module.split(".")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("latentseg_gui.controllers.")
        for each in node.names
    }


def strangers(tree: ast.Module, own: str) -> set[str]:
    """Parameters and attributes of a module that come from another room of controllers, as they are written."""
    rooms = {name: room for name, room in room_of_names(tree).items() if room not in SHARED}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            kinds = {each.id for each in ast.walk(node.annotation) if isinstance(each, ast.Name)}
            if any(rooms.get(kind, own) != own for kind in kinds):
                found.add(node.arg)
    for node in ast.walk(tree):
        is_kept = isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in found
        if is_kept:
            found |= {ast.unparse(target) for target in node.targets}
    return found


def connected(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, whose signal) of every connection in a module."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "connect"
        ):
            signal = node.func.value
            if isinstance(signal, ast.Attribute):
                yield node.lineno, ast.unparse(signal.value)


def crossings(source: str, own: str) -> list[int]:
    tree = ast.parse(source)
    others = strangers(tree, own)
    return [
        line
        for line, owner in connected(tree)
        if any(owner == other or owner.startswith(f"{other}.") for other in others)
    ]


def test_no_controller_connects_itself_to_one_of_another_room() -> None:
    assert len(MODULES) > 50
    found = [
        f"{path.relative_to(PACKAGE).as_posix()}:{line}"
        for path in MODULES
        for line in crossings(path.read_text(encoding="utf-8"), path.parent.name)
    ]
    assert found == [], "connect flows in app/flows"


def test_a_crossing_is_seen() -> None:
    source = (
        "from latentseg_gui.controllers.training.weights import Versions\n"
        "class A:\n"
        "    def __init__(self, weights: Versions | None) -> None:\n"
        "        self._weights = weights\n"
        "        weights.activated.connect(print)\n"
        "    def later(self) -> None:\n"
        "        self._weights.activated.connect(print)\n"
    )
    assert crossings(source, "experts") == [5, 7]
    assert crossings(source, "training") == []


def test_controllers_are_made_in_flows_only() -> None:
    """In `app`; and two that frame all flows: the list of what `Session` closes, and what the user is asked then."""
    made = {
        path.relative_to(PACKAGE).as_posix(): name
        for path in sorted((PACKAGE / "app").rglob("*.py"))
        if path.parent.name != "flows"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for name in [getattr(node.func, "id", "")]
        if name.endswith("Controller")
    }
    assert made == {"app/session.py": "ClosingController"}


def test_every_flow_is_built_once_by_one_function() -> None:
    flows = [path for path in (PACKAGE / "app" / "flows").glob("*.py")]
    builders = {
        path.stem
        for path in flows
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "build"
    }
    rooms = {path.name for path in CONTROLLERS.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert builders == rooms, "one word for a flow on each floor"
