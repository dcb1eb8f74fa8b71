from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QTableView,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from latentseg_gui.document.experts.experts import RegionAttention
from latentseg_gui.document.experts.maps import ExpertMaps
from latentseg_gui.document.types import Rect
from latentseg_gui.panels.experts import (
    ExpertLabels,
    ExpertOverlay,
    ExpertsPanel,
    InfluenceRow,
    InterventionResult,
)
from latentseg_gui.panels.experts.colours import expert_colours, oklab
from latentseg_gui.panels.experts.gallery import Gallery
from latentseg_gui.panels.experts.maps import learned_part
from latentseg_gui.panels.experts.pixel_mix import StackedBar
from tests.panels.random_maps import random_maps


@pytest.fixture
def maps() -> ExpertMaps:
    return random_maps(heads=2, count=6)


@pytest.fixture
def panel(qtbot: QtBot, maps: ExpertMaps) -> ExpertsPanel:
    widget = ExpertsPanel()
    qtbot.addWidget(widget)
    widget.resize(260, 900)
    widget.sources.set_experts(maps)
    widget.show()
    return widget


def gallery(panel: ExpertsPanel) -> Gallery:
    found = panel.findChild(Gallery)
    assert found is not None
    return found


def named(panel: QWidget, kind: type[QWidget], name: str) -> QWidget:
    return next(each for each in panel.findChildren(kind) if each.accessibleName() == name)


def push(panel: QWidget, text: str) -> QPushButton:
    return next(each for each in panel.findChildren(QPushButton) if each.text() == text)


def click_tile(panel: ExpertsPanel, qtbot: QtBot, row: int) -> None:
    view = gallery(panel)
    centre = view.visualRect(view.model().index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=centre)


def test_a_tile_per_expert_and_none_without_maps(panel: ExpertsPanel) -> None:
    assert [each.expert for each in gallery(panel).tiles] == [0, 1, 2, 3, 4, 5]
    panel.sources.set_experts(None)
    assert list(gallery(panel).tiles) == []
    assert not gallery(panel).isVisible()
    assert panel.selection.overlay is None


def test_clicking_a_tile_overlays_it_and_clicking_again_hides_it(
    panel: ExpertsPanel, qtbot: QtBot, maps: ExpertMaps
) -> None:
    shown: list[ExpertOverlay | None] = []
    panel.selection.changed.connect(lambda selection: shown.append(selection.overlay))
    click_tile(panel, qtbot, 2)
    overlay = panel.selection.overlay
    assert isinstance(overlay, ExpertOverlay)
    assert overlay.expert == 2
    tokens = maps.look.shape[2] * maps.look.shape[3]
    assert overlay.values == pytest.approx(maps.look[:, 2].mean(axis=0) * tokens, rel=1e-4)
    everywhere = maps.look.mean(axis=0) * tokens
    assert overlay.limits == pytest.approx(np.percentile(everywhere, (0.5, 99.5)), rel=1e-4), (
        "one scale for all"
    )
    named(panel, QToolButton, "Scale: Each its own").click()  # type: ignore[attr-defined]
    overlay = panel.selection.overlay
    assert isinstance(overlay, ExpertOverlay)
    assert overlay.limits == pytest.approx(np.percentile(overlay.values, (0.5, 99.5)), rel=1e-4)
    assert "own range of each, middle 99 %" in overlay.caption
    named(panel, QToolButton, "Scale: From 0").click()  # type: ignore[attr-defined]
    reduced = maps.look.mean(axis=0) * tokens
    assert panel.selection.overlay is not None
    assert panel.selection.overlay.limits == (0.0, pytest.approx(float(reduced.max()), rel=1e-4))
    assert "from 0" in panel.selection.overlay.caption
    click_tile(panel, qtbot, 4)
    click_tile(panel, qtbot, 4)
    experts = [None if each is None else each.expert for each in shown]
    assert list(dict.fromkeys(experts)) == [None, 2, 4], "chosen first, then shown"
    assert experts[-1] is None
    assert panel.selection.overlay is None


