"""What is declared is used, what is used is declared, and the exact versions agree with both."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OWN = ("model", "latentseg_gui", "assets", "tests")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TOOLS = {"mypy", "ruff", "import-linter", "pytest-qt", "pytest-timeout", "scipy-stubs", "setuptools"}
"""Of the development dependencies those that are run, not imported."""


def requirements(entries: list[str]) -> dict[str, Requirement]:
    found = [Requirement(entry) for entry in entries]
    return {str(canonicalize_name(each.name)): each for each in found if each.name != PROJECT["name"]}


EXTRAS = {name: requirements(entries) for name, entries in PROJECT["optional-dependencies"].items()}
LIBRARY = requirements(PROJECT["dependencies"])
DECLARED = LIBRARY | EXTRAS["gui"]
"""What the program with its window needs."""


@cache
def distributions(folders: tuple[str, ...]) -> dict[str, set[str]]:
    """The distributions that the modules below some folders import, with the files that do so."""
    names = packages_distributions()
    found: dict[str, set[str]] = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in (module.split(".")[0] for module in modules):
                if module in sys.stdlib_module_names or module in OWN:
                    continue
                for name in names.get(module, [f"nothing installed for {module}"]):
                    found.setdefault(str(canonicalize_name(name)), set()).add(path.name)
    return found


def test_every_declared_dependency_is_imported_by_the_product() -> None:
    used = distributions(("model", "latentseg_gui"))
    assert not sorted(DECLARED.keys() - used.keys())


WINDOW = ("app", "controllers", "canvas", "panels", "workers")
"""Rooms of `latentseg_gui` that are there for the window."""


def test_the_library_and_the_subcommands_need_nothing_of_the_window() -> None:
    rooms = [path.name for path in (ROOT / "latentseg_gui").iterdir() if path.is_dir()]
    used = distributions(("model", *(f"latentseg_gui/{room}" for room in rooms if room not in WINDOW)))
    assert used.keys() & EXTRAS["gui"].keys() <= {"pyside6-essentials"}
    assert used.get("pyside6-essentials", set()) <= {"doctor.py"}, "which asks whether it starts"
    assert "torch" in LIBRARY


def test_every_import_of_the_product_is_declared() -> None:
    allowed = set(DECLARED).union(
        *(entries for name, entries in EXTRAS.items() if name not in ("dev", "bundle"))
    )
    used = distributions(("model", "latentseg_gui"))
    undeclared = {
        name: files for name, files in used.items() if name not in allowed and "nothing" not in name
    }
    assert not undeclared


def test_what_only_tests_need_is_for_developers() -> None:
    used = distributions(("tests",))
    assert not sorted(EXTRAS["dev"].keys() - used.keys() - TOOLS)


@pytest.mark.parametrize("name", sorted(DECLARED.keys() | EXTRAS["dev"].keys()))
def test_the_exact_version_of_each_is_one_that_is_declared(name: str) -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    exact = requirements([line for line in lines if re.match(r"[A-Za-z]", line)])
    declared = (DECLARED | EXTRAS["dev"])[name]
    assert name in exact, "the lists of versions are of the same packages"
    for bound in exact[name].specifier:
        if bound.operator == "==":
            assert declared.specifier.contains(bound.version)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_every_dependency_has_a_lower_bound(name: str) -> None:
    assert any(bound.operator in (">=", "==", "~=") for bound in DECLARED[name].specifier)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("pillow", "12.2"),
        ("pyside6-essentials", "6.8.0"),
        ("pyside6-essentials", "6.9.1"),
        ("pyside6-essentials", "6.12.0"),
    ],
)
def test_versions_known_to_be_unsafe_or_broken_are_not_admitted(name: str, version: str) -> None:
    assert not DECLARED[name].specifier.contains(version)
