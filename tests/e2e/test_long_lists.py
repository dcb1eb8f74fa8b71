"""Ten thousand images: listed at once, thumbnails only for what is in view (I-10)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.person import Person

COUNT = 10_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folders of a hundred names each, all links to a few pictures."""
    source = tmp_path / "pictures"
    source.mkdir()
    for number in range(10):
        Image.new("RGB", (160, 120), (25 * number, 90, 60)).save(source / f"{number}.png")
    folder = tmp_path / "tree"
    for number in range(COUNT):
        below = folder / f"day {number // 100:03}"
        below.mkdir(parents=True, exist_ok=True)
        os.link(source / f"{number % 10}.png", below / f"photo {number:05}.png")
    return folder


def resident() -> float:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_ten_thousand_images_are_listed_and_searched(person: Person, folder: Path) -> None:
    person.open(folder.parent / "pictures" / "0.png")
    session, files = person.session, person.window.files
    asked: list[str] = []
    files.thumbnail_requested.connect(asked.append)
    before, cpu, started = resident(), time.process_time(), time.monotonic()
    session.images.open([folder])
    person.wait_for(lambda: len(files.visible_ids) == COUNT + 1, what="all are listed")
    cpu, seconds = time.process_time() - cpu, time.monotonic() - started
    assert cpu < 1.5, f"{cpu:.2f} s of work, {seconds:.2f} s in all"
    person.wait_for(lambda: person.canvas.image.is_shown, what="the first is shown")
    assert resident() - before < 100
    person.wait_for(lambda: asked, what="thumbnails of the rows in view")
    assert len(asked) < 60, "lazily"
    files._bar.search.setText("photo 04242")
    person.wait_for(lambda: len(files.visible_ids) == 1, what="found")
    files._bar.search.setText("")
    files._bar.set_sort_key("name")
    person.wait_for(lambda: len(files.visible_ids) == COUNT + 1, what="all again")
    last = files.visible_ids[-1]
    session.images.show(last)
    person.wait_for(lambda: person.image_id == last, what="the last is shown")
    files.set_uncertainty(files.visible_ids[50], 0.9, "unsure")
    unsure = files.visible_ids[50]
    files._bar.set_sort_key("uncertainty")
    person.wait_for(lambda: files.visible_ids[0] == unsure, what="the least sure first")
