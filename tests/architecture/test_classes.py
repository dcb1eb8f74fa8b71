"""A class does one thing, and is made of parts rather than of ancestors."""

from __future__ import annotations

import pytest

from tests.architecture.classes import ClassTable, Name, read

MAX_METHODS = 20
"""Methods of its own. Properties, overrides of Qt and handlers of signals are no reason to cut a class in two."""
MAX_METHODS_WITH_INHERITED = 40
"""The same with those inherited from other classes of the product: a tower of mixins is one large class."""
MAX_DEPTH = 2
"""Classes of the product above a class, one above the other. Qt and Protocols do not count."""


@pytest.fixture(scope="module")
def table() -> ClassTable:
    return ClassTable.of_product()


def test_no_class_does_everything(table: ClassTable) -> None:
    counts = {name: len(table.methods(name)) for name in table.names() if not table.is_protocol(name)}
    assert counts
    assert not {name: count for name, count in counts.items() if count > MAX_METHODS}


def test_no_class_does_everything_by_inheritance(table: ClassTable) -> None:
    counts = {name: len(table.all_methods(name)) for name in table.names()}
    assert not {name: count for name, count in counts.items() if count > MAX_METHODS_WITH_INHERITED}


def test_what_a_class_does_is_not_hidden_behind_many_ancestors(table: ClassTable) -> None:
    depths = {name: table.depth(name) for name in table.names()}
    assert not {name: depth for name, depth in depths.items() if depth > MAX_DEPTH}


TOWER = """
from typing import Protocol
from PySide6.QtWidgets import QWidget as Widget
from house import Ground as Storey

class Climbs(Protocol):
    def climb(self): ...

class Attic(Storey, Climbs):
    @property
    def view(self): ...
    def paintEvent(self, event): ...
    def _on_rain(self): ...
    def store(self): ...
    def climb(self): ...
"""
GROUND = """
from PySide6.QtWidgets import QWidget

class Base(QWidget):
    def dig(self): ...

class Ground(Base):
    def stand(self): ...
"""


def test_inheritance_is_followed_through_imports_and_packages() -> None:
    table = ClassTable(
        {"tower": read(TOWER), "house": read("from ground import Ground"), "ground": read(GROUND)}
    )
    attic: Name = ("tower", "Attic")
    assert table.depth(attic) == 2
    assert table.methods(attic) == {"store", "climb"}
    assert table.all_methods(attic) == {"store", "climb", "stand", "dig"}
    assert table.is_protocol(("tower", "Climbs"))
