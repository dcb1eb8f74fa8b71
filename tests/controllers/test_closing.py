"""What is asked before the window closes, and what a refusal leaves alone."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QCloseEvent

from latentseg_gui.controllers.project.closing import ClosingController


class Running:
    def __init__(self, is_running: bool, *, is_refitting: bool = False) -> None:
        self.is_running = is_running
        self.is_refitting = is_refitting
        self.cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


class Storage:
    def __init__(self, *, has_unsaved: bool, may: bool) -> None:
        self.has_unsaved = has_unsaved
        self.may = may
        self.left = 0
        self.remarks: list[str] = []

    def may_leave(self, title: str, remark: str = "") -> bool:
        self.remarks.append(remark)
        return self.may or not self.has_unsaved

    def leave(self) -> None:
        self.left += 1


class Dialogs:
    def __init__(self, *, answer: bool) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def confirm(self, title: str, text: str, action: str) -> bool:
        self.asked.append(text)
        return self.answer


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("has_unsaved", [True, False])
@pytest.mark.parametrize("is_predicting", [True, False])
@pytest.mark.parametrize("is_learning", [True, False])
@pytest.mark.parametrize("is_importing", [True, False])
def test_a_refusal_changes_nothing_and_consent_ends_everything(
    is_importing: bool, is_learning: bool, is_predicting: bool, has_unsaved: bool, answer: bool
) -> None:
    storage = Storage(has_unsaved=has_unsaved, may=answer)
    finetune, batch, dialogs = Running(is_learning), Running(is_predicting), Dialogs(answer=answer)
    closing = ClosingController(
        storage,  # type: ignore[arg-type]
        finetune,  # type: ignore[arg-type]
        batch,  # type: ignore[arg-type]
        dialogs=dialogs,  # type: ignore[arg-type]
        is_importing=lambda: is_importing,
    )
    is_running = is_learning or is_predicting or is_importing
    event = QCloseEvent()
    closing.on_close_requested(event)
    closes = answer or not (has_unsaved or is_running)
    assert event.isAccepted() == closes
    assert (storage.left, finetune.cancelled) == ((1, 1) if closes else (0, 0))
    assert len(dialogs.asked) == (is_running and not has_unsaved), "never two questions"
    text = " ".join([*dialogs.asked, *storage.remarks])
    said = "fine-tuning" in text, "predicted" in text, "imported" in text
    assert said == (is_learning, is_predicting, is_importing)
    mentions = [*dialogs.asked, *filter(None, storage.remarks)]
    assert bool(mentions) == is_running, "what is running is mentioned"
    assert storage.remarks or not closes, "clicks that wait are saved, whatever else ends"


def test_a_refit_that_nobody_asked_for_is_nothing_to_ask_about() -> None:
    finetune, dialogs = Running(True, is_refitting=True), Dialogs(answer=False)
    closing = ClosingController(
        Storage(has_unsaved=False, may=True),  # type: ignore[arg-type]
        finetune,  # type: ignore[arg-type]
        Running(False),  # type: ignore[arg-type]
        dialogs=dialogs,  # type: ignore[arg-type]
        is_importing=lambda: False,
    )
    event = QCloseEvent()
    closing.on_close_requested(event)
    assert event.isAccepted()
    assert (dialogs.asked, finetune.cancelled) == ([], 1)
