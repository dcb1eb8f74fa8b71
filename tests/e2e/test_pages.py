"""Files with several pages: one row, a slider, a mask per page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.controllers.transfer.output_run import OutputReport
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.panels.output import OutputChoice
from tests.e2e.person import Person


@pytest.fixture(params=["tif", "gif"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Three pages, each darker than the one before."""
    path = tmp_path / "files" / f"stack.{request.param}"
    path.parent.mkdir()
    pages = [np.full((60, 80, 3), 200 - 60 * page, np.uint8) for page in range(3)]
    if request.param == "tif":
        tifffile.imwrite(path, np.stack(pages), photometric="rgb")
    else:
        frames = [Image.fromarray(page) for page in pages]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    Image.new("RGB", (80, 60)).save(path.with_name("single.png"))
    return path


def brightness(person: Person) -> int:
    record = person.session.document.records.of(person.image_id or "")
    assert record is not None
    return int(record.pixels[0, 0, 0])


def paint(person: Person, row: float) -> np.ndarray:
    person.choose("tool_brush")
    person.drag((10.0, row), (60.0, row))
    return person.mask


def test_every_page_keeps_its_own_mask_in_one_row(person: Person, stack: Path, tmp_path: Path) -> None:
    person.open(stack, stack.with_name("single.png"))
    document, bar = person.session.document, person.window.pages
    assert bar.isVisible()
    assert (bar.slider.maximum(), bar.number.value()) == (2, 1)
    first, mask = person.image_id, paint(person, 15.0)
    assert first is not None
    assert brightness(person) == pytest.approx(200, abs=3)
    bar.slider.setValue(2)
    person.wait_for(lambda: person.image_id != first and person.canvas.image.is_shown, what="page 3 is shown")
    third = person.image_id
    assert third is not None
    assert brightness(person) == pytest.approx(80, abs=3)
    assert (person.mask == 255).all()
    other = paint(person, 45.0)
    assert len(person.window.files.visible_ids) == 2, "one row per file"
    row = person.window.files.visible_ids[0]
    entry = person.window.files._model.entry(row)
    assert entry is not None
    assert entry.pages == 3, "how many pages it has stands in the row"
    person.choose("previous_page")
    person.wait_for(lambda: document.images.frame(person.image_id or "") == 1, what="page 2 is shown")
    bar.number.setValue(1)
    person.wait_for(lambda: person.image_id == first, what="page 1 is shown")
    assert (person.mask == mask).all()
    person.choose("next_image")
    person.wait_for(
        lambda: document.images.name(person.image_id or "") == "single.png", what="the other file is shown"
    )
    assert not bar.isVisible()
    person.choose("previous_image")
    person.wait_for(lambda: person.image_id == first, what="the page that was seen last")
    person.session.dialogs.choose_new_folder = lambda *_: tmp_path / "work"  # type: ignore[method-assign]
    person.choose("save_project")
    person.wait_for(lambda: not document.is_dirty, what="the project is saved")
    opened = open_project(tmp_path / "work")
    try:
        assert (opened.document.masks.labels(first) == mask).all()
        assert (opened.document.masks.labels(third) == other).all()
    finally:
        opened.session.abandon()


def test_all_pages_are_predicted_though_one_was_seen(person: Person, stack: Path, tmp_path: Path) -> None:
    person.open(stack.parent)
    person.wait_for(lambda: person.session.weights.live is not None, what="the model is loaded")
    reports: list[OutputReport] = []
    person.session.batch.finished.connect(reports.append)
    person.session.batch.start(OutputChoice("all", ("png",), tmp_path / "out"))
    person.wait_for(lambda: reports, what="it has ended")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["single.png", "stack.png", "stack_2.png", "stack_3.png"]


def test_removing_a_file_takes_all_its_pages(
    person: Person, stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.open(stack.parent)
    document, session = person.session.document, person.session
    session.images.show(
        next(each for each in document.images.ids if document.images.name(each).startswith("stack"))
    )
    person.wait_for(
        lambda: document.images.name(person.image_id or "").startswith("stack"), what="the stack is shown"
    )
    session.pages.go_to(1)
    person.wait_for(lambda: document.images.frame(person.image_id or "") == 1, what="page 2 is shown")
    paint(person, 15.0)
    asked: list[str] = []
    monkeypatch.setattr(
        session.dialogs, "confirm", lambda title, text, action: bool(asked.append(text)) or True
    )
    session.images.remove(person.image_id or "")
    assert len(asked) == 1
    assert [document.images.name(each) for each in document.images.ids] == ["single.png"]
    assert len(person.window.files.visible_ids) == 1
