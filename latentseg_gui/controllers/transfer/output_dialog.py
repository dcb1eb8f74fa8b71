"""The conversation before masks are written: the dialog, and what a choice in it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.transfer.output_plans import OutputPreview
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.document import Document
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.masks import FORMATS
from latentseg_gui.io.naming import common_folder, folder_beside
from latentseg_gui.panels.output import OutputChoice, OutputDialog, OutputQuestion

PreviewOf = Callable[[OutputChoice], Callable[[], OutputPreview]]
"""Makes of a choice a function that any thread may call for its preview."""

QuestionNow = Callable[[], OutputQuestion]
"""What there is to be chosen from, as it is when this is called."""


class OutputDialogController(QObject):
    """Opens the dialog and keeps it up to date; what was chosen last is suggested next time.

    Args:
        jobs: where previews are made.
        coming: labels without which nothing is written.
        window: that the dialog belongs to.
        parent: owner of this QObject.
    """

    confirmed = Signal(object)
    """Carries the `OutputChoice`."""

    def __init__(self, jobs: Jobs, coming: LabelsToCome, window: QWidget | None, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._coming = coming
        self._window = window
        self.dialog: OutputDialog | None = None
        self._question: QuestionNow | None = None
        self._preview_of: PreviewOf | None = None
        self.no_model = self.tr("The model is still being loaded.")
        """Why the model cannot be asked, as a sentence; "" where it can."""
        coming.changed.connect(self.refresh)
        self.formats: tuple[str, ...] = ("png",)
        self.folder = ""
        self.is_completed: bool | None = None
        self._beside = ""

    def suggest(self, formats: Sequence[str], folder: str) -> None:
        """What was chosen last, in an earlier session; formats that there are no more are left out."""
        self.formats = tuple(name for name in formats if name in FORMATS) or self.formats
        self.folder = folder

    def folder_for(self, document: Document) -> str:
        """Where to write, to begin with: where it was chosen last, or else a folder beside the images; or ""."""
        if self.folder:
            return self.folder
        images = common_folder(path for each in document.images.ids if (path := document.images.path(each)))
        self._beside = str(folder_beside(images)) if images is not None and images.name else ""
        return self._beside

    def open(self, question: QuestionNow, preview_of: PreviewOf, scope: str = "") -> None:
        """Asks; the answer comes as a signal."""
        dialog = OutputDialog(question(), self._window)
        dialog.set_scope(scope)
        dialog.preview_requested.connect(self._on_preview_requested)
        dialog.confirmed.connect(self._on_confirmed)
        dialog.finished.connect(self._on_finished)
        self.dialog, self._question, self._preview_of = dialog, question, preview_of
        dialog.open()

    def set_no_model(self, why: str) -> None:
        """The model is there at last, or does not come for the reason ``why``."""
        self.no_model = why
        self.refresh()

    def lose_model(self) -> None:
        """The model could not be loaded."""
        self.set_no_model(self.tr("The model could not be loaded."))

    def refresh(self) -> None:
        """What is chosen comes to something else now."""
        if self.dialog is None or self._question is None:
            return
        self.dialog.set_scopes(self._question().scopes)
        choice = self.dialog.choice
        if choice is not None:
            self._on_preview_requested(choice)

    def _on_preview_requested(self, choice: OutputChoice) -> None:
        dialog = self.dialog
        if dialog is not None and self._preview_of is not None:
            self._jobs.submit(
                self._preview_of(choice),
                partial(self._show_preview, dialog, choice),
                key="output preview",
                priority=Priority.SHOW,
                is_current=lambda: self.dialog is dialog,
            )

    def _show_preview(self, dialog: OutputDialog, choice: OutputChoice, answer: OutputPreview) -> None:
        # Images of a folder that is not open have no labels that could be on their way.
        coming = "" if choice.source is not None else self._coming.sentence
        text, can_go = answer.text(), answer.can_go and not coming
        if coming:
            text = self.tr("{0} You can go on when that is done.").format(coming) + "\n" + text
        dialog.set_preview(choice, text, can_go=can_go, has_foreign=bool(answer.foreign))

    def _on_confirmed(self, choice: OutputChoice) -> None:
        self.formats = choice.formats
        if str(choice.folder) != self._beside:  # that of other images would be beside those
            self.folder = str(choice.folder)
        self.is_completed = choice.is_completed
        self.confirmed.emit(choice)

    def _on_finished(self, _: int) -> None:
        self.dialog = self._question = self._preview_of = None