def test_the_overlay_follows_view_head_and_new_maps(
    panel: ExpertsPanel, qtbot: QtBot, maps: ExpertMaps
) -> None:
    panel.selection.choose(1)
    panel.selection.toggle_map("expert")
    with qtbot.waitSignal(panel.selection.changed) as caught:
        named(panel, QToolButton, "View: Mix").click()  # type: ignore[attr-defined]
    assert caught.args[0].overlay.values == pytest.approx(maps.mix[:, 1].mean(axis=0) * 100, rel=1e-4)
    heads = named(panel, QComboBox, "Attention head")
    assert isinstance(heads, QComboBox)
    heads.setCurrentIndex(heads.findData(1))
    with qtbot.waitSignal(panel.selection.changed) as caught:
        heads.activated.emit(heads.currentIndex())
    assert caught.args[0].overlay.values == pytest.approx(maps.mix[1, 1] * 100, rel=1e-4)
    with qtbot.waitSignal(panel.selection.changed):
        panel.sources.set_experts(random_maps(heads=2, count=6, seed=5))


def test_stepping_goes_round_in_the_order_shown(panel: ExpertsPanel) -> None:
    panel.selection.step(1)
    assert panel.selection.current == 0
    panel.selection.step(-1)
    assert panel.selection.current == 5
    panel.selection.step(1)
    assert panel.selection.current == 0


def test_keys_of_an_expert_do_not_go_to_shortcuts_of_the_window(panel: ExpertsPanel, qtbot: QtBot) -> None:
    asked: list[str] = []
    for key in ("S", "K", "Return", "B"):
        QShortcut(QKeySequence(key), panel.window(), lambda key=key: asked.append(key))
    wanted: list[dict[int, float]] = []
    panel.selection.changed.connect(lambda each: wanted.append(each.gains) if each.has_new_gains else None)
    panel.show()
    qtbot.waitExposed(panel)
    view = gallery(panel)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_S)
    assert asked == ["S"], "no expert is chosen yet"
    panel.selection.choose(2)
    for key in (Qt.Key.Key_S, Qt.Key.Key_K, Qt.Key.Key_Return):
        qtbot.keyClick(view, key)
    assert asked == ["S"]
    assert wanted[0] == {each: 0.0 for each in (0, 1, 3, 4, 5)}
    qtbot.keyClick(view, Qt.Key.Key_B)
    assert asked == ["S", "B"]


def test_knock_out_solo_boost_and_reset(panel: ExpertsPanel, qtbot: QtBot) -> None:
    wanted: list[dict[int, float]] = []
    panel.selection.changed.connect(lambda each: wanted.append(each.gains) if each.has_new_gains else None)
    panel.selection.choose(2)
    view = gallery(panel)
    qtbot.keyClick(view, Qt.Key.Key_K)
    qtbot.keyClick(view, Qt.Key.Key_K)
    push(panel, "Solo").click()
    push(panel, "Reset").click()
    slider = named(panel, QSlider, "Boost")
    assert isinstance(slider, QSlider)
    slider.setValue(250)
    assert wanted == [{2: 0.0}, {}, {each: 0.0 for each in (0, 1, 3, 4, 5)}, {}, {2: 2.5}]
    assert gallery(panel).tiles[2].badge == "x2.5"


