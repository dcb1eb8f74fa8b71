from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QListView, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.panels.commands import CommandPalette, PaletteEntry, ShortcutRow, ShortcutSheet
from latentseg_gui.panels.commands.palette import match_score

ENTRIES = (
    PaletteEntry("open", "Open images...", "Ctrl+O"),
    PaletteEntry("finetune", "Fine-tune", "Ctrl+T"),
    PaletteEntry("fill", "Fill holes"),
    PaletteEntry("redo", "Redo", "Ctrl+Y", is_enabled=False),
)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    QVBoxLayout(widget).addWidget(QPushButton("below"))
    widget.resize(700, 500)
    widget.show()
    return widget


@pytest.fixture
def palette(window: QWidget) -> CommandPalette:
    made = CommandPalette(window)
    made.open_with(ENTRIES)
    return made


def field(palette: CommandPalette) -> QLineEdit:
    found = palette.findChild(QLineEdit)
    assert found is not None
    return found


def shown(palette: CommandPalette) -> list[str]:
    view = palette.findChild(QListView)
    assert view is not None
    return [str(view.model().index(row, 0).data()) for row in range(view.model().rowCount())]


@pytest.mark.parametrize(
    ("needle", "text", "score"),
    [("fi", "Fill", 0), ("ho", "Fill holes", 1), ("ole", "Fill holes", 2), ("flh", "Fill holes", 3)],
)
def test_better_matches_come_first(needle: str, text: str, score: int) -> None:
    assert match_score(needle, text) == score


def test_letters_out_of_order_do_not_match() -> None:
    assert match_score("zf", "Fill holes") is None


def test_a_few_letters_and_enter_run_the_action(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClicks(field(palette), "fi")
    assert shown(palette) == ["Fine-tune", "Fill holes"]
    qtbot.keyClick(field(palette), Qt.Key.Key_Down)
    with qtbot.waitSignal(palette.command_requested) as caught:
        qtbot.keyClick(field(palette), Qt.Key.Key_Return)
    assert caught.args == ["fill"]
    assert not palette.isVisible()


def test_an_action_that_is_off_does_not_run(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClicks(field(palette), "redo")
    with qtbot.assertNotEmitted(palette.command_requested):
        qtbot.keyClick(field(palette), Qt.Key.Key_Return)
    assert palette.isVisible()


def test_nothing_that_fits_is_no_crash(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClicks(field(palette), "qqq")
    assert shown(palette) == []
    qtbot.keyClick(field(palette), Qt.Key.Key_Down)
    qtbot.keyClick(field(palette), Qt.Key.Key_Return)
    assert palette.isVisible()


def test_escape_closes_and_opening_again_starts_empty(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClicks(field(palette), "fi")
    qtbot.keyClick(field(palette), Qt.Key.Key_Escape)
    assert not palette.isVisible()
    palette.open_with(ENTRIES)
    assert field(palette).text() == ""
    assert len(shown(palette)) == 4


def test_it_stays_inside_its_window(palette: CommandPalette, window: QWidget) -> None:
    assert window.rect().contains(palette.geometry())


def test_the_sheet_lists_actions_with_keys_by_group_and_searches(qtbot: QtBot) -> None:
    sheet = ShortcutSheet()
    qtbot.addWidget(sheet)
    rows = [
        ShortcutRow("Edit", "Undo", ("Ctrl+Z",)),
        ShortcutRow("Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
        ShortcutRow("View", "Fit", ("Ctrl+F",)),
        ShortcutRow("View", "No key", ()),
    ]
    sheet.set_rows(rows)
    sheet.show()

    def texts() -> set[str]:
        return {each.text() for each in sheet.findChildren(QLabel) if each.isVisible()}

    assert {"Edit", "Undo", "Ctrl+Shift+Z", "Ctrl+Y", "Fit"} <= texts()
    widths = {each.width() for each in sheet.findChildren(QFrame) if each.property("role") == "card"}
    assert max(widths) - min(widths) <= 1, "cards are equally wide"
    assert "No key" not in texts()
    search = sheet.findChild(QLineEdit)
    assert search is not None
    for _ in range(10):
        search.setText("ctrl+y")
        search.setText("ctrl+f")
    qtbot.waitUntil(lambda: texts() == {"View", "Fit", "Ctrl+F"})
    cards = [each for each in sheet.findChildren(QFrame) if each.property("role") == "card"]
    assert len(cards) == 1
