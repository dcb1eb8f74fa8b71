"""What is said while images are opened: little, once, and where it belongs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from latentseg_gui.app.session import Session


@pytest.fixture
def said(composed: Session) -> list[str]:
    sentences: list[str] = []
    composed.reporter.informed.connect(sentences.append)
    return sentences


def open_and_wait(session: Session, qtbot: QtBot, *paths: Path) -> None:
    session.images.open(list(paths))
    qtbot.waitUntil(
        lambda: session.document.images.current_id is not None and session.window.canvas.image.is_shown
    )


def levels_text(session: Session) -> str:
    return "\n".join(each.text() for each in session.window.levels.findChildren(QLabel))


def test_pages_of_16_bit_are_leafed_through_without_a_word(
    composed: Session, said: list[str], qtbot: QtBot, tmp_path: Path
) -> None:
    pages = np.random.default_rng(0).integers(200, 2400, (4, 40, 60)).astype(np.uint16)
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, pages, photometric="minisblack")
    open_and_wait(composed, qtbot, tmp_path / "a.tif", tmp_path / "b.tif")
    for page in (1, 2, 3):
        before = composed.document.images.current_id
        composed.window.pages.next()
        qtbot.waitUntil(lambda before=before: composed.document.images.current_id != before)
        assert f"of {len(pages)}" in "".join(
            each.text() for each in composed.window.pages.findChildren(QLabel)
        )
        assert composed.window.pages.number.value() == page + 1
    assert said == []
    assert composed.window.messages.messages == ()
    assert "is shown black" in levels_text(composed)
    assert "16-bit" in levels_text(composed)


def test_whole_numbers_are_shown_for_integers(composed: Session, qtbot: QtBot, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(200, 2400, (40, 60)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    open_and_wait(composed, qtbot, tmp_path / "a.tif")
    assert "." not in levels_text(composed).split("values are kept; ")[1].split(" white")[0]
    assert composed.window.levels.tone.levels is None, "what the fields show is what the file was read with"


def test_levels_of_fractions_are_told_apart(composed: Session, qtbot: QtBot, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((40, 60)).astype(np.float32) * 1e-5
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    open_and_wait(composed, qtbot, tmp_path / "a.tif")
    tone = composed.window.levels.tone
    assert tone.levels is None
    composed.window.levels._high._field.setValue(5e-6)
    assert composed.adjust.tone.levels is not None
    assert composed.adjust.tone.levels[1] == pytest.approx(5e-6)


def test_what_reading_has_changed_is_said_once_and_only_of_what_is_looked_at(
    composed: Session, said: list[str], qtbot: QtBot, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    paths = [tmp_path / f"{name}.jpg" for name in "abc"]
    for path in paths:
        Image.new("RGB", (60, 40), "red").save(path, exif=exif)
    open_and_wait(composed, qtbot, *paths)
    document, ids = composed.document, composed.document.images.ids
    qtbot.waitUntil(lambda: document.records.of(ids[1]) is not None, timeout=20_000)
    assert [sentence.split(":")[0] for sentence in said] == ["a.jpg"], "its neighbour was only read ahead"
    for index in (1, 0, 1, 0):
        composed.images.show(ids[index])
        qtbot.waitUntil(lambda index=index: document.images.current_id == ids[index])
    assert [sentence.split(":")[0] for sentence in said] == ["a.jpg", "b.jpg"]
