from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from latentseg_gui.app.theme import DARK, LIGHT, palette_of
from latentseg_gui.panels.feedback import (
    DeviceBadge,
    DeviceChoice,
    JobsIndicator,
    Message,
    MessageCard,
    MessageLog,
    MessageStack,
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
def stack(window: QWidget) -> MessageStack:
    return MessageStack(window)


def button(owner: QWidget, name: str) -> QToolButton:
    return next(each for each in owner.findChildren(QToolButton) if each.accessibleName() == name)


def test_a_card_says_what_and_what_to_do(stack: MessageStack) -> None:
    stack.show_message(BROKEN)
    texts = [each.text() for each in stack.findChildren(QLabel)]
    assert BROKEN.what in texts
    assert BROKEN.action in texts
    assert stack.isVisible()


def test_the_same_message_is_counted_not_repeated(stack: MessageStack) -> None:
    for _ in range(50):
        stack.show_message(BROKEN)
    assert stack.messages == (BROKEN,)
    assert any(each.text() == "50 x" for each in stack.findChildren(QLabel))


def test_only_the_newest_cards_stay(stack: MessageStack, qtbot: QtBot) -> None:
    for i in range(30):
        stack.show_message(Message(f"{i}.png cannot be read."))
    assert [each.what.split(".")[0] for each in stack.messages] == ["27", "28", "29"]
    qtbot.waitUntil(lambda: len(stack.findChildren(MessageCard)) == 3)


def test_closing_the_last_card_hides_the_stack(stack: MessageStack, qtbot: QtBot) -> None:
    stack.show_message(BROKEN)
    button(stack, "Close this message").click()
    assert stack.messages == ()
    assert not stack.isVisible()
    qtbot.waitUntil(lambda: stack.findChildren(MessageCard) == [])


def test_the_button_reports_its_token_once(stack: MessageStack, qtbot: QtBot) -> None:
    stack.show_message(Message("The worker stopped.", button="Restart", token="restart:engine"))
    restart = next(each for each in stack.findChildren(QPushButton) if each.text() == "Restart")
    with qtbot.waitSignal(stack.action_requested) as caught:
        restart.click()
    assert caught.args == ["restart:engine"]
    assert stack.messages == ()


def test_copy_puts_everything_on_the_clipboard(stack: MessageStack) -> None:
    stack.show_message(BROKEN)
    next(each for each in stack.findChildren(QPushButton) if each.text() == "Copy").click()
    assert QGuiApplication.clipboard().text() == (
        "a.png cannot be read.\nOpen another file.\nOSError: cut short"
    )


def test_the_cards_stay_over_their_area(window: QWidget, qtbot: QtBot) -> None:
    row = QHBoxLayout(window)
    canvas, dock = QWidget(), QWidget()
    row.addWidget(canvas, 1)
    dock.setFixedWidth(340)
    row.addWidget(dock)
    stack = MessageStack(window, canvas)
    for number in range(3):
        stack.show_message(Message(f"{number}.png cannot be read.", "Open another file."))
    for size in ((800, 600), (640, 300)):
        window.resize(*size)
        qtbot.waitUntil(lambda: canvas.geometry().contains(stack.geometry()))
        newest = stack.findChildren(MessageCard)[-1]
        assert newest.isVisible()
        assert stack.rect().contains(newest.geometry())


def test_a_long_text_is_cut_and_stands_in_the_details(stack: MessageStack) -> None:
    whole = "It went wrong:\n" + "\n".join(f"line {number}" for number in range(40))
    stack.show_message(Message(whole, details="Traceback"))
    labels = [each.text() for each in stack.findChildren(QLabel)]
    assert "It went wrong:" in labels
    assert stack.findChildren(QPlainTextEdit)[0].toPlainText() == f"{whole}\n\nTraceback"


def test_an_error_goes_by_itself_but_not_from_under_the_hand(stack: MessageStack, window: QWidget) -> None:
    stack.show_message(BROKEN)
    card = stack.findChildren(MessageCard)[0]
    life = card.findChildren(QTimer)[0]
    assert life.isActive()
    window.activateWindow()
    button(stack, "Close this message").setFocus()
    life.timeout.emit()
    assert stack.messages == (BROKEN,)
    button(stack, "Close this message").clearFocus()
    life.timeout.emit()
    assert stack.messages == ()


def test_the_symbol_of_an_open_card_takes_the_colours_of_the_theme(
    stack: MessageStack, qapp: QApplication, qtbot: QtBot
) -> None:
    def darkest() -> int:
        picture = stack.findChildren(QLabel)[0].pixmap().toImage()
        places = [(x, y) for x in range(picture.width()) for y in range(picture.height())]
        solid = [
            QColor(picture.pixelColor(x, y)) for x, y in places if picture.pixelColor(x, y).alpha() > 200
        ]
        return min(each.lightness() for each in solid)

    before = qapp.palette()
    try:
        qapp.setPalette(palette_of(DARK))
        stack.show_message(BROKEN)
        assert darkest() > 150
        qapp.setPalette(palette_of(LIGHT))
        qtbot.waitUntil(lambda: darkest() < 80)
    finally:
        qapp.setPalette(before)


@pytest.fixture
def log(window: QWidget) -> MessageLog:
    widget = MessageLog(window)
    widget.move(700, 560)
    widget.show()
    return widget


def test_what_was_closed_can_be_read_again(stack: MessageStack, log: MessageLog, qtbot: QtBot) -> None:
    stack.shown.connect(log.add)
    stack.show_message(BROKEN)
    stack.show_message(BROKEN)
    stack.show_message(Message("Saved.", kind="info"))
    stack.clear()
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
    choices = [DeviceChoice("cpu", "CPU"), DeviceChoice("cuda", "CUDA", False, "no driver")]
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
