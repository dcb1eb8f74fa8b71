from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRect

from latentseg_gui.canvas.viewport import MAX_SCALE, Viewport
from latentseg_gui.document.types import Rect

RATIOS = (1.0, 1.25, 1.5, 2.0)
ZOOMS = (0.1, 0.33, 1.0, 1.7, 4.0, 12.5, 40.0)
SHAPE = (3000, 4000)

viewports = st.builds(
    lambda scale, ratio, x, y: Viewport(SHAPE, (1100, 700), ratio).centred((x, y), scale),
    st.floats(0.1, 40.0),
    st.sampled_from(RATIOS),
    st.floats(0, SHAPE[1]),
    st.floats(0, SHAPE[0]),
)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_click_hits_the_pixel_that_is_drawn_there(zoom: float, ratio: float) -> None:
    viewport = Viewport(SHAPE, (1100, 700), ratio).centred((2000.3, 1500.7), zoom)
    cols, rows = viewport.sample_cols(0, 1100), viewport.sample_rows(0, 700)
    for device_x, device_y in [(0, 0), (1, 699), (549, 350), (550, 351), (1099, 3)]:
        x, y = viewport.to_image(QPointF(device_x / ratio, device_y / ratio))
        assert (math.floor(y), math.floor(x)) == (rows[device_y], cols[device_x])


@given(viewports, st.floats(0, 1), st.floats(0, 1))
def test_image_to_screen_and_back_stays_in_the_pixel(viewport: Viewport, u: float, v: float) -> None:
    seen = viewport.visible_rect()
    col = min(seen.col1 - 1, seen.col0 + int(u * seen.shape[1]))
    row = min(seen.row1 - 1, seen.row0 + int(v * seen.shape[0]))
    x, y = viewport.to_image(viewport.to_logical((col + 0.5, row + 0.5)))
    assert abs(x - (col + 0.5)) <= 0.5 / viewport.scale + 1e-6
    assert abs(y - (row + 0.5)) <= 0.5 / viewport.scale + 1e-6


@given(viewports, st.integers(0, 2999), st.integers(0, 3999), st.integers(1, 300), st.integers(1, 300))
def test_the_device_rect_of_pixels_holds_all_that_show_them(
    viewport: Viewport, row: int, col: int, rows: int, cols: int
) -> None:
    rect = Rect(row, col, row + rows, col + cols).clipped(SHAPE)
    device = viewport.device_rect(rect)
    shown_cols = viewport.sample_cols(0, 1100)
    shown_rows = viewport.sample_rows(0, 700)
    for shown, low, high, first, count in (
        (shown_cols, rect.col0, rect.col1, device.x(), device.width()),
        (shown_rows, rect.row0, rect.row1, device.y(), device.height()),
    ):
        inside = np.flatnonzero((shown >= low) & (shown < high))
        if inside.size and not device.isEmpty():
            assert first <= inside[0]
            assert inside[-1] < first + count


@given(viewports, st.floats(0.1, 40.0), st.integers(0, 500), st.integers(0, 300))
def test_zooming_keeps_what_is_under_the_cursor(viewport: Viewport, scale: float, x: int, y: int) -> None:
    position = QPointF(x, y)
    before = viewport.to_image(position)
    zoomed = viewport.zoomed(scale, position)
    if not viewport.contains(before):
        return
    after = zoomed.to_image(position)
    allowed = 0.5 / viewport.scale + 1.5 / zoomed.scale + 1e-6
    assert abs(after[0] - before[0]) <= allowed
    assert abs(after[1] - before[1]) <= allowed


def test_the_fitted_image_is_whole_and_centred() -> None:
    viewport = Viewport(SHAPE, (1100, 700), 1.0).fitted()
    x0, y0, x1, y1 = viewport.image_box
    assert viewport.is_whole_visible
    assert abs((x0 + x1) - 1100) <= 2
    assert abs((y0 + y1) - 700) <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 65500), (65500, 1), (7, 3)])
def test_images_of_odd_shapes_fit(shape: tuple[int, int]) -> None:
    viewport = Viewport(shape, (800, 600), 1.0).fitted()
    assert viewport.is_whole_visible
    x, y = viewport.to_image(viewport.to_logical((shape[1] / 2, shape[0] / 2)))
    assert viewport.contains((min(x, shape[1] - 0.01), min(y, shape[0] - 0.01)))


def test_the_image_cannot_be_lost_from_sight() -> None:
    viewport = Viewport(SHAPE, (1100, 700), 1.0).fitted().panned(-100_000, 100_000)
    _, y0, x1, _ = viewport.image_box
    assert x1 > 0
    assert y0 < 700


def test_the_scale_is_bounded() -> None:
    viewport = Viewport(SHAPE, (1100, 700), 1.0).fitted()
    assert viewport.zoomed(1e9, QPointF(5, 5)).scale == MAX_SCALE
    assert viewport.zoomed(1e-9, QPointF(5, 5)).scale > 0


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_resize_keeps_the_middle(ratio: float) -> None:
    viewport = Viewport(SHAPE, (1100, 700), 1.0).centred((900.0, 1200.0), 2.0)
    resized = viewport.resized((501, 333), ratio)
    x, y = resized.to_image(QPointF(250.5 / ratio, 166.5 / ratio))
    assert (x, y) == pytest.approx((900.0, 1200.0), abs=1.0)
    assert resized.scale / resized.ratio == pytest.approx(2.0)


@pytest.mark.parametrize("ratio", RATIOS)
def test_logical_rectangles_cover_their_device_pixels(ratio: float) -> None:
    viewport = Viewport(SHAPE, (1100, 700), ratio)
    device = QRect(13, 7, 31, 5)
    back = viewport.device_from_logical(viewport.logical_from_device(device))
    assert back.contains(device)
