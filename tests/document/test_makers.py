"""Which click model made an object is kept, and nonsense of a project is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentseg_gui.document.document import Document


@pytest.fixture
def document() -> Document:
    document = Document()
    document.images.add_paths([Path("a.png"), Path("b.png")])
    return document


def test_what_is_said_is_kept_through_a_project(document: Document) -> None:
    first, second = document.images.ids
    document.makers.set(first, 3, "mobile_sam")
    document.makers.set(second, 3, "sam2")
    document.makers.set(second, 3, "")
    assert document.makers.of(first, 3) == "mobile_sam"
    assert document.makers.of(first, 4) == ""
    settings = document.makers.as_settings()
    assert settings == {first: {"3": "mobile_sam"}}
    document.makers.set(first, 3, "")
    document.makers.take(settings)
    assert document.makers.of(first, 3) == "mobile_sam"


@pytest.mark.parametrize(
    "nonsense",
    [None, 3, [], "x", {"nobody": {"1": "a"}}, {"": 3}, {"image-1": {"x": "a", "1": 3, "-2": "b"}}],
)
def test_nonsense_is_left_out(document: Document, nonsense: object) -> None:
    document.makers.take(nonsense)
    assert document.makers.as_settings() == {}


def test_absurd_names_and_numbers_are_bounded(document: Document) -> None:
    first = document.images.ids[0]
    document.makers.take({first: {"9" * 5000: "a", "1": "x" * 5000}})
    assert len(document.makers.of(first, 1)) == 300
    assert list(document.makers.as_settings()[first]) == ["1"]
