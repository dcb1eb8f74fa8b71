"""Refuses to start on a Qt binding that is known to corrupt the interpreter.

Some releases of the binding lose one reference to ``True`` or ``None`` per signal or paint; the process then
dies after about a thousand signals, with the user's work in it. Before Python 3.12 these objects are counted,
so the loss can be seen within milliseconds.
"""

from __future__ import annotations

import sys

import PySide6
from PySide6.QtCore import QObject, Signal

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
