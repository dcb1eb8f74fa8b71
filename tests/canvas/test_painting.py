"""What is on the screen, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint

from latentseg_gui.canvas import CanvasView
from latentseg_gui.canvas.layers.labels import LabelStyle, outlined
from latentseg_gui.document.types import UNLABELLED, Labels, Rect

from .hand import adjusted, class_colours, grabbed, numbered_image, settled

SCALES = (0.4, 1.0, 3.7, 14.0)


def shown_at(
    view: CanvasView, x: float, y: float, screen: NDArray[np.uint8] | None = None
) -> tuple[int, ...]:
    position = view.camera.viewport.to_logical((x, y))
    screen = grabbed(view) if screen is None else screen
    return tuple(int(value) for value in screen[int(position.y()), int(position.x())])


def test_the_image_is_shown_pixel_for_pixel_at_100_percent(
    view: CanvasView, pixels: NDArray[np.uint8]
) -> None:
    view.camera.zoom_to(1.0)
    x0, y0, x1, y1 = view.camera.viewport.image_box
    np.testing.assert_array_equal(grabbed(view)[y0:y1, x0:x1], pixels)


@pytest.mark.parametrize("scale", [2.3, 9.0, 40.0])
def test_the_image_is_not_smoothed_when_large(
    view: CanvasView, pixels: NDArray[np.uint8], scale: float
) -> None:
    view.camera.zoom_to(scale)
    view.camera.centre_on((100.0, 90.0))
    screen = grabbed(view)
    for col, row in [(100, 90), (99, 91), (101, 88)]:
        assert shown_at(view, col + 0.6, row + 0.6, screen) == tuple(pixels[row, col])


def test_the_image_is_smoothed_when_small(view: CanvasView) -> None:
    board = np.zeros((1200, 1600, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 255
    view.image.set(board)
    settled(view)
    assert shown_at(view, 800, 600) == pytest.approx((127, 127, 127), abs=3)


def test_a_huge_image_is_shown_before_its_reduced_copies_are_there(view: CanvasView) -> None:
    view.image.set(np.full((3000, 4000, 3), (10, 200, 30), np.uint8))
    assert shown_at(view, 2000, 1500) == (10, 200, 30)


def test_classes_are_blended_over_the_image(view: CanvasView, labels: Labels) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    view.labels.set(labels)
    view.labels.set_opacity(0.5)
    screen = grabbed(view)
    expected = tuple(round(100 + (colour - 100) * 128 / 255) for colour in (230, 159, 0))
    assert shown_at(view, 100, 80, screen) == pytest.approx(expected, abs=2)
    assert shown_at(view, 20, 20, screen) == (100, 100, 100)


@pytest.mark.parametrize("scale", SCALES)
def test_a_part_drawn_again_looks_like_all_drawn_again(
    view: CanvasView, labels: Labels, scale: float
) -> None:
    rng = np.random.default_rng(3)
    view.labels.set(labels)
    view.prediction.set(rng.integers(0, 4, labels.shape).astype(np.uint8))
    view.camera.zoom_to(scale)
    grabbed(view)
    for _ in range(25):
        row, col = int(rng.integers(0, 235)), int(rng.integers(0, 315))
        rect = Rect(row, col, row + int(rng.integers(1, 40)), col + int(rng.integers(1, 40))).clipped(
            (240, 320)
        )
        labels[rect.slices] = rng.choice([0, 1, 2, 3, UNLABELLED])
        view.labels.update(rect)
        grabbed(view)
    in_parts = grabbed(view).astype(int)
    view.surface.refresh_layers()
    assert np.abs(in_parts - grabbed(view)).max() <= 2


def test_only_the_told_part_is_drawn_again(view: CanvasView, labels: Labels) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    labels[:] = UNLABELLED
    view.labels.set(labels)
    grabbed(view)
    labels[:] = 1
    view.labels.update(Rect(10, 10, 20, 20))
    screen = grabbed(view)
    assert shown_at(view, 15, 15, screen) != (100, 100, 100)
    assert shown_at(view, 100, 100, screen) == (100, 100, 100)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("by", [QPoint(13, -7), QPoint(-150, 90), QPoint(900, 900)])
def test_a_panned_view_looks_like_one_drawn_anew(
    view: CanvasView, labels: Labels, scale: float, by: QPoint
) -> None:
    view.labels.set(labels)
    view.camera.zoom_to(scale)
    grabbed(view)
    view.camera.pan_by(by)
    moved = grabbed(view).astype(int)
    view.surface.refresh_layers()
    assert np.abs(moved - grabbed(view)).max() <= 2


def test_labels_changed_and_panned_before_a_paint_are_both_seen(view: CanvasView, labels: Labels) -> None:
    view.labels.set(labels)
    view.camera.zoom_to(3.0)
    grabbed(view)
    labels[100:130, 140:170] = 3
    view.labels.update(Rect(100, 140, 130, 170))
    view.camera.pan_by(QPoint(25, 11))
    moved = grabbed(view).astype(int)
    view.surface.refresh_layers()
    assert np.abs(moved - grabbed(view)).max() <= 2


def test_a_prediction_gives_way_to_what_a_person_said(view: CanvasView, labels: Labels) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    labels[:] = UNLABELLED
    labels[50:150, 50:150] = 0
    view.labels.set(labels)
    view.prediction.set(np.full((240, 320), 3, np.uint8))
    screen = grabbed(view)
    assert shown_at(view, 100, 100, screen) == (100, 100, 100)
    assert shown_at(view, 250, 200, screen) != (100, 100, 100)


def test_hidden_overlay_peek_and_clear_show_the_bare_image(
    view: CanvasView, labels: Labels, pixels: NDArray[np.uint8]
) -> None:
    view.camera.zoom_to(1.0)
    bare = grabbed(view)
    view.labels.set(labels)
    view.heatmap.set(np.eye(4))
    shown = grabbed(view)
    assert (shown != bare).any()
    view.visibility.set_peek(True)
    view.heatmap.set(None)
    np.testing.assert_array_equal(grabbed(view), bare)
    view.visibility.set_peek(False)
    assert (grabbed(view) != bare).any()
    view.visibility.set_overlay(False)
    np.testing.assert_array_equal(grabbed(view), bare)


def test_outlines_only_leaves_the_inside_clear(view: CanvasView, labels: Labels) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    view.labels.set(labels)
    view.labels.set_outlines_only(True)
    screen = grabbed(view)
    assert shown_at(view, 120, 80, screen) == (100, 100, 100)
    assert shown_at(view, 80.5, 80, screen) == (230, 159, 0)


def test_outlines_stand_on_both_sides_and_hidden_ids_have_none() -> None:
    style = LabelStyle(class_colours(), opacity=0.0, halo_opacity=0.5)
    ids = np.zeros((7, 8), np.uint8)
    ids[:, :4] = 1
    ids[:, 6:] = UNLABELLED
    merged = style.merged_ids().take(ids)
    alpha = outlined(merged, 1, style.table()) >> 24
    assert [int(value) for value in alpha[2]] == [0, 0, 255, 128, 0, 0]


def test_recolouring_and_hiding_a_class(view: CanvasView, labels: Labels) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    view.labels.set(labels)
    view.labels.set_opacity(1.0)
    colours = class_colours()
    colours[1] = (1, 2, 3, 255)
    colours[2, 3] = 0
    view.labels.set_colours(colours)
    screen = grabbed(view)
    assert shown_at(view, 100, 80, screen) == (1, 2, 3)
    assert shown_at(view, 250, 190, screen) == (100, 100, 100)


def test_unlabelled_has_no_colour_whatever_the_table_says(view: CanvasView, labels: Labels) -> None:
    colours = class_colours()
    colours[UNLABELLED] = (255, 0, 0, 255)
    view.labels.set_colours(colours)
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    view.labels.set(labels)
    assert shown_at(view, 20, 20) == (100, 100, 100)


def test_the_two_halves_of_a_comparison(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    view.labels.set_opacity(1.0)
    ones, twos = np.full((240, 320), 1, np.uint8), np.full((240, 320), 2, np.uint8)
    view.comparison.set(ones, twos, ("before", "after"))
    screen = grabbed(view)
    assert shown_at(view, 60, 120, screen) == (230, 159, 0)
    assert shown_at(view, 260, 120, screen) == (86, 180, 233)
    view.comparison.set_divider(0.05)
    assert shown_at(view, 60, 120) == (86, 180, 233)
    view.comparison.set(None, None)
    assert shown_at(view, 60, 120) == (100, 100, 100)


def test_a_proposal_is_outlined_in_light_and_dark_and_lightly_filled(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 100, np.uint8))
    view.camera.zoom_to(1.0)
    bare = grabbed(view)
    view.proposal.set(Rect(50, 60, 100, 140), np.ones((50, 80), np.bool_))
    screen = grabbed(view)
    assert shown_at(view, 60.5, 75, screen) == (255, 255, 255)
    assert max(shown_at(view, 58.5, 75, screen)) < 60
    assert shown_at(view, 100, 75, screen) not in [(100, 100, 100), (255, 255, 255)]
    view.proposal.set(None, None)
    np.testing.assert_array_equal(grabbed(view), bare)


def test_the_pixel_grid_appears_only_when_pixels_are_large(view: CanvasView) -> None:
    view.image.set(np.full((240, 320, 3), 10, np.uint8))
    for scale, has_grid in ((4.0, False), (20.0, True)):
        view.camera.zoom_to(scale)
        view.camera.centre_on((160.0, 120.0))
        middle = grabbed(view)[195:205, 100:200]
        assert (middle > 10).any() == has_grid


def test_adjustments_change_what_is_shown_and_not_the_image(view: CanvasView) -> None:
    pixels = np.full((240, 320, 3), 64, np.uint8)
    view.image.set(pixels)
    view.image.set_tone(adjusted(brightness=0.25))
    assert shown_at(view, 100, 100) == (128, 128, 128)
    view.image.set_tone(adjusted(gamma=2.0))
    assert shown_at(view, 100, 100)[0] == pytest.approx(128, abs=1)
    view.image.set_tone(None)
    assert shown_at(view, 100, 100) == (64, 64, 64)
    assert (pixels == 64).all()


def test_adjustments_also_reach_reduced_copies(view: CanvasView) -> None:
    view.image.set(np.full((2400, 3200, 3), 64, np.uint8))
    settled(view)
    view.image.set_tone(adjusted(brightness=0.25))
    assert shown_at(view, 1000, 1000) == (128, 128, 128)


def test_the_frame_follows_a_resize(view: CanvasView, pixels: NDArray[np.uint8]) -> None:
    view.resize(700, 300)
    assert view.camera.viewport.is_whole_visible
    assert grabbed(view).shape[:2] == (300, 700)
    view.camera.zoom_to(1.0)
    x0, y0, x1, y1 = view.camera.viewport.image_box
    np.testing.assert_array_equal(grabbed(view)[y0:y1, x0:x1], pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 65000), (33, 31)])
def test_images_of_odd_shapes_are_drawn(view: CanvasView, shape: tuple[int, int]) -> None:
    view.image.set(np.full((*shape, 3), (200, 10, 10), np.uint8))
    view.labels.set(np.zeros(shape, np.uint8))
    settled(view)
    screen = grabbed(view)
    assert ((screen[..., 0] > 150) & (screen[..., 1] < 60)).any()


def test_an_image_of_another_kind_is_refused_and_the_old_one_stays(view: CanvasView) -> None:
    before = grabbed(view)
    with pytest.raises(ValueError, match="uint8"):
        view.image.set(np.zeros((4, 4), np.uint8))
    np.testing.assert_array_equal(grabbed(view), before)


def test_arrays_given_are_never_written(view: CanvasView, labels: Labels) -> None:
    pixels, prediction, values = numbered_image(240, 320), np.ones((240, 320), np.uint8), np.eye(5)
    for array in (pixels, labels, prediction, values):
        array.flags.writeable = False
    view.image.set(pixels)
    view.labels.set(labels)
    view.prediction.set(prediction)
    view.heatmap.set(values)
    view.uncertainty.set(values)
    view.image.set_tone(adjusted(contrast=2.0))
    assert grabbed(view).any()


def test_a_preview_is_fainter_than_a_proposal(view: CanvasView) -> None:
    view.image.set(np.zeros((240, 320, 3), np.uint8))
    rect, mask = Rect(50, 60, 100, 140), np.ones((50, 80), np.bool_)
    view.proposal.set(rect, mask)
    proposed = sum(shown_at(view, 100, 75))
    view.proposal.set(rect, mask, is_preview=True)
    assert 0 < sum(shown_at(view, 100, 75)) < proposed
