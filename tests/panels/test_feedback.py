from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from latentseg_gui.app.theme import DARK, LIGHT, palette_of
from latentseg_gui.panels.feedback import (
    DeviceBadge,
    DeviceEntry,
    JobsIndicator,
    Message,
    MessageCard,
    MessageLog,
    MessageStrip,
)
from latentseg_gui.panels.feedback.jobs import JobRow
from latentseg_gui.panels.feedback.message_log import MAX_KEPT

BROKEN = Message("a.png cannot be read.", "Open another file.", details="OSError: cut short")


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(800, 600)
    widget.show()
    return widget


@pytest.fixture
def strip(window: QWidget) -> MessageStrip:
    column = QVBoxLayout(window)
    widget = MessageStrip()
    column.addStretch(1)
    column.addWidget(widget)
    widget.set_hint("Click on an object.")
    QApplication.processEvents()
    return widget


def button(owner: QWidget, name: str) -> QToolButton:
    return next(each for each in owner.findChildren(QToolButton) if each.accessibleName() == name)


def said(strip: MessageStrip) -> str:
    label = strip.findChild(QLabel, "hint")
    assert label is not None
    return label.text()


def details(strip: MessageStrip) -> QPushButton:
    return strip.findChildren(QPushButton)[0]


def test_a_message_says_what_and_what_to_do_in_place_of_the_hint(strip: MessageStrip) -> None:
    assert said(strip) == "Click on an object."
    strip.show_message(BROKEN)
    assert said(strip) == f"{BROKEN.what} {BROKEN.action}"
    button(strip, "Close this message").click()
    assert strip.messages == ()
    assert said(strip) == "Click on an object."


def test_the_same_message_is_counted_not_repeated(strip: MessageStrip) -> None:
    for _ in range(50):
        strip.show_message(BROKEN)
    assert strip.messages == (BROKEN,)
    assert any(each.text() == "50 x" for each in strip.findChildren(QLabel))


def test_one_message_at_a_time_and_no_remark_takes_the_place_of_an_error(strip: MessageStrip) -> None:
    for i in range(30):
        strip.show_message(Message(f"{i}.png cannot be read."))
    assert [each.what for each in strip.messages] == ["29.png cannot be read."]
    strip.show_message(Message("Saved once.", kind="info"))
    strip.show_message(Message("Saved twice.", kind="info"))
    assert [each.what for each in strip.messages] == ["29.png cannot be read."]
    button(strip, "Close this message").click()
    assert [each.what for each in strip.messages] == ["Saved twice."]
    strip.show_message(BROKEN)
    assert strip.messages == (BROKEN,)


def test_the_strip_is_always_of_one_height(strip: MessageStrip, window: QWidget, qtbot: QtBot) -> None:
    long = Message("It went wrong. " * 60, "Open another file. " * 60, details="Traceback")
    for width in (160, 400, 1500):
        window.resize(width, 600)
        heights = set()
        for message in (None, Message("Saved.", kind="info"), BROKEN, long):
            strip.clear()
            if message is not None:
                strip.show_message(message)
            QApplication.processEvents()
            heights.add(strip.height())
            assert window.width() == width
        assert len(heights) == 1, width


def test_what_has_no_room_stands_in_the_list(strip: MessageStrip, qtbot: QtBot) -> None:
    strip.show_message(Message("Saved.", kind="info"))
    assert not details(strip).isVisible()
    strip.show_message(Message("It went wrong. " * 60, kind="info"))
    assert details(strip).isVisible()
    with qtbot.waitSignal(strip.details_requested):
        details(strip).click()


def test_an_error_goes_by_itself_but_not_from_under_the_hand(strip: MessageStrip, window: QWidget) -> None:
    strip.show_message(BROKEN)
    life = strip.findChildren(QTimer)[0]
    assert life.isActive()
    window.activateWindow()
    button(strip, "Close this message").setFocus()
    life.timeout.emit()
    assert strip.messages == (BROKEN,)
    button(strip, "Close this message").clearFocus()
    life.timeout.emit()
    assert strip.messages == ()


def card(window: QWidget, message: Message) -> MessageCard:
    made = MessageCard(message, "12:00", window)
    made.show()
    return made


def test_copy_puts_everything_on_the_clipboard(window: QWidget) -> None:
    next(each for each in card(window, BROKEN).findChildren(QPushButton) if each.text() == "Copy").click()
    assert QGuiApplication.clipboard().text() == (
        "a.png cannot be read.\nOpen another file.\nOSError: cut short"
    )


def test_a_long_text_is_cut_and_stands_in_the_details(window: QWidget) -> None:
    whole = "It went wrong:\n" + "\n".join(f"line {number}" for number in range(40))
    made = card(window, Message(whole, details="Traceback"))
    labels = [each.text() for each in made.findChildren(QLabel)]
    assert "It went wrong:" in labels
    assert made.findChildren(QPlainTextEdit)[0].toPlainText() == f"{whole}\n\nTraceback"


