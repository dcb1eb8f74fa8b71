"""A module that one other imports is a thing of its own, with a name that somebody would look for; not a page break.

What lies in another room than its user is at home there: contracts say who may ask whom. In one room, a module with
one user is right where it is something on the screen, one class, or an entry of a registry. What else there is has
its kind in `KINDS`. Decision 0013 has the reasons.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

KINDS = {
    "a way into the program": (
        *("latentseg_gui.app.compose", "latentseg_gui.cli", "latentseg_gui.headless.prediction.predict"),
        "model.pretraining.loop",
    ),
    "a mode of a subcommand": (
        "latentseg_gui.headless.experts.attention",
        "latentseg_gui.headless.training.finetune_clicks",
    ),
    "sentences of one place": ("latentseg_gui.app.hints", "latentseg_gui.panels.experts.words"),
    "a format, read or written": (
        *("latentseg_gui.document.project.planes", "latentseg_gui.io.images.deep_reader"),
        *("latentseg_gui.io.images.tiff_structure", "latentseg_gui.io.masks.joining"),
        *("latentseg_gui.io.masks.long_json", "latentseg_gui.io.masks.survey", "latentseg_gui.io.masks.voc"),
        *("model.click_models.pairs", "model.click_models.prompts", "model.weights.checks"),
        "model.weights.packing",
    ),
    "work beside the window, with its values": (
        *("latentseg_gui.controllers.project.recovering", "latentseg_gui.controllers.project.unsaved"),
        *("latentseg_gui.controllers.transfer.import_run", "latentseg_gui.headless.prediction.overlap"),
        "latentseg_gui.headless.prediction.examples",
    ),
    "an algorithm": (
        *("latentseg_gui.io.masks.parts", "model.prediction.blobs", "model.prediction.click_trust"),
        *("model.prediction.plain_clicks", "model.prediction.region_attention", "model.prediction.ridges"),
        *("model.pretraining.rendered", "model.pretraining.start", "model.training.acquaintance"),
        *("model.training.full_images", "model.training.object_loss", "model.training.own_colours"),
        "model.training.pseudo_labels",
    ),
}
"""Modules with one user in their room that are neither a class nor a widget nor an entry. Whoever adds one says
here what it is, or joins it with its user; what is joined goes from here, too."""

REGISTRIES = ("registry", "presets", "service")
"""Last names of modules that list others, one by one."""

MOST_NAMES = 2
"""So many names come out of a module that is one class: itself, and what it is made with."""


class Imports:
    """Who takes what from whom; packages that hand a name on are followed to where it is made.

    Args:
        texts: by full name of the module; packages are those that have others below them.
    """

    def __init__(self, texts: dict[str, str]) -> None:
        self.trees = {name: ast.parse(text) for name, text in texts.items()}
        self._packages = {name.rpartition(".")[0] for name in texts} & set(texts)
        self._handed_on = {
            (package, each.asname or each.name): (node.module, each.name)
            for package in self._packages
            for node in ast.walk(self.trees[package])
            if isinstance(node, ast.ImportFrom) and node.module
            for each in node.names
        }
        self.users: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for user in set(texts) - self._packages:
            for module, name in self._taken_by(user):
                self.users[module][user].add(name)

    def _taken_by(self, user: str) -> list[tuple[str, str]]:
        taken = [
            (self._home(node.module, each.name), each.name)
            for node in ast.walk(self.trees[user])
            if isinstance(node, ast.ImportFrom) and node.module
            for each in node.names
        ]
        return [each for each in taken if each[0] in self.trees and each[0] not in self._packages]

    def _home(self, module: str, name: str) -> str:
        if f"{module}.{name}" in self.trees:
            return f"{module}.{name}"
        if (module, name) in self._handed_on:
            return self._home(*self._handed_on[module, name])
        return module

    def with_one_user_in_the_room(self) -> dict[str, tuple[str, set[str]]]:
        """By module, its only user, which lies beside it, and the names that it takes."""
        only = {module: next(iter(users.items())) for module, users in self.users.items() if len(users) == 1}
        return {module: found for module, found in only.items() if room_of(module) == room_of(found[0])}

    def kind(self, module: str) -> str:
        """What a module is that has one user in its room, as far as it can be read off; "" for anything else."""
        user, names = self.with_one_user_in_the_room()[module]
        classes = {node.name: node for node in self.trees[module].body if isinstance(node, ast.ClassDef)}
        bases = [ast.unparse(base) for node in classes.values() for base in node.bases]
        if user.endswith(REGISTRIES):
            return "entry"
        if ".panels." in module and any(base.startswith("Q") for base in bases):
            return "widget"
        return "class" if len(names & set(classes)) == 1 and len(names) <= MOST_NAMES else ""


def room_of(module: str) -> str:
    return module.rpartition(".")[0]


@pytest.fixture(scope="module")
def imports() -> Imports:
    paths = [path for package in ("model", "latentseg_gui") for path in (ROOT / package).rglob("*.py")]
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}
    return Imports({name.removesuffix(".__init__"): path.read_text("utf-8") for path, name in names.items()})


def test_what_one_other_imports_is_a_thing_of_its_own(imports: Imports) -> None:
    known = {module for modules in KINDS.values() for module in modules}
    found = imports.with_one_user_in_the_room()
    breaks = {module: user for module, (user, _) in found.items() if not imports.kind(module)}
    assert len(found) > 50
    assert not {f"{module} <- {user}" for module, user in breaks.items() if module not in known}, (
        "join them with their only user, or say in KINDS what they are"
    )


def test_the_list_of_kinds_names_only_what_is_there(imports: Imports) -> None:
    listed = [module for modules in KINDS.values() for module in modules]
    assert sorted(set(listed)) == sorted(listed)
    assert not set(listed) - set(imports.trees)


def test_most_of_it_is_used_by_more_than_one(imports: Imports) -> None:
    """Of all modules, those with one user in their room; may only shrink."""
    found = imports.with_one_user_in_the_room()
    assert len(found) / len(imports.trees) < 0.15


HOUSE = {
    "house": "from house.kitchen import Stove",
    "house.kitchen": "class Stove: ...\ndef boil(): ...\ndef fry(): ...",
    "house.cook": "from house import Stove\nfrom house.kitchen import boil, fry",
    "house.door": "class Door: ...",
    "house.hall": "from house.door import Door\nfrom garden.shed import spade",
    "garden": "",
    "garden.shed": "def spade(): ...",
}


def test_a_page_break_is_seen_through_a_package() -> None:
    found = Imports(HOUSE)
    alone = found.with_one_user_in_the_room()
    assert alone == {
        "house.kitchen": ("house.cook", {"Stove", "boil", "fry"}),
        "house.door": ("house.hall", {"Door"}),
    }
    assert {module: found.kind(module) for module in alone} == {"house.kitchen": "", "house.door": "class"}
