"""Objects that were pointed at one after the other: accepted as soon as they are answered, or kept till then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.meanings import MeaningsController
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.controllers.prediction.segment import SegmentController
from latentseg_gui.controllers.waiting import LabelSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.proposals import MaskProposal, PointedObject, PromptSet
from latentseg_gui.inference.messages import SegmentObject
from latentseg_gui.io.paths import shown


@dataclass(eq=False)
class _Pointed:
    """An object that waits for its answer.

    Attributes:
        number: tells its question from the others.
        class_id: that was in use when it was done.
        continues: which meaning of all but its last click was chosen.
        is_kept: whether its answer waits to be accepted; else it is accepted at once.
        is_asked: whether its question is on its way.
    """

    number: int
    image_id: str
    prompts: PromptSet
    class_id: int
    continues: int
    is_kept: bool
    is_asked: bool = False


class InTurn(QObject):
    """Looks after objects that the hand has left for the next one.

    Each is accepted in the order in which they are answered (`accept`), or waits to be accepted with all others
    (`keep`).

    Attributes:
        has_no_model: whether none comes by itself, so that nothing is ever outlined.
    """

    def __init__(
        self,
        document: Document,
        predict: PredictController,
        segment: SegmentController,
        meanings: MeaningsController,
        *,
        engine: Jobs,
        errors: ErrorSink,
        has_no_model: Callable[[], bool] = lambda: False,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.has_no_model = has_no_model
        self._document = document
        self._predict = predict
        self._segment = segment
        self._meanings = meanings
        self._engine = engine
        self._errors = errors
        self._waiting: list[_Pointed] = []
        self._count = 0
        self.labels = LabelSource(self._under_way, self)
        predict.encoded.connect(self._on_encoded)
        predict.failed.connect(self._on_encoding_failed)

    def _under_way(self) -> str:
        """That accepted objects are still on their way into a mask, as a sentence; "" where none are."""
        images, records = self._document.images, self._document.records
        waiting = [each for each in self._waiting if not each.is_kept and images.has(each.image_id)]
        for each in waiting:
            if (
                not each.is_asked and records.of(each.image_id) is None
            ):  # nothing can be asked about it from here
                text = self.tr(
                    "An object that was accepted on “{0}” is outlined when that image is shown again."
                )
                return text.format(shown(images.name(each.image_id)))
        return self.tr("Accepted objects are still being outlined.") if waiting else ""

    def coming(self, image_id: str | None) -> list[PromptSet]:
        """What was accepted on an image and is not outlined yet."""
        return [each.prompts for each in self._waiting if each.image_id == image_id and not each.is_kept]

    def accept(self, image_id: str) -> None:
        """Accepts what is pointed at on an image in the class in use; later, where it is not answered yet."""
        prompts, proposal = self._document.prompts.of(image_id), self._document.prompts.proposal(image_id)
        self._document.prompts.set_proposal(image_id, None)  # Enter is not to accept it once more
        if proposal is not None and proposal.prompts == prompts and not proposal.is_refining:
            self._segment.take((proposal,), self._document.active_class)
            return
        self._wait_for(image_id, prompts, is_kept=False)

    def accept_early(self, image_id: str) -> None:
        """Accepts what is pointed at and has no outline yet, and says that it comes."""
        self.accept(image_id)
        self._errors.inform(self.tr("The object is accepted as soon as it is outlined."))

    def keep(self, image_id: str) -> None:
        """Lets what is pointed at on an image wait to be accepted; the hand is free for the next object."""
        prompts, proposal = self._document.prompts.of(image_id), self._document.prompts.proposal(image_id)
        shown = proposal if proposal is not None and proposal.prompts == prompts else None
        earlier = self._document.prompts.earlier(image_id)
        self._document.prompts.set_proposal(image_id, None)
        self._document.prompts.set_earlier(image_id, (*earlier, PointedObject(prompts, shown)))
        if shown is None or shown.is_refining:
            self._wait_for(image_id, prompts, is_kept=True)

    def take_back(self, image_id: str, wanted: PointedObject) -> None:
        """Puts an object that waits back into the hand; what is there waits in its place."""
        prompts = self._document.prompts
        prompts.set_earlier(image_id, tuple(each for each in prompts.earlier(image_id) if each is not wanted))
        if not prompts.of(image_id).is_empty:
            self.keep(image_id)
        prompts.set(image_id, wanted.prompts)
        prompts.set_proposal(image_id, wanted.proposal)

    def give_up(self) -> None:
        """No model comes that could outline what is accepted already; what is kept goes on waiting."""
        accepted = [each for each in self._waiting if not each.is_kept]
        if accepted:
            self._say_no_model()
        self._forget(*accepted)

    def _say_no_model(self) -> None:
        self._errors.inform(self.tr("What you pointed at cannot be outlined: the model could not be loaded."))

    def _wait_for(self, image_id: str, prompts: PromptSet, *, is_kept: bool) -> None:
        if not is_kept and self.has_no_model():
            self._say_no_model()
            return
        self._count += 1
        continues = self._meanings.goes_on_from(image_id, prompts)
        class_id = self._document.active_class
        pointed = _Pointed(self._count, image_id, prompts, class_id, continues, is_kept)
        self._waiting.append(pointed)
        self.labels.changed.emit()
        self._ask(pointed)

    def _ask(self, pointed: _Pointed) -> None:
        pointed.is_asked = self._predict.is_encoded(pointed.image_id)
        if not pointed.is_asked:
            self._predict.encode(pointed.image_id)
            return
        self._engine.submit(
            SegmentObject(pointed.image_id, pointed.prompts, continues=pointed.continues),
            lambda answer: self._on_answer(pointed, answer),
            key=f"in turn {pointed.number}",
            is_current=lambda: pointed in self._waiting and self._document.images.has(pointed.image_id),
            is_fresh=lambda answer: self._predict.is_fresh(answer.image_id, answer.version),
            on_stale=lambda: self._on_stale(pointed),
            on_failure=lambda error: self._on_failed(pointed, error),
            on_cancelled=lambda: self._on_lost(pointed),
        )

    def _on_answer(self, pointed: _Pointed, answer: MaskProposal) -> None:
        if answer.is_refining:
            return
        self._waiting.remove(pointed)
        if pointed.is_kept:
            self._put(pointed, answer)
        else:
            known = self._document.classes.ids
            class_id = pointed.class_id if pointed.class_id in known else self._document.active_class
            self._segment.take((answer,), class_id)
        self.labels.changed.emit()

    def _put(self, pointed: _Pointed, answer: MaskProposal | None) -> None:
        """Shows the answer for an object that waits; None: there is none, and it waits no longer."""
        made = [
            replace(each, proposal=answer) if each.prompts == pointed.prompts else each
            for each in self._document.prompts.earlier(pointed.image_id)
            if answer is not None or each.prompts != pointed.prompts
        ]
        self._document.prompts.set_earlier(pointed.image_id, tuple(made))

    def _on_stale(self, pointed: _Pointed) -> None:
        """Other weights have come meanwhile, which are asked as soon as they know the image; or it is gone."""
        if self._document.images.has(pointed.image_id):
            self._ask(pointed)
        else:
            self._forget(pointed)

    def _on_lost(self, pointed: _Pointed) -> None:
        pointed.is_asked = False

    def _on_failed(self, pointed: _Pointed, error: LatentsegError) -> None:
        self._forget(pointed)
        if pointed.is_kept:
            self._put(pointed, None)
        self._errors.report(error)

    def _forget(self, *pointed: _Pointed) -> None:
        """They are waited for no longer: there is no outline of them."""
        gone = [each for each in self._waiting if each in pointed]
        self._waiting = [each for each in self._waiting if each not in pointed]
        if any(not each.is_kept and self._document.images.has(each.image_id) for each in gone):
            self.labels.lost.emit(self.tr("An object that was accepted could not be outlined."))
        if gone:
            self.labels.changed.emit()

    def _on_encoded(self, image_id: str) -> None:
        known = [each.prompts for each in self._waiting if each.image_id == image_id]
        for each in self._document.prompts.earlier(image_id):
            if each.proposal is None and each.prompts not in known:  # as after a project was opened
                self._wait_for(image_id, each.prompts, is_kept=True)
        for pointed in list(self._waiting):
            if pointed.image_id == image_id and not pointed.is_asked:
                self._ask(pointed)

    def _on_encoding_failed(self, image_id: str) -> None:
        self._forget(*(each for each in self._waiting if each.image_id == image_id))