def test_heads_are_knocked_out_one_by_one_or_in_all_experts(panel: ExpertsPanel, qtbot: QtBot) -> None:
    wanted: list[object] = []
    panel.selection.changed.connect(lambda each: wanted.append(each.gains) if each.has_new_gains else None)
    panel.selection.choose(2)
    named(panel, QToolButton, "Heads: 2").click()  # type: ignore[attr-defined]
    push(panel, "Knock out").click()
    assert wanted == [{(1, 2): 0.0}]
    assert gallery(panel).tiles[2].badge == "1/2 heads"
    assert not gallery(panel).tiles[2].is_out
    panel.selection.choose(3)
    assert not push(panel, "Knock out").isChecked(), "of this one, the head is as trained"
    panel.selection.choose(2)
    assert push(panel, "Knock out").isChecked()
    named(panel, QToolButton, "Heads: 1").click()  # type: ignore[attr-defined]
    assert named(panel, QToolButton, "Heads: All").isChecked(), "both heads are all"  # type: ignore[attr-defined]
    panel.selection.toggle_knock_out()
    assert wanted[-1] == {2: 0.0}, "all heads of an expert are the expert"
    assert gallery(panel).tiles[2].is_out
    push(panel, "Reset").click()
    named(panel, QToolButton, "Heads: 1").click()  # type: ignore[attr-defined]
    everywhere = panel.view.detail.findChild(QCheckBox)
    assert everywhere is not None
    everywhere.click()
    panel.selection.toggle_knock_out()
    assert wanted[-1] == {(0, expert): 0.0 for expert in range(6)}
    panel.selection.toggle_solo()
    assert wanted[-1] == {(1, expert): 0.0 for expert in range(6)}
    assert push(panel, "Solo").isChecked()


def test_gains_set_from_outside_are_shown_and_not_announced(panel: ExpertsPanel, qtbot: QtBot) -> None:
    panel.selection.choose(3)
    with qtbot.assertNotEmitted(panel.selection.changed):
        panel.model.set_gains({3: 0.0, 1: 1.0})
    assert push(panel, "Knock out").isChecked()
    assert panel.selection.gains == {3: 0.0}


def test_territory_and_indecision_replace_each_other(
    panel: ExpertsPanel, qtbot: QtBot, maps: ExpertMaps
) -> None:
    shown: list[ExpertOverlay | None] = []
    panel.selection.changed.connect(lambda selection: shown.append(selection.overlay))
    push(panel, "Territory").click()
    push(panel, "Indecision").click()
    assert push(panel, "Indecision").isChecked()
    assert not push(panel, "Territory").isChecked()
    push(panel, "Indecision").click()
    kinds = [each.kind if each else None for each in shown]
    assert kinds == ["territory", "entropy", None]
    assert shown[0] is not None
    assert np.array_equal(shown[0].values, maps.mix.mean(axis=0).argmax(axis=0))
    assert shown[0].colours.shape == (6, 3)


def test_hovering_names_the_largest_shares(panel: ExpertsPanel, maps: ExpertMaps) -> None:
    panel.model.set_expert_labels(ExpertLabels({each: f"thing {each}" for each in range(6)}))
    bars = named(panel, QWidget, "Mix of the pixel under the cursor")
    panel.pixels.hover((5.0, 9.0))
    top = int(maps.mix[:, :, 2, 1].mean(axis=0).argmax())
    assert bars.accessibleDescription().startswith(f"thing {top}: ")
    panel.pixels.hover((-1.0, 0.0))
    assert bars.accessibleDescription() == ""
    only_one = np.zeros_like(maps.mix)
    only_one[:, 2] = 1.0
    panel.sources.set_experts(replace(maps, mix=only_one))
    panel.pixels.hover((5.0, 9.0))
    assert bars.accessibleDescription() == "thing 2: 100.0 %", "who has no share is not named"


def test_pins_are_kept_to_a_few_and_go_with_the_image(
    panel: ExpertsPanel, qtbot: QtBot, maps: ExpertMaps
) -> None:
    pins: list[list[tuple[float, float]]] = []
    panel.view.pixel.pins_changed.connect(pins.append)
    for x in range(20):
        panel.pixels.pin((float(x), 1.0))
    panel.pixels.pin((-5.0, 1.0))
    assert len(pins) == 20
    assert pins[-1][0] == (14.0, 1.0)
    qtbot.waitUntil(lambda: len(panel.findChildren(StackedBar)) == 6)
    named(panel, QToolButton, "Remove pin 1").click()  # type: ignore[attr-defined]
    assert len(pins[-1]) == 5
    panel.sources.set_experts(None)
    other = random_maps(heads=2, count=6, seed=9)
    panel.sources.set_experts(other)
    assert len(pins[-1]) == 5, "other weights say something else of the same pixels"
    panel.sources.set_experts(ExpertMaps("b", "v1", maps.look, maps.mix, maps.shape, maps.stride))
    assert pins[-1] == []