def test_the_symbol_of_a_message_takes_the_colours_of_the_theme(
    strip: MessageStrip, window: QWidget, qapp: QApplication, qtbot: QtBot
) -> None:
    def darkest(owner: QWidget) -> int:
        picture = next(each for each in owner.findChildren(QLabel) if not each.pixmap().isNull())
        image = picture.pixmap().toImage()
        places = [(x, y) for x in range(image.width()) for y in range(image.height())]
        solid = [QColor(image.pixelColor(x, y)) for x, y in places if image.pixelColor(x, y).alpha() > 200]
        return min(each.lightness() for each in solid)

    before = qapp.palette()
    try:
        qapp.setPalette(palette_of(DARK))
        strip.show_message(BROKEN)
        owners = (strip, card(window, BROKEN))
        assert all(darkest(each) > 150 for each in owners)
        qapp.setPalette(palette_of(LIGHT))
        qtbot.waitUntil(lambda: all(darkest(each) < 80 for each in owners))
    finally:
        qapp.setPalette(before)


@pytest.fixture
def log(window: QWidget) -> MessageLog:
    widget = MessageLog(window)
    widget.move(700, 560)
    widget.show()
    return widget


def test_what_was_closed_can_be_read_again(strip: MessageStrip, log: MessageLog, qtbot: QtBot) -> None:
    strip.shown.connect(log.add)
    strip.show_message(BROKEN)
    strip.show_message(BROKEN)
    strip.show_message(Message("Saved.", kind="info"))
    strip.clear()
    assert log.text() == "2"
    log.click()
    entries = [each for each in log.window().findChildren(MessageCard) if each.isVisible()]
    assert [each.message.what for each in entries] == ["Saved.", BROKEN.what]
    assert log.text() == ""
    assert all(log.window().rect().contains(each.parentWidget().geometry()) for each in entries)
    qtbot.keyClick(log.window().focusWidget(), Qt.Key.Key_Escape)
    assert not log.isChecked()


def test_the_open_list_follows_what_is_said(log: MessageLog, qtbot: QtBot) -> None:
    def shown() -> list[str]:
        cards = [each for each in log.window().findChildren(MessageCard) if each.isVisible()]
        return [each.message.what for each in sorted(cards, key=lambda card: card.y())]

    log.click()
    for number in range(20):
        log.add(Message(f"{number}.png cannot be read."))
    log.add(Message("19.png cannot be read."))
    qtbot.waitUntil(lambda: len(shown()) == 20 and shown()[0] == "19.png cannot be read.")
    log.click()
    log.click()
    assert len(shown()) < 20, "what is in view comes first"
    qtbot.waitUntil(lambda: len(shown()) == 20)
    assert log.text() == "", "whoever looks at the list has seen them"
    log.clear()
    assert shown() == []


def test_only_so_many_messages_are_kept(log: MessageLog) -> None:
    for number in range(500):
        log.add(Message(f"{number}.png cannot be read."))
    assert len(log.messages) == MAX_KEPT
    assert log.messages[-1].what == "499.png cannot be read."
    log.clear()
    assert log.messages == ()


@pytest.fixture
def jobs(qtbot: QtBot) -> JobsIndicator:
    widget = JobsIndicator()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_the_newest_job_is_in_front_and_can_be_cancelled(jobs: JobsIndicator, qtbot: QtBot) -> None:
    jobs.set_job(1, "Encoding a.png")
    jobs.set_job("train", "Fine-tuning", 0.4)
    front = button(jobs, "Cancel: Fine-tuning")
    with qtbot.waitSignal(jobs.cancel_requested) as caught:
        front.click()
    assert caught.args == ["train"]
    assert jobs.job_ids == (1, "train")
    jobs.finish_job("train")
    assert jobs.job_ids == (1,)
    assert button(jobs, "Cancel: Encoding a.png").isVisible()


def test_every_job_in_the_list_can_be_cancelled(jobs: JobsIndicator, qtbot: QtBot) -> None:
    jobs.set_job(1, "Encoding a.png")
    jobs.set_job(2, "Encoding b.png")
    button(jobs, "Show all 2 running jobs").click()
    older = button(jobs, "Cancel: Encoding a.png")
    assert older.isVisible()
    button(jobs, "Show all 2 running jobs").click()
    assert not older.isVisible()
    with qtbot.waitSignal(jobs.cancel_requested) as caught:
        older.click()
    assert caught.args == [1]


def test_finished_jobs_leave_nothing_behind(jobs: JobsIndicator, qtbot: QtBot) -> None:
    for i in range(100):
        jobs.set_job(i, f"job {i}", 0.5)
        jobs.finish_job(i)
    jobs.finish_job("unknown")
    qtbot.waitUntil(lambda: len(jobs.findChildren(JobRow)) == 1)
    assert not jobs.findChildren(JobRow)[0].isVisible()


def test_the_badge_states_device_reason_and_choices(qtbot: QtBot) -> None:
    badge = DeviceBadge()
    qtbot.addWidget(badge)
    badge.set_device("CPU, 2 threads", "No GPU was found.")
    assert badge.text() == "CPU, 2 threads"
    assert badge.toolTip() == "No GPU was found."
    choices = [DeviceEntry("cpu", "CPU"), DeviceEntry("cuda", "CUDA", False, "no driver")]
    for _ in range(3):
        badge.set_choices(choices, "cpu")
    cpu, cuda, _, self_test = badge.menu().actions()
    assert cpu.isChecked()
    assert not cuda.isEnabled()
    assert "no driver" in cuda.text()
    with qtbot.waitSignal(badge.device_requested) as caught:
        cpu.trigger()
    assert caught.args == ["cpu"]
    with qtbot.waitSignal(badge.self_test_requested):
        self_test.trigger()
