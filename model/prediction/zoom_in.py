"""The second look: an object of a reduced picture is segmented again from a zoomed view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from model.prediction.inputs import Pointing
from model.prediction.outputs import EncodedImage
from model.prediction.postprocess import clean_mask
from model.prediction.resample import (
    ZoomLimits,
    grow_in_bands,
    resize_logits,
    resize_pixels,
    working_size,
    zoomed_size,
)
from model.prediction.runner import Runner
from model.prediction.zoom_region import (
    MARGINS,
    WORTHWHILE,
    Bounds,
    EncodedRegion,
    bounds_of_interest,
    grown,
    on_grid,
)

ZOOM: Final = ZoomLimits(pixels=320 * 320, most_pixels=448 * 448, enlarged=2.5)

Answer = tuple[NDArray[np.bool_], float, NDArray[np.float32]]
"""mask bool [H, W], estimated IoU, logits float32 [h, w] of the reduced picture."""


def refine_by_zoom(
    image: EncodedImage,
    runner: Runner,
    pointing: Pointing,
    first: tuple[NDArray[np.float32], float],
    max_pixels: int,
    *,
    candidate: int = 0,
    is_preview: bool = False,
) -> Iterator[tuple[bool, Answer]]:
    """Refine the answer where a zoomed view shows more: of small objects, and of reduced images.

    Args:
        image: it remembers the zoomed view for the next click.
        runner: of the same weights.
        pointing: in pixels of the image.
        first: logits [h, w] and score of the answer from the reduced picture.
        max_pixels: size at which a region may be encoded.
        candidate: which meaning is asked for, see `Runner.segment`.
        is_preview: whether nobody has clicked yet; then what the next click begins with stays as it is.

    Yields:
        Where a region has to be encoded, which takes a multiple of the time so far, first what is known
        without it, as (False, answer); then, always, (True, the final answer).
    """
    overview, score = first
    coarse = clean_mask(overview > 0, pointing.moved((0.0, 0.0), image.scale_xy))
    wanted = bounds_of_interest(coarse, pointing, image.scale_xy, image.shape)
    has_answered = False
    for margin in MARGINS:
        zoomed = _known_region(image, wanted, margin)
        if zoomed is None:
            bounds = on_grid(grown(wanted, margin, image.shape), image.shape)
            size = _zoomed_size(image, bounds, max_pixels)
            if size is None:
                break
            zoomed = _glimpsed(image, bounds, size)
            if zoomed is None and not has_answered:
                has_answered = True
                yield False, (_rough(image, pointing, wanted, coarse, overview), score, overview)
            zoomed = zoomed or _encoded(image, runner, bounds, size, max_pixels)
            _keep(image, zoomed, is_preview=is_preview)
        close, close_score = _segment_zoomed(image, runner, pointing, zoomed, overview, candidate)
        mask = clean_mask(_placed(close, zoomed.bounds, image.shape), pointing)
        row0, col0, row1, col1 = zoomed.bounds
        if not zoomed.touches(mask[row0:row1, col0:col1], image.shape):
            yield True, (mask, close_score, _with_part(image, overview, zoomed.bounds, close))
            return
    mask = clean_mask(_enlarged(overview, image.shape), pointing) if image.is_reduced else coarse
    yield True, (mask, score, overview)


def _known_region(image: EncodedImage, wanted: Bounds, margin: float) -> EncodedRegion | None:
    """The region that was encoded before, if it shows ``wanted``."""
    is_shown = margin == MARGINS[0] and image.zoomed is not None and image.zoomed.holds(wanted, image.shape)
    return image.zoomed if is_shown else None


def _glimpsed(image: EncodedImage, bounds: Bounds, size: tuple[int, int]) -> EncodedRegion | None:
    """What a preview encoded, if it is the same."""
    return next((each for each in image.glimpsed if (each.bounds, each.size) == (bounds, size)), None)


def _keep(image: EncodedImage, region: EncodedRegion, *, is_preview: bool) -> None:
    """Keep what was looked at; a preview looks at as many regions as there are margins."""
    if not is_preview:
        image.zoomed = region
        return
    others = tuple(each for each in image.glimpsed if each is not region)
    image.glimpsed = (region, *others)[: len(MARGINS)]


def _zoomed_size(image: EncodedImage, bounds: Bounds, limit: int) -> tuple[int, int] | None:
    """The size at which to encode a region; None where a zoomed view would show no more."""
    shape = bounds[2] - bounds[0], bounds[3] - bounds[1]
    size = zoomed_size(shape, ZOOM)
    if size[0] * size[1] > limit:
        size = working_size(shape, limit)
    return None if size[0] < WORTHWHILE * shape[0] * image.scale_xy[1] else size


def _encoded(
    image: EncodedImage, runner: Runner, bounds: Bounds, size: tuple[int, int], limit: int
) -> EncodedRegion:
    """A region, encoded on its own at ``size``, or smaller where memory does not allow that."""
    row0, col0, row1, col1 = bounds
    region = image.pixels[row0:row1, col0:col1]

    def attempt(max_pixels: int) -> EncodedRegion:
        is_enough = max_pixels >= size[0] * size[1]
        allowed = size if is_enough else working_size((row1 - row0, col1 - col0), max_pixels)
        return EncodedRegion(bounds, allowed, runner.encode(resize_pixels(region, allowed)))

    return runner.within_memory(limit, attempt)


def _rough(
    image: EncodedImage,
    pointing: Pointing,
    wanted: Bounds,
    coarse: NDArray[np.bool_],
    overview: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """What is known before the zoom, at full size; only the part ``wanted`` is enlarged."""
    if not image.is_reduced:
        return coarse
    bounds = grown(wanted, 0.05, image.shape)
    row0, col0, row1, col1 = bounds
    part = _part_of(overview, bounds, image.scale_xy)
    local = pointing.moved((col0, row0), (1.0, 1.0))
    mask = np.zeros(image.shape, dtype=bool)
    region = resize_logits(overview[part], (row1 - row0, col1 - col0)) > 0
    mask[row0:row1, col0:col1] = clean_mask(region, _inside(local, region.shape))
    return mask


def _segment_zoomed(
    image: EncodedImage,
    runner: Runner,
    pointing: Pointing,
    zoomed: EncodedRegion,
    overview: NDArray[np.float32],
    candidate: int,
) -> tuple[NDArray[np.float32], float]:
    """Logits of the region of ``zoomed``, starting from what the reduced picture gave."""
    local = pointing.moved((zoomed.bounds[1], zoomed.bounds[0]), zoomed.scale_xy)
    part = _part_of(overview, zoomed.bounds, image.scale_xy)
    earlier = resize_logits(overview[part], zoomed.size)
    logits, score, _ = runner.segment(
        zoomed.encoding, _inside(local, zoomed.size), earlier, candidate=candidate
    )
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


def _with_part(
    image: EncodedImage, overview: NDArray[np.float32], bounds: Bounds, close: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Logits of the reduced picture with those of a region that was looked at closely."""
    logits, part = overview.copy(), _part_of(overview, bounds, image.scale_xy)
    logits[part] = resize_logits(close, logits[part].shape)
    return logits


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
        box = np.clip(box.reshape(2, 2), 0, limits).reshape(4)  # [4]
    return Pointing(pointing.xy[is_inside], pointing.is_positive[is_inside], box)
