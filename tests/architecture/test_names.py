"""Names mean one thing, and helpers of tests have rooms of their own."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("model", "latentseg_gui")

INTERFACES = {"main", "run", "add_arguments", "build", "decode", "header", "orientation_of"}
"""What every subcommand has, every flow of the window, and every reader of images: one meaning, many homes."""

HOMONYMS = frozenset(("JobContext",))
"""Public names with more than one definition; this one is the same protocol on both sides of a border. May only
shrink: whoever needs a name that is taken takes another, and whoever renames one strikes it out here."""


def public_definitions() -> dict[str, list[str]]:
    """Public functions and classes of modules, and where they are defined."""
    homes: dict[str, list[str]] = defaultdict(list)
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    homes[node.name].append(path.relative_to(ROOT).as_posix())
    return {name: found for name, found in homes.items() if not name.startswith("_")}


def test_a_public_name_has_one_meaning() -> None:
    found = {name: homes for name, homes in public_definitions().items() if len(homes) > 1}
    new = {name: homes for name, homes in found.items() if name not in HOMONYMS | INTERFACES}
    assert not new, "these names are taken; choose others"
    gone = HOMONYMS - set(found)
    assert not gone, "these have one meaning now: strike them out of HOMONYMS, so that it stays so"


def test_tests_do_not_import_test_modules() -> None:
    """What two of them need lies in a module of helpers beside them."""
    borrowed = [
        f"{path.relative_to(ROOT).as_posix()}: {module}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for module in modules_imported_by(path)
        if module.startswith("tests.") and any(part.startswith("test_") for part in module.split("."))
    ]
    assert not borrowed


def modules_imported_by(path: Path) -> list[str]:
    """Full names of modules, and of what is taken from them."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            is_package = (ROOT / node.module.replace(".", "/")).is_dir()
            found += [f"{node.module}.{alias.name}" for alias in node.names] if is_package else [node.module]
    return found
