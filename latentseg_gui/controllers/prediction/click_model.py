"""Who answers clicks: the model itself, or a click model of others that the user has brought."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.segment import SegmentController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.inference.messages import ClickModelInfo, UseClickModel


class ClickModelController(QObject):
    """Opens click models and goes back; clicks that are on the screen are answered anew by who is there now.

    A process that takes the place of one that died is told of the click model before it is asked anything.
    """

    changed = Signal(str)
    """The title of the click model that answers from now on; "" for the model itself."""

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
        self._use(path, self._errors.report)

    def go_back(self) -> None:
        """Lets the model itself answer clicks again."""
        if self._title:
            self._use(None, self._errors.report)
        else:
            self._errors.inform(self.tr("Clicks are answered by the model itself already."))

    def _use(self, path: Path | None, on_failure: Callable[[LatentsegError], None]) -> None:
        self._engine.submit(
            UseClickModel(path),
            self._on_used,
            title=self.tr("Opening the click model"),
            key="click model",
            on_failure=on_failure,
        )

    def _on_state_changed(self, state: str) -> None:
        if state == "restarting" and self._path is not None:
            self._use(self._path, self._on_lost)

    def _on_lost(self, error: LatentsegError) -> None:
        """The next process could not open it any more."""
        self._errors.report(error)
        self._on_used(ClickModelInfo(None, "", ""))

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
