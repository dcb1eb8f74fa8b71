"""A tour of three steps on a real image: point, correct and accept, teach. It follows what the user really does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QCoreApplication, QObject

from latentseg_gui.app.session import Session
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.training.runs import FineTuneResult

POINT, CORRECT, TEACH, OVER = range(4)

NAMED: Final = ("accept", "finetune", "tool_click")
"""Actions whose keys the sentences name."""


@dataclass(frozen=True, slots=True)
class TourState:
    """All that the tour depends on.

    Attributes:
        is_ready: whether an image is shown and the model can answer.
        is_clicking: whether the click tool is in the hand.
        has_clicks: whether an object is proposed that is not accepted yet.
        has_labels: whether something was labelled since the tour began.
        is_training: whether a fine-tuning is under way.
        outcome: of the last one since the tour began; None for none.
    """

    is_ready: bool
    is_clicking: bool
    has_clicks: bool
    has_labels: bool
    is_training: bool
    outcome: FineTuneResult | None = None

    @property
    def step(self) -> int:
        """Which step is on."""
        if self.outcome is not None and self.outcome.is_better:
            return OVER
        if self.has_clicks and not self.is_training:
            return CORRECT
        return TEACH if self.is_training or self.has_labels or self.outcome is not None else POINT


def tour_text(state: TourState) -> str:
    """What to do, with the names of `NAMED` in braces."""
    return {POINT: _of_pointing, CORRECT: _of_correcting, TEACH: _of_teaching, OVER: _of_the_end}[state.step](
        state
    )


def _of_pointing(state: TourState) -> str:
    if not state.is_ready:
        return _said("The image is being opened and looked at; one moment.")
    if not state.is_clicking:
        return _said("Take the tool “Click” ({tool_click}) in your hand.")
    return _said(
        "Move the pointer over the picture: an outline shows what a click there would take. Click on an object."
    )


def _of_correcting(state: TourState) -> str:
    return _said(
        "Right-click where it is too much, click where something is missing. When it is right, press {accept} to "
        "accept it."
    )


def _of_teaching(state: TourState) -> str:
    if state.is_training:
        return _said("The model is learning from what you accepted. You can go on working meanwhile.")
    if state.outcome is not None:
        return _said(
            "The new weights are not better yet. Accept more objects, on other images too, and press {finetune} "
            "again."
        )
    return _said(
        "Accept more objects if you like. Then press {finetune}: the model learns from them. When it asks what "
        "background is, take the rest of the image."
    )


def _of_the_end(state: TourState) -> str:
    version = "" if state.outcome is None else state.outcome.version
    return _said(
        "That is all. “{version}” predicts every image that you open from now on. Correct it where it is wrong, and "
        "teach it again."
    ).replace("{version}", version)


class Tour(QObject):
    """Runs the tour, when somebody asks for it.

    Args:
        session: of the window.
        open_sample: opens something to try, where no image is open.
        key_of: the key of an action as the user reads it, or the name of the action where it has none.
    """

    def __init__(
        self, session: Session, open_sample: Callable[[], None], key_of: Callable[[str], str]
    ) -> None:
        super().__init__(session)
        self._session = session
        self._document: Document = session.document
        self._strip = session.window.tour
        self._open_sample = open_sample
        self._key_of = key_of
        self._is_on = False
        self._before: dict[str, int] = {}
        self._outcome: FineTuneResult | None = None
        events = session.document.events
        for event in (
            events.current_changed,
            events.record_changed,
            events.prompts_changed,
            events.mask_changed,
            events.images_changed,
        ):
            event.connect(self.refresh)
        session.tool.tool_changed.connect(self.refresh)
        session.weights.activated.connect(self.refresh)
        session.finetune.state_changed.connect(self.refresh)
        session.finetune.ended.connect(self._on_ended)
        self._strip.left.connect(self.leave)

    @property
    def is_on(self) -> bool:
        """Whether it is under way."""
        return self._is_on

    def begin(self) -> None:
        """Begins with the first step; where no image is open, with a sample."""
        self._is_on, self._outcome = True, None
        self._before = self._labelled()
        self._session.window.action[ToolName.CLICK.action].trigger()
        if self._document.images.current_id is None:
            self._open_sample()
        self.refresh()

    def leave(self) -> None:
        """Ends it; whatever was done in it stays."""
        self._is_on = False
        self._strip.hide()

    def refresh(self, *_: object) -> None:
        """Follows what the user does."""
        if self._is_on:
            state = self._state()
            keys = {name: self._key_of(name) for name in NAMED}
            text = tour_text(state)
            for name, key in keys.items():
                text = text.replace(f"{{{name}}}", key)
            names = (_said("Point"), _said("Correct and accept"), _said("Teach"))
            self._strip.show_step(names, state.step, text)

    def _state(self) -> TourState:
        image_id, finetune = self._document.images.current_id, self._session.finetune
        is_shown = image_id is not None and self._document.records.of(image_id) is not None
        return TourState(
            is_ready=is_shown and self._session.weights.live is not None,
            is_clicking=self._session.tool.tool is ToolName.CLICK,
            has_clicks=image_id is not None and not self._document.prompts.is_idle(image_id),
            has_labels=any(count > self._before.get(each, 0) for each, count in self._labelled().items()),
            is_training=finetune.is_running and not finetune.is_refitting,
            outcome=self._outcome,
        )

    def _labelled(self) -> dict[str, int]:
        """Labelled pixels by image."""
        masks = self._document.masks
        return {each: masks.layer(each).num_labelled for each in masks.labelled_ids()}

    def _on_ended(self, result: FineTuneResult | None) -> None:
        if self._is_on and result is not None:
            self._outcome = result
            self.refresh()


def _said(text: str) -> str:
    return QCoreApplication.translate("tour", text)
