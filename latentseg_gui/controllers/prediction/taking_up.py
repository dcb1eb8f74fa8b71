"""An object that is there is taken up as the proposal, to be corrected by clicks."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.prediction.corrections import take_up
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.document.coords import rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.proposals import PromptSet, TakenUp, as_it_was


class TakeUpController(QObject):
    """Takes up what is at a place; its class is in use until it is accepted or given up."""

    def __init__(
        self,
        document: Document,
        edits: EditQueue,
        canvas: CanvasView,
        *,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._edits = edits
        self._canvas = canvas
        self._errors = errors
        self._lent: tuple[str, int, int] | None = None
        """The image, the class in use meanwhile, and the one before."""
        canvas.take_up_requested.connect(self.take_up)
        document.events.prompts_changed.connect(self._on_prompts_changed)
        document.events.current_changed.connect(self._give_class_back)

    def take_up(self, x: float, y: float) -> None:
        """Makes the object at a place of the image the proposal; the clicks so far are dropped."""
        image_id = self._document.readable_id
        if image_id is None:
            return
        query = partial(take_up, image_id=image_id, rc=rc_from_xy((x, y)))
        try:
            self._edits.look(image_id, query, partial(self._on_found, image_id))
        except LatentsegError as error:
            self._errors.report(error)

    def _on_found(self, image_id: str, taken: TakenUp | None) -> None:
        if image_id != self._document.images.current_id:
            return
        if taken is None:
            self._errors.inform(
                self.tr("There is no object here to correct, neither labelled nor predicted.")
            )
            return
        if self._is_unfinished(image_id):
            self._errors.inform(
                self.tr("The outline before this one is gone: accept one before you go on to another object.")
            )
        prompts = PromptSet(taken_up=taken)
        self._document.prompts.set(image_id, prompts)
        self._document.prompts.set_proposal(image_id, as_it_was(image_id, prompts))
        self._canvas.status.set_pending(False)
        before = self._own_class()
        self._document.active_class = taken.class_id
        self._lent = image_id, taken.class_id, before

    def _is_unfinished(self, image_id: str) -> bool:
        """Whether the outline that is shown is worth something that is not in the mask yet."""
        prompts, shown = self._document.prompts.of(image_id), self._document.prompts.proposal(image_id)
        taken = prompts.taken_up
        return shown is not None and (taken is None or not prompts.is_empty or shown.mask is not taken.mask)

    def _own_class(self) -> int:
        """The class in use, or that before an object that is left for another one."""
        active = self._document.active_class
        return active if self._lent is None or self._lent[1] != active else self._lent[2]

    def _on_prompts_changed(self, image_id: str) -> None:
        if self._lent is not None and self._lent[0] == image_id:
            self._give_class_back()

    def _give_class_back(self, *_: object) -> None:
        image_id = self._document.images.current_id
        if self._lent is None:
            return
        of_image, lent, before = self._lent
        if image_id == of_image and self._document.prompts.of(of_image).taken_up is not None:
            return
        self._lent = None
        if self._document.active_class == lent and before in self._document.classes.ids:
            self._document.active_class = before
