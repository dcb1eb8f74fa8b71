"""Puts a window together: the flows in `Session`, and round them what belongs to the window alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QActionGroup, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from latentseg_gui.app.chrome import Chrome
from latentseg_gui.app.drop_and_paste import DropAndPaste
from latentseg_gui.app.help import Help
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences, preferences_path, save_preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.app.shortcuts import Shortcuts
from latentseg_gui.app.theme import ThemeName, apply_theme
from latentseg_gui.app.tour import Tour
from latentseg_gui.controllers.jobs import JobSource
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.panels.feedback import JobsIndicator, Message
from latentseg_gui.panels.feedback.message_strip import MessageStrip

THEMES: tuple[ThemeName, ...] = ("system", "dark", "light")

_CANVAS_ONLY = ("accept", "cancel", "drop_click", "delete_objects", "next_expert", "previous_expert")
"""Their keys mean something else in lists and text fields, so they act only while the canvas has the focus."""


def compose(preferences: Preferences, reporter: Reporter) -> Session:
    """A window with everything in it, not shown yet, and nothing at work behind it."""
    session = Session(preferences, reporter)
    chrome = Chrome(session)
    dropped = DropAndPaste(
        session.project, session.window.empty_state, session.jobs.thumbnails, reporter, session
    )
    Appearance(session.window, preferences, reporter)
    JobBar(session.window.jobs, session.all_jobs, session)
    OfferedActions(reporter, session.window.messages, session)
    _connect_chrome(session, chrome)
    _connect_dropped(session, dropped)
    tour = Tour(session, dropped.open_first_try, chrome.key_of)
    session.base.on("tour", tour.begin)
    session.window.empty_state.tour_requested.connect(tour.begin)
    _connect_keys(session, chrome, tour)
    chrome.begin()
    dropped.begin()
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


def _connect_dropped(session: Session, dropped: DropAndPaste) -> None:
    window, base = session.window, session.base
    base.on("open_samples", dropped.open_samples)

    def paste() -> None:
        """What was copied last: objects of a mask, or a picture."""
        if not session.carry.paste():
            dropped.paste()

    base.on("paste_image", paste)
    window.paths_dropped.connect(dropped.open_names)
    window.picture_dropped.connect(dropped.open_picture)
    window.addresses_dropped.connect(dropped.answer_addresses)
    window.empty_state.sample_requested.connect(dropped.open_sample)


def _connect_keys(session: Session, chrome: Chrome, tour: Tour) -> None:
    window = session.window
    for digit in range(10):
        shortcut = QShortcut(QKeySequence(str(digit)), window)
        shortcut.activated.connect(partial(session.classes.choose_number, digit))
    for name in _CANVAS_ONLY:
        window.action[name].setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        window.canvas.addAction(window.action[name])
    shortcuts = Shortcuts(window, session.preferences, session.reporter)
    shortcuts.changed.connect(chrome.refresh_keys)
    shortcuts.changed.connect(tour.refresh)
    window.action["edit_shortcuts"].triggered.connect(shortcuts.edit)
    window.canvas.installEventFilter(PeekKey(session, shortcuts))


class Appearance(QObject):
    """Connects the three themes of the menu View, of which exactly one is ticked."""

    def __init__(self, window: MainWindow, preferences: Preferences, reporter: Reporter) -> None:
        super().__init__(window)
        self._preferences = preferences
        self._reporter = reporter
        group = QActionGroup(self)
        for theme in THEMES:
            action = window.action[f"theme_{theme}"]
            group.addAction(action)
            action.setChecked(theme == preferences.theme)
            action.triggered.connect(partial(self.choose, theme))

    def choose(self, theme: ThemeName, _: bool = True) -> None:
        """Puts a theme in force, now and at every start from now on."""
        application = QApplication.instance()
        if theme == self._preferences.theme or not isinstance(application, QApplication):
            return
        apply_theme(application, theme)
        self._preferences.theme = theme
        try:
            save_preferences(preferences_path(), self._preferences)
        except LatentsegError as error:
            self._reporter.report(error)


class OfferedActions(QObject):
    """Shows what a reporter offers, and does it once the button is pressed."""

    def __init__(self, reporter: Reporter, strip: MessageStrip, parent: QObject) -> None:
        super().__init__(parent)
        self._strip = strip
        self._acts: dict[str, Callable[[], None]] = {}
        reporter.offered.connect(self._on_offered)
        strip.action_requested.connect(self._on_action_requested)

    def _on_offered(self, error: LatentsegError, button: str, act: Callable[[], None]) -> None:
        self._acts[error.what] = act
        message = Message(error.what, error.action, error.detail, button=button, token=error.what)
        self._strip.show_message(message)

    def _on_action_requested(self, token: str) -> None:
        act = self._acts.pop(token, None)
        if act is not None:
            act()


class JobBar(QObject):
    """Shows every job that has a title, with its progress and a way to cancel it."""

    def __init__(self, indicator: JobsIndicator, sources: Sequence[JobSource], parent: QObject) -> None:
        super().__init__(parent)
        self._indicator = indicator
        self._titles: dict[str, str] = {}
        for jobs in sources:
            jobs.began.connect(self._on_job_began)
            jobs.progressed.connect(self._on_job_progressed)
            jobs.ended.connect(indicator.finish_job)
            indicator.cancel_requested.connect(jobs.cancel_named)

    def _on_job_began(self, name: str, title: str) -> None:
        self._titles[name] = title
        self._indicator.set_job(name, title)

    def _on_job_progressed(self, name: str, fraction: float) -> None:
        self._indicator.set_job(name, self._titles.get(name, ""), fraction)


class PeekKey(QObject):
    """Shows the raw image for as long as a key is held."""

    def __init__(self, session: Session, shortcuts: Shortcuts) -> None:
        super().__init__(session.window.canvas)
        self._canvas = session.window.canvas
        self._shortcuts = shortcuts

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_key = event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
        if watched is not self._canvas or not is_key or not isinstance(event, QKeyEvent):
            return False
        key = QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText)
        if not event.isAutoRepeat() and key in self._shortcuts.keys("peek"):
            self._canvas.visibility.set_peek(event.type() == QEvent.Type.KeyPress)
        return False
