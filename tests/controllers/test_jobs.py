"""An answer is of the type that its question names, and nobody hears of one that is no longer wanted."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.controllers.jobs import WrongAnswerError
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from latentseg_gui.inference import messages
from latentseg_gui.inference.messages import (
    EncodeImage,
    ForgetImage,
    ImageEncoded,
    LoadWeights,
    PredictClasses,
    SegmentObject,
)
from latentseg_gui.inference.request import Priority, Request
from tests.held import HeldJobs

REQUESTS = [each for each in vars(messages).values() if isinstance(each, type) and issubclass(each, Request)]


@pytest.fixture
def jobs(qtbot: QtBot) -> HeldJobs:
    return HeldJobs()


def encoded() -> ImageEncoded:
    return ImageEncoded("a", "v1", 0.1)


def proposal(*, is_refining: bool) -> MaskProposal:
    mask = np.ones((2, 2), bool)
    return MaskProposal("a", "v1", Rect(0, 0, 2, 2), mask, 0.9, PromptSet(), is_refining=is_refining)


def test_every_message_is_a_request_that_names_its_answer() -> None:
    """What is a dataclass in `messages` and no answer of another must say what comes back."""
    answers = {each.answer_type for each in REQUESTS}
    parts = {messages.PredictionExtras}
    own = [
        each
        for each in vars(messages).values()
        if is_dataclass(each) and isinstance(each, type) and each.__module__ == messages.__name__
    ]
    assert {each for each in own if not issubclass(each, Request)} <= answers | parts
    assert [
        each for each in REQUESTS if each.answer_type is NoneType and each not in (Request, ForgetImage)
    ] == []
    assert LoadWeights.answer_type is messages.WeightsInfo
    assert "priority" not in {
        field.name for each in REQUESTS if each is not Request for field in fields(each)
    }


def test_an_answer_of_another_type_is_told_and_ends_what_waits_for_it(jobs: HeldJobs) -> None:
    answers: list[Any] = []
    failures: list[Any] = []
    jobs.submit(ForgetImage("a"), answers.append, on_failure=failures.append)
    jobs.submit(PredictClasses("a"), answers.append)
    jobs.answer(lambda _: "surprise")
    jobs.answer(lambda _: encoded())
    assert answers == []
    assert [type(each) for each in jobs.errors.errors] == [WrongAnswerError] * 2, "both are seen"
    assert [type(each) for each in failures] == [WrongAnswerError], "who waits goes on"
    assert "ImageEncoded in the place of Prediction" in jobs.errors.errors[1].detail


@pytest.mark.parametrize("how", ["answered", "failed", "answered by others"])
def test_what_nobody_wants_to_know_any_more_is_dropped(jobs: HeldJobs, how: str) -> None:
    heard: list[Any] = []
    is_wanted, live = [True], ["v1"]
    jobs.submit(
        EncodeImage("a", np.zeros((1, 1, 3), np.uint8)),
        heard.append,
        is_current=lambda: is_wanted[0],
        is_fresh=lambda answer: answer.version == live[0],
        on_failure=heard.append,
        on_stale=lambda: heard.append("stale"),
    )
    is_wanted[0] = how == "answered by others"
    live[0] = "v2" if how == "answered by others" else "v1"
    if how == "failed":
        jobs.fail()
    else:
        jobs.answer(lambda _: encoded())
    assert heard == ["stale"]
    assert jobs.errors.errors == []


def test_what_is_still_wanted_is_handed_over(jobs: HeldJobs) -> None:
    heard: list[Any] = []
    jobs.submit(
        EncodeImage("a", np.zeros((1, 1, 3), np.uint8)),
        heard.append,
        is_current=lambda: True,
        is_fresh=lambda answer: answer.version == "v1",
        on_stale=lambda: heard.append("stale"),
    )
    jobs.answer(lambda _: encoded())
    assert heard == [encoded()]


def test_an_early_answer_is_asked_the_same_as_the_last_one(jobs: HeldJobs) -> None:
    heard: list[Any] = []
    is_wanted = [True]
    jobs.submit(SegmentObject("a", PromptSet()), heard.append, is_current=lambda: is_wanted[0])
    jobs.report(proposal(is_refining=True))
    is_wanted[0] = False
    jobs.report(proposal(is_refining=True))
    jobs.answer(lambda _: proposal(is_refining=False))
    assert [each.is_refining for each in heard] == [True]


def test_a_message_has_its_own_place_in_the_queue_and_work_has_none(jobs: HeldJobs) -> None:
    hover = SegmentObject("a", PromptSet(), is_preview=True)
    jobs.submit(SegmentObject("a", PromptSet()), print)
    jobs.submit(hover, print, priority=Priority.HOVER)
    jobs.submit(lambda: 1, print)
    assert list(jobs.kept.priorities.values()) == [Priority.CLICK, Priority.HOVER, Priority.NORMAL]
    assert len({each.value for each in Priority}) == len(Priority.__members__), "no two names for one place"
