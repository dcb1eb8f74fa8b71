"""A binding that loses references is seen before it can end the program."""

import sys

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from latentseg_gui.app import bindings
from latentseg_gui.document.errors import LatentsegError


def test_twenty_thousand_signals_lose_no_reference(qtbot: QtBot) -> None:
    assert bindings.references_lost(20_000) < 5


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="True, False and None are immortal there")
def test_two_thousand_repaints_lose_no_reference(qtbot: QtBot) -> None:
    label = QLabel("canary")
    qtbot.addWidget(label)
    label.show()
    constants = (True, False, None)
    before = [sys.getrefcount(constant) for constant in constants]
    for _ in range(2_000):
        label.repaint()
    after = [sys.getrefcount(constant) for constant in constants]
    assert max(b - a for b, a in zip(before, after, strict=True)) < 5


def test_a_broken_binding_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "references_lost", lambda rounds: rounds)
    with pytest.raises(LatentsegError, match="pip install"):
        bindings.require_sound_binding()


def test_a_sound_binding_is_let_through() -> None:
    bindings.require_sound_binding()
