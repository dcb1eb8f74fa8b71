"""Objects without clicks: overlaps, boxes of views, and what examples find."""

import numpy as np
import pytest

from model.errors import ModelError
from model.prediction.alike import looks_of, propose_alike
from model.prediction.all_objects import Level, Thoroughness, propose_objects
from model.prediction.blobs import blobs_of, box_overlaps
from model.prediction.found_objects import FoundObject, Sieve, best_of_overlapping, iou
from model.prediction.predictor import Predictor
from model.prediction.views import parts_of
from tests.model.clicked_scenes import trained_network
from tests.model.small_predictors import picture, predictor_of, small_network

PLACES = ((40, 40), (40, 120), (40, 200), (110, 80), (110, 160), (110, 240))


def found(bounds, score=1.0):
    mask = np.ones((bounds[2] - bounds[0], bounds[3] - bounds[1]), bool)
    return FoundObject(bounds, mask, score, 1.0)


@pytest.fixture(scope="module")
def predictor():
    return Predictor(trained_network(), "cpu")


@pytest.fixture(scope="module")
def balls():
    pixels = np.full((150, 280, 3), (60, 130, 70), np.float64)
    rows, cols = np.mgrid[:150, :280]
    for row, col in PLACES:
        pixels[np.hypot(rows - row, cols - col) < 20] = (205, 60, 50)
    pixels[100:140, 10:50] = (40, 60, 200)  # something else
    pixels += np.random.default_rng(2).normal(0, 4, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def whole(objects, shape):
    mask = np.zeros(shape, bool)
    row0, col0, row1, col1 = objects.bounds
    mask[row0:row1, col0:col1] = objects.mask
    return mask


def test_iou_of_two_objects_is_that_of_their_masks_in_the_image():
    rng = np.random.default_rng(0)
    for _ in range(20):
        pair = []
        for _ in range(2):
            row, col = rng.integers(0, 12, 2)
            rows, cols = rng.integers(3, 15, 2)
            pair.append(FoundObject((row, col, row + rows, col + cols), rng.random((rows, cols)) < 0.7, 1, 1))
        one, other = (whole(each, (30, 30)) for each in pair)
        assert iou(*pair) == pytest.approx((one & other).sum() / (one | other).sum())


def test_of_masks_of_one_object_the_best_is_kept():
    worse, best, apart = found((0, 0, 10, 10), 0.7), found((0, 0, 10, 11), 0.9), found((20, 20, 30, 30), 0.5)
    assert best_of_overlapping([worse, apart, best]) == (best, apart)
    part = found((0, 0, 4, 4), 0.6)  # a part of an object may be what is wanted
    assert part in best_of_overlapping([best, part])


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (100, 100), (1023, 517)])
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_views_cover_the_image(shape, parts):
    seen = np.zeros(shape, bool)
    for row0, col0, row1, col1 in parts_of(shape, parts):
        assert 0 <= row0 < row1 <= shape[0]
        assert 0 <= col0 < col1 <= shape[1]
        seen[row0:row1, col0:col1] = True
    assert seen.all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 90), (48, 72)])
def test_any_size_is_searched_and_progress_only_grows(shape):
    small = predictor_of(small_network())
    small.set_image(picture(*shape))
    every = Thoroughness((Level(1, 5, (3,)), Level(2, 3, (2,))), Sieve(0.0, 0.0, 1, 1.0))
    steps = list(propose_objects(small, every))
    fractions = [each.fraction for each in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    for each in steps[-1].objects:
        assert 0 <= each.bounds[0] < each.bounds[2] <= shape[0]
        assert 0 <= each.bounds[1] < each.bounds[3] <= shape[1]
        assert each.mask.any()


def test_everything_is_found_and_a_search_can_be_left_halfway(predictor, balls):
    predictor.set_image(balls)
    *_, everything = propose_objects(predictor)
    rows, cols = np.mgrid[:150, :280]
    for row, col in PLACES:
        ball = np.hypot(rows - row, cols - col) < 20
        masks = [whole(each, (150, 280)) for each in everything.objects]
        assert max((mask & ball).sum() / (mask | ball).sum() for mask in masks) > 0.6
    first = next(iter(propose_objects(predictor)))
    assert 0 <= first.fraction < 1


def test_one_example_finds_its_like_also_on_another_image(predictor, balls):
    predictor.set_image(balls)
    example = np.zeros((150, 280), bool)
    rows, cols = np.mgrid[:150, :280]
    example[np.hypot(rows - 40, cols - 40) < 20] = True
    looks = looks_of(predictor, [((0, 0, 150, 280), example)])

    def hits(shift):
        *_, alike = propose_alike(predictor, looks)
        good = [each for each in alike.objects if each.similarity > 0.5]
        xy = np.array([((col + shift) % 280 + 0.5, row + 0.5) for row, col in PLACES], np.float32)
        square = np.array([((30.5 + shift) % 280, 120.5)], np.float32)
        assert not any(each.holds(square).any() for each in good)
        return np.any([each.holds(xy) for each in good], axis=0).sum()

    assert hits(0) >= 5
    predictor.set_image(np.roll(balls, 40, axis=1))
    assert hits(40) >= 4  # one of them is cut at the border


def test_nothing_to_look_for_is_an_error_that_says_what_to_do(predictor, balls):
    predictor.set_image(balls)
    for examples in ([], [((0, 0, 3, 3), np.zeros((3, 3), bool))]):
        with pytest.raises(ModelError, match="no object"):
            looks_of(predictor, examples)
    with pytest.raises(ModelError, match="no object"):
        next(iter(propose_alike(predictor, ())))


def test_small_alike_things_are_found_one_by_one(predictor):
    """A click into a field of dots means the field; a box round a dot means the dot."""
    random = np.random.default_rng(0)
    rows, cols = np.mgrid[:200, :240]
    pixels = np.full((200, 240, 3), 12.0)
    places = [(row, col) for row in range(14, 200, 25) for col in range(14, 240, 25)]
    for row, col in places:
        pixels[np.hypot(rows - row, cols - col) < 7] = random.uniform(70, 150)
    predictor.set_image((pixels + random.normal(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8))
    *_, everything = propose_objects(predictor)
    masks = [whole(each, (200, 240)) for each in everything.objects]
    hits = 0
    for row, col in places:
        dot = np.hypot(rows - row, cols - col) < 7
        hits += max((mask & dot).sum() / (mask | dot).sum() for mask in masks) > 0.5
    assert hits > 0.8 * len(places)


def test_blobs_have_the_size_of_things_dark_or_bright():
    rows, cols = np.mgrid[:120, :200]
    pixels = np.full((120, 200, 3), 128, np.uint8)
    wanted = {(30, 40, 6): 220, (30, 100, 14): 30, (80, 60, 20): 200, (85, 150, 9): 60}
    for (row, col, radius), value in wanted.items():
        pixels[np.hypot(rows - row, cols - col) < radius] = value
    blobs = blobs_of(pixels, 50)
    assert len(blobs) <= 50
    for row, col, radius in wanted:
        box = np.array([col - radius, row - radius, col + radius, row + radius], np.float32)
        assert box_overlaps(box, blobs.boxes).max() > 0.6
    assert len(blobs_of(np.zeros((1, 1, 3), np.uint8), 5)) == 0
    assert len(blobs_of(pixels, 2)) == 2
