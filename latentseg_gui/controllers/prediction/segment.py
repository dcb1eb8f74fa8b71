"""Clicks -> proposal -> mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.commands.prediction.corrections import accept_correction
from latentseg_gui.commands.prediction.proposals import (
    accept_prediction,
    accept_proposals,
    accepted_numbers,
    overlaps,
)
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.interfaces import ErrorSink, Window
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.prediction.meanings import MeaningsController
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.proposals import (
    MaskProposal,
    PromptSet,
    TakenUp,
    as_it_was,
)
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.document.wording import listed
from latentseg_gui.inference.messages import SegmentObject


class SegmentController(QObject):
    """Turns clicks into a proposal, and an accepted proposal into one step of the history.

    What is known at once is shown at once; the answer of a zoom takes its place when it comes. What
    is accepted is always what is on the screen, also while the model still looks.
    """

    def __init__(
        self,
        document: Document,
        edits: EditQueue,
        canvas: CanvasView,
        predict: PredictController,
        meanings: MeaningsController,
        *,
        engine: Jobs,
        errors: ErrorSink,
        window: Window,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._edits = edits
        self._canvas = canvas
        self._predict = predict
        self._meanings = meanings
        self._engine = engine
        self._errors = errors
        self._window = window
        self._protect_others = False
        self._overwrites = False
        self._unremembered: set[str] = set()
        predict.forgotten.connect(self._on_forgotten)
        document.events.current_changed.connect(self._on_current_changed)
        predict.encoded.connect(self._on_encoded)
        predict.failed.connect(self._on_encoding_failed)

    def set_protect_others(self, is_on: bool) -> None:
        """Keeps accepted objects from covering pixels of other classes, or no longer."""
        self._protect_others = is_on

    def set_overwrites(self, is_on: bool) -> None:
        """Lets new objects take the pixels of those that are there, or yield to them."""
        self._overwrites = is_on

    def accept(self) -> None:
        """Makes the proposals that are shown part of the mask, as one step; what is not answered goes on waiting."""
        image_id = self._document.images.current_id
        if image_id is None:
            return
        prompts = self._document.prompts
        proposal, earlier = prompts.proposal(image_id), prompts.earlier(image_id)
        shown = [each.proposal for each in earlier if each.proposal is not None]
        taken = prompts.of(image_id).taken_up
        if proposal is not None and taken is not None and taken.rc is not None:
            self._correct(proposal, taken)
        elif proposal is not None:
            shown.append(proposal)
        if shown:
            self.take(shown, self._document.active_class)
        prompts.set_earlier(image_id, tuple(each for each in earlier if each.proposal is None))
        if proposal is not None:
            self.use(image_id, PromptSet())

    def take(self, proposals: Sequence[MaskProposal], class_id: int) -> None:
        """Makes proposals part of the mask of their image, as one step; what is pointed at stays as it is."""
        image_id, protects, yields = proposals[0].image_id, self._protect_others, not self._overwrites

        numbers: list[int] = []

        def make(source: MaskSource, class_id: int) -> MaskPatch | None:
            numbers[:] = accepted_numbers(source, proposals, class_id, yields=yields)
            return accept_proposals(source, proposals, class_id, protect_others=protects, yields=yields)

        said = [whose_pixels(self._document, each, class_id, yields=yields) for each in proposals]
        if any(said):
            self._errors.inform(next(filter(None, said)))
        after = partial(self._note, proposals, numbers)
        self._edits.do(image_id, self.tr("Accept"), make, class_id=class_id, after=after, otherwise=_nothing)

    def _note(self, proposals: Sequence[MaskProposal], numbers: Sequence[int]) -> None:
        """Which click models made the objects that proposals have become."""
        for each, number in zip(proposals, numbers, strict=False):
            if self._document.images.has(each.image_id):
                there = self._document.masks.layer(each.image_id).instances[each.rect.slices]
                is_there = bool(
                    ((there == number) & each.mask).any()
                )  # not where other classes are protected
                self._edits.name_maker(each.image_id, number if is_there else 0, each.made_by)

    def _correct(self, proposal: MaskProposal, taken: TakenUp) -> None:
        """Gives the object that was taken up the shape of the proposal, as one step."""
        make = partial(accept_correction, proposal=proposal, taken=taken)
        self._edits.do(proposal.image_id, self.tr("Correct object"), make)

    def accept_prediction(self) -> None:
        """Makes the prediction part of the mask wherever nothing is labelled."""
        image_id = self._document.readable_id
        if image_id is None:
            return
        if self._document.predictions.of(image_id) is None:
            self._errors.inform(self.tr("There is no prediction of this image yet."))
            return
        make = partial(accept_prediction, image_id=image_id)
        title = self.tr("Accept prediction")
        self._edits.do(image_id, title, make)

    def use(self, image_id: str, prompts: PromptSet) -> None:
        """Lets an image have these clicks, lines and box, and asks what they point at."""
        self._document.prompts.set(image_id, prompts)
        if prompts.is_empty:
            self._document.prompts.set_proposal(image_id, as_it_was(image_id, prompts))
            self._canvas.status.set_pending(False)
            return
        self.request_proposal(image_id)

    def request_proposal(self, image_id: str) -> None:
        """Asks for the object that the clicks on an image make; an answer that is shown stays until then."""
        is_ready = self._predict.is_encoded(image_id)
        text = self.tr("outlining…") if is_ready else self.tr("looking at the image…")
        self._canvas.status.set_pending(True, text, is_brief=is_ready)
        if not is_ready:
            self._predict.encode(image_id)
            return
        if image_id in self._unremembered:
            self._remind(image_id)
        self._ask(image_id, self._document.prompts.of(image_id), key="segment")

    def _ask(self, image_id: str, prompts: PromptSet, *, key: str) -> None:
        def is_fresh(
            answer: MaskProposal,
        ) -> bool:  # not where the user has clicked on: a newer one is on its way
            is_live = self._predict.is_fresh(answer.image_id, answer.version)
            return is_live and answer.prompts == self._document.prompts.of(answer.image_id)

        self._engine.submit(
            SegmentObject(image_id, prompts, continues=self._meanings.goes_on_from(image_id, prompts)),
            self._on_proposed,
            key=key,
            is_fresh=is_fresh,
            on_failure=self._on_proposal_failed,
        )

    def _on_forgotten(self) -> None:
        """The model has lost its answers so far; a further click would not go on from what is on the screen."""
        ids = self._document.images.ids
        self._unremembered = {each for each in ids if len(self._document.prompts.of(each).points) > 1}

    def _remind(self, image_id: str) -> None:
        """Asks again what led to the present clicks, one after the other, as they were made.

        A further click takes the place of the present question, but not of these.
        """
        self._unremembered.discard(image_id)
        prompts = self._document.prompts.of(image_id)
        for count in range(1, len(prompts.points) + 1):
            earlier = replace(prompts, points=prompts.points[:count])
            self._ask(image_id, earlier, key=f"segment again {count}")

    def _on_current_changed(self, image_id: str | None) -> None:
        is_waiting = image_id is not None and not self._document.prompts.of(image_id).is_empty
        has_answer = image_id is not None and self._document.prompts.proposal(image_id) is not None
        self._canvas.status.set_pending(is_waiting and not has_answer)

    def _on_encoded(self, image_id: str) -> None:
        prompts = self._document.prompts.of(image_id)
        if prompts.is_empty:
            return
        if len(prompts.points) > 1 and self._document.prompts.proposal(image_id) is None:
            self._unremembered.add(image_id)  # clicks of another session, or faster than the model
        self.request_proposal(image_id)

    def _on_encoding_failed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id:
            self._canvas.status.set_pending(False)

    def _on_proposed(self, given: MaskProposal) -> None:
        answer = self._meanings.meant_by(given)
        self._document.prompts.set_proposal(answer.image_id, answer)
        if answer.image_id != self._document.images.current_id:
            return
        self._canvas.status.set_pending(answer.is_refining, self.tr("refining…"), is_brief=True)
        if not answer.is_refining:
            self._window.set_timing_text(
                self.tr("click answered in {0:.0f} ms").format(1000 * answer.seconds)
            )

    def _on_proposal_failed(self, error: LatentsegError) -> None:
        self._canvas.status.set_pending(False)
        self._errors.report(error)


def whose_pixels(source: MaskSource, proposal: MaskProposal, class_id: int, *, yields: bool) -> str:
    """What is said where a new object lies over others: what they keep or lose; "" where it hardly does.

    Args:
        source: with the objects that are there.
        proposal: the new one.
        class_id: of it.
        yields: whether the others keep their pixels.
    """
    if class_id in (BACKGROUND, UNLABELLED):
        return ""
    size = int(proposal.mask.sum())
    found = [each for each in overlaps(source, proposal) if 50 * each.pixels >= size]
    taken = sum(each.pixels for each in found)
    if not found:
        return ""
    names = listed(sorted({source.classes[each.class_id].name for each in found}))
    if not yields:
        return QCoreApplication.translate(
            "SegmentController", "{0} pixels of {1} accepted objects were taken ({2}). Undo gives them back."
        ).format(taken, len(found), names)
    if taken >= size:
        return QCoreApplication.translate(
            "SegmentController", "All of this area belongs to objects already; nothing was changed."
        )
    return QCoreApplication.translate(
        "SegmentController", "{0} pixels stay with what was accepted before ({1})."
    ).format(taken, names)


def _nothing() -> None:
    """Where nothing was changed, nobody made anything."""
