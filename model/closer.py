"""The second look: an object of a reduced picture is segmented again from a closer view."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from model.answers import EncodedImage
from model.focus import MARGINS, WORTHWHILE, Bounds, Focus, bounds_of_interest, grown
from model.inputs import Pointing
from model.postprocess import clean_mask
from model.resample import Closer, closer_size, grow_in_bands, resize_logits, shrink, working_size
from model.runner import Runner

CLOSER: Final = Closer(pixels=320 * 320, most_pixels=512 * 512, enlarged=2.5)

Answer = tuple[NDArray[np.bool_], float, NDArray[np.float32]]
"""mask bool [H, W], estimated IoU, logits float32 [h, w] of the reduced picture."""


def look_closer(
    image: EncodedImage,
    runner: Runner,
    pointing: Pointing,
    first: tuple[NDArray[np.float32], float],
    max_pixels: int,
) -> Answer:
    """Refine the answer where a closer view shows more: of small objects, and of reduced images.

    Args:
        image: it remembers the closer view for the next click.
        runner: of the same weights.
        pointing: in pixels of the image.
        first: logits [h, w] and score of the answer from the reduced picture.
        max_pixels: size at which a region may be encoded.
    """
    overview, score = first
    coarse = clean_mask(overview > 0, pointing.moved((0.0, 0.0), image.scale_xy))
    wanted = bounds_of_interest(coarse, pointing, image.scale_xy, image.shape)
    for margin in MARGINS:
        focus = _focus_on(image, runner, wanted, margin, max_pixels)
        if focus is None:
            break
        close, close_score = _segment_closer(image, runner, pointing, focus, overview)
        mask = clean_mask(_placed(close, focus.bounds, image.shape), pointing)
        row0, col0, row1, col1 = focus.bounds
        if not focus.touches(mask[row0:row1, col0:col1], image.shape):
            logits, part = overview.copy(), _part_of(overview, focus.bounds, image.scale_xy)
            logits[part] = resize_logits(close, logits[part].shape)
            return mask, close_score, logits
    if not image.is_reduced:
        return coarse, score, overview
    return clean_mask(_enlarged(overview, image.shape), pointing), score, overview


def _focus_on(image: EncodedImage, runner: Runner, wanted: Bounds, margin: float, limit: int) -> Focus | None:
    """An encoded region that shows ``wanted``; None where a closer view would show no more."""
    if margin == MARGINS[0] and image.focus is not None and image.focus.holds(wanted, image.shape):
        return image.focus
    bounds = grown(wanted, margin, image.shape)
    row0, col0, row1, col1 = bounds
    shape = row1 - row0, col1 - col0
    size = closer_size(shape, CLOSER)
    if size[0] * size[1] > limit:
        size = working_size(shape, limit)
    if size[0] < WORTHWHILE * shape[0] * image.scale_xy[1]:
        return None
    region = image.pixels[row0:row1, col0:col1]

    def attempt(max_pixels: int) -> Focus:
        allowed = size if max_pixels >= size[0] * size[1] else working_size(shape, max_pixels)
        return Focus(bounds, allowed, runner.encode(shrink(region, allowed)))

    image.focus = runner.within_memory(limit, attempt)
    return image.focus


def _segment_closer(
    image: EncodedImage, runner: Runner, pointing: Pointing, focus: Focus, overview: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """Logits of the region of ``focus``, starting from what the reduced picture gave."""
    local = pointing.moved((focus.bounds[1], focus.bounds[0]), focus.scale_xy)
    part = _part_of(overview, focus.bounds, image.scale_xy)
    earlier = resize_logits(overview[part], focus.size)
    logits, score, _ = runner.segment(focus.encoding, _inside(local, focus.size), earlier)
    return logits, score


def _placed(logits: NDArray[np.float32], bounds: Bounds, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of a region inside a picture of ``shape``."""
    row0, col0, row1, col1 = bounds
    mask = np.zeros(shape, dtype=bool)
    mask[row0:row1, col0:col1] = resize_logits(logits, (row1 - row0, col1 - col0)) > 0
    return mask


def _enlarged(logits: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of a reduced picture at full size."""
    mask = np.zeros(shape, dtype=bool)
    for rows, band in grow_in_bands(torch.from_numpy(logits)[None], shape):
        mask[rows] = band[0].numpy() > 0
    return mask


def _part_of(
    overview: NDArray[np.float32], bounds: Bounds, scale_xy: tuple[float, float]
) -> tuple[slice, slice]:
    """Where ``bounds`` lies in the reduced picture; never empty."""
    row0, col0, row1, col1 = bounds
    rows, cols = overview.shape
    top, left = min(round(row0 * scale_xy[1]), rows - 1), min(round(col0 * scale_xy[0]), cols - 1)
    return (
        slice(top, max(top + 1, round(row1 * scale_xy[1]))),
        slice(left, max(left + 1, round(col1 * scale_xy[0]))),
    )


def _inside(pointing: Pointing, size: tuple[int, int]) -> Pointing:
    """Only the clicks that lie inside a picture of ``size``, and the part of the box."""
    limits = np.array([size[1], size[0]], dtype=np.float32)
    is_inside = np.all((pointing.xy >= 0) & (pointing.xy <= limits), axis=1)
    box = pointing.box
    if box is not None:
        box = np.clip(box.reshape(2, 2), 0, limits).reshape(4)
    return Pointing(pointing.xy[is_inside], pointing.is_positive[is_inside], box)
