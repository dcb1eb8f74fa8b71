"""Looking inside, by somebody in front of the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QToolButton

from latentseg_gui.controllers.training.weights import SHIPPED
from latentseg_gui.io.training.weights_names import with_expert_names
from latentseg_gui.panels.experts.gallery import Gallery
from model.weights.checkpoint import default_weights_path, load, read_meta
from tests.e2e.person import Person


def test_clicks_have_maps_names_outlive_the_file_and_figures_are_saved(
    person: Person, skimage_photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, panel = person.session, person.window.experts
    person.open(skimage_photo)
    person.wait_for_prediction()
    person.wait_for(lambda: session.inspect.maps is not None, what="the attention maps are there")

    panel.view.detail.renamed.emit(3, "outlines")
    panel.view.detail.note_edited.emit(3, "background")
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(with_expert_names(default_weights_path().read_bytes(), {}, {}))
    session.weights.open(mine)
    person.wait_for(lambda: session.weights.live_path == mine, what="my weights are live")
    assert session.expert_names.labels.names == {}, "names of other weights stay with those"
    panel.view.detail.renamed.emit(1, "collars")
    panel.view.detail.note_edited.emit(1, "bright")
    target = tmp_path / "saved.safetensors"
    monkeypatch.setattr(session.dialogs, "choose_target", lambda *_: target)
    person.choose("save_weights")
    person.wait_for(target.exists, what="the weights are saved")
    assert read_meta(target).expert_names == {1: "collars"}
    assert load(target)[0] is not None
    session.weights.open(target)
    person.wait_for(lambda: session.weights.live_path == target, what="the saved weights are live")
    assert session.expert_names.labels.names == {1: "collars"}
    assert session.expert_names.labels.notes == {1: "bright"}
    session.weights.activate(SHIPPED)
    person.wait_for(lambda: session.weights.live_path is None, what="the shipped weights are live")
    assert session.expert_names.labels.names == {3: "outlines"}

    person.wait_for(lambda: session.inspect.maps is not None, what="the maps are there again")
    folder = tmp_path / "figures"
    folder.mkdir()
    monkeypatch.setattr(session.dialogs, "choose_folder", lambda *_: folder)
    person.choose("save_figures")
    wanted = folder / f"{skimage_photo.stem}_experts"
    person.wait_for(lambda: len(list(wanted.glob("*.svg"))) == 9, what="the figures are saved")
    assert "outlines" in (wanted / "look.svg").read_text(encoding="utf-8")
    with np.load(wanted / "maps.npz") as maps:
        assert np.allclose(maps["mix"].sum(1), 1, atol=1e-3)

    person.segment((100.0, 100.0))
    button = next(
        each for each in panel.findChildren(QToolButton) if each.accessibleName() == "Whose maps: Clicks"
    )
    button.click()
    gallery = panel.findChild(Gallery)
    assert gallery is not None
    person.wait_for(lambda: len(gallery.tiles) == 2, what="maps of the click")
    assert [tile.name for tile in gallery.tiles] == ["Click 1 on it", "Learned experts"]
    person.choose("cancel")
    assert [tile.name for tile in gallery.tiles][3] == "outlines", "the experts are back with the click gone"
