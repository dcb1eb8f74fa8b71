"""Marks of objects on their way into a project and out of it."""

from __future__ import annotations

from typing import Any

from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.object_marks import NO_MARKS, ObjectMarks


def take_over(document: Document, other: Document) -> None:
    """Gives ``document`` the classes, images and masks of ``other``, which must not be used any more.

    The views see it empty in between, so that they forget old images also where ids are the same.
    """
    document.images.current_id = None
    document.images.replace(Document().images)
    document.set_classes(other.classes)
    document.images.replace(other.images)
    document.mark_saved()
    if other.is_dirty:
        document.mark_dirty()


def marks_as_settings(document: Document) -> dict[str, dict[str, list[int]]]:
    """All marks, by image, as a project keeps them."""
    masks = document.masks
    marked = [each for each in document.images.ids if masks.shape(each) is not None]
    return {each: masks.layer(each).marks.as_settings() for each in marked if masks.layer(each).marks.highest}


def take_marks(document: Document, settings: Any) -> None:
    """What a project has kept; what a journal has said since then counts more."""
    for image_id, kept in settings.items() if isinstance(settings, dict) else ():
        if document.images.has(image_id) and document.masks.shape(image_id) is not None:
            layer = document.masks.layer(image_id)
            if layer.marks is NO_MARKS:
                layer.marks = ObjectMarks.of_settings(kept)
                document.events.marks_changed.emit(image_id)
