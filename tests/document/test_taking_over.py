"""A document that takes the images of another: ids of both never mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.taking_over import take_over


def test_the_images_of_another_document_replace_its_own() -> None:
    document, other = Document(), Document()
    document.current_id = document.add_path(Path("/a/one.png"))
    ids = other.add_paths([Path("/b/two.png"), Path("/b/three.png")])
    labels = np.ones((4, 5), np.uint8)
    other.load_mask(ids[1], labels, labels)
    listed: list[tuple[str, ...]] = []
    document.events.images_changed.connect(lambda: listed.append(document.image_ids))
    take_over(document, other)
    assert listed == [(), tuple(ids)], "views forget the old images, also those of the same id"
    assert document.current_id is None
    assert document.name(ids[0]) == "two.png"
    assert (document.labels(ids[1]) == 1).all()
    assert document.add_path(Path("/b/three.png")) == ids[1], "known files keep their ids"


def test_new_images_get_ids_that_are_free() -> None:
    document, other = Document(), Document()
    ids = other.add_paths([Path("/b/two.png"), Path("/b/three.png")])
    take_over(document, other)
    assert document.add_path(Path("/a/one.png")) not in ids


def test_documents_of_different_prefixes_share_no_ids() -> None:
    one, other = Document(id_prefix="a"), Document(id_prefix="b")
    assert one.add_path(Path("/x.png")) != other.add_path(Path("/x.png"))
