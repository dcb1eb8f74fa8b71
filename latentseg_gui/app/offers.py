"""Messages with a button, and what the button does."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from latentseg_gui.app.reporting import Reporter
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.panels.feedback import Message
from latentseg_gui.panels.feedback.message_strip import MessageStrip


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
