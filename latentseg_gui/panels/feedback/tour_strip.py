"""The strip above the picture that leads through a tour: its steps, what to do now, and a way out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from latentseg_gui.panels.widgets import discard, text_label


class TourStrip(QFrame):
    """One line of steps, one sentence, one button; it takes no click from the picture.

    Signals:
        left: the user does not want to go on.
    """

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "tour")
        self.setAccessibleName(self.tr("Tour"))
        self._shown: tuple[tuple[str, ...], int] | None = None
        self._steps = QHBoxLayout()
        self._steps.setSpacing(14)
        self._text = text_label()
        self._text.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._text.setAccessibleName(self.tr("What to do in this step"))
        self._leave = QPushButton()
        self._leave.clicked.connect(self.left)
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addLayout(self._steps)
        words.addWidget(self._text)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(12, 8, 8, 8)
        whole.setSpacing(12)
        whole.addLayout(words, 1)
        whole.addWidget(self._leave)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def text(self) -> str:
        """What to do now."""
        return self._text.text()

    def show_step(self, names: Sequence[str], step: int, text: str) -> None:
        """Shows where the tour is.

        Args:
            names: of the steps.
            step: number of the one that is on, from 0; as many as there are names: it is over.
            text: what to do.
        """
        if (tuple(names), step) != self._shown:
            self._shown = tuple(names), step
            self._show_names()
        self._keep_height()
        self._text.setText(text)
        self._leave.setText(self.tr("Leave the tour") if step < len(names) else self.tr("Close"))
        self.show()

    def _keep_height(self) -> None:
        # Two lines whatever it says: the picture below stays where it is from step to step. A label knows how high they
        # are in the font of the style sheet; its metrics say less.
        self._text.setMinimumHeight(0)
        self._text.setText("\n")
        self._text.setMinimumHeight(self._text.sizeHint().height())

    def _show_names(self) -> None:
        names, step = self._shown or ((), 0)
        while (item := self._steps.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                discard(widget)
        for number, name in enumerate(names):
            role = "title" if number == step else "muted"
            mark = "✓" if number < step else str(number + 1)
            self._steps.addWidget(text_label(f"{mark}  {name}", role, is_wrapped=False))
        self._steps.addStretch(1)
