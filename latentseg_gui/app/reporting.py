"""One channel for everything the user must be told, and the hooks that feed it."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from time import monotonic
from types import TracebackType

from psygnal import EmitLoopError
from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, Slot, qInstallMessageHandler

from latentseg_gui.app.log import LOGGER
from latentseg_gui.document.errors import LatentsegError

_MERGE_SECONDS = 5.0
_HARMLESS_QT_MESSAGES = ("propagateSizeHints",)


class Reporter(QObject):
    """Takes errors from any thread and hands them to the window, in the window's own thread.

    The same text within five seconds is reported once, so that a fault in a paint event cannot flood the user.
    """

    reported = Signal(object)
    """Carries a `LatentsegError`."""

    informed = Signal(str)
    """Carries a sentence that is no error."""

    offered = Signal(object, str, object)
    """Carries a `LatentsegError`, the text of a button, and what the button does."""

    suggested = Signal(object, str, object)
    """As `offered`, where nothing is wrong."""

    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._last_seen: dict[str, float] = {}
        self._arrived.connect(self._on_arrived)

    def report(self, error: LatentsegError) -> None:
        """Shows ``error`` to the user and logs it. Safe from every thread."""
        LOGGER.error("%s | %s | %s", error.what, error.action, error.detail)
        self._arrived.emit(error)

    def inform(self, sentence: str) -> None:
        """Shows a sentence that needs no action."""
        LOGGER.info("%s", sentence)
        self.informed.emit(sentence)

    def offer(self, error: LatentsegError, button: str, act: Callable[[], None]) -> None:
        """Shows ``error`` with a button that calls ``act``."""
        LOGGER.error("%s | %s | %s", error.what, error.action, error.detail)
        self.offered.emit(error, button, act)

    def suggest(self, error: LatentsegError, button: str, act: Callable[[], None]) -> None:
        """Shows a sentence that is no error, with a button that calls ``act``."""
        LOGGER.info("%s", error.what)
        self.suggested.emit(error, button, act)

    @Slot(object)
    def _on_arrived(self, error: LatentsegError) -> None:
        now = monotonic()
        if now - self._last_seen.get(error.what, -_MERGE_SECONDS) < _MERGE_SECONDS:
            return
        self._last_seen[error.what] = now
        self.reported.emit(error)


def unforeseen_error(
    kind: type[BaseException], value: BaseException, trace: TracebackType | None
) -> LatentsegError:
    """An unforeseen exception, in words for the user; the traceback goes into the details."""
    if isinstance(value, EmitLoopError) and value.__cause__ is not None:
        return unforeseen_error(type(value.__cause__), value.__cause__, value.__cause__.__traceback__)
    if isinstance(value, LatentsegError):
        return value
    detail = "".join(traceback.format_exception(kind, value, trace))
    return LatentsegError(
        f"Something in latentseg went wrong: {kind.__name__}: {value}",
        action="Your images and masks are untouched. Save your work; if it comes back, copy the details.",
        detail=detail,
    )


class Hooks:
    """Sends every unhandled exception and every Qt warning to a `Reporter`; undoes itself on `remove`."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._sys_hook = sys.excepthook
        self._thread_hook = threading.excepthook
        self._unraisable_hook = sys.unraisablehook
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        sys.unraisablehook = self._on_unraisable
        self._qt_handler: Callable[..., None] | None = qInstallMessageHandler(self._on_qt_message)

    def remove(self) -> None:
        """Puts back what was there before."""
        sys.excepthook = self._sys_hook
        threading.excepthook = self._thread_hook
        sys.unraisablehook = self._unraisable_hook
        qInstallMessageHandler(self._qt_handler)

    def _on_exception(
        self, kind: type[BaseException], value: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._sys_hook(kind, value, trace)
            return
        self._reporter.report(unforeseen_error(kind, value, trace))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _on_unraisable(self, args: sys.UnraisableHookArgs) -> None:
        LOGGER.error("unraisable %s in %r", args.exc_value, args.object)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
        if text is None or any(part in text for part in _HARMLESS_QT_MESSAGES):
            return
        LOGGER.warning("Qt: %s", text)
        if self._qt_handler is not None:
            self._qt_handler(kind, context, text)
