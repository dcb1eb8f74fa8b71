"""What was pointed at and not accepted yet: kept by project and journal, in a way that older programs can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.proposals import PointedObject, PromptPoint, PromptSet, TakenUp
from latentseg_gui.document.project.changes import MakersChange, PromptsChange
from latentseg_gui.document.project.kept_prompts import (
    kept_prompts,
    prompts_as_settings,
    put_prompts,
    take_prompts,
)
from latentseg_gui.document.types import Rect
from latentseg_gui.io.project.journal import Journal, JournalHeader, read_journal, replay
from latentseg_gui.io.project.manifest import PROMPTS
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project
from tests.io.project_helpers import document_of, photos

CLICKS = PromptSet(
    (
        PromptPoint((3.5, 4.25), True),
        PromptPoint((9.0, 2.0), False),
        PromptPoint((8.0, 8.0), True, ((1.0, 1.0), (8.0, 8.0)), is_loop=True),
    )
)
BOXED = PromptSet(box=(1.5, 2.0, 9.0, 11.25))


def pointed(tmp_path: Path) -> tuple[Document, str]:
    """Two boxes and some clicks that wait on the first of some images."""
    document = document_of(photos(tmp_path / "photos"))
    image_id = document.images.ids[0]
    document.prompts.set_earlier(image_id, (PointedObject(BOXED), PointedObject(PromptSet(box=(0, 0, 2, 2)))))
    document.prompts.set(image_id, CLICKS)
    return document, image_id


def through_json(kept: Any) -> Any:
    return json.loads(json.dumps(kept, allow_nan=False))


def test_a_project_keeps_them(tmp_path: Path) -> None:
    document, image_id = pointed(tmp_path)
    save_project(document, tmp_path / "work", settings={PROMPTS: prompts_as_settings(document)}).close()
    opened = open_project(tmp_path / "work")
    assert opened.document.prompts.of(image_id) == CLICKS
    assert [each.prompts.box for each in opened.document.prompts.earlier(image_id)] == [
        BOXED.box,
        (0, 0, 2, 2),
    ]
    assert not opened.document.is_dirty
    other = document.images.ids[1]
    assert opened.document.prompts.is_idle(other)
    opened.session.close()


def test_what_was_taken_up_is_kept_with_its_shape(tmp_path: Path) -> None:
    document, image_id = pointed(tmp_path)
    shape = document.masks.layer(image_id).shape
    mask = np.random.default_rng(0).random((7, 5)) > 0.5
    taken = TakenUp(Rect(1, 2, 8, 7), mask, shape, 1, (3, 3), 12)
    document.prompts.set(image_id, PromptSet(CLICKS.points, taken_up=taken))
    again = document_of(photos(tmp_path / "photos"))
    put_prompts(again, image_id, through_json(kept_prompts(document, image_id)))
    found = again.prompts.of(image_id).taken_up
    assert found is not None
    assert (found.mask == mask).all()
    assert (found.rect, found.shape, found.class_id, found.rc, found.number) == (
        taken.rect,
        shape,
        1,
        (3, 3),
        12,
    )
    assert found != taken, "what clicks start from is known in one session only"


def test_what_was_taken_up_and_not_clicked_on_is_shown_again(tmp_path: Path) -> None:
    document, image_id = pointed(tmp_path)
    taken = TakenUp(
        Rect(1, 2, 4, 6), np.ones((3, 4), np.bool_), document.masks.layer(image_id).shape, 1, (2, 3), 1
    )
    document.prompts.set(image_id, PromptSet(taken_up=taken))
    again = document_of(photos(tmp_path / "photos"))
    put_prompts(again, image_id, through_json(kept_prompts(document, image_id)))
    shown = again.prompts.proposal(image_id)
    assert shown is not None
    assert shown.rect == taken.rect
    assert shown.prompts == again.prompts.of(image_id), "so that it can be accepted, narrowed and clicked on"


def test_the_journal_brings_back_the_last_ones_and_older_programs_read_on(tmp_path: Path) -> None:
    document, image_id = pointed(tmp_path)
    journal = Journal(tmp_path / "journal", tmp_path, JournalHeader("a", "b"))
    journal.append(PromptsChange(image_id, {}), document)
    journal.append(PromptsChange(image_id, kept_prompts(document, image_id)), document)
    journal.close()
    contents = read_journal(journal.path.read_bytes())
    assert {type(each).__name__ for each in contents.records} == {"ImageNote"}, "a kind that they know"
    again = document_of(photos(tmp_path / "photos"))
    assert replay(contents, again, tmp_path) == len(contents.records)
    assert again.prompts.of(image_id) == CLICKS
    assert len(again.prompts.earlier(image_id)) == 2
    fresh = Document()
    assert replay(contents, fresh, tmp_path) == len(contents.records)
    assert fresh.prompts.of(image_id) == CLICKS, (
        "an image that the save does not know comes back with its clicks"
    )


def test_the_journal_keeps_whose_click_model_made_an_object(tmp_path: Path) -> None:
    document, image_id = pointed(tmp_path)
    said: list[tuple[str, int]] = []
    document.events.maker_changed.connect(lambda *what: said.append(what))
    for title in ("mobile_sam", "mobile_sam", "", "efficient_sam"):
        document.makers.set(image_id, 3, title)
    assert said == [(image_id, 3)] * 3, "nothing is said where nothing changes"
    journal = Journal(tmp_path / "journal", tmp_path, JournalHeader("a", "b"))
    for number, title in (("3", "mobile_sam"), ("4", "mobile_sam"), ("3", ""), ("x", "nobody")):
        journal.append(MakersChange(image_id, {number: title}), document)
    journal.close()
    contents = read_journal(journal.path.read_bytes())
    assert {type(each).__name__ for each in contents.records} == {"ImageNote"}, (
        "a kind that older programs know"
    )
    again = document_of(photos(tmp_path / "photos"))
    again.makers.set(image_id, 3, "of the last save")
    assert replay(contents, again, tmp_path) == len(contents.records)
    assert again.makers.of_image(image_id) == {4: "mobile_sam"}


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        7,
        [],
        {"present": 7, "earlier": 3},
        {"present": {"points": [{"xy": [1, 2, 3]}]}},
        {"present": {"points": [{"xy": ["a", 2]}]}},
        {"present": {"points": [{"xy": [float("nan"), 2.0]}]}},
        {"present": {"points": [{"xy": [1e9, 2.0], "is_positive": True}]}},
        {"present": {"points": [7]}},
        {"present": {"box": [5, 5, 1, 1]}},
        {"present": {"box": "abcd"}},
        {"present": {"taken_up": {"rect": [0, 0, 9, 9]}}},
        {
            "present": {
                "taken_up": {"rect": [0, 0, 1, 1], "shape": [2, 2], "mask": "!", "rc": None, "number": 0}
            }
        },
        {"earlier": [{}, {"points": [{}]}, None]},
    ],
    ids=repr,
)
def test_nonsense_counts_as_nothing(tmp_path: Path, nonsense: Any) -> None:
    document, image_id = pointed(tmp_path)
    put_prompts(document, image_id, nonsense)
    assert document.prompts.is_idle(image_id)
    take_prompts(document, {image_id: nonsense, "nobody": nonsense})
    take_prompts(document, nonsense)
    assert document.prompts.is_idle(image_id)


def test_a_mask_that_claims_to_be_huge_takes_no_memory(tmp_path: Path) -> None:
    document, image_id = pointed(tmp_path)
    shape = document.masks.layer(image_id).shape
    taken = TakenUp(Rect(0, 0, 4, 4), np.ones((4, 4), np.bool_), shape, 1, None, 0)
    document.prompts.set(image_id, PromptSet(CLICKS.points, taken_up=taken))
    kept = through_json(kept_prompts(document, image_id))
    kept["present"]["taken_up"] |= {"rect": [0, 0, 2**30, 2**30], "shape": [2**30, 2**30]}
    put_prompts(document, image_id, kept)
    assert document.prompts.of(image_id) == PromptSet()
