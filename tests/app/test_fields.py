"""Scrolling changes no value, a number is what was typed in any language, and names are shown letter by letter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QMessageBox,
    QScrollBar,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from latentseg_gui.app.dialogs import message_box
from latentseg_gui.app.session import Session
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.panels.fields import DoubleSpinBox, SpinBox
from latentseg_gui.panels.files.model import FileEntry, FilesModel
from latentseg_gui.panels.plain import plain, unmarked

HOSTILE = "a<h1>b<img src=file:x>"


def turn_wheel(widget: QWidget, steps: int) -> None:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def value(field: QWidget) -> object:
    if isinstance(field, QComboBox):
        return field.currentIndex()
    return field.property("value")


def fields(window: QWidget) -> list[QWidget]:
    found: list[QWidget] = [
        each for each in window.findChildren(QAbstractSlider) if not isinstance(each, QScrollBar)
    ]
    found += window.findChildren(QAbstractSpinBox)
    found += window.findChildren(QComboBox)
    return found


def make_movable(field: QWidget) -> None:
    """Puts a value into the middle of its range, so that it could go either way."""
    field.setEnabled(True)
    if isinstance(field, QComboBox):
        field.addItems(["one", "two", "three"])
        field.setCurrentIndex(1)
    else:
        low, high = field.property("minimum"), field.property("maximum")
        field.setProperty(
            "value", low + (high - low) / 2 if isinstance(low, float) else low + (high - low) // 2
        )


def test_the_wheel_changes_no_field_that_does_not_have_the_focus(composed: Session) -> None:
    window = composed.window
    window.levels.setEnabled(True)
    found = fields(window)
    assert len(found) > 20
    for field in found:
        field.blockSignals(True)  # what it would bring about is not asked here
        make_movable(field)
        window.canvas.setFocus()
        before = value(field)
        for target in (field, *field.findChildren(QLineEdit)):
            for steps in (1, -1, -3):
                turn_wheel(target, steps)
                assert value(field) == before, (field.accessibleName(), field)
            assert not field.hasFocus(), "the wheel does not give the focus either"
        assert not field.focusPolicy() & Qt.FocusPolicy.WheelFocus & ~Qt.FocusPolicy.StrongFocus


def test_the_wheel_changes_a_field_that_was_gone_to(composed: Session, qtbot: QtBot) -> None:
    window = composed.window
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    composed.tool.use_tool(composed.tool.tool)
    window.options.set_tool(ToolName.BRUSH)
    slider = next(each for each in window.options.findChildren(QSlider) if each.accessibleName() == "Size")
    slider.setFocus()
    before = slider.value()
    turn_wheel(slider, 1)
    assert slider.value() != before


def test_the_wheel_over_a_field_scrolls_the_panel(composed: Session, qtbot: QtBot) -> None:
    window = composed.window
    window.resize(1100, 420)
    window.show_panel("levels")
    dock = next(each for each in window.findChildren(QDockWidget) if each.objectName() == "dock_levels")
    window.levels.setEnabled(True)
    bar = dock.widget().verticalScrollBar()  # type: ignore[attr-defined]  # a scroll area
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    QApplication.processEvents()
    field = next(each for each in fields(window.levels) if not each.visibleRegion().isEmpty())
    before = field.property("value")
    place = field.mapTo(window, field.visibleRegion().boundingRect().center())
    QTest.wheelEvent(window.windowHandle(), QPointF(place), QPoint(0, -360))
    qtbot.waitUntil(lambda: bar.value() > 0)
    assert field.property("value") == before


def test_names_that_look_like_markup_are_shown_letter_by_letter(qtbot: QtBot) -> None:
    label = QLabel()
    qtbot.addWidget(label)
    label.setText(plain(HOSTILE))
    document_text = plain(HOSTILE)
    assert "<h1>" not in document_text
    assert "&lt;img" in document_text
    assert plain("photo 1 < 2.png") == "photo 1 < 2.png"
    assert unmarked("cats & dogs") == "cats && dogs"


def test_a_question_shows_a_name_letter_by_letter(composed: Session) -> None:
    seen: list[QMessageBox] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            seen.append(box)
            assert box.textFormat() is Qt.TextFormat.PlainText
            assert box.text() == f"Overwrite {HOSTILE}?"
            box.reject()

    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(answer)
    timer.start()
    assert not composed.dialogs.confirm("Overwrite", f"Overwrite {HOSTILE}?", "Overwrite")
    assert composed.dialogs.choose_action("Save", f"Overwrite {HOSTILE}?", [("a", "A & B")]) is None
    timer.stop()
    assert len(seen) == 2


def test_a_box_is_as_high_as_its_letters(composed: Session) -> None:
    """Rich text would have given the first letter a line of its own, and a picture after it."""
    hostile = message_box("Save", HOSTILE, composed.window)
    harmless = message_box("Save", "a(h1)b(img src=file:x)", composed.window)
    assert hostile.sizeHint().height() == harmless.sizeHint().height()


def test_one_of_a_list_is_asked_for_by_plain_words(composed: Session) -> None:
    def answer() -> None:
        box = QApplication.activeModalWidget()
        if box is not None:
            (label,) = [each for each in box.findChildren(QLabel) if each.text()]
            assert "<h1>" not in label.text()
            timer.stop()
            box.accept()  # type: ignore[attr-defined]  # a dialog

    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(answer)
    timer.start()
    assert composed.dialogs.choose_one("Open", HOSTILE, [("key", HOSTILE), ("other", "b")]) == "key"


def test_no_tool_tip_and_no_label_of_the_window_is_laid_out_as_markup(composed: Session) -> None:
    window, document = composed.window, composed.document
    classes = composed.classes
    classes.add_class()
    classes.rename_class(1, HOSTILE)
    window.empty_state.set_recent([(f"/{HOSTILE}", HOSTILE)])
    window.history.set_steps([HOSTILE], 1)
    window.set_cursor_text(HOSTILE)
    window.set_version_text(HOSTILE)
    assert document.classes[1].name == HOSTILE
    tips = {each.toolTip() for each in window.findChildren(QWidget)}
    assert any("&lt;h1&gt;" in tip for tip in tips)
    assert not any("<h1>" in tip or "<img" in tip for tip in tips)
    loose = [
        each.text()
        for each in window.findChildren(QLabel)
        if each.textFormat() is not Qt.TextFormat.PlainText and "<" in each.text()
    ]
    assert loose == []


def test_a_row_of_the_list_has_a_plain_tool_tip() -> None:
    model = FilesModel()
    model.set_entries([FileEntry("id", HOSTILE, "error", message=HOSTILE)])
    tip = str(model.index(0).data(Qt.ItemDataRole.ToolTipRole))
    assert "<img" not in tip
    assert model.index(0).data() == HOSTILE


@pytest.fixture(params=["de_DE", "en_US", "ar_EG", "hi_IN"])
def _system_locale(request: pytest.FixtureRequest) -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(before)


def typed(field: SpinBox | DoubleSpinBox, text: str) -> float:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    return field.value()


def pasted(field: SpinBox | DoubleSpinBox, text: str) -> float:
    QApplication.clipboard().setText(text)
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    field.interpretText()
    return field.value()


@pytest.mark.usefixtures("_system_locale")
def test_a_comma_and_a_point_are_the_decimal_mark_in_any_language(qtbot: QtBot) -> None:
    field, whole = DoubleSpinBox(), SpinBox()
    for each in (field, whole):
        qtbot.addWidget(each)
        each.setRange(0, 5000)
    field.setDecimals(3)
    for enter in (typed, pasted):
        numbers = [enter(field, text) for text in ("0.5", "0,25", "1.25", "1234", ",75")]
        assert numbers == [0.5, 0.25, 1.25, 1234, 0.75]
    assert field.text() == "0.750", "as numbers are written everywhere else in the window"
    assert (
        pasted(field, "\N{ARABIC-INDIC DIGIT THREE}\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC-INDIC DIGIT FIVE}")
        == 3.5
    )
    assert typed(whole, "1500") == 1500
    assert pasted(whole, "\N{DEVANAGARI DIGIT ONE}\N{DEVANAGARI DIGIT TWO}") == 12
    assert whole.text() == "12"
