"""Which formats: all of them in sight, those of one kind in a column."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

_COLUMNS = 3


class FormatChoice(QWidget):
    """Boxes to tick.

    Args:
        formats: (key, what the user reads), those of one kind in a row.
        chosen: keys of those that are ticked to begin with.

    Signals:
        changed: another choice.
    """

    changed = Signal()

    def __init__(self, formats: Sequence[tuple[str, str]], chosen: Sequence[str]) -> None:
        super().__init__()
        self._boxes: dict[str, QCheckBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        rows = -(-len(formats) // _COLUMNS)
        for index, (key, text) in enumerate(formats):
            box = QCheckBox(text, self)
            box.setChecked(key in chosen)
            box.toggled.connect(self.changed)
            grid.addWidget(box, index % rows, index // rows)
            self._boxes[key] = box

    @property
    def chosen(self) -> tuple[str, ...]:
        """The keys of those that are ticked, in their order."""
        return tuple(key for key, box in self._boxes.items() if box.isChecked())

    def choose(self, keys: Sequence[str]) -> None:
        """Ticks these and no others."""
        for key, box in self._boxes.items():
            box.setChecked(key in keys)
