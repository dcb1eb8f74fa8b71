"""Closing the window: nothing is lost without a question."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QCloseEvent

from latentseg_gui.controllers.finetune import FineTuneController
from latentseg_gui.controllers.ports import Dialogs
from latentseg_gui.controllers.storage import StorageController


class ClosingController(QObject):
    """Asks about unsaved masks and a running fine-tuning; a refusal leaves everything as it is."""

    def __init__(
        self,
        storage: StorageController,
        finetune: FineTuneController,
        *,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._storage = storage
        self._finetune = finetune
        self._dialogs = dialogs

    def on_close_requested(self, event: QCloseEvent) -> None:
        """Lets the window close, or not."""
        if not self._is_agreed():
            event.ignore()
            return
        self._finetune.cancel()
        self._storage.leave()
        event.accept()

    def _is_agreed(self) -> bool:
        title = self.tr("Close latentseg")
        if not self._finetune.is_running:
            return self._storage.may_leave(title)
        remark = self.tr("A fine-tuning is running; closing ends it, and the weights stay as they were.")
        if self._storage.has_unsaved:
            return self._storage.may_leave(title, remark)
        return self._dialogs.confirm(title, remark, self.tr("Close"))
