"""The panel shows maps of any attention, and those of clicks beside those of experts."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.document.experts.maps import ExpertSimilarity, PromptAttention
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.panels.experts import ExpertLabels, ExpertsPanel
from latentseg_gui.panels.experts.gallery import Gallery
from latentseg_gui.panels.experts.maps import MapSource, NamedMaps
from latentseg_gui.panels.experts.values import ExpertShift, FolderAffinity
from tests.panels.random_maps import random_maps


@pytest.fixture
def panel(qtbot: QtBot) -> ExpertsPanel:
    widget = ExpertsPanel()
    qtbot.addWidget(widget)
    widget.resize(280, 900)
    widget.sources.set_experts(random_maps(count=4))
    widget.show()
    return widget


def click_maps() -> PromptAttention:
    maps = random_maps(count=3)
    points = (PromptPoint((3.0, 3.0), True), PromptPoint((9.0, 9.0), False))
    return PromptAttention("a", "v1", PromptSet(points), maps.look, maps.mix, maps.shape, maps.stride)


def button(panel: ExpertsPanel, name: str) -> QToolButton:
    return next(each for each in panel.findChildren(QToolButton) if each.accessibleName() == name)


def names(panel: ExpertsPanel) -> list[str]:
    gallery = panel.findChild(Gallery)
    assert gallery is not None
    return [tile.name for tile in gallery.tiles]


def matrix(panel: ExpertsPanel, name: str) -> QWidget:
    return next(
        each
        for each in panel.findChildren(QWidget)
        if each.accessibleName() == name and type(each).__name__ == "ShareMatrix"
    )


def test_clicks_are_computed_when_they_are_chosen_and_named_by_what_they_are(
    panel: ExpertsPanel, qtbot: QtBot
) -> None:
    choice = button(panel, "Whose maps: Clicks")
    assert not choice.isVisible()
    panel.sources.offer_clicks(True)
    with qtbot.waitSignal(panel.sources.clicks_wanted):
        choice.click()
    assert names(panel) == []
    panel.sources.set_clicks(click_maps())
    assert names(panel) == ["Click 1 on it", "Click 2 beside it", "Learned experts"]
    panel.selection.choose(1)
    panel.selection.toggle_map("expert")
    assert panel.selection.overlay is not None
    assert "Click 2 beside it" in panel.selection.overlay.caption
    with qtbot.assertNotEmitted(panel.selection.changed):
        panel.selection.toggle_knock_out()
        panel.selection.toggle_solo()


def test_experts_come_back_when_the_clicks_go(panel: ExpertsPanel) -> None:
    panel.sources.offer_clicks(True)
    button(panel, "Whose maps: Clicks").click()
    panel.sources.set_clicks(click_maps())
    panel.selection.toggle_map("territory")
    panel.sources.offer_clicks(False)
    assert names(panel) == ["Expert 0", "Expert 1", "Expert 2", "Expert 3"]
    assert panel.selection.overlay is None


def test_gates_of_another_architecture_are_shown_in_their_own_words(panel: ExpertsPanel) -> None:
    values = np.random.default_rng(0).random((1, 3, 5, 6)).astype(np.float32)
    gates = NamedMaps("gate", "Gate", "How far each gate is open", values)
    source = MapSource("b", "v1", "Gate", ("shallow", "", "deep"), (gates,), (20, 24), 4.0)
    panel.sources.set_experts(source)
    assert names(panel) == ["shallow", "Gate 1", "deep"]
    assert button(panel, "View: Gate").isVisible()
    panel.selection.choose(2)
    panel.selection.toggle_map("expert")
    assert panel.selection.overlay is not None
    assert np.array_equal(panel.selection.overlay.values, values[0, 2])
    panel.selection.toggle_map("territory")
    assert panel.selection.overlay is None, "gates do not divide a pixel among them"
    panel.pixels.hover((3.0, 3.0))
    panel.pixels.pin((3.0, 3.0))
    assert not next(
        each for each in panel.findChildren(QPushButton) if each.text() == "Territory"
    ).isVisible()


def test_similarity_names_idle_and_doubled_experts(panel: ExpertsPanel) -> None:
    same = np.eye(4, dtype=np.float32)
    panel.view.comparisons.set_similarity(ExpertSimilarity(same, same, same, (2, 0, 1, 3), (3,), ((0, 1),)))
    panel.model.set_expert_labels(ExpertLabels({0: "sky"}))
    texts = "\n".join(each.text() for each in panel.findChildren(QLabel))
    assert "Expert 3 is idle" in texts
    assert "sky and Expert 1 do the same" in texts
    assert matrix(panel, "Similarity of the experts").accessibleDescription().startswith("Expert 2: mostly")


def test_classes_over_all_images_and_before_and_after(panel: ExpertsPanel) -> None:
    shape = random_maps(count=4).shape
    panel.model.set_labels(np.zeros(shape, np.uint8), ["left", "right"])
    shares = np.array([[0.0, 1.0]] * 4, np.float32)
    panel.view.comparisons.set_folder_affinity(FolderAffinity(shares, 7, 9))
    table = matrix(panel, "Experts and classes")
    assert "Expert 0: mostly left" in table.accessibleDescription()
    button(panel, "Experts and classes: All images").click()
    assert "Expert 0: mostly right" in table.accessibleDescription()
    assert any("7 of the 9 images" in each.text() for each in panel.findChildren(QLabel))
    moved = np.array([0.1, 0.0, 0.9, 0.0], np.float32)
    panel.view.comparisons.set_shift(ExpertShift("shipped", "v1", moved, moved))
    words = matrix(panel, "Experts before and after").accessibleDescription()
    assert words.startswith("Expert 2")
    about = next(each for each in panel.findChildren(QLabel) if "From shipped to v1" in each.text())
    assert about.text().startswith(
        "Expert 2 turned most (90.0 %), the map of Expert 2 changed most (90.0 %)."
    )
    still = np.full(4, 1e-4, np.float32)
    panel.view.comparisons.set_shift(ExpertShift("shipped", "v2", still, still))
    assert about.text().startswith("No expert moved")


def test_the_rest_of_the_folder_is_measured_on_request_and_can_be_stopped(
    panel: ExpertsPanel, qtbot: QtBot
) -> None:
    shares = np.array([[0.0, 1.0]] * 4, np.float32)
    section = panel.view.comparisons.affinity
    panel.model.set_labels(np.zeros(random_maps(count=4).shape, np.uint8), ["left", "right"])
    section.set_folder(FolderAffinity(shares, 7, 9))
    section.show_folder()
    start, stop = (
        next(each for each in section.findChildren(QPushButton) if each.text() == text)
        for text in ("Whole folder", "Stop")
    )
    assert start.isEnabled()
    with qtbot.waitSignal(section.folder_wanted):
        start.click()
    section.set_progress(1, 2)
    assert start.isHidden()
    with qtbot.waitSignal(section.stop_wanted):
        stop.click()
    section.set_progress(0, 0)
    section.set_folder(FolderAffinity(shares, 9, 9))
    assert not start.isHidden()
    assert not start.isEnabled(), "there is nothing left to measure"


def test_saving_is_asked_for(panel: ExpertsPanel, qtbot: QtBot) -> None:
    save = next(each for each in panel.findChildren(QPushButton) if each.text().startswith("Save figures"))
    with qtbot.waitSignal(panel.view.save_wanted):
        save.click()
