"""Garbage is collected in the window's thread alone.

Python collects in whatever thread happens to make the next object. Widgets and timers that nobody holds any more,
but that hold each other, would then be taken apart in the thread of a lane, where Qt must not be called.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer, Slot

ROUND_MS: Final = 200


class Collector(QObject):
    """Does what Python's own collector would, as often, but from a timer of the thread that makes it.

    Args:
        parent: Qt's owner.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(ROUND_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    @Slot()
    def collect(self) -> None:
        """Collect the oldest generation that is due, with those younger than it."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        due = [generation for generation in range(len(counts)) if counts[generation] > thresholds[generation]]
        if due:
            gc.collect(due[-1])

    def settle(self) -> None:
        """The window is there: what it is made of stays, and is not looked through again.

        A hundred thousand objects would take a tenth of a second of the window's thread every time.
        """
        gc.freeze()

    def stop(self) -> None:
        """Give the work back to Python."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
