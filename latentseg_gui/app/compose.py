"""Puts a window together: the flows in `Session`, and round them what belongs to the window alone."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut

from latentseg_gui.app.appearance import Appearance
from latentseg_gui.app.chrome import Chrome
from latentseg_gui.app.help import Help
from latentseg_gui.app.intake import Intake
from latentseg_gui.app.job_bar import JobBar
from latentseg_gui.app.offers import OfferedActions
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.app.shortcuts import Shortcuts

_CANVAS_ONLY = ("accept", "cancel", "drop_click", "delete_objects", "next_expert", "previous_expert")
"""Their keys mean something else in lists and text fields, so they act only while the canvas has the focus."""


def compose(preferences: Preferences, reporter: Reporter) -> Session:
    """A window with everything in it, not shown yet, and nothing at work behind it."""
    session = Session(preferences, reporter)
    chrome = Chrome(session)
    intake = Intake(session.project, session.window.empty_state, session.jobs.thumbnails, reporter, session)
    Appearance(session.window, preferences, reporter)
    JobBar(session.window.jobs, session.all_jobs, session)
    OfferedActions(reporter, session.window.messages, session)
    _connect_chrome(session, chrome)
    _connect_intake(session, intake)
    _connect_keys(session, chrome)
    chrome.begin()
    intake.begin()
    return session


def _connect_chrome(session: Session, chrome: Chrome) -> None:
    window, base, help_ = session.window, session.base, Help(session.window)
    base.on("quit", window.close)
    base.on("actual_size", chrome.actual_size)
    base.on("shortcut_sheet", help_.show_keys)
    base.on("command_palette", help_.show_palette)
    base.on("about", help_.show_about)
    base.on("messages", window.message_log.click)
    session.predict.encoded.connect(chrome.mark_ready)
    session.predict.forgotten.connect(chrome.mark_none_ready)
    session.weights.activated.connect(chrome.show_weights)
    session.click_model.changed.connect(chrome.show_click_model)
    window.device.device_requested.connect(chrome.choose_device)
    window.device.self_test_requested.connect(session.self_test.run)


def _connect_intake(session: Session, intake: Intake) -> None:
    window, base = session.window, session.base
    base.on("open_samples", intake.open_samples)

    def paste() -> None:
        """What was copied last: objects of a mask, or a picture."""
        if not session.carry.paste():
            intake.paste()

    base.on("paste_image", paste)
    window.paths_dropped.connect(intake.open_names)
    window.picture_dropped.connect(intake.open_picture)
    window.addresses_dropped.connect(intake.answer_addresses)
    window.empty_state.sample_requested.connect(intake.open_sample)


def _connect_keys(session: Session, chrome: Chrome) -> None:
    window = session.window
    for digit in range(10):
        shortcut = QShortcut(QKeySequence(str(digit)), window)
        shortcut.activated.connect(partial(session.classes.choose_number, digit))
    for name in _CANVAS_ONLY:
        window.action[name].setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        window.canvas.addAction(window.action[name])
    shortcuts = Shortcuts(window, session.preferences, session.reporter)
    shortcuts.changed.connect(chrome.refresh_keys)
    window.action["edit_shortcuts"].triggered.connect(shortcuts.edit)
    window.canvas.installEventFilter(PeekKey(session, shortcuts))


class PeekKey(QObject):
    """Shows the raw image for as long as a key is held."""

    def __init__(self, session: Session, shortcuts: Shortcuts) -> None:
        super().__init__(session.window.canvas)
        self._canvas = session.window.canvas
        self._shortcuts = shortcuts

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: sees every key before its widget does, and takes none away."""
        is_key = event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
        if watched is not self._canvas or not is_key or not isinstance(event, QKeyEvent):
            return False
        key = QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText)
        if not event.isAutoRepeat() and key in self._shortcuts.keys("peek"):
            self._canvas.visibility.set_peek(event.type() == QEvent.Type.KeyPress)
        return False
