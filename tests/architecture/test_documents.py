"""Documents that a newcomer reads first are true: rooms are named, names are those that are used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "latentseg_gui"
DOCUMENTS = (
    *(PACKAGE / name for name in ("ARCHITECTURE.md", "GLOSSARY.md")),
    *sorted((PACKAGE / "decisions").glob("*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "model" / "README.md",
)

RETIRED = ("vouch", "look_closer", "likeness", "placerow", "next_place", "is_settled", "shower")
"""Words for which another is used now: see the glossary. They are found in any name that holds them."""

READ_STILL = {"latentseg_gui/app/preferences.py", "latentseg_gui/io/project/manifest.py"}
"""These read files that still have a word of earlier versions."""


def rooms() -> list[str]:
    """The packages inside the window's floors, such as ``controllers/masks``."""
    found = (path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("__init__.py"))
    return sorted(path.as_posix() for path in found if len(path.parts) == 2)


@pytest.mark.parametrize("room", rooms())
def test_every_room_stands_in_the_map_of_the_house(room: str) -> None:
    text = (PACKAGE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    floor, name = room.split("/")
    rows = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    assert any(f"`{floor}`" in row for row in rows) or re.search(rf"`{room}[`/]", text)


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "model").glob("*/__init__.py")))
def test_every_room_of_the_library_stands_there_too(room: str) -> None:
    assert f"`{room}`" in (PACKAGE / "ARCHITECTURE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_modules_that_a_document_names_exist(document: Path) -> None:
    named = re.findall(r"`([\w/]+/[\w/]+\.(?:py|md))`", document.read_text(encoding="utf-8"))
    homes = (ROOT, PACKAGE, ROOT / "model", document.parent)
    named = [name for name in named if "NAME" not in name]
    assert [name for name in named if not any((home / name).exists() for home in homes)] == []


def names_in(path: Path) -> set[str]:
    """What is defined or used as a name in a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.arg | ast.keyword):
            found.add(node.arg or "")
        elif isinstance(node, ast.Name):
            found.add(node.id)
    return found


def test_words_that_were_given_up_do_not_come_back() -> None:
    modules = [
        path for package in ("model", "latentseg_gui") for path in sorted((ROOT / package).rglob("*.py"))
    ]
    back = {
        path.relative_to(ROOT).as_posix(): sorted(old)
        for path in modules
        if (old := {name for name in names_in(path) if any(word in name.lower() for word in RETIRED)})
    }
    assert {path: names for path, names in back.items() if path not in READ_STILL} == {}


def test_every_term_of_the_glossary_is_used() -> None:
    rows = re.findall(r"^\| ([^|]+?) \|", (PACKAGE / "GLOSSARY.md").read_text(encoding="utf-8"), re.M)[1:]
    terms = [term.strip(" *`") for row in rows for term in row.split(",")]
    text = "\n".join(
        path.read_text(encoding="utf-8").lower()
        for package in (PACKAGE, ROOT / "model")
        for path in package.rglob("*.py")
    )
    assert [term for term in terms if term.lower() not in text.replace("_", " ")] == []


def test_what_a_sentence_quotes_from_the_window_is_there() -> None:
    """A sentence that sends the user to a button or an entry of a menu calls it as it is called."""
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))]
    nodes = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.Constant)]
    texts = [node.value for node in nodes if isinstance(node.value, str)]
    quoted = {name for text in texts for name in re.findall("\u201c([A-Z][^\u201c\u201d{}]*)\u201d", text)}
    assert "Rank all images" in quoted
    assert quoted - {text.rstrip(".") for text in texts} == set()
