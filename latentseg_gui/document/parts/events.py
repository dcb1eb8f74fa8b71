"""What a document tells its views, in the past tense."""

from __future__ import annotations

from psygnal import Signal, SignalGroup

from latentseg_gui.document.types import Rect


class DocumentEvents(SignalGroup):
    """The signals of a `Document`; all are emitted in the thread that made the change."""

    images_changed = Signal()
    """Images were added, removed, or all replaced."""
    current_changed = Signal(object)
    """Another image is looked at: its id, or None."""
    record_changed = Signal(str)
    """The pixels of an image were read or let go."""
    mask_changed = Signal(str, Rect)
    """Labels, provenance or instances of an image changed inside a rectangle."""
    prediction_changed = Signal(str)
    """The prediction of an image came, went, or became stale."""
    proposal_changed = Signal(str)
    """The proposal of an image came or went."""
    prompts_changed = Signal(str)
    """The clicks on an image changed."""
    marks_changed = Signal(str)
    """Which objects of an image are hidden or locked changed."""
    classes_changed = Signal()
    """The table of classes changed."""
    status_changed = Signal(str)
    """The status of an image, as the file list shows it, changed."""
    dirty_changed = Signal(bool)
    """Whether there is something to save changed."""
    active_class_changed = Signal(int)
    """Another class is painted with."""
