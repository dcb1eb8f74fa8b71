"""Proposals made tighter or wider; borders that follow edges of the picture."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from latentseg_gui.document.prediction import tightening
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.prediction.tightening import Tightening, follow_edges, tightened
from latentseg_gui.document.types import Mask, Rect

SHAPE = (100, 120)
ROWS, COLS = np.ogrid[: SHAPE[0], : SHAPE[1]]


def disc(radius: float) -> Mask:
    made: Mask = radius**2 >= (ROWS - 50) ** 2 + (COLS - 60) ** 2
    return made


def picture(noise: float = 12.0) -> np.ndarray:
    """A disc of radius 25 on a darker ground, with noise."""
    rng = np.random.default_rng(0)
    plain = np.where(disc(25)[..., None], (200, 120, 60), (70, 90, 110))
    return np.clip(plain + rng.normal(0, noise, (*SHAPE, 3)), 0, 255).astype(np.uint8)


def proposal(radius: float = 20) -> MaskProposal:
    """A disc whose chance falls from 1 in its middle to a half at its border, and on to 0."""
    mask = disc(radius)
    away = np.hypot(ROWS - 50, COLS - 60)
    chances = np.clip(255 * (1 - away / (2 * radius)), 0, 255).astype(np.uint8)
    rect = Rect.around(mask)
    wide = Rect(rect.row0 - 10, rect.col0 - 10, rect.row1 + 10, rect.col1 + 10)
    found = wide, chances[wide.slices].copy()
    return MaskProposal("image", "v1", rect, mask[rect.slices], 0.9, PromptSet(), chances=found)


def whole(made: MaskProposal) -> Mask:
    area = np.zeros(SHAPE, bool)
    area[made.rect.slices] = made.mask
    return area


def iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_what_is_set_to_nothing_leaves_the_proposal_itself() -> None:
    given = proposal()
    assert tightened(given, Tightening(), picture()) is given


def test_a_higher_cutoff_is_tighter_and_a_lower_one_wider() -> None:
    areas = [
        whole(tightened(proposal(), Tightening(cutoff), picture())) for cutoff in (0.3, 0.4, 0.5, 0.6, 0.9)
    ]
    for wider, tighter in itertools.pairwise(areas):
        assert wider.sum() > tighter.sum()
        assert not (tighter & ~wider).any()
    assert iou(areas[1], disc(24)) > 0.95


def test_a_lower_cutoff_takes_in_nothing_that_lies_apart() -> None:
    given = proposal(10)
    assert given.chances is not None
    rect, chances = given.chances
    chances = chances.copy()
    chances[:3, :3] = 250
    made = tightened(replace(given, chances=(rect, chances)), Tightening(0.4), picture())
    assert not whole(made)[rect.row0 : rect.row0 + 3, rect.col0 : rect.col0 + 3].any()


@pytest.mark.parametrize(("shift", "radius"), [(4, 24), (-4, 16), (15, 35)])
def test_grow_and_shrink_go_by_pixels(shift: int, radius: float) -> None:
    made = tightened(proposal(), Tightening(shift=shift), picture())
    assert iou(whole(made), disc(radius)) > 0.93


def test_a_proposal_shrunk_to_nothing_is_empty_and_one_at_the_border_stays_inside() -> None:
    assert tightened(proposal(5), Tightening(shift=-15), picture()).rect.is_empty
    area = np.zeros(SHAPE, bool)
    area[:10, :10] = True
    given = MaskProposal("image", "v1", Rect(0, 0, 10, 10), area[:10, :10], 0.9, PromptSet())
    made = tightened(given, Tightening(shift=5, follows_edges=True), picture())
    assert made.rect.row0 == made.rect.col0 == 0
    assert made.mask.shape == made.rect.shape


@pytest.mark.parametrize("radius", [23, 24, 27])
def test_a_border_beside_an_edge_is_drawn_to_it(radius: float) -> None:
    rough = disc(radius)
    made = follow_edges(rough, picture())
    assert iou(made, disc(25)) > iou(rough, disc(25)) + 0.02


def test_a_ragged_border_is_drawn_to_the_edge() -> None:
    rng = np.random.default_rng(1)
    rough = disc(25) ^ ((ndimage.gaussian_filter(rng.random(SHAPE), 1) > 0.53) & disc(28) & ~disc(22))
    assert iou(follow_edges(rough, picture()), disc(25)) > iou(rough, disc(25))


def test_where_the_picture_has_no_edge_the_border_stays_about_where_it_is() -> None:
    flat = np.full((*SHAPE, 3), 90, np.uint8)
    assert iou(follow_edges(disc(25), flat), disc(25)) > 0.95


def test_a_large_object_costs_its_border_and_ends_where_it_would_anyway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    side = 400
    rows, cols = np.ogrid[:side, :side]
    area = (rows - 200) ** 2 + (cols - 190) ** 2 < 150**2
    truth = (rows - 200) ** 2 + (cols - 194) ** 2 < 152**2
    noise = np.random.default_rng(0).normal(0, 12, (side, side, 3))
    pixels = np.clip(np.where(truth[..., None], 150, 90) + noise, 0, 255).astype(np.uint8)
    asked, guided = list[float](), tightening._guided

    def everywhere(values: np.ndarray, guide: np.ndarray, radius: int, *, where: Mask) -> np.ndarray:
        asked.append(where.mean())
        return guided(values, guide, radius, where=np.ones_like(where))

    made = follow_edges(area, pixels)
    monkeypatch.setattr(tightening, "_guided", everywhere)
    assert (follow_edges(area, pixels) == made).all()
    assert (made != area).any()
    assert asked[0] < 0.4, "of the pixels; few of a larger one"
