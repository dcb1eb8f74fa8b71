"""From image to image: what is shown is accepted, and the next image comes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.document.document import Document


class GoingOn(QObject):
    """Accepts what is shown and goes to the next image, as one command.

    Args:
        document: is asked whether something is still pointed at.
        accept: makes what is shown part of the mask, if anything is.
        next_image: shows the next image of the list.
        errors: hears why it stays.
        parent: that deletes it.
    """

    def __init__(
        self,
        document: Document,
        *,
        accept: Callable[[], object],
        next_image: Callable[[], object],
        errors: ErrorSink,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._accept = accept
        self._next_image = next_image
        self._errors = errors

    def accept_and_go_on(self) -> None:
        """Stays where a click is not answered yet: it would be left behind without its object."""
        self._accept()
        image_id = self._document.images.current_id
        if image_id is None or self._document.prompts.is_idle(image_id):
            self._next_image()
        else:
            self._errors.inform(
                self.tr("The last click is not answered yet; go on once its outline is there.")
            )