def test_finer_maps_of_a_part_take_the_place_of_the_coarse_ones_there(
    panel: ExpertsPanel, qtbot: QtBot, maps: ExpertMaps
) -> None:
    rng = np.random.default_rng(3)
    look, mix = (rng.random((2, 6, 8, 8)).astype(np.float32) for _ in range(2))
    mix /= mix.sum(axis=1, keepdims=True)
    rect = Rect(8, 8, 16, 16)
    panel.selection.choose(1)
    panel.selection.toggle_map("expert")
    with qtbot.waitSignal(panel.selection.changed) as caught:
        panel.sources.set_part(learned_part(RegionAttention("a", "v1", rect, look, mix, 1.0)))
    overlay = caught.args[0].overlay
    assert overlay.part[0] == rect
    places = maps.look.shape[2] * maps.look.shape[3] * maps.stride**2
    assert overlay.part[1] == pytest.approx(look[:, 1].mean(axis=0) * places, rel=1e-4)
    panel.selection.toggle_map("territory")
    assert panel.selection.overlay is not None
    assert panel.selection.overlay.part is not None
    assert np.array_equal(panel.selection.overlay.part[1], mix.mean(axis=0).argmax(axis=0))
    texts = [each.text() for each in panel.findChildren(QLabel) if each.isVisible()]
    assert any("Refined for the visible part: a value for every 1 px x 1 px" in each for each in texts)
    panel.model.set_expert_labels(ExpertLabels({each: f"thing {each}" for each in range(6)}))
    bars = named(panel, QWidget, "Mix of the pixel under the cursor")
    panel.pixels.hover((10.5, 9.5))
    top = int(mix[:, :, 1, 2].mean(axis=0).argmax())
    assert bars.accessibleDescription().startswith(f"thing {top}: "), (
        "what is under the cursor is refined, too"
    )
    panel.sources.set_part(None)
    assert panel.selection.overlay.part is None
    panel.sources.set_experts(random_maps(heads=2, count=4))
    panel.sources.set_part(learned_part(RegionAttention("a", "v1", rect, look, mix, 1.0)))
    assert panel.selection.overlay is None or panel.selection.overlay.part is None, (
        "a part with other rows is none of these maps"
    )


def test_what_is_being_typed_stays_with_its_expert_when_another_is_chosen(
    panel: ExpertsPanel, qtbot: QtBot
) -> None:
    panel.selection.choose(4)
    field = named(panel, QLineEdit, "Name of this expert")
    assert isinstance(field, QLineEdit)
    field.setFocus()
    field.setText("clouds")
    with qtbot.waitSignal(panel.view.detail.renamed) as caught:
        panel.selection.choose(1)
    assert caught.args == [4, "clouds"]
    assert field.text() == ""
    with qtbot.assertNotEmitted(panel.view.detail.renamed):
        field.editingFinished.emit()


def test_names_and_notes_are_asked_for(panel: ExpertsPanel, qtbot: QtBot) -> None:
    panel.model.set_expert_labels(ExpertLabels({4: "sky"}, {4: "blue"}))
    panel.selection.choose(4)
    field = named(panel, QLineEdit, "Name of this expert")
    assert isinstance(field, QLineEdit)
    assert field.text() == "sky"
    field.setFocus()
    field.setText("clouds")
    with qtbot.waitSignal(panel.view.detail.renamed) as caught:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert caught.args == [4, "clouds"]
    note = named(panel, QLineEdit, "Note on this expert")
    assert isinstance(note, QLineEdit)
    note.setFocus()
    note.setText("upper edge")
    with qtbot.waitSignal(panel.view.detail.note_edited) as noted:
        qtbot.keyClick(note, Qt.Key.Key_Return)
    assert noted.args == [4, "upper edge"]


