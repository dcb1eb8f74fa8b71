"""The table of actions: keys as the manual says, and none claimed twice."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QKeySequence

from latentseg_gui.app.actions import ACTIONS, conflicting_keys, spec


def test_no_key_belongs_to_two_actions() -> None:
    assert conflicting_keys({each.name: each.keys for each in ACTIONS}) == {}


def test_a_conflict_names_both_actions() -> None:
    assert conflicting_keys({"undo": ("Ctrl+Z",), "mine": ("Ctrl+Z", "M")}) == {"Ctrl+Z": ["undo", "mine"]}


@pytest.mark.parametrize("each", ACTIONS, ids=lambda each: each.name)
def test_every_key_is_one_that_qt_understands(each: object) -> None:
    for key in spec(each.name).keys:  # type: ignore[attr-defined]
        assert QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText), key


def test_no_single_letter_saves() -> None:
    assert all(len(key) > 1 for key in spec("save").keys)
