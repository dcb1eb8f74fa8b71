"""What the canvas says while something is being worked on: beside the last click, and in the corner."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.chrome.prompts import PendingBadge, PromptMarkers
from latentseg_gui.canvas.surface import Surface

_SPIN_MS: Final = 120
"""Also how long something brief may take before anything is said."""


class StatusPart(QObject):
    """Shows badges that turn while one waits.

    Attributes:
        cancel_key: what gives up what is being worked on, as the user reads it; "" for none.
        badge: the one beside the last click.
        note: likewise, of an answer that is there.
        work_badge: the one in the corner.
    """

    cancel_key = "Esc"

    def __init__(self, surface: Surface, markers: PromptMarkers, widget: QWidget) -> None:
        super().__init__(widget)
        self.badge = PendingBadge(markers, widget.font())
        self.note = PendingBadge(markers, widget.font(), spins=False)
        self.work_badge = PendingBadge(PromptMarkers(), widget.font())
        self._surface = surface
        self._pending_text = self._work_text = ""
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
        self._pending_text = (text or self.tr("outlining…")) if is_pending else ""
        if not is_brief or self.badge.text or not is_pending:
            self._show_pending()
        self._keep_spinning()

    def set_note(self, text: str) -> None:
        """Says something of the proposal beside the last click; "" for nothing."""
        if text != self.note.text:
            self.note.text = text
            self._surface.refresh_chrome(self.note)

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
        self.badge.text = self._pending_text
        self._surface.refresh_chrome(self.badge)

    def _show_working(self) -> None:
        self.work_badge.text = self._work_text
        self._surface.refresh_chrome(self.work_badge)

    def _spin(self) -> None:
        if self.badge.text != self._pending_text:
            self._show_pending()
        if self.work_badge.text != self._work_text:
            self._show_working()
        for badge in (self.badge, self.work_badge):
            badge.phase = (badge.phase + 1) % 12
        self._surface.refresh_chrome(self.badge, self.work_badge)
