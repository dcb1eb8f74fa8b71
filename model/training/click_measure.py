"""How many clicks objects need: a simulated person clicks until the mask is right, as the tool would answer.

The next click falls into the larger error, on its innermost point or anywhere in it that is deep enough (Sofiiuk et
al., arXiv 2102.06583, and sloppier).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction.predictor import Predictor
from model.prediction.resample import resize_pixels, working_size
from model.training.click_examples import ClickExample

GOALS: Final = (0.85, 0.9)
MOST_CLICKS: Final = 10

SLOPPINESS: Final = (0.0, 0.7)
"""How far from the innermost point people click, as a share of its depth: each object is clicked on by one of each."""

_MOST_PIXELS: Final = 1_500_000

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClickFigures:
    """IoU after each click, per object and person.

    Attributes:
        ious: one list for each.
    """

    ious: list[list[float]] = field(default_factory=list)

    def clicks_until(self, goal: float) -> float:
        """Mean number of clicks until the IoU is at least ``goal``; `MOST_CLICKS` where it never is. NaN for none."""
        if not self.ious:
            return float("nan")
        counts = (
            next((number for number, iou in enumerate(each, start=1) if iou >= goal), MOST_CLICKS)
            for each in self.ious
        )
        return float(np.mean(list(counts)))

    @property
    def clicks(self) -> float:
        """Mean over the `GOALS`."""
        return float(np.mean([self.clicks_until(goal) for goal in GOALS]))

    def iou_after(self, clicks: int) -> float:
        """Mean IoU; an object that was done earlier keeps its last. NaN for none."""
        return float(np.mean([each[min(clicks, len(each)) - 1] for each in self.ious] or [np.nan]))


def measure_clicks(
    predictor: Predictor, examples: Iterable[ClickExample], figures: ClickFigures, *, seed: int = 0
) -> Iterator[None]:
    """Click on objects until each is right, an item for every click.

    Args:
        predictor: its image is changed.
        examples: those of one image one after the other cost least.
        figures: are filled.
        seed: of where sloppy people click.
    """
    before = None
    for example in examples:
        image, truth = _reduced(example)
        if before is not example.image:
            predictor.set_image(image)
        before = example.image
        for sloppiness in SLOPPINESS:
            generator = np.random.default_rng((seed, example.turn))
            predictor.encoding.for_clicks.zoomed = None  # what was looked at for others is no help
            yield from _clicked(predictor, truth, figures, sloppiness, generator)


def _clicked(
    predictor: Predictor,
    truth: Mask,
    figures: ClickFigures,
    sloppiness: float,
    generator: np.random.Generator,
) -> Iterator[None]:
    mask, logits = np.zeros(truth.shape, bool), None
    places: list[tuple[int, int]] = []
    signs: list[bool] = []
    ious: list[float] = []
    while len(places) < MOST_CLICKS and (not ious or ious[-1] < max(GOALS)):
        click = click_into_error(mask, truth, places, sloppiness, generator)
        if click is None:
            break
        places.append(click[0])
        signs.append(click[1])
        xy = np.array(places, np.float32)[:, ::-1] + 0.5  # [P, 2]
        mask, _, logits = predictor.predict(xy, np.array(signs, int), mask_input=logits)
        ious.append(float((mask & truth).sum() / (mask | truth).sum()))
        yield
    figures.ious.append(ious or [1.0])


def click_into_error(
    mask: Mask,
    truth: Mask,
    done: Sequence[tuple[int, int]],
    sloppiness: float,
    generator: np.random.Generator,
) -> tuple[tuple[int, int], bool] | None:
    """Where a person would click next, (row, column), and whether on the object; None where nothing is wrong.

    Args:
        mask: what was answered, [H, W].
        truth: what is wanted.
        done: clicks so far; the same pixel is not clicked twice.
        sloppiness: 0 for the innermost point; else how far from it, as a share of its depth.
        generator: of the place.
    """
    best: tuple[float, bool, NDArray[np.float64], tuple[int, int]] | None = None
    for is_positive in (True, False):
        wrong = (truth & ~mask) if is_positive else (mask & ~truth)
        for place in done:
            wrong[place] = False
        if not wrong.any():
            continue
        rows, cols = ndimage.find_objects(wrong.astype(np.uint8))[0]
        depth = ndimage.distance_transform_edt(np.pad(wrong[rows, cols], 1))[1:-1, 1:-1]
        if best is None or depth.max() > best[0]:
            best = float(depth.max()), is_positive, depth, (rows.start, cols.start)
    if best is None:
        return None
    deepest, is_positive, depth, (row, col) = best
    own_rows, own_cols = np.nonzero(depth >= deepest * (1 - sloppiness))
    chosen = int(generator.integers(len(own_rows))) if sloppiness else 0
    return (row + int(own_rows[chosen]), col + int(own_cols[chosen])), is_positive


def _reduced(example: ClickExample) -> tuple[NDArray[np.uint8], Mask]:
    """Image and object, smaller where the image is large: a person would look at a part of it."""
    size = working_size((example.image.shape[0], example.image.shape[1]), _MOST_PIXELS)
    truth = example.truth
    if size == truth.shape:
        return example.image, truth
    rows, cols = (
        ((np.arange(small) + 0.5) * side / small).astype(int)
        for small, side in zip(size, truth.shape, strict=True)
    )
    return resize_pixels(example.image, size), truth[rows][:, cols]