def test_the_result_of_an_intervention_is_told_in_pixels_and_points(panel: ExpertsPanel) -> None:
    panel.view.result.set_result(
        InterventionResult(250, 1000, (("cat", 400, 300), ("dog", 5, 5)), -0.02, 0.05)
    )
    texts = " ".join(each.text() for each in panel.findChildren(QLabel) if each.isVisible())
    assert "250 pixels changed (25.0 %)" in texts
    assert "cat: -100 px (-25 %)" in texts
    assert "dog" not in texts
    assert "-2.0 points" in texts
    panel.view.result.set_result(None)
    assert not any("25.0 %" in each.text() for each in panel.findChildren(QLabel) if each.isVisible())


def test_influence_is_measured_on_request_and_ranked_by_number(panel: ExpertsPanel, qtbot: QtBot) -> None:
    panel.model.set_influence([])
    with qtbot.waitSignal(panel.view.influence.requested):
        push(panel, "Measure every expert").click()
    panel.view.influence.set_progress(0.5)
    assert not push(panel, "Measure every expert").isEnabled()
    panel.model.set_influence(
        [InfluenceRow(0, 0.09, 0.0), InfluenceRow(1, 0.1, -0.5, "cat"), InfluenceRow(2, 0.005, 0)]
    )
    table = panel.findChild(QTableView)
    assert table is not None
    model = table.model()
    assert [model.index(row, 0).data() for row in range(3)] == ["Expert 1", "Expert 0", "Expert 2"]
    assert push(panel, "Measure every expert").isEnabled()
    table.setCurrentIndex(model.index(1, 0))
    assert panel.selection.current == 0
    model.sort(1, Qt.SortOrder.AscendingOrder)
    assert model.index(0, 0).data() == "Expert 2"


def test_sorting_by_class_needs_labels(panel: ExpertsPanel, maps: ExpertMaps) -> None:
    labels = np.zeros(maps.shape, np.uint8)
    labels[:, 16:] = 1
    panel.model.set_labels(labels, ["left", "right"])
    sort = named(panel, QComboBox, "Sort experts by")
    assert isinstance(sort, QComboBox)
    sort.setCurrentIndex(sort.count() - 1)
    sort.activated.emit(sort.currentIndex())
    right = maps.mix.mean(axis=0)[:, :, 4:].sum(axis=(1, 2)) / maps.mix.mean(axis=0).sum(axis=(1, 2))
    assert [each.expert for each in gallery(panel).tiles] == list(np.argsort(-right, kind="stable"))


def test_everything_fits_a_narrow_dock(panel: ExpertsPanel, maps: ExpertMaps) -> None:
    panel.model.set_labels(np.zeros(maps.shape, np.uint8), ["background", "a class with a long name"])
    body = panel.findChild(Gallery).parentWidget()  # type: ignore[union-attr]
    assert body is not None
    assert body.minimumSizeHint().width() <= 249
    assert panel.minimumSizeHint().width() <= 260


def test_territories_have_colours_that_can_be_told_apart() -> None:
    colours = expert_colours(16)
    lab = oklab(colours.astype(np.float64))
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[~np.eye(16, dtype=bool)]
    assert apart.min() > 0.12
    assert (expert_colours(6) == colours[:6]).all(), "an expert keeps its colour, however many there are"


def test_what_can_be_done_with_an_expert_is_in_the_menu_of_its_tile(
    panel: ExpertsPanel, qtbot: QtBot
) -> None:
    wanted: list[dict[int, float]] = []
    panel.selection.changed.connect(lambda each: wanted.append(each.gains) if each.has_new_gains else None)

    def choose(expert: int, text: str) -> None:
        menu = gallery(panel).menu_of(expert)
        next(each for each in menu.actions() if text in each.text()).trigger()

    choose(3, "Knock out")
    choose(3, "Knock out")
    choose(1, "only this one")
    assert wanted == [{3: 0.0}, {}, {each: 0.0 for each in (0, 2, 3, 4, 5)}]
