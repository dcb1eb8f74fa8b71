"""A person in front of the real window: speaks image coordinates, waits for what can be seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import numpy as np
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentseg_gui.app.session import Session

XY = tuple[float, float]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton

_ACTIVATIONS, _ACTIVATION_MS = 10, 2000


class Person:
    """Drives one `Session` by mouse and keys."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.window = session.window
        self.canvas = session.window.canvas

    def wait_for(self, is_so: Callable[[], object], seconds: float = 150.0, what: str = "") -> None:
        """Lets the window live until something is the case."""
        loop = QEventLoop()
        deadline = monotonic() + seconds
        timer = QTimer()
        timer.setInterval(10)

        def look() -> None:
            if is_so() or monotonic() > deadline:
                loop.quit()

        timer.timeout.connect(look)
        timer.start()
        loop.exec()
        timer.stop()
        assert is_so(), f"not within {seconds:g} s: {what or is_so}"

    def open(self, *paths: Path) -> None:
        """Opens files or folders and waits until the first is on the canvas."""
        before = self.image_id
        self.session.images.open(list(paths))
        self.wait_for(
            lambda: self.image_id != before and self.canvas.image.is_shown, what="the image is shown"
        )

    @property
    def image_id(self) -> str | None:
        """The image that is looked at."""
        return self.session.document.images.current_id

    @property
    def mask(self) -> np.ndarray:
        """The mask of the current image, as a copy."""
        assert self.image_id is not None
        return np.array(self.session.document.masks.labels(self.image_id))

    def wait_for_prediction(self) -> None:
        """Waits until the current image has a prediction of the live weights."""
        document = self.session.document

        def is_there() -> bool:
            return (
                self.image_id is not None
                and document.predictions.of(self.image_id) is not None
                and not document.predictions.is_stale(self.image_id)
            )

        self.wait_for(is_there, what="the prediction is shown")

    def choose(self, action: str) -> None:
        """Chooses an entry of the menus."""
        self.window.action[action].trigger()

    def come_to_front(self) -> None:
        """Makes the window the one that gets the keys, asking again if another took its place meanwhile."""

        def is_in_front() -> bool:
            self.window.activateWindow()
            return QTest.qWaitForWindowActive(self.window, _ACTIVATION_MS)

        if not any(is_in_front() for _ in range(_ACTIVATIONS)):
            shown = [
                each.windowTitle() or repr(each)
                for each in QApplication.topLevelWidgets()
                if each.isVisible()
            ]
            raise AssertionError(f"{QApplication.activeWindow()} is in front; shown are {shown}")

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Presses a key while the mouse is over the canvas."""
        self.come_to_front()
        self.canvas.setFocus()
        QApplication.processEvents()
        QTest.keyClick(self.canvas, key, modifier)
        QApplication.processEvents()

    def click(self, xy: XY, button: Qt.MouseButton = LEFT) -> None:
        """Clicks on a place of the image."""
        QTest.mouseMove(self.canvas, self.at(xy))
        QTest.mouseClick(self.canvas, button, Qt.KeyboardModifier.NoModifier, self.at(xy))
        QApplication.processEvents()

    def drag(self, *way: XY, button: Qt.MouseButton = LEFT) -> None:
        """Presses at the first place, goes along the others, lets go at the last."""
        QTest.mousePress(self.canvas, button, Qt.KeyboardModifier.NoModifier, self.at(way[0]))
        for xy in way[1:]:
            QTest.mouseMove(self.canvas, self.at(xy))
            QApplication.processEvents()
        QTest.mouseRelease(self.canvas, button, Qt.KeyboardModifier.NoModifier, self.at(way[-1]))
        QApplication.processEvents()

    def at(self, xy: XY) -> QPoint:
        """Where a place of the image is on the canvas."""
        return self.canvas.camera.viewport.to_logical(xy).toPoint()

    def segment(self, xy: XY) -> None:
        """Clicks with the click tool and waits for the proposal."""
        assert self.image_id is not None
        self.choose("tool_click")
        self.click(xy)
        self.wait_for_proposal()

    def wait_for_proposal(self) -> None:
        """Waits until all clicks are answered, the zoom included."""
        document, image_id = self.session.document, self.image_id
        assert image_id is not None

        def is_settled() -> bool:
            proposal = document.prompts.proposal(image_id)
            is_answered = proposal is not None and proposal.prompts == document.prompts.of(image_id)
            return is_answered and proposal is not None and not proposal.is_refining

        self.wait_for(is_settled, what="the settled proposal is shown")
