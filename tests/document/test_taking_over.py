"""A document that takes the images of another: ids of both never mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.project.kept_marks import take_over


def test_the_images_of_another_document_replace_its_own() -> None:
    document, other = Document(), Document()
    document.images.current_id = document.images.add_path(Path("/a/one.png"))
    ids = other.images.add_paths([Path("/b/two.png"), Path("/b/three.png")])
    labels = np.ones((4, 5), np.uint8)
    other.masks.load(ids[1], labels, labels)
    listed: list[tuple[str, ...]] = []
    document.events.images_changed.connect(lambda: listed.append(document.images.ids))
    take_over(document, other)
    assert listed == [(), tuple(ids)], "views forget the old images, also those of the same id"
    assert document.images.current_id is None
    assert document.images.name(ids[0]) == "two.png"
    assert (document.masks.labels(ids[1]) == 1).all()
    assert document.images.add_path(Path("/b/three.png")) == ids[1], "known files keep their ids"


def test_new_images_get_ids_that_are_free() -> None:
    document, other = Document(), Document()
    ids = other.images.add_paths([Path("/b/two.png"), Path("/b/three.png")])
    take_over(document, other)
    assert document.images.add_path(Path("/a/one.png")) not in ids


def test_documents_of_different_prefixes_share_no_ids() -> None:
    one, other = Document(id_prefix="a"), Document(id_prefix="b")
    assert one.images.add_path(Path("/x.png")) != other.images.add_path(Path("/x.png"))
