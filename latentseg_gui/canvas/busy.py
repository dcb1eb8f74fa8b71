"""What the canvas says while something is being worked on: beside the last click, and in the corner."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.chrome.prompts import PendingBadge, PromptMarkers
from latentseg_gui.canvas.numbers import CanvasNumbers

_SPIN_MS: Final = 120
"""Also how long something brief may take before anything is said."""


class CanvasBusy(CanvasNumbers):
    """Shows badges that turn while one waits.

    Attributes:
        cancel_key: what gives up what is being worked on, as the user reads it; "" for none.
    """

    cancel_key = "Esc"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._markers = PromptMarkers()
        self._badge = PendingBadge(self._markers, self.font())
        self._work_badge = PendingBadge(PromptMarkers(), self.font())
        self._pending_text = self._work_text = ""
        self._chrome += [self._markers, self._badge, self._work_badge]
        self._spinning = QTimer(self)
        self._spinning.setInterval(_SPIN_MS)
        self._spinning.timeout.connect(self._spin)

    def set_pending(self, is_pending: bool, text: str = "", *, is_brief: bool = False) -> None:
        """Shows beside the last click that its answer is being worked on, and at what.

        Args:
            is_pending: whether it is.
            text: what is being done.
            is_brief: it should be over in a moment; said only if it is not, so that nothing flickers.
        """
        self._pending_text = (text or self.tr("encoding…")) if is_pending else ""
        if not is_brief or self._badge.text or not is_pending:
            self._show_pending()
        self._keep_spinning()

    def set_working(self, text: str) -> None:
        """Shows in the corner what is being done to the mask, unless it is over in a moment; "" for nothing."""
        self._work_text = text
        if not text:
            self._show_working()
        self._keep_spinning()

    def _keep_spinning(self) -> None:
        if self._pending_text or self._work_text:
            self._spinning.start()
        else:
            self._spinning.stop()

    def _show_pending(self) -> None:
        self._badge.text = self._pending_text
        self.refresh_chrome(self._badge)

    def _show_working(self) -> None:
        self._work_badge.text = self._work_text
        self.refresh_chrome(self._work_badge)

    def _spin(self) -> None:
        if self._badge.text != self._pending_text:
            self._show_pending()
        if self._work_badge.text != self._work_text:
            self._show_working()
        for badge in (self._badge, self._work_badge):
            badge.phase = (badge.phase + 1) % 12
        self.refresh_chrome(self._badge, self._work_badge)
