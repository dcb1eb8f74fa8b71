"""In a field of small alike things, a click means the one that was hit; and no click breaks on odd pictures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction.plain_regions import plain_regions
from model.prediction.predictor import Predictor


def field(
    shape: tuple[int, int], radius: int, inside: tuple[int, ...], outside: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[int, int]]:
    """A soft and noisy picture of equal discs on a grid, one of them, and its middle."""
    step = 3 * radius
    rows, cols = np.indices(shape)
    middle = (shape[0] // step // 2 * step + step // 2, shape[1] // step // 2 * step + step // 2)
    apart = np.hypot(rows % step - step // 2, cols % step - step // 2)
    picture = np.where((apart <= radius)[..., None], inside, outside).astype(float)
    picture = ndimage.gaussian_filter(picture, (1, 1, 0))
    picture += np.random.default_rng(0).normal(0, 3, picture.shape)
    own = np.hypot(rows - middle[0], cols - middle[1]) <= radius
    return picture.clip(0, 255).astype(np.uint8), own, middle


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    """The shipped weights."""
    return Predictor.default("cpu")


TONES = {
    "dark": ((40, 30, 60), (200, 190, 210)),
    "bright": ((60, 60, 60), (8, 8, 8)),
    "of another colour": ((200, 60, 60), (60, 130, 60)),
}


@pytest.mark.parametrize("radius", [4, 9, 22, 50])
@pytest.mark.parametrize("tones", list(TONES))
def test_a_disc_of_any_size_and_tone_stands_out(radius: int, tones: str):
    picture, own, middle = field((400, 500), radius, *TONES[tones])
    least = 0.7 if radius < 5 else 0.8  # of a small one, most pixels are rim
    clicks = [middle, (middle[0] + radius // 2, middle[1] - radius // 3)]
    for click in clicks:
        regions = plain_regions(picture, click)
        assert regions
        assert iou(regions[0].mask, own) > least


def test_regions_are_not_larger_than_asked_for():
    picture, own, middle = field((300, 300), 20, *TONES["dark"])
    assert all(each.area <= own.sum() / 2 for each in plain_regions(picture, middle, most_area=own.sum() / 2))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (5, 400), (97, 97), (98, 97)])
@pytest.mark.parametrize("tone", [0, 255])
def test_where_nothing_stands_out_nothing_is_found(shape: tuple[int, int], tone: int):
    picture = np.full((*shape, 3), tone, np.uint8)
    for click in ((0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, shape[1] // 2)):
        assert plain_regions(picture, click) == []


@pytest.mark.parametrize("shape", [(3, 300), (60, 47), (130, 200), (401, 303)])
def test_clicks_anywhere_hit_what_is_found(shape: tuple[int, int]):
    generator = np.random.default_rng(1)
    coarse = generator.integers(0, 255, (shape[0] // 6 + 1, shape[1] // 6 + 1, 3))
    picture = coarse.repeat(6, 0).repeat(6, 1)[: shape[0], : shape[1]].astype(np.uint8)
    for click in ((0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, shape[1] - 1), (1, shape[1] // 2)):
        for region in plain_regions(picture, click):
            assert region.mask.shape == shape
            assert region.mask[click]


@pytest.mark.parametrize("tones", ["dark", "bright"])
def test_a_click_into_a_field_takes_one_of_its_discs(shipped: Predictor, tones: str):
    picture, own, middle = field((360, 500), 7, *TONES[tones])
    shipped.set_image(picture)
    mask, _, logits = shipped.predict([(middle[1] + 0.5, middle[0] + 0.5)], [1])
    assert iou(mask, own) > 0.75
    again, _, _ = shipped.predict([(middle[1] + 0.5, middle[0] + 0.5)] * 2, [1, 1], mask_input=logits)
    assert iou(again, own) > 0.75


def test_plain_regions_are_among_the_meanings_of_a_click(shipped: Predictor):
    picture, own, middle = field((240, 240), 34, *TONES["of another colour"])
    shipped.set_image(picture)
    masks, scores, logits = shipped.predict([(middle[1] + 0.5, middle[0] + 0.5)], [1], multimask_output=True)
    assert len(masks) == len(scores) == len(logits)
    assert max(iou(mask, own) for mask in masks) > 0.85
