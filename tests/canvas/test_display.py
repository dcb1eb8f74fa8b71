"""Heatmaps, badges, the empty state, and the leftovers of the image before."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.canvas.colour_maps import COLOUR_MAPS, heatmap_colours
from latentseg_gui.canvas.layers.scalar import refined
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.document.types import Labels, Rect

from .hand import Hand, grabbed, numbered_image


def shown_at(view: CanvasView, x: float, y: float) -> np.ndarray:
    position = view.camera.viewport.to_logical((x, y))
    return grabbed(view)[int(position.y()), int(position.x())].astype(int)


@pytest.mark.parametrize("name", ["magma", "viridis"])
def test_colour_maps_are_the_known_ones(name: str) -> None:
    import pyqtgraph

    known = pyqtgraph.colormap.get(name).getLookupTable(nPts=256)
    assert np.abs(heatmap_colours(name).astype(int) - known[:, :3]).max() <= 16


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colour_maps_grow_lighter(name: str) -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(heatmap_colours(name) @ weights) > -0.5).all()


def test_refined_numbers_keep_their_place() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    fine = refined(values, 3)
    np.testing.assert_allclose(fine[1::3, 1::3], values, atol=1e-6)
    assert fine.min() == 0
    assert fine.max() == 11


@pytest.mark.parametrize("colour_map", ["magma", "viridis"])
def test_a_heatmap_spreads_its_range_over_the_colours(view: CanvasView, colour_map: str) -> None:
    view.image.set(np.zeros((240, 320, 3), np.uint8))
    values = np.zeros((8, 8), np.float32)
    values[:, 4:] = 10.0
    view.heatmap.set(values, colour_map=colour_map, value_range=(0.0, 10.0), opacity=1.0)
    table = heatmap_colours(colour_map)
    assert np.abs(shown_at(view, 40, 40) - table[0]).max() <= 2
    assert np.abs(shown_at(view, 280, 40) - table[255]).max() <= 2
    view.heatmap.set(values, colour_map=colour_map, value_range=(0.0, 20.0), opacity=1.0)
    assert np.abs(shown_at(view, 280, 40) - table[127]).max() <= 3


def test_a_heatmap_lies_where_its_tokens_are(view: CanvasView) -> None:
    view.image.set(np.zeros((240, 320, 3), np.uint8))
    values = np.zeros((24, 32), np.float32)
    values[6, 20] = 1.0
    view.heatmap.set(values, opacity=1.0)
    for scale in (1.0, 3.0, 9.0):
        view.camera.zoom_to(scale)
        view.camera.centre_on((205.0, 65.0))
        assert shown_at(view, 205, 65).sum() > 600
        assert shown_at(view, 192, 65).sum() < 60


def test_numbers_that_are_none_or_all_alike_are_survived(view: CanvasView) -> None:
    for values in (np.full((5, 5), np.nan), np.full((5, 5), 3.0), np.zeros((0, 4)), np.full((1, 1), np.inf)):
        view.heatmap.set(values)
        grabbed(view)
    view.heatmap.set(None)


def test_the_key_says_range_and_caption_and_goes_with_the_map(view: CanvasView) -> None:
    bar = view.key.bar
    view.heatmap.set(np.array([[0.25, 4.0]]), caption="Expert 3, scaled for itself")
    assert bar.is_shown
    assert bar.ends == ("0.25", "4")
    area = bar.bounds(view.camera.viewport)
    assert QRect(0, 0, view.width(), view.height()).contains(area)
    view.heatmap.set(None)
    assert not bar.is_shown


def test_uncertainty_of_a_full_resolution_array_leaves_the_sure_clear(view: CanvasView) -> None:
    view.image.set(np.full((1000, 1500, 3), 90, np.uint8))
    values = np.zeros((1000, 1500), np.float32)
    values[:, 750:] = 1.0
    view.uncertainty.set(values)
    assert tuple(shown_at(view, 300, 500)) == (90, 90, 90)
    assert shown_at(view, 1200, 500).sum() > 400


def test_confidences_in_bytes_look_like_the_uncertainties_they_are_and_are_not_copied(
    view: CanvasView,
) -> None:
    view.image.set(np.full((1000, 1500, 3), 90, np.uint8))
    confidence = np.random.default_rng(0).integers(0, 256, (1000, 1500)).astype(np.uint8)
    shown = []
    for values, value_range in ((confidence, (255.0, 0.0)), (1 - confidence / 255.0, (0.0, 1.0))):
        view.uncertainty.set(values, value_range=value_range)
        shown.append(grabbed(view).astype(int))
    assert np.abs(shown[0] - shown[1]).max() <= 2, "but for rounding"
    view.uncertainty.set(confidence, value_range=(255.0, 0.0))
    assert view._stack.uncertainty._codes is confidence


def test_what_was_accepted_or_waits_is_marked_until_it_is_outlined(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    click = PromptSet((PromptPoint((100.5, 100.5), True),))
    for show in (view.prompts.set_coming, view.prompts.set_waiting):
        show([click])
        assert (shown_at(view, 100.5, 100.5) > 200).all(), "as a click is"
        viewport = view.camera.viewport
        assert view.prompts.markers.index_at(viewport.to_logical((100.5, 100.5)), viewport) is None, (
            "it is not in the hand any more"
        )
        show([])
        assert (shown_at(view, 100.5, 100.5) == 100).all()


def test_markers_show_their_sign(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    points = (PromptPoint((80.5, 80.5), True), PromptPoint((200.5, 80.5), False))
    view.prompts.set(PromptSet(points, (20.0, 20.0, 300.0, 200.0)))
    screen = grabbed(view).astype(int)
    for point in points:
        position = view.camera.viewport.to_logical(point.xy)
        x, y = int(position.x()), int(position.y())
        assert screen[y, x].min() > 200
        upper = screen[y - 3, x]
        assert (upper.min() > 150) == point.is_positive
    view.prompts.set(PromptSet())
    assert (shown_at(view, 80.5, 80.5) == 100).all()


def test_the_badge_waits_beside_the_last_click_inside_the_view(view: CanvasView, qtbot: QtBot) -> None:
    view.prompts.set(PromptSet((PromptPoint((40.5, 40.5), True), PromptPoint((319.0, 120.5), True))))
    view.status.set_pending(True)
    area = view.status.badge.bounds(view.camera.viewport)
    anchor = view.camera.viewport.to_logical((319.0, 120.5))
    assert abs(area.center().y() - anchor.y()) < 10
    assert view.rect().contains(area)
    phase = view.status.badge.phase
    qtbot.waitUntil(lambda: view.status.badge.phase != phase)
    view.status.set_pending(False)
    assert view.status.badge.bounds(view.camera.viewport).isEmpty()
    assert not view.status._spinning.isActive()


def test_another_image_brings_nothing_of_the_one_before(view: CanvasView, labels: Labels) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    clean = grabbed(view)
    view.labels.set(labels)
    view.prediction.set(labels)
    view.heatmap.set(np.eye(4))
    view.uncertainty.set(np.eye(4))
    view.prompts.set(PromptSet((PromptPoint((50.0, 50.0), True),)))
    view.proposal.set(Rect(0, 0, 9, 9), np.ones((9, 9), np.bool_))
    view.status.set_pending(True)
    view.camera.zoom_to(7.0)
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    np.testing.assert_array_equal(grabbed(view), clean)


def test_the_same_image_with_other_values_keeps_the_view(view: CanvasView, labels: Labels) -> None:
    view.labels.set(labels)
    view.camera.zoom_to(5.0)
    before = view.camera.viewport
    view.image.set(numbered_image(240, 320)[::-1].copy(), keep_view=True)
    assert view.camera.viewport == before
    assert view._stack.mask.labels is labels


def test_labels_of_another_shape_are_not_drawn(view: CanvasView) -> None:
    bare = grabbed(view)
    view.labels.set(np.ones((10, 10), np.uint8))
    np.testing.assert_array_equal(grabbed(view), bare)


def test_the_empty_widget_is_there_without_an_image_only(qtbot: QtBot) -> None:
    view = CanvasView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    empty = QLabel("Open a folder")
    view.set_empty_widget(empty)
    view.show()
    assert empty.isVisible()
    view.resize(500, 333)
    assert empty.size() == view.size()
    view.image.set(numbered_image(50, 50))
    assert not empty.isVisible()
    view.image.clear()
    assert empty.isVisible()
    assert not view.image.is_shown


def test_the_ground_follows_the_palette(view: CanvasView) -> None:
    grounds = []
    for colour in ("#202020", "#f0f0f0"):
        palette = QPalette(QColor(colour))
        view.setPalette(palette)
        grounds.append(int(grabbed(view)[2, 2].sum()))
    assert grounds[0] < 200 < grounds[1]


def test_a_colour_table_of_another_shape_is_refused(view: CanvasView) -> None:
    with pytest.raises(ValueError, match="256"):
        view.labels.set_colours(np.zeros((3, 4), np.uint8))


def test_the_zoom_is_told(qtbot: QtBot, view: CanvasView) -> None:
    with qtbot.waitSignal(view.camera.changed):
        view.camera.zoom_to(3.0)
    assert view.camera.zoom == 3.0
    view.camera.zoom_to_fit()
    assert view.camera.viewport.is_whole_visible


def test_the_brush_is_drawn_in_its_true_size(view: CanvasView, hand: Hand) -> None:
    from latentseg_gui.document.masks.tools import ToolName

    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    view.camera.zoom_to(1.0)
    bare = grabbed(view)
    view.pointer.set_tool(ToolName.BRUSH)
    view.pointer.set_brush_diameter(60.0)
    hand.move(160, 120)
    centre = view.camera.viewport.to_logical((160, 120))
    rows, cols = np.nonzero((grabbed(view) != bare).any(axis=-1))
    reach = np.hypot(cols + 0.5 - centre.x(), rows + 0.5 - centre.y())
    assert 29 <= reach.max() <= 33
    hand.move(20, 20)
    hand.view.pointer.set_tool(ToolName.CLICK)
    np.testing.assert_array_equal(grabbed(view), bare)


def test_centre_on_brings_a_place_into_the_middle(view: CanvasView) -> None:
    view.camera.zoom_to(6.0)
    view.camera.centre_on((200.0, 100.0))
    assert view.camera.viewport.to_image(QPointF(250, 200)) == pytest.approx((200, 100), abs=0.2)


def test_categories_are_not_mixed_and_have_a_key(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    bare = grabbed(view)
    values = np.zeros((24, 32), np.uint8)
    values[:, 16:] = 2
    colours = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250]], np.uint8)
    view.categories.set(values, colours=colours, caption="Territory", opacity=1.0)
    assert tuple(shown_at(view, 60, 120)) == (250, 0, 0)
    assert tuple(shown_at(view, 260, 120)) == (0, 0, 250)
    assert view.key.bar.ends == ("0", "2")
    view.categories.set(None)
    np.testing.assert_array_equal(grabbed(view), bare)


def test_finer_numbers_take_the_place_of_the_coarse_ones_in_their_rectangle(view: CanvasView) -> None:
    view.image.set(np.zeros((240, 320, 3), np.uint8))
    coarse, rect = np.zeros((6, 8), np.float32), Rect(60, 80, 180, 240)
    fine = np.zeros((60, 80), np.float32)
    fine[:, 40:] = 1.0
    table = heatmap_colours("magma").astype(int)
    view.heatmap.set(coarse, value_range=(0.0, 1.0), opacity=1.0, part=(rect, fine))
    for scale in (1.0, 2.5, 8.0):
        for (x, y), code in (
            ((100, 120), 0),
            ((220, 120), 255),
            ((250, 120), 0),
            ((220, 50), 0),
            ((220, 185), 0),
        ):
            view.camera.zoom_to(scale)
            view.camera.centre_on((x, y))
            assert np.abs(shown_at(view, x, y) - table[code]).max() <= 2
    view.heatmap.set(coarse, value_range=(0.0, 1.0), opacity=1.0)
    assert np.abs(shown_at(view, 220, 185) - table[0]).max() <= 2


def test_a_half_transparent_part_is_drawn_once_and_without_a_seam(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 200, np.uint8))
    even = np.full((6, 8), 0.5, np.float32)
    view.heatmap.set(even, value_range=(0.0, 1.0), opacity=0.5)
    view.camera.zoom_to(1.7)
    whole = grabbed(view)
    rect = Rect(33, 41, 177, 239)
    view.heatmap.set(
        even, value_range=(0.0, 1.0), opacity=0.5, part=(rect, np.full((36, 50), 0.5, np.float32))
    )
    assert np.abs(grabbed(view).astype(int) - whole).max() <= 1


def test_finer_categories_take_the_place_of_the_coarse_ones(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    colours = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250]], np.uint8)
    fine = np.ones((30, 40), np.uint8)
    fine[:, 20:] = 2
    part = (Rect(60, 80, 180, 240), fine)
    view.categories.set(np.zeros((6, 8), np.uint8), colours=colours, opacity=1.0, part=part)
    assert tuple(shown_at(view, 100, 120)) == (0, 250, 0)
    assert tuple(shown_at(view, 200, 120)) == (0, 0, 250)
    assert tuple(shown_at(view, 60, 120)) == (250, 0, 0)
    assert tuple(shown_at(view, 260, 200)) == (250, 0, 0)


def test_pins_are_numbered_found_again_and_leave_nothing_behind(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    bare = grabbed(view)
    view.pins.set([(100.5, 120.5), (200.5, 60.5)])
    assert (grabbed(view) != bare).any()
    assert view.pins.index_at((100.5, 120.5)) == 0
    assert view.pins.index_at((200.5, 61.0)) == 1
    assert view.pins.index_at((20.0, 20.0)) is None
    view.camera.zoom_to(4.0)
    view.camera.centre_on((200.5, 60.5))
    assert view.pins.index_at((200.5, 60.5)) == 1
    view.camera.zoom_to_fit()
    view.pins.set([])
    np.testing.assert_array_equal(grabbed(view), bare)


def test_the_view_says_when_it_changes(view: CanvasView, qtbot: QtBot) -> None:
    camera = view.camera
    for move in (lambda: camera.zoom_to(3.0), lambda: camera.centre_on((30.0, 30.0)), camera.zoom_to_fit):
        with qtbot.waitSignal(camera.changed):
            move()


def test_what_is_written_on_the_canvas_has_room_in_its_font(view: CanvasView) -> None:
    view.status.set_working("a long sentence about what is being done")
    view.status._spin()
    before = view.status.work_badge.bounds(view.camera.viewport)
    view.setStyleSheet("QWidget { font-size: 24px; }")
    view.ensurePolished()
    after = view.status.work_badge.bounds(view.camera.viewport)
    assert after.height() > before.height()
    assert view.status.work_badge.font == view.font()
    view.status.set_working("")
    assert view.status.work_badge.bounds(view.camera.viewport).isEmpty()
