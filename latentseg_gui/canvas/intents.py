"""What the user asks of the canvas, as signals. Positions are floats in image pixels."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget


class CanvasIntents(QWidget):
    """The signals of `CanvasView`, which its tools emit.

    A stroke is ``stroke_started``, any number of ``stroke_moved``, and then exactly one of
    ``stroke_finished`` and ``stroke_aborted``.
    """

    stroke_started = Signal(object, bool)
    """(xy, is_erasing)"""
    stroke_moved = Signal(object)
    """(xy)"""
    stroke_finished = Signal()
    stroke_aborted = Signal()

    prompt_added = Signal(float, float, bool)
    """(x, y, is_positive)"""
    prompt_moved = Signal(int, float, float)
    """(index, x, y), once, when the marker is let go"""
    prompt_removed = Signal(int)
    """(index)"""
    take_up_requested = Signal(float, float)
    """(x, y): the object there becomes the proposal"""
    box_added = Signal(float, float, float, float)
    """(x0, y0, x1, y1), ordered, inside the image"""
    line_added = Signal(object, bool, bool)
    """(list of xy inside the image, is_positive, is_loop): drawn along the object, or round it"""

    border_move_requested = Signal(int)
    """(pixels): the border of the proposal moves outwards, inwards where negative"""
    meaning_requested = Signal(int)
    """(steps): what else the clicks may mean, forwards or backwards"""

    polygon_completed = Signal(object)
    """(list of xy), at least three"""
    lasso_completed = Signal(object)
    """(list of xy), at least three"""
    split_line_completed = Signal(object)
    """(list of xy): a cut drawn freehand"""
    split_seed_added = Signal(float, float)
    """(x, y): a click on one of the parts that an object is to be split into"""
    join_requested = Signal(object, object)
    """(xy, xy): from one object to another"""

    outline_requested = Signal(float, float)
    """(x, y): the object there shows its corners"""
    corner_moved = Signal(int, float, float)
    """(index, x, y), once, when the corner is let go"""
    corner_added = Signal(int, float, float)
    """(index of the corner before it, x, y)"""
    corner_removed = Signal(int)
    """(index)"""

    nudge_started = Signal(object)
    """(xy); then any number of moves, and exactly one of finished and aborted"""
    nudge_moved = Signal(object)
    nudge_finished = Signal()
    nudge_aborted = Signal()

    fill_requested = Signal(float, float)
    wand_requested = Signal(float, float)
    pick_requested = Signal(float, float)
    select_requested = Signal(float, float, bool)
    """(x, y, is_added): an object is chosen, instead of or besides those that are"""
    band_drawn = Signal(object, bool)
    """((x0, y0, x1, y1), is_added): the objects that a rectangle touches are chosen"""

    candidate_pointed_at = Signal(float, float, bool)
    """(x, y, is_taken): what the model has found there is taken, or dropped"""

    cursor_moved = Signal(float, float)
    cursor_left = Signal()
    hover_rested = Signal(float, float)
    """(x, y), when the mouse has rested on the image for a moment without a button"""
    hover_stayed = Signal(float, float)
    """(x, y), after `hover_rested`, when the mouse stays there"""

    brush_diameter_change_requested = Signal(float)
    """(factor)"""
    erasing_announced = Signal(bool)
    """(is_erasing): Ctrl is held (or let go) over the brush, so that a press would erase"""
    context_menu_requested = Signal(object, object)
    """(global QPoint, xy)"""
