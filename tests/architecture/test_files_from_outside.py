"""What is opened to be read is opened by one function, which never waits for a pipe; so are links followed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "latentseg_gui"
READERS = {"read_bytes", "read_text"}
OWN = {
    "app/log.py": "writes the log",
    "app/theme.py": "part of the program",
    "headless/desktop.py": "part of the program",
    "panels/icons.py": "part of the program",
    "workers/child.py": "writes the log of a child",
    "io/regular_files.py": "the one function",
    "io/storage.py": "writes at the end of a file",
}
OWED = {
    "controllers/training/weights.py",
    "headless/prediction/predict.py",
    "io/transfer/batch.py",
}
"""Files that still open by themselves; may only shrink."""


def plain_openings(path: Path) -> Iterator[int]:
    """Lines in which a file is opened by name, but not by `open_regular`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        by_name = isinstance(function, ast.Name) and function.id == "open"
        by_path = isinstance(function, ast.Attribute) and function.attr in READERS
        if by_name or by_path:
            yield node.lineno


def test_nothing_is_opened_to_be_read_but_by_the_one_function() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sorted(ROOT.rglob("*.py"))
        if (lines := list(plain_openings(path)))
    }
    assert not {name: lines for name, lines in found.items() if name not in OWN and name not in OWED}
    assert not OWED - found.keys(), "take them off the list"


def test_links_are_followed_by_the_one_function() -> None:
    """`Path.resolve` ends in a RuntimeError where a link leads back to itself."""
    found = [
        path.relative_to(ROOT.parent).as_posix()
        for package in ("latentseg_gui", "model")
        for path in sorted((ROOT.parent / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "resolve"
    ]
    assert set(found) <= {"model/pretraining/cache.py"}, "its folder is the developer's own"
