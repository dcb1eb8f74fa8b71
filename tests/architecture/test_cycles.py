"""No two modules need each other, not even by an import inside a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(path): path for package in ("model", "latentseg_gui") for path in (ROOT / package).rglob("*.py")
}


def imported(module: str) -> Iterator[str]:
    """What a module imports of the product, at its beginning or later; but not what only types need."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for_types = {
        each
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for each in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            # `from package import module` needs the module; `from module import name` the module itself.
            names = [f"{node.module}.{each.name}" for each in node.names]
            names = [each if each in MODULES else node.module for each in names]
        yield from (each for each in names if each in MODULES and each != module)


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """Groups of more than one module each of which can be reached from each other."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            news = arrows[waiting.pop()] - found
            found |= news
            waiting += news
        return found

    after = {module: reached(module) for module in arrows}
    groups = ({module, *(each for each in after[module] if module in after[each])} for module in arrows)
    return [set(each) for each in {frozenset(group) for group in groups if len(group) > 1}]


def test_no_modules_import_each_other_even_late() -> None:
    arrows = {module: set(imported(module)) for module in MODULES}
    assert sum(map(len, arrows.values())) > 1500
    assert circles(arrows) == []


def test_a_circle_is_found_however_long() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert circles(arrows) == [{"a", "b", "c"}]
