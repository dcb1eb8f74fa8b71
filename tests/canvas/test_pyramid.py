from __future__ import annotations

import numpy as np
import pytest

from latentseg_gui.canvas.packing import halved, image_of_rgb, pack_table, packed_view
from latentseg_gui.canvas.pyramid import ImagePyramid
from latentseg_gui.document.types import Rect


def channels(packed: np.ndarray) -> np.ndarray:
    return packed.view(np.uint8).reshape(*packed.shape, 4)[..., 2::-1]


def test_packing_keeps_the_values_of_any_part() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 51, 3), np.uint8)
    image = image_of_rgb(pixels, Rect(5, 9, 30, 51))
    np.testing.assert_array_equal(channels(packed_view(image).copy()), pixels[5:30, 9:51])


def test_packing_looks_values_up() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    table = np.arange(255, -1, -1, dtype=np.uint8)
    image = image_of_rgb(pixels, Rect(1, 1, 5, 4), table)
    np.testing.assert_array_equal(channels(packed_view(image).copy()), 255 - pixels[1:5, 1:4])


def test_colours_are_premultiplied() -> None:
    packed = pack_table(np.array([[200, 100, 50, 128], [1, 2, 3, 0]], np.uint8))
    assert [hex(value) for value in packed] == ["0x80643219", "0x0"]


@pytest.mark.parametrize("shape", [(8, 8), (7, 5), (1, 9), (9, 1), (1, 1)])
def test_halving_takes_means(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    image = image_of_rgb(pixels, Rect.whole(shape))
    padded = np.pad(pixels, ((0, shape[0] % 2), (0, shape[1] % 2), (0, 0)), mode="edge").astype(float)
    means = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(channels(halved(packed_view(image))) - means).max() <= 1.5


@pytest.mark.parametrize("shape", [(1500, 2100), (1025, 513), (700, 3), (1, 4001)])
def test_every_level_shows_the_whole_image(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (*shape, 3), np.uint8)
    pyramid = ImagePyramid(pixels)
    assert pyramid.level_for(0.01) is None
    while not pyramid.build(0.01):
        pass
    expected = pixels.astype(float)
    for number in range(1, pyramid.depth + 1):
        rows, cols = expected.shape[:2]
        expected = np.pad(expected, ((0, rows % 2), (0, cols % 2), (0, 0)), mode="edge")
        expected = expected.reshape(-(-rows // 2), 2, -(-cols // 2), 2, 3).mean(axis=(1, 3))
        level = channels(pyramid.level(number))
        assert level.shape == expected.shape
        assert np.abs(level - expected).max() <= 1.5 * number


def test_the_level_shrinks_by_less_than_two() -> None:
    pyramid = ImagePyramid(np.zeros((3000, 4000, 3), np.uint8))
    while not pyramid.build(0.05):
        pass
    assert [pyramid.level_for(scale) for scale in (1.0, 0.51, 0.5, 0.26, 0.2, 0.125, 0.001)] == [
        0,
        0,
        1,
        1,
        2,
        3,
        3,
    ]


def test_small_images_need_no_levels() -> None:
    pyramid = ImagePyramid(np.zeros((300, 400, 3), np.uint8))
    assert pyramid.is_complete
    assert pyramid.level_for(0.05) == 0


def test_building_is_cut_into_slices() -> None:
    pyramid = ImagePyramid(np.zeros((3000, 4000, 3), np.uint8))
    slices = 1
    while not pyramid.build(0.0001):
        slices += 1
    assert slices >= 20
