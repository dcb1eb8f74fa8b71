from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.panels.feedback import (
    DeviceBadge,
    DeviceChoice,
    JobsIndicator,
    Message,
    MessageCard,
    MessageStack,
)
from latentseg_gui.panels.feedback.jobs import JobRow

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
    assert [each.what.split(".")[0] for each in stack.messages] == ["26", "27", "28", "29"]
    qtbot.waitUntil(lambda: len(stack.findChildren(MessageCard)) == 4)


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


def test_the_cards_stay_in_the_corner(stack: MessageStack, window: QWidget, qtbot: QtBot) -> None:
    stack.show_message(BROKEN)
    window.resize(500, 400)
    qtbot.waitUntil(lambda: stack.geometry().right() == 500 - 16 - 1)
    assert window.rect().contains(stack.geometry())


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
