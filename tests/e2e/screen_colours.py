"""Colours as they are on the screen."""

from __future__ import annotations

import numpy as np

from tests.e2e.person import Person


def screen_colours(person: Person) -> np.ndarray:
    """The canvas as it is drawn, uint8 [h, w, 3]."""
    image = (
        person.canvas.grab().toImage().convertToFormat(person.canvas.grab().toImage().Format.Format_RGB888)
    )
    rows = np.frombuffer(bytes(image.constBits()), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3)
