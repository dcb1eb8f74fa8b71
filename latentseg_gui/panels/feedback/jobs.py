"""The running jobs in the status bar."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QToolButton, QVBoxLayout, QWidget

from latentseg_gui.panels.widgets import icon_button, text_label


class JobRow(QWidget):
    """What one job does, how far it is, and a way to stop it.

    Signals:
        cancel_pressed: stop it.
    """

    cancel_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = text_label("", is_wrapped=False)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(90)
        self._cancel = icon_button("close", self.tr("Cancel this job"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._text, 1)
        row.addWidget(self._bar)
        row.addWidget(self._cancel)
        self._cancel.clicked.connect(self.cancel_pressed)

    def show_state(self, text: str, fraction: float | None, *, can_cancel: bool) -> None:
        """``fraction`` is 0..1, None where nobody knows."""
        self._text.setText(text)
        self._bar.setAccessibleName(text)
        self._cancel.setAccessibleName(self.tr("Cancel: {0}").format(text))
        self._bar.setRange(0, 0 if fraction is None else 100)
        if fraction is not None:
            self._bar.setValue(round(min(max(fraction, 0.0), 1.0) * 100))
        self._cancel.setVisible(can_cancel)


class JobsIndicator(QWidget):
    """Shows the newest job; a button opens the list of all.

    Signals:
        cancel_requested: the id of the job, as given.
    """

    cancel_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[Hashable, tuple[str, float | None, bool]] = {}
        self._rows: dict[Hashable, JobRow] = {}
        self._front = JobRow(self)
        self._front.cancel_pressed.connect(self._on_front_cancelled)
        self._more = QToolButton(self)
        self._more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._more.setCheckable(True)
        self._more.toggled.connect(self._on_more_toggled)
        # A plain child of the window, not a popup: nothing grabs keyboard or mouse while jobs run.
        self._popup = QFrame(self)
        self._popup.setProperty("role", "overlay")
        self._popup.hide()
        self._column = QVBoxLayout(self._popup)
        self._column.setContentsMargins(12, 8, 12, 8)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._front)
        row.addWidget(self._more)
        # Its room is kept while nothing runs: the picture above would move with every job.
        self.setMinimumHeight(max(self._front.sizeHint().height(), self._more.sizeHint().height()))
        self._refresh()

    @property
    def job_ids(self) -> tuple[Hashable, ...]:
        """Jobs that run, oldest first."""
        return tuple(self._jobs)

    def set_job(
        self, job_id: Hashable, text: str, fraction: float | None = None, *, can_cancel: bool = True
    ) -> None:
        """Adds a job or shows its progress."""
        self._jobs[job_id] = (text, fraction, can_cancel)
        if job_id not in self._rows:
            row = JobRow(self._popup)
            row.cancel_pressed.connect(lambda: self.cancel_requested.emit(job_id))
            self._rows[job_id] = row
            self._column.addWidget(row)
        self._rows[job_id].show_state(text, fraction, can_cancel=can_cancel)
        self._refresh()

    def finish_job(self, job_id: Hashable) -> None:
        """Takes a job out; an unknown one is no error."""
        if self._jobs.pop(job_id, None) is None:
            return
        row = self._rows.pop(job_id)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        if len(self._jobs) < 2:
            self._more.setChecked(False)
        self._refresh()

    def _refresh(self) -> None:
        self._front.setVisible(bool(self._jobs))
        self._more.setVisible(len(self._jobs) > 1)
        if self._jobs:
            text, fraction, can_cancel = self._jobs[next(reversed(self._jobs))]
            self._front.show_state(text, fraction, can_cancel=can_cancel)
        self._more.setText(self.tr("{0} jobs").format(len(self._jobs)))
        self._more.setAccessibleName(self.tr("Show all {0} running jobs").format(len(self._jobs)))

    def _on_front_cancelled(self) -> None:
        if self._jobs:
            self.cancel_requested.emit(next(reversed(self._jobs)))

    def _on_more_toggled(self, is_open: bool) -> None:
        if not is_open:
            self._popup.hide()
            return
        window = self.window()
        self._popup.setParent(window)
        self._popup.adjustSize()
        corner = self._more.mapTo(window, QPoint(self._more.width(), 0))
        place = corner - QPoint(self._popup.width(), self._popup.height() + 4)
        self._popup.move(max(place.x(), 0), max(place.y(), 0))
        self._popup.show()
        self._popup.raise_()
