"""Whether a process that has work to do shows any sign of life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import psutil
from PySide6.QtCore import QObject, QTimer, Signal

_LOOKS: Final = 15
"""A process hangs when so many looks in a row have found it unmoved.

Looks are counted, not seconds: a window that stood still itself, or a machine that slept, accuses nobody.
"""


class Watch(QObject):
    """Looks at a process from outside, so that it need not take part, whatever it is busy with.

    A process that computes uses processor time; one that waits and polls is woken by the system now and then. One
    that is stopped, or waits for what never comes, does neither.

    Args:
        pid: which process has work to do now; None while none has.
        hangs_after_s: how long it may stay unmoved.
        parent: owner of this QObject.

    Signals:
        hanging: True when the process hangs, False when it moves again, is gone, or has nothing to do.
    """

    hanging = Signal(bool)

    def __init__(self, pid: Callable[[], int | None], hangs_after_s: float, parent: QObject) -> None:
        super().__init__(parent)
        self._pid = pid
        self._sign: tuple[float, ...] | None = None
        self._unmoved = 0
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * hangs_after_s / _LOOKS))
        self._timer.timeout.connect(self._look)

    @property
    def is_hanging(self) -> bool:
        """Whether the process hangs, as far as is known."""
        return self._unmoved >= _LOOKS

    def start(self) -> None:
        """Looks from now on."""
        self._timer.start()

    def stop(self) -> None:
        """Looks no more."""
        self._timer.stop()

    def _look(self) -> None:
        pid, was_hanging = self._pid(), self.is_hanging
        sign = None if pid is None else _sign_of(pid)
        self._unmoved = self._unmoved + 1 if sign is not None and sign == self._sign else 0
        self._sign = sign
        if self.is_hanging != was_hanging:
            self.hanging.emit(self.is_hanging)


def _sign_of(pid: int) -> tuple[float, ...] | None:
    """Numbers that grow while a process lives; None where there is none to be asked."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, switches = process.cpu_times(), process.num_ctx_switches()
    except psutil.Error:
        return None
    return pid, times.user, times.system, switches.voluntary, switches.involuntary
