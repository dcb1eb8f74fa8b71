"""Closing the window: nothing is lost without a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QCloseEvent

from latentseg_gui.controllers.interfaces import Dialogs
from latentseg_gui.controllers.project.project import ProjectController


class Predicting(Protocol):
    """What predicts a folder; it goes on when started again."""

    @property
    def is_running(self) -> bool:
        """Whether it is at work."""


class Learning(Predicting, Protocol):
    """What fine-tunes; it ends with the window."""

    @property
    def is_refitting(self) -> bool:
        """Whether nobody has asked for the run, as after a correction."""

    def cancel(self) -> None:
        """Ends the run; the weights stay as they were."""


class ClosingController(QObject):
    """Asks about unsaved masks and what is running; a refusal leaves everything as it is."""

    def __init__(
        self,
        storage: ProjectController,
        finetune: Learning,
        batch: Predicting,
        *,
        dialogs: Dialogs,
        is_importing: Callable[[], bool] = lambda: False,
        is_comparing: Callable[[], bool] = lambda: False,
        coming: Callable[[], str] = lambda: "",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._is_importing = is_importing
        self._is_comparing = is_comparing
        self._coming = coming
        self._storage = storage
        self._finetune = finetune
        self._batch = batch
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
        title, remark = self.tr("Close latentseg"), self._remark()
        return is_agreed(self._storage, self._dialogs, title, remark, self.tr("Close"))

    def _remark(self) -> str:
        """What else ends; empty where nothing is running."""
        sentences = []
        if self._finetune.is_running and not self._finetune.is_refitting:
            sentences.append(
                self.tr("A fine-tuning is running; closing ends it, and the weights stay as they were.")
            )
        if self._is_comparing():
            sentences.append(
                self.tr("Networks are being compared; closing ends that, and nothing of it is kept.")
            )
        if self._batch.is_running:
            sentences.append(
                self.tr("Images are being predicted; closing stops that, and it goes on when started again.")
            )
        if self._is_importing():
            sentences.append(
                self.tr("Masks are being imported; closing leaves out those that are not there yet.")
            )
        elif coming := self._coming():
            sentences.append(self.tr("{0} Closing leaves out what is not there yet.").format(coming))
        return " ".join(sentences)


def is_agreed(storage: ProjectController, dialogs: Dialogs, title: str, remark: str, action: str) -> bool:
    """Asks once before work is left: about what is not saved, and about what else ends.

    Args:
        storage: of the work.
        dialogs: asks.
        title: of the question.
        remark: what else ends; "" where nothing does.
        action: what is done then.
    """
    if not remark or storage.has_unsaved:
        return storage.may_leave(title, remark)
    # Clicks that wait are saved without a question.
    return dialogs.confirm(title, remark, action) and storage.may_leave(title)
