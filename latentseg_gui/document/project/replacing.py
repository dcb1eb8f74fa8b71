"""One document becomes another: a window has one document, whatever project is opened in it."""

from __future__ import annotations

from latentseg_gui.document.document import Document


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
