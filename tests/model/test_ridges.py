"""Thin things under strokes: found at their own width where they stand out, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model.prediction.line_answers import line_candidates, line_stages
from model.prediction.lines import Line
from model.prediction.predictor import Predictor
from model.prediction.ridges import THIN_SCORE, Ridge, ridge_under
from tests.model.clicked_scenes import trained_network

SHAPE = (240, 320)
ROWS, COLS = np.mgrid[: SHAPE[0], : SHAPE[1]]
NEIGHBOURS = np.ones((3, 3), bool)


def middle(cols: np.ndarray) -> np.ndarray:
    """The row at which the thin thing of the scenes runs."""
    return 120 + 30 * np.sin(cols / 45) + 4 * np.sin(cols / 9)


def thin(width: float) -> np.ndarray:
    slope = 30 / 45 * np.cos(COLS / 45) + 4 / 9 * np.cos(COLS / 9)
    away = np.abs(ROWS - middle(COLS)) / np.hypot(1, slope)
    return (away < width / 2) & (COLS > 20) & (COLS < 300)


def grainy(pixels: np.ndarray, grain: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, grain, pixels.shape)
    return (pixels + noise).clip(0, 255).astype(np.uint8)


def ground(*, tone: tuple[int, int, int] = (150, 146, 140)) -> np.ndarray:
    return np.broadcast_to(np.array(tone, float), (*SHAPE, 3)).copy()


def by_hand(first: int = 30, end: int = 292, seed: int = 1) -> Line:
    """Along the thin thing, up to two pixels off."""
    cols = np.arange(first, end, 6.0)
    way = np.stack((cols, middle(cols)), 1) + 0.5
    return Line.of(way + np.random.default_rng(seed).uniform(-2, 2, way.shape))


def found(pixels: np.ndarray, line: Line) -> Ridge:
    ridge = ridge_under(pixels, line)
    assert ridge is not None
    return ridge


def assert_follows(mask: np.ndarray, truth: np.ndarray) -> None:
    """Of the part that was drawn along: nothing farther than a pixel from the truth, and hardly anything missing."""
    assert (mask & ndimage.binary_dilation(truth, NEIGHBOURS)).sum() > 0.95 * mask.sum()
    drawn_along = truth & (COLS > 40) & (COLS < 280)
    assert (drawn_along & ndimage.binary_dilation(mask, NEIGHBOURS)).sum() > 0.95 * drawn_along.sum()


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("tone", [(70, 70, 66), (235, 235, 228)])
def test_a_crack_and_a_bright_hair_are_found_at_their_own_width(
    width: int, tone: tuple[int, int, int]
) -> None:
    truth, pixels = thin(width), ground()
    pixels[truth] = tone
    ridge = found(grainy(pixels, 14), by_hand())
    assert ridge.is_clear
    assert ridge.is_likelier_than(0.8)
    assert_follows(ridge.mask, truth)


def test_a_wire_as_bright_as_the_ground_is_told_by_its_colour() -> None:
    truth, pixels = thin(3), ground(tone=(120, 150, 120))
    pixels[truth] = (180, 120, 120)
    ridge = found(grainy(pixels, 10), by_hand())
    assert ridge.is_likelier_than(0.8)
    assert_follows(ridge.mask, truth)


def test_a_wire_between_two_grounds_takes_in_neither() -> None:
    truth, pixels = thin(3), ground()
    pixels[middle(COLS) > ROWS] = (215, 210, 200)
    pixels[truth] = (60, 60, 60)
    ridge = found(grainy(pixels, 8), by_hand())
    assert ridge.is_likelier_than(0.8)
    assert_follows(ridge.mask, truth)


def test_a_crack_with_gaps_is_one_piece() -> None:
    truth, pixels = thin(3), ground()
    pixels[truth & (COLS % 60 > 6)] = (70, 70, 66)
    ridge = found(grainy(pixels, 8), by_hand())
    assert ndimage.label(ridge.mask, NEIGHBOURS)[1] == 1
    assert ridge.is_likelier_than(0.8)


def test_the_way_along_a_very_long_stroke_has_no_gaps() -> None:
    ridge = found(np.zeros((320, 9010, 3), np.uint8), Line.of([(10, 20), (9000, 300)]))
    assert ndimage.label(ridge.mask, NEIGHBOURS)[1] == 1


def step_edge() -> np.ndarray:
    pixels = ground()
    pixels[middle(COLS) > ROWS] = (80, 90, 120)
    return grainy(pixels, 8)


def broad_band() -> np.ndarray:
    pixels = ground()
    pixels[thin(24)] = (70, 60, 60)
    return grainy(pixels, 8)


def coarse_grain() -> np.ndarray:
    noise = np.random.default_rng(3).normal(size=(*SHAPE, 3))
    return (130 + 200 * ndimage.gaussian_filter(noise, (3, 3, 0))).clip(0, 255).astype(np.uint8)


def stripes_across() -> np.ndarray:
    pixels = ground()
    pixels[COLS % 10 < 3] = (60, 60, 60)
    return grainy(pixels, 5)


def stains() -> np.ndarray:
    pixels = ground()
    pixels[thin(4) & (COLS % 90 < 30)] = (70, 70, 66)
    return grainy(pixels, 10)


@pytest.mark.parametrize(
    "pixels",
    [
        ground().astype(np.uint8),
        grainy(ground(), 14),
        step_edge(),
        broad_band(),
        coarse_grain(),
        stripes_across(),
        stains(),
    ],
    ids=["even", "grain", "edge", "band", "coarse", "across", "stains"],
)
def test_a_stroke_along_no_thin_thing_is_left_to_the_network(pixels: np.ndarray) -> None:
    for seed in range(4):
        ridge = found(pixels, by_hand(seed=seed))
        assert not ridge.is_clear
        assert not ridge.is_likelier_than(0.5)


def test_loops_and_short_strokes_tell_too_little() -> None:
    pixels = ground().astype(np.uint8)
    assert ridge_under(pixels, Line.of([(10, 10), (60, 10), (60, 60)], is_loop=True)) is None
    assert ridge_under(pixels, Line.of([(10, 10), (30, 12)])) is None


PLACES = st.tuples(st.floats(-20, 80), st.floats(-20, 70))


@settings(max_examples=150, deadline=None)
@given(st.lists(PLACES, min_size=2, max_size=12), st.integers(0, 20))
def test_whatever_is_drawn_the_answer_stays_close_by_and_in_one_piece_with_it(
    places: list[tuple[float, float]], seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    line = Line.of(places)
    ridge = ridge_under(pixels, line)
    if ridge is None:
        return
    assert ridge.mask.shape == (50, 60)
    assert np.isfinite([ridge.covered, ridge.distinct]).all()
    rows, cols = np.nonzero(ridge.mask)
    along = line.evenly(200)
    away = np.hypot(cols[:, None] + 0.5 - along[:, 0], rows[:, None] + 0.5 - along[:, 1]).min(
        axis=1, initial=np.inf
    )
    assert (away < 30).all()
    if all(12 < x < 48 and 12 < y < 38 for x, y in places):
        assert ndimage.label(ridge.mask, NEIGHBOURS)[1] == 1


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return Predictor(trained_network(), "cpu")


def cracked() -> tuple[np.ndarray, np.ndarray]:
    """A pavement with a crack that has a branch going down from its middle, and the mask of the crack alone."""
    truth, pixels = thin(3), ground()
    pixels[truth | BRANCH] = (70, 70, 66)
    return grainy(pixels, 14), truth


BRANCH = (np.abs(COLS - 160 - 4 * np.sin(ROWS / 12)) < 1.5) & (middle(COLS) < ROWS) & (ROWS < 225)


def answer_to(predictor: Predictor, line: Line, *earlier: object) -> tuple[np.ndarray, float, np.ndarray]:
    *_, (is_final, answer) = line_stages(predictor, line, *earlier)  # type: ignore[arg-type]
    assert is_final
    return answer


def test_a_stroke_along_a_crack_gives_the_crack_and_the_band_is_another_meaning(shipped: Predictor) -> None:
    pixels, truth = cracked()
    shipped.set_image(pixels)
    mask, score, _ = answer_to(shipped, by_hand())
    assert score == THIN_SCORE
    assert (mask & ndimage.binary_dilation(truth | BRANCH, NEIGHBOURS)).sum() > 0.9 * mask.sum()
    first, *others = line_candidates(shipped, by_hand())
    assert np.array_equal(first[0], mask)
    assert len(others) == 1 + shipped.click_runner.num_candidates
    assert others[0][0].sum() > 2 * mask.sum()


def test_a_further_stroke_adds_the_branch_and_no_band_and_a_click_keeps_both(shipped: Predictor) -> None:
    pixels, truth = cracked()
    shipped.set_image(pixels)
    line = by_hand()
    mask, _, logits = answer_to(shipped, line)
    clicks = [tuple(each) for each in line.clicks()]
    rows = np.arange(150.0, 222.0, 6.0)
    branch = Line.of(np.stack((160.5 + 4 * np.sin(rows / 12), rows), 1))
    both, _, logits = answer_to(shipped, branch, clicks, [1] * len(clicks), None, logits)
    assert not (mask & ~both).any(), "a positive stroke takes nothing away"
    near = ndimage.binary_dilation(truth | BRANCH, NEIGHBOURS)
    assert (both & near).sum() > 0.9 * both.sum()
    lower = BRANCH & (ROWS > 165) & (ROWS < 215)
    assert (lower & ndimage.binary_dilation(both, NEIGHBOURS)).sum() > 0.95 * lower.sum()
    clicks += [tuple(each) for each in branch.clicks()]
    inside = np.argwhere(both)[len(np.argwhere(both)) // 2][::-1] + 0.5
    again, _, _ = shipped.predict([*clicks, tuple(inside)], [1] * (len(clicks) + 1), mask_input=logits)
    assert np.array_equal(again, both), "a click on what is there already changes nothing"


def test_a_stroke_in_a_thick_thing_is_the_networks(shipped: Predictor) -> None:
    pixels = ground()
    pixels[60:190, 40:280] = (60, 90, 160)
    shipped.set_image(grainy(pixels, 10))
    for seed in range(3):
        mask, score, _ = answer_to(shipped, by_hand(60, 260, seed))
        assert score != THIN_SCORE
        assert mask[70:180, 50:270].mean() > 0.9
