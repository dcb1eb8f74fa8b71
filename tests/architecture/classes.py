"""The classes of the product as they are written: their methods, and what they inherit from each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("model", "latentseg_gui")

Name = tuple[str, str]
"""(module, name in it)"""


@dataclass
class Module:
    """The names that a module makes and imports."""

    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    imports: dict[str, Name] = field(default_factory=dict)


@dataclass
class ClassTable:
    """All top-level classes of the product."""

    modules: dict[str, Module]

    @classmethod
    def of_product(cls) -> ClassTable:
        paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
        return cls({_module_name(path): read(path.read_text(encoding="utf-8")) for path in paths})

    def names(self) -> Iterator[Name]:
        for module, content in self.modules.items():
            yield from ((module, name) for name in content.classes)

    def node(self, name: Name) -> ast.ClassDef:
        return self.modules[name[0]].classes[name[1]]

    def bases(self, name: Name) -> list[Name]:
        """What a class inherits from directly, wherever it was imported from."""
        written = (base.value if isinstance(base, ast.Subscript) else base for base in self.node(name).bases)
        return [self._resolved(name[0], base.id) for base in written if isinstance(base, ast.Name)]

    def parents(self, name: Name) -> list[Name]:
        """The classes of the product that a class inherits code from directly; a Protocol has none to give."""
        return [base for base in self.bases(name) if self._is_ours(base) and not self.is_protocol(base)]

    def ancestors(self, name: Name) -> set[Name]:
        """The class itself, and all of the product from which it inherits code."""
        return {name}.union(*(self.ancestors(parent) for parent in self.parents(name)))

    def depth(self, name: Name) -> int:
        """How many classes of the product lie above a class, one above the other."""
        return max((1 + self.depth(parent) for parent in self.parents(name)), default=0)

    def is_protocol(self, name: Name) -> bool:
        return any(base == ("typing", "Protocol") for base in self.bases(name))

    def methods(self, name: Name) -> set[str]:
        """What a class does of its own: no properties, no overrides of Qt, no handlers of signals."""
        return {
            each.name
            for each in self.node(name).body
            if isinstance(each, ast.FunctionDef)
            and not _is_property(each)
            and not each.name.startswith("_on_")
            and not self._is_of_qt(name, each.name)
        }

    def all_methods(self, name: Name) -> set[str]:
        """The same with what it inherits from other classes of the product."""
        return set().union(*(self.methods(each) for each in self.ancestors(name)))

    def _is_ours(self, name: Name) -> bool:
        return name[0] in self.modules and name[1] in self.modules[name[0]].classes

    def _resolved(self, module: str, name: str) -> Name:
        """Where a name comes from; packages that only hand it on are followed."""
        content = self.modules.get(module)
        if content is None or name in content.classes or name not in content.imports:
            return module, name
        return self._resolved(*content.imports[name])

    def _is_of_qt(self, name: Name, method: str) -> bool:
        bases = (base for each in self.ancestors(name) for base in self.bases(each))
        return any(
            hasattr(getattr(import_module(module), base), method)
            for module, base in bases
            if module.startswith("PySide6")
        )


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read(text: str) -> Module:
    """The classes and imports of a module's text."""
    module, tree = Module(), ast.parse(text)
    module.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            module.imports |= {each.asname or each.name: (node.module, each.name) for each in node.names}
    return module


def _is_property(method: ast.FunctionDef) -> bool:
    """Whether a method is read or set like an attribute, or only says how others of its name are typed."""
    marks = (
        mark.attr if isinstance(mark, ast.Attribute) else getattr(mark, "id", "")
        for mark in method.decorator_list
    )
    return not {"property", "cached_property", "setter", "overload"}.isdisjoint(marks)
