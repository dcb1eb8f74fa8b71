"""A drag is one generator: it is sent every pointer event, and closed to abort it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QCoreApplication, QPointF, Qt


class PointerKind(Enum):
    """What the mouse did."""

    PRESS = auto()
    MOVE = auto()
    RELEASE = auto()


@dataclass(frozen=True, slots=True)
class Pointer:
    """One event of the mouse.

    Attributes:
        xy: position in the image.
        position: logical position in the widget.
        button: what was pressed or released.
        is_double: whether it is the second press of a double click.
    """

    kind: PointerKind
    xy: tuple[float, float]
    position: QPointF
    button: Qt.MouseButton = Qt.MouseButton.NoButton
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    is_double: bool = False

    @property
    def is_right(self) -> bool:
        """Whether the right button did it."""
        return self.button == Qt.MouseButton.RightButton

    def has(self, modifier: Qt.KeyboardModifier) -> bool:
        """Whether a modifier key was held."""
        return bool(self.modifiers & modifier)


Gesture = Generator[None, Pointer, None]
"""Sent every move and the release; `GeneratorExit` at its yield means that it was aborted."""


@contextmanager
def every_sample() -> Iterator[None]:
    """Meanwhile no movement of mouse or pen is left out, however fast they come.

    Qt drops the positions in between when it falls behind, which makes corners of curves. A line drawn by hand
    wants them all: each costs a fraction of a millisecond, since only the last is drawn on the screen. Pans and
    hovers do without. Positions of tablets come one by one unless one asks for less.
    """
    compressing = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
    before = QCoreApplication.testAttribute(compressing)
    QCoreApplication.setAttribute(compressing, False)
    try:
        yield
    finally:
        QCoreApplication.setAttribute(compressing, before)


class GestureRunner:
    """Runs one gesture at a time, from the press of a button to the release of the same button."""

    def __init__(self) -> None:
        self._gesture: Gesture | None = None
        self._button = Qt.MouseButton.NoButton

    @property
    def is_active(self) -> bool:
        """Whether a gesture is in progress."""
        return self._gesture is not None

    def start(self, gesture: Gesture | None, button: Qt.MouseButton) -> bool:
        """Begins a gesture; whether there was one to begin."""
        if gesture is None:
            return False
        self._gesture, self._button = gesture, button
        try:
            next(gesture)
        except StopIteration:
            self._gesture = None
        return True

    def ends_with(self, button: Qt.MouseButton) -> bool:
        """Whether the release of a button ends the gesture."""
        return self.is_active and button == self._button

    def is_lost(self, buttons: Qt.MouseButton) -> bool:
        """Whether the button is no longer held although no release arrived."""
        return self.is_active and not buttons & self._button

    def send(self, pointer: Pointer) -> None:
        """Passes an event on; a gesture is over after its release, whatever it does."""
        gesture = self._gesture
        if gesture is None:
            return
        try:
            gesture.send(pointer)
        except StopIteration:
            self._forget(gesture)
        if pointer.kind is PointerKind.RELEASE:
            self._forget(gesture)
            gesture.close()

    def abort(self) -> bool:
        """Aborts the gesture in progress; whether there was one."""
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        gesture.close()
        return True

    def _forget(self, gesture: Gesture) -> None:
        if self._gesture is gesture:
            self._gesture = None
