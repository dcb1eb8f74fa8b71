"""One channel: whatever goes wrong, in whatever thread, the user reads it once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from psygnal import EmitLoopError, Signal, SignalGroup
from PySide6.QtCore import QEvent, QObject, QRunnable, QThread, QThreadPool, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.app.reporting import Hooks, Reporter, unforeseen_error
from latentseg_gui.document.errors import LatentsegError


@pytest.fixture
def reporter(qtbot: QtBot) -> Reporter:
    return Reporter()


@pytest.fixture
def hooks(reporter: Reporter) -> Iterator[Hooks]:
    installed = Hooks(reporter)
    yield installed
    installed.remove()


def test_the_same_sentence_within_five_seconds_is_shown_once(reporter: Reporter) -> None:
    shown: list[LatentsegError] = []
    reporter.reported.connect(shown.append)
    for _ in range(50):
        reporter.report(LatentsegError("The disk is full.", action="Make room."))
    reporter.report(LatentsegError("Something else."))
    assert [each.what for each in shown] == ["The disk is full.", "Something else."]


def test_an_error_of_a_thread_arrives_in_the_thread_of_the_window(
    qtbot: QtBot, reporter: Reporter, hooks: Hooks
) -> None:
    places: list[QThread] = []

    def note(error: LatentsegError) -> None:
        places.append(QThread.currentThread())

    def fail() -> None:
        raise ValueError("from elsewhere")

    reporter.reported.connect(note)
    thread = threading.Thread(target=fail)
    with qtbot.waitSignal(reporter.reported) as caught:
        thread.start()
    thread.join()
    assert places == [QThread.currentThread()]
    assert "from elsewhere" in caught.args[0].what
    assert "Traceback" in caught.args[0].detail


class Failing(QWidget):
    """Whatever it is asked to do goes wrong."""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.User:
            raise ValueError("in an event handler")
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  # Qt's own name
        raise ValueError("in a paint event")

    def slot(self) -> None:
        raise ValueError("in a slot")


class FailingThread(QThread):
    def run(self) -> None:
        raise ValueError("in a thread of Qt")


class FailingTask(QRunnable):
    def run(self) -> None:
        raise ValueError("in a pool")


def by_slot(widget: Failing) -> None:
    QTimer.singleShot(0, widget.slot)


def by_event(widget: Failing) -> None:
    QApplication.postEvent(widget, QEvent(QEvent.Type.User))


def by_painting(widget: Failing) -> None:
    widget.show()
    for _ in range(20):
        widget.repaint()


def by_thread(widget: Failing) -> None:
    thread = FailingThread()
    thread.start()
    thread.wait()


def by_pool(widget: Failing) -> None:
    pool = QThreadPool()
    pool.start(FailingTask())
    pool.waitForDone()


FAULTS: dict[str, Callable[[Failing], None]] = {
    "in a slot": by_slot,
    "in an event handler": by_event,
    "in a paint event": by_painting,
    "in a thread of Qt": by_thread,
    "in a pool": by_pool,
}


@pytest.mark.parametrize("where", FAULTS)
def test_wherever_an_error_comes_up_it_is_read_once_and_the_window_goes_on(
    qtbot: QtBot, reporter: Reporter, hooks: Hooks, where: str
) -> None:
    widget, shown = Failing(), list[LatentsegError]()
    qtbot.addWidget(widget)
    places: list[QThread] = []
    reporter.reported.connect(shown.append)
    reporter.reported.connect(lambda _: places.append(QThread.currentThread()))
    FAULTS[where](widget)
    qtbot.waitUntil(lambda: bool(shown))
    QApplication.processEvents()
    assert [where in each.what for each in shown] == [True], "one, however often it is painted"
    assert places == [QThread.currentThread()]
    later = QObject()
    QTimer.singleShot(0, lambda: later.setObjectName("alive"))
    qtbot.waitUntil(lambda: later.objectName() == "alive")


def test_an_unforeseen_exception_says_what_to_do_and_keeps_the_traceback() -> None:
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError as error:
        told = unforeseen_error(type(error), error, error.__traceback__)
    assert told.action
    assert "ZeroDivisionError" in told.detail


def test_our_own_errors_keep_their_words() -> None:
    mine = LatentsegError("No room.", action="Make some.")
    assert unforeseen_error(type(mine), mine, None) is mine


def test_an_error_of_an_event_handler_is_the_error_not_the_event() -> None:
    class Events(SignalGroup):
        changed = Signal()

    mine = LatentsegError("The class is locked.", action="Unlock it.")

    def refuse() -> None:
        raise mine

    events = Events()
    events.changed.connect(refuse)
    with pytest.raises(EmitLoopError) as caught:
        events.changed.emit()
    assert unforeseen_error(caught.type, caught.value, None) is mine


def test_removed_hooks_leave_everything_as_it_was(reporter: Reporter) -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    Hooks(reporter).remove()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before
