"""A click with the picker takes the class that is seen there."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication

from latentseg_gui.app.session import Session
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import Rect

SHAPE = (30, 40)


def test_the_class_under_the_cursor_is_taken_from_the_mask_else_from_the_prediction(
    composed: Session,
) -> None:
    composed.classes.add_class()
    composed.images.paste(np.full((*SHAPE, 3), 120, np.uint8))
    document, canvas = composed.document, composed.window.canvas
    image_id = document.images.current_id or ""
    part = Rect(0, 0, 10, 10)
    where = np.ones(part.shape, np.bool_)
    composed.history.do(area_patch(document, image_id, part, where, Ink(1), "Rectangle"))
    document.active_class = 0
    canvas.pick_requested.emit(30.0, 20.0)
    assert document.active_class == 0, "nobody has said anything of this pixel"
    said = np.full(SHAPE, 2, np.uint8)
    document.predictions.set(Prediction(image_id, "v1", said, said))
    for xy, expected in (((3.0, 3.0), 1), ((30.0, 20.0), 2), ((3.0, 3.0), 1), ((-4.0, 90.0), 1)):
        canvas.pick_requested.emit(*xy)
        QCoreApplication.processEvents()
        assert document.active_class == expected
