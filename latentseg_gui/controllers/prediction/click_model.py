"""Who answers clicks: the model itself, or a click model of others that the user has brought."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.segment import SegmentController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.inference.messages import ClickModelInfo, UseClickModel

NOBODY: Final = ClickModelInfo(None, "", "")
"""The model itself answers."""


class ClickModelController(QObject):
    """Opens click models and goes back; clicks that are on the screen are answered anew by who is there now.

    A process that takes the place of one that died is told of the click model before it is asked anything.
    """

    changed = Signal(str)
    """The title of the click model that answers from now on; "" for the model itself."""
    chosen = Signal(object)
    """The `ClickModelInfo` of who the user wants to be asked, at the next start, too."""

    def __init__(
        self,
        document: Document,
        segment: SegmentController,
        *,
        engine: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._segment = segment
        self._engine = engine
        self._dialogs = dialogs
        self._errors = errors
        self._title = ""
        self._path: Path | None = None
        engine.lane.lane_state_changed.connect(self._on_state_changed)

    @property
    def title(self) -> str:
        """Of the click model that answers clicks; "" where the model itself does."""
        return self._title

    def choose(self) -> None:
        """Asks for a file of a click model and opens it."""
        title = self.tr("Open click model: its encoder or its decoder")
        path = self._dialogs.choose_file(title, "", self.tr("Click models (*.onnx)"))
        if path is not None:
            self.open(path)

    def open(self, path: Path) -> None:
        """Lets the click model of a file or a folder answer clicks; who does so far stays if it cannot."""
        self._use(path.absolute(), self._on_chosen, self._errors.report)

    def open_again(self, path: Path, digest: str) -> None:
        """Opens the click model of the last time.

        Args:
            path: of it.
            digest: of what its files held then; "" where that is not known.
        """
        self._use(path, partial(self._on_opened_again, digest), self._on_gone)

    def go_back(self) -> None:
        """Lets the model itself answer clicks again."""
        if self._title:
            self._use(None, self._on_chosen, self._errors.report)
        else:
            self.chosen.emit(NOBODY)
            self._errors.inform(self.tr("Clicks are answered by the model itself already."))

    def _use(
        self,
        path: Path | None,
        on_answer: Callable[[ClickModelInfo], None],
        on_failure: Callable[[LatentsegError], None],
    ) -> None:
        self._engine.submit(
            UseClickModel(path),
            on_answer,
            title=self.tr("Opening the click model"),
            key="click model",
            on_failure=on_failure,
        )

    def _on_state_changed(self, state: str) -> None:
        if state == "restarting" and self._path is not None:
            self._use(self._path, self._on_used, self._on_lost)

    def _on_chosen(self, info: ClickModelInfo) -> None:
        self.chosen.emit(info)
        self._on_used(info)

    def _on_opened_again(self, digest: str, info: ClickModelInfo) -> None:
        self._on_used(info)
        if digest and info.digest != digest:
            text = self.tr("{0} is not what it was when you used it last: its files have changed since.")
            self._errors.inform(text.format(info.title))
        self.chosen.emit(info)

    def _on_gone(self, error: LatentsegError) -> None:
        """What was used last cannot be opened; the user may bring it back until the next start."""
        self._errors.report(
            LatentsegError(
                self.tr("The click model that you used last is not opened. {0}").format(error.what),
                action=self.tr(
                    "Clicks are answered by the model itself. Bring the file back and start again, or forget it: "
                    "menu Model, “Answer clicks with the model itself again”."
                ),
                detail=error.detail,
            )
        )

    def _on_lost(self, error: LatentsegError) -> None:
        """The next process could not open it any more."""
        self._errors.report(error)
        self._on_used(NOBODY)

    def _on_used(self, info: ClickModelInfo) -> None:
        is_again = info.title == self._title
        self._title, self._path = info.title, info.path
        if is_again:  # by a process that was started again
            return
        self.changed.emit(info.title)
        if info.title:
            text = self.tr("Clicks are answered by {0}. Classes, experts and training stay as they are.")
            self._errors.inform(text.format(info.title))
        else:
            self._errors.inform(self.tr("Clicks are answered by the model itself again."))
        self._ask_again()

    def _ask_again(self) -> None:
        """Has the clicks that are on the screen answered by who is there now."""
        image_id = self._document.images.current_id
        if image_id is not None and not self._document.prompts.of(image_id).is_empty:
            self._segment.request_proposal(image_id)
