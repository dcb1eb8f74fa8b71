"""In a field of small alike things, a click means the one that was hit; and no click breaks on odd pictures."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction import plain_regions
from model.prediction.inputs import Pointing, check_pointing
from model.prediction.plain_clicks import grown_region, is_correction, is_field
from model.prediction.plain_regions import PlainRegions
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
        regions = PlainRegions(picture, click).up_to()
        assert regions
        assert iou(regions[0].mask, own) > least


def test_regions_are_not_larger_than_asked_for():
    picture, own, middle = field((300, 300), 20, *TONES["dark"])
    assert all(each.area <= own.sum() / 2 for each in PlainRegions(picture, middle).up_to(own.sum() / 2))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (5, 400), (97, 97), (98, 97)])
@pytest.mark.parametrize("tone", [0, 255])
def test_where_nothing_stands_out_nothing_is_found(shape: tuple[int, int], tone: int):
    picture = np.full((*shape, 3), tone, np.uint8)
    for click in ((0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, shape[1] // 2)):
        assert PlainRegions(picture, click).up_to() == []


@pytest.mark.parametrize("shape", [(3, 300), (60, 47), (130, 200), (401, 303)])
def test_clicks_anywhere_hit_what_is_found(shape: tuple[int, int]):
    generator = np.random.default_rng(1)
    coarse = generator.integers(0, 255, (shape[0] // 6 + 1, shape[1] // 6 + 1, 3))
    picture = coarse.repeat(6, 0).repeat(6, 1)[: shape[0], : shape[1]].astype(np.uint8)
    for click in ((0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, shape[1] - 1), (1, shape[1] // 2)):
        for region in PlainRegions(picture, click).up_to():
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


def test_where_the_network_is_sure_from_afar_a_click_means_what_it_says(
    shipped: Predictor, monkeypatch: pytest.MonkeyPatch
):
    """A stripe of a zebra is plain, and the closer look may doubt the zebra a little."""
    picture, own, middle = field((360, 500), 7, *TONES["dark"])
    segment = shipped.click_runner.segment
    shipped.set_image(picture)

    def surer(*args: Any, **named: Any) -> Any:
        logits, _, maps = segment(*args, **named)
        return logits, 0.8, maps

    monkeypatch.setattr(shipped.click_runner, "segment", surer)
    stages = shipped.predict_stages([(middle[1] + 0.5, middle[0] + 0.5)], [1])
    masks = [mask for _, (mask, _, _) in stages]
    assert all(iou(mask, own) < 0.2 for mask in masks), "what is shown first and what comes then"


def test_several_things_alike_are_a_field_and_a_spot_is_none():
    picture, own, _ = field((360, 500), 9, *TONES["dark"])
    everything = np.ones_like(own)
    assert is_field(picture, everything, own)
    spot = np.where(ndimage.binary_dilation(own, iterations=4)[..., None], picture, np.uint8(200))
    assert not is_field(spot, everything, own)
    assert not is_field(picture, ndimage.binary_dilation(own, iterations=4), own), (
        "the others are no part of it"
    )


def test_a_speck_is_no_thing_however_many_there_are():
    picture, own, _ = field((360, 500), 3, *TONES["dark"])
    assert not is_field(picture, np.ones_like(own), own)


@pytest.mark.parametrize(
    ("shape", "radius"),
    [((60, 47), 5), ((61, 300), 5), ((401, 1203), 5), ((401, 1203), 12), ((720, 900), 50)],
)
@pytest.mark.parametrize("tones", list(TONES))
def test_a_field_is_seen_whatever_the_size_of_its_things_and_where_they_lie(
    shape: tuple[int, int], radius: int, tones: str
):
    picture, own, (row, col) = field(shape, radius, *TONES[tones])
    step = 3 * radius
    first = np.roll(
        own, (step // 2 - row, step // 2 - col), (0, 1)
    )  # in the corner, where half the ring is missing
    for region in (own, first):
        assert is_field(picture, np.ones(shape, bool), region)
        assert not is_field(picture, region, region), "what holds but one thing is no field"


@pytest.mark.parametrize("shape", [(9, 9), (1, 300), (60, 47), (401, 1203)])
def test_a_region_without_surroundings_is_no_thing_of_a_field(shape: tuple[int, int]):
    picture = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    everything = np.ones(shape, bool)
    assert not is_field(picture, everything, everything)


def test_the_question_about_a_field_takes_little_memory_of_a_large_picture():
    picture = np.random.default_rng(0).integers(0, 255, (1200, 1600, 3)).astype(np.uint8)
    region = np.zeros(picture.shape[:2], bool)
    region[550:650, 750:850] = True
    tracemalloc.start()
    is_field(picture, np.ones_like(region), region)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * picture.nbytes


def test_plain_regions_are_among_the_meanings_of_a_click(shipped: Predictor):
    picture, own, middle = field((240, 240), 34, *TONES["of another colour"])
    shipped.set_image(picture)
    masks, scores, logits = shipped.predict([(middle[1] + 0.5, middle[0] + 0.5)], [1], multimask_output=True)
    assert len(masks) == len(scores) == len(logits)
    assert max(iou(mask, own) for mask in masks) > 0.85


def test_looking_through_meanings_asks_the_network_for_each_only_once(
    shipped: Predictor, monkeypatch: pytest.MonkeyPatch
):
    picture, _, middle = field((360, 500), 7, *TONES["dark"])
    click = [(middle[1] + 0.5, middle[0] + 0.5)]
    asked, looks = list[int](), list[object]()
    segment, views = shipped.click_runner.segment, plain_regions._views

    def counted(*args: Any, candidate: int = 0, **named: Any) -> Any:
        asked.append(candidate)
        return segment(*args, candidate=candidate, **named)

    monkeypatch.setattr(shipped.click_runner, "segment", counted)
    monkeypatch.setattr(plain_regions, "_views", lambda *args: looks.append(args) or views(*args))
    shipped.set_image(picture)
    shipped.predict(click, [1])
    once = asked.count(0)
    assert len(looks) == 1, "the rough answer and the final one look at the same regions"
    asked.clear()
    looks.clear()
    shipped.set_image(picture)
    masks, _, _ = shipped.predict(click, [1], multimask_output=True)
    assert asked.count(0) == once
    assert len(looks) == 1
    count = shipped.click_runner.num_candidates
    assert set(asked) == set(range(count + 1))
    assert len(asked) <= (count + 1) * once, "each meaning takes as much as the first"
    assert len(masks) > count + 1, "with a plain region, and the field that the network means"


def notched(
    radius: int = 22,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[int, int], tuple[int, int]]:
    """A field of discs, each with a darker half: the whole of one, and a place in either half."""
    picture, own, middle = field((400, 500), radius, *TONES["dark"])
    rows, cols = np.indices(own.shape)
    step = 3 * radius
    is_lower = (rows % step >= step // 2) & (
        np.hypot(rows % step - step // 2, cols % step - step // 2) <= radius
    )
    darker = picture.astype(float) - 34 * ndimage.gaussian_filter(is_lower.astype(float), 1)[..., None]
    above, below = (middle[0] - radius // 2, middle[1]), (middle[0] + radius // 2, middle[1])
    return darker.clip(0, 255).astype(np.uint8), own, above, below


def test_a_click_on_what_is_missing_of_a_plain_region_keeps_what_was_right():
    picture, own, above, below = notched()
    rows, _ = np.indices(own.shape)
    half = own & (rows < (above[0] + below[0]) // 2)
    pointing = check_pointing(
        [(above[1] + 0.5, above[0] + 0.5), (below[1] + 0.5, below[0] + 0.5)], [1, 1], None, own.shape
    )
    grown = grown_region(picture, half, pointing)
    assert grown is not None
    assert (grown & half).sum() == half.sum()
    assert iou(grown, own) > 0.85
    beside = check_pointing(
        [(above[1] + 0.5, above[0] + 0.5), (below[1] + 0.5, below[0] + 0.5)], [1, 0], None, own.shape
    )
    assert grown_region(picture, half, beside) is None, "a click beside the object asks for no more"


def test_a_region_round_the_click_on_another_thing_does_not_count():
    picture, own, middle = field((400, 500), 22, *TONES["dark"])
    other = middle[0], middle[1] + 66
    pointing = check_pointing([(x + 0.5, y + 0.5) for y, x in (middle, other)], [1, 1], None, own.shape)
    assert grown_region(picture, own, pointing) is None, "it does not hold the first click"
    assert not is_correction(own, pointing)
    rim = check_pointing(
        [(middle[1] + 0.5, middle[0] + 0.5), (middle[1] + 25.5, middle[0] + 0.5)], [1, 1], None, own.shape
    )
    assert is_correction(own, rim)


@pytest.mark.parametrize("tones", ["dark", "bright"])
@pytest.mark.parametrize("chooses", [False, True])
def test_no_further_click_beside_one_of_a_field_takes_the_field(
    shipped: Predictor, tones: str, chooses: bool
):
    """A click just beside the rim, as people make them who find the outline a little narrow."""
    radius = 7
    picture, own, middle = field((360, 500), radius, *TONES[tones])
    shipped.set_image(picture)
    places, labels = [(middle[1] + 0.5, middle[0] + 0.5)], [1]
    masks, _, logits = shipped.predict(places, labels, multimask_output=True)
    first = next(number for number, mask in enumerate(masks) if iou(mask, own) > 0.75)
    before, given = masks[first], logits[first]
    for angle in (0.3, 2.4, 4.5):
        xy = middle[1] + 0.5 + (radius + 1) * np.cos(angle), middle[0] + 0.5 + (radius + 1) * np.sin(angle)
        places, labels = [*places, (float(xy[0]), float(xy[1]))], [*labels, 1]
        answer = shipped.predict(places, labels, mask_input=given, multimask_output=chooses)
        mask, given = (answer[0][0], answer[2][0]) if chooses else (answer[0], answer[2])
        assert (mask & before).sum() == before.sum()
        assert iou(mask, own) > 0.6
        before = mask


def test_a_third_click_changes_less_of_a_region_that_was_kept():
    picture, own, middle = field((400, 500), 22, *TONES["dark"])
    y, x = middle

    def pointed(*places: tuple[float, float, int]) -> Pointing:
        clicks = [(x + across + 0.5, y + down + 0.5) for down, across, _ in places]
        return check_pointing(clicks, [sign for _, _, sign in places], None, own.shape)

    farther = (0.0, 22 + 0.22 * own.sum() ** 0.5)
    assert not is_correction(own, pointed((0, 0, 1), (*farther, 1)))
    assert is_correction(own, pointed((0, 0, 1), (5, 0, 1), (*farther, 1)))
    rows, _ = np.indices(own.shape)
    half = own & (rows < y)
    more = (-10, 0, 1), (8, 0, 1)
    assert grown_region(picture, half, pointed(*more)) is not None
    assert grown_region(picture, half, pointed(more[0], (-5, 0, 1), more[1])) is None, "that is twice as much"
