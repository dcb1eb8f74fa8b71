"""Strokes and loops: what is guaranteed of any answer, what the network makes of them, and what comes after."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model.analysis.metrics import mask_iou
from model.errors import ModelError
from model.prediction.line_answers import line_candidates, line_stages
from model.prediction.lines import AROUND, Line, followed, told
from model.prediction.predictor import Predictor
from tests.model.clicked_scenes import trained_network

SHAPE = (36, 50)


def blobs(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    return ndimage.gaussian_filter(noise, 3) > 0.01


PLACES = st.tuples(st.floats(0, SHAPE[1]), st.floats(0, SHAPE[0]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(PLACES, min_size=2, max_size=30), st.booleans(), st.booleans(), st.integers(0, 50), st.booleans()
)
def test_what_is_guaranteed_of_any_answer(
    places: list[tuple[float, float]], is_positive: bool, is_loop: bool, seed: int, has_before: bool
) -> None:
    line = Line.of(places, is_positive=is_positive, is_loop=is_loop)
    answer, before = blobs(seed), blobs(seed + 1000) if has_before else None
    made = followed(line, answer, before)
    there = np.zeros(SHAPE, bool) if before is None else before
    along, within = line.pixels(SHAPE), line.inside(SHAPE, AROUND) if line.is_loop else None
    if is_positive:
        assert not (there & ~made).any(), "a positive line takes nothing away"
        added = made & ~there
        if within is None:
            assert made[along].all(), "the stroke belongs to it"
            parts, count = ndimage.label(added | along, np.ones((3, 3)))
            assert all((along & (parts == part)).any() for part in range(1, count + 1))
        else:
            assert not (added & ~within).any(), "nothing is added outside of the loop"
    elif has_before:
        assert not (made & ~there).any(), "a negative line adds nothing"
        assert not made[along if within is None else within].any()
    else:
        assert not made[along if within is None else within].any()


@given(st.lists(PLACES, min_size=2, max_size=30))
def test_clicks_of_a_stroke_lie_on_it(places: list[tuple[float, float]]) -> None:
    line = Line.of(places)
    rows = line.clicks()[:, 1].astype(int).clip(0, SHAPE[0] - 1)
    cols = line.clicks()[:, 0].astype(int).clip(0, SHAPE[1] - 1)
    assert line.pixels(SHAPE)[rows, cols].all()


def test_the_loop_of_a_hand_that_was_not_exact_takes_in_a_little_more() -> None:
    square = Line.of([(10, 10), (30, 10), (30, 30), (10, 30)], is_loop=True)
    inside = square.inside(SHAPE, 0.05)
    assert inside[10:30, 10:30].all()
    assert inside[9, 15]
    assert not inside[7, 15]
    assert tuple(square.box()) == (10, 10, 30, 30)
    assert len(square.clicks()) == 0, "where in it the object lies nobody knows"


@pytest.mark.parametrize("places", [[], [(1, 2)], [(1, 2), (3, float("nan"))], "ab", [(1, 2), (3,)]])
def test_what_is_no_line_is_refused(places: object) -> None:
    with pytest.raises(ModelError, match="line"):
        Line.of(places)  # type: ignore[arg-type]


def test_logits_say_what_the_mask_says() -> None:
    mask, logits = blobs(1), np.random.default_rng(0).normal(size=(18, 25)).astype(np.float32)
    said = told(logits, mask)
    assert ((said > 0) == mask[1::2, 1::2]).all()
    agreed = (logits > 0) == mask[1::2, 1::2]
    assert (said[agreed] == logits[agreed]).all()


def thin_scene() -> tuple[np.ndarray, np.ndarray, list[tuple[float, float]]]:
    """A bent pole in three colours on grass, its mask, and a stroke along it."""
    rng = np.random.default_rng(4)
    rows, cols = np.mgrid[:200, :300]
    middle = 100 + 40 * np.sin(cols / 60)
    mask = (np.abs(rows - middle) < 5) & (cols > 20) & (cols < 280)
    pixels = np.stack([90 + 0 * cols, 140 + 0 * cols, 70 + 0 * cols], -1) + rng.normal(0, 9, (200, 300, 3))
    shades = np.array([(20, 20, 25), (230, 225, 215), (150, 40, 35)])
    pixels[mask] = shades[(cols[mask] // 30) % 3] + rng.normal(0, 6, (mask.sum(), 3))
    way = [(x + 0.5, 100.5 + 40 * np.sin(x / 60)) for x in range(30, 272, 4)]
    return pixels.clip(0, 255).astype(np.uint8), mask, way


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return Predictor(trained_network(), "cpu")


def answer_to(predictor: Predictor, line: Line, *pointed: object) -> tuple[np.ndarray, float, np.ndarray]:
    *_, (is_final, answer) = line_stages(predictor, line, *pointed)  # type: ignore[arg-type]
    assert is_final
    return answer


def test_a_stroke_finds_a_thin_thing_that_a_click_does_not(shipped: Predictor) -> None:
    pixels, mask, way = thin_scene()
    shipped.set_image(pixels)
    clicked, _, _ = shipped.predict([way[len(way) // 2]], [1])
    stroked, score, _ = answer_to(shipped, Line.of(way))
    assert mask_iou(stroked, mask) > max(0.75, mask_iou(clicked, mask) + 0.1)
    assert 0 <= score <= 1


def test_clicks_after_a_stroke_go_on_from_what_it_gave(shipped: Predictor) -> None:
    pixels, _, way = thin_scene()
    shipped.set_image(pixels)
    line = Line.of(way)
    stroked, _, logits = answer_to(shipped, line)
    rows, cols = np.nonzero(stroked)
    inside = (float(cols[7]) + 0.5, float(rows[7]) + 0.5)
    clicks = [*map(tuple, line.clicks()), inside]
    again, _, _ = shipped.predict(clicks, [1] * len(clicks), mask_input=logits)
    assert (again == stroked).all(), "a click on what is there already changes nothing"


def test_a_negative_stroke_and_a_negative_loop_take_away(shipped: Predictor) -> None:
    pixels, _, way = thin_scene()
    shipped.set_image(pixels)
    line = Line.of(way)
    stroked, _, logits = answer_to(shipped, line)
    earlier = [tuple(each) for each in line.clicks()], [1] * len(line.clicks()), None, logits
    off = Line.of([(200.0, 60.0), (200.0, 140.0)], is_positive=False)
    less, _, _ = answer_to(shipped, off, *earlier)
    assert not (less & ~stroked).any()
    assert not less[off.pixels(less.shape)].any()
    loop = [(150.0, 40.0), (299.0, 40.0), (299.0, 160.0), (150.0, 160.0)]
    half, _, _ = answer_to(shipped, Line.of(loop, is_positive=False, is_loop=True), *earlier)
    assert not half[40:160, 150:].any()
    assert (half[:, :140] == stroked[:, :140]).mean() > 0.99


def test_a_loop_finds_what_it_encloses_and_a_further_one_adds_to_it(shipped: Predictor) -> None:
    pixels = np.full((160, 240, 3), 120, np.uint8)
    pixels[40:100, 30:90] = (200, 60, 40)
    pixels[60:120, 150:200] = (60, 70, 190)
    pixels = (pixels + np.random.default_rng(1).normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)
    shipped.set_image(pixels)
    first = Line.of([(22, 30), (98, 34), (96, 108), (20, 106)], is_loop=True)
    found, _, logits = answer_to(shipped, first)
    truth = np.zeros(found.shape, bool)
    truth[40:100, 30:90] = True
    assert mask_iou(found, truth) > 0.9
    second = Line.of([(142, 52), (208, 54), (206, 128), (144, 126)], is_loop=True)
    both, _, _ = answer_to(shipped, second, None, None, first.box(), logits)
    truth[60:120, 150:200] = True
    assert mask_iou(both, truth) > 0.9
    assert (both & found).sum() == found.sum()


def test_what_else_a_stroke_may_mean_keeps_the_stroke(shipped: Predictor) -> None:
    pixels, _, way = thin_scene()
    shipped.set_image(pixels)
    line = Line.of(way)
    found = line_candidates(shipped, line, None, None, None, None)
    assert len(found) == 1 + shipped.click_runner.num_candidates
    for mask, _, _ in found:
        assert mask[line.pixels(mask.shape)].all()
