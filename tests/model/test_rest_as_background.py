"""Background is what nobody labelled, but not the rim of a stroke that looks like it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from model.training import rest_as_background
from model.training.rest_as_background import MOST, Rims, open_rim, with_rest_as_background
from model.training.types import ACCEPTED, IGNORED, IMPORTED, PAINTED, TAKEN_OVER, LabelledImage

Labels = NDArray[np.uint8]
TOP = 20


def rows(start: int, stop: int, value: int = 1, rest: int = IGNORED) -> Labels:
    """A horizontal stroke right across."""
    labels = np.full((60, 80), rest, np.uint8)
    labels[start:stop] = value
    return labels


def wall(start: int, stop: int, *, contrast: int = 90) -> Labels:
    """Grainy concrete with a dark crack, lit from one side."""
    light = 110 + np.arange(80)[None] // 2 + np.random.default_rng(0).normal(0, 6, (60, 80))
    light[start:stop] -= contrast
    return np.repeat(light.clip(0, 255).astype(np.uint8)[..., None], 3, 2)


def sample(image: Labels, labels: Labels, origin: int | Labels | None = PAINTED) -> LabelledImage:
    given = np.full_like(labels, origin) if isinstance(origin, int) else origin
    objects = (labels == 1).astype(np.int32)
    return LabelledImage(image, labels, origin=given, objects=objects)


@pytest.mark.parametrize("is_grey", [False, True])
def test_what_a_stroke_has_too_much_is_left_open_and_all_else_is_background(is_grey: bool) -> None:
    labels = rows(TOP, TOP + 8)
    image = wall(TOP + 1, TOP + 6)
    made = with_rest_as_background(sample(image[..., 0] if is_grey else image, labels))
    assert (made.labels[TOP + 1 : TOP + 6] == 1).mean() > 0.99, "what is crack stays crack"
    for beside in (TOP, TOP + 6, TOP + 7):
        assert (made.labels[beside] == IGNORED).mean() > 0.95
    assert (made.labels[:TOP] == 0).all()
    assert (made.labels[TOP + 8 :] == 0).all()
    assert made.objects is not None
    assert ((made.objects > 0) == (made.labels == 1)).all()


@pytest.mark.parametrize(("first", "last"), [(0, 5), (1, 4), (2, 3)])
def test_a_stroke_that_is_right_or_too_thin_stays_whole(first: int, last: int) -> None:
    labels = rows(TOP + first, TOP + last)
    made = with_rest_as_background(sample(wall(TOP, TOP + 5), labels))
    assert (made.labels == 1).sum() > 0.99 * (labels == 1).sum()
    assert (made.labels[: TOP + first] == 0).all()


def test_where_a_picture_does_not_tell_the_stroke_is_believed() -> None:
    labels = rows(TOP, TOP + 8)
    made = with_rest_as_background(sample(wall(TOP + 1, TOP + 6, contrast=4), labels))
    assert (made.labels == 1).sum() > 0.98 * (labels == 1).sum()


@pytest.mark.parametrize("width", [1, 2, 3, 6, 12, 30])
def test_something_of_every_stroke_stays_and_no_rim_is_deep(width: int) -> None:
    image, labels = wall(TOP, TOP), rows(TOP, TOP + width)
    image[TOP + (width - 1) // 2] //= 3  # the thing is one pixel wide, or there is none
    is_open = open_rim(image, labels, labels == 1)
    left = (labels == 1) & ~is_open
    assert left[:, 5:-5].any(0).all()
    assert not is_open[TOP + MOST : TOP + width - MOST].any()


@pytest.mark.parametrize("origin", [ACCEPTED, IMPORTED, TAKEN_OVER, None])
def test_what_was_not_painted_ends_where_it_ends(origin: int | None) -> None:
    labels = rows(TOP, TOP + 8)
    made = with_rest_as_background(sample(wall(TOP + 1, TOP + 6), labels, origin))
    assert (made.labels == np.where(labels == 1, 1, 0)).all()


def test_only_the_painted_part_of_a_mask_is_open_and_the_rest_is_measured_on() -> None:
    labels = rows(TOP, TOP + 8)
    origin = np.full_like(labels, ACCEPTED)
    origin[:, 40:] = PAINTED
    made = with_rest_as_background(sample(wall(TOP + 1, TOP + 6), labels, origin))
    assert (made.labels[TOP : TOP + 8, :40] == 1).all()
    assert (made.labels[TOP, 40:] == IGNORED).mean() > 0.95
    assert (made.by_hand[:TOP] == 0).all()


def test_where_somebody_said_what_lies_beside_it_nothing_is_open() -> None:
    labels = rows(TOP, TOP + 8)
    labels[: TOP - 2], labels[TOP - 2 : TOP], labels[TOP + 8 :] = IGNORED, 0, 2
    image = wall(TOP + 1, TOP + 6)
    assert not open_rim(image, labels, labels == 1)[TOP + 2 :].any(), "another class lies there"
    assert not open_rim(image, rows(TOP, TOP + 8, rest=0), labels == 1).any()


def test_nothing_far_from_what_nobody_labelled_is_open() -> None:
    labels = rows(0, 10, rest=0)
    labels[:, 10:] = 0
    labels[-1, -1] = IGNORED  # all else has a label
    image = wall(0, 10)
    image[:, 10:] = image[:4, :4] = 200
    assert not open_rim(image, labels, labels == 1).any()


@pytest.mark.parametrize("tile", [16, 33])
def test_a_picture_looked_at_in_parts_gives_what_it_gives_as_a_whole(
    tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = rows(TOP, TOP + 8)
    labels[30:50, 11:29], labels[44:60, 52:60] = 2, 3
    image = wall(TOP + 1, TOP + 6)
    image[33:48, 13:27] //= 2
    whole = open_rim(image, labels, labels < 3)
    monkeypatch.setattr(rest_as_background, "_TILE", tile)
    assert whole.any()
    assert (open_rim(image, labels, labels < 3) == whole).all()


def test_only_what_has_changed_since_is_looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, look = list[int](), rest_as_background.open_rim

    def counted(image: Labels, labels: Labels, is_painted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        looked.append(int((labels == 1).sum()))
        return look(image, labels, is_painted)

    monkeypatch.setattr(rest_as_background, "open_rim", counted)
    image, rims, labels = wall(TOP + 1, TOP + 6), Rims(), rows(TOP, TOP + 8)
    other = rows(TOP, TOP + 7)
    known = (("a", image, labels), ("b", image, labels), ("a", image, labels))
    turns = (*known, ("a", image, other), ("a", image // 2, other), ("", image, other), ("", image, other))
    made = [
        with_rest_as_background(replace(sample(seen, said), name=name), rims) for name, seen, said in turns
    ]
    assert len(looked) == 6, "all but the third, which was known"
    monkeypatch.undo()
    for (_, seen, said), one in zip(turns, made, strict=True):
        assert (one.labels == with_rest_as_background(sample(seen, said)).labels).all()


def test_a_large_picture_costs_no_more_than_its_strokes() -> None:
    side = 2400
    labels = np.full((side, side), IGNORED, np.uint8)
    labels[10:18, 10:60] = labels[-18:-10, -60:-10] = 1
    image = np.full((side, side, 3), 40, np.uint8)
    tracemalloc.start()
    open_rim(image, labels, labels == 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * side**2, "bytes; colours as numbers alone would take 12 for every pixel of the picture"
