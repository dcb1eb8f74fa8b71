"""Qt and Python's garbage collection live together: references that bindings lose, and cycles found in the GUI thread.

Python collects in whatever thread happens to make the next object. Widgets and timers that nobody holds any more,
but that hold each other, would then be taken apart in the thread of a lane, where Qt must not be called.

Some releases of the binding lose one reference to ``True`` or ``None`` per signal or paint; the process then
dies after about a thousand signals, with the user's work in it. Before Python 3.12 these objects are counted,
so the loss can be seen within milliseconds.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

import PySide6
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from latentseg_gui.document.errors import LatentsegError

_START_UP_ROUNDS = 300
_TOLERATED_LOSS = 5


class _Beacon(QObject):
    fired = Signal(bool)


def references_lost(rounds: int) -> int:
    """How many references to True, False and None went missing over ``rounds`` signals.

    Always 0 on Pythons whose constants are immortal (3.12 and later), where the fault does no harm.
    """
    if sys.version_info >= (3, 12):
        return 0
    beacon = _Beacon()
    received: list[bool] = []
    beacon.fired.connect(received.append)
    constants = (True, False, None)
    before = [sys.getrefcount(constant) for constant in constants]
    for _ in range(rounds):
        beacon.fired.emit(True)
        beacon.blockSignals(False)
        received.clear()
    after = [sys.getrefcount(constant) for constant in constants]
    return max(0, *(b - a for b, a in zip(before, after, strict=True)))


def require_sound_binding(rounds: int = _START_UP_ROUNDS) -> None:
    """Raises `LatentsegError` where the Qt binding loses references."""
    lost = references_lost(rounds)
    if lost <= _TOLERATED_LOSS:
        return
    raise LatentsegError(
        f"The installed Qt binding (PySide6 {PySide6.__version__}) is broken on this Python: it would end the "
        "program in the middle of your work, so latentseg does not start with it.",
        action="Install a sound one with: pip install 'PySide6-Essentials==6.11.3'",
        detail=f"{lost} references to True, False or None were lost over {rounds} signals.",
    )


ROUND_MS: Final = 200


class GuiThreadCollector(QObject):
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

    def freeze(self) -> None:
        """The window is there: what it is made of stays, and is not looked through again.

        A hundred thousand objects would take a tenth of a second of the window's thread every time.
        """
        gc.freeze()

    def stop(self) -> None:
        """Give the work back to Python."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
