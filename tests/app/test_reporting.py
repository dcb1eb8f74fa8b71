"""One channel: whatever goes wrong, in whatever thread, the user reads it once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from psygnal import EmitLoopError, Signal, SignalGroup
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from latentseg_gui.app.reporting import Hooks, Reporter, as_error
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


def test_an_unforeseen_exception_says_what_to_do_and_keeps_the_traceback() -> None:
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError as error:
        told = as_error(type(error), error, error.__traceback__)
    assert told.action
    assert "ZeroDivisionError" in told.detail


def test_our_own_errors_keep_their_words() -> None:
    mine = LatentsegError("No room.", action="Make some.")
    assert as_error(type(mine), mine, None) is mine


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
    assert as_error(caught.type, caught.value, None) is mine


def test_removed_hooks_leave_everything_as_it_was(reporter: Reporter) -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    Hooks(reporter).remove()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before
