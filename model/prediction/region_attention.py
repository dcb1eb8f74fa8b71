"""Attention maps of an encoded image, and of a part of it seen zoomed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelError
from model.networks.experts import AttentionMaps
from model.prediction.outputs import Attention, EncodedImage
from model.prediction.resample import resize_pixels, working_size
from model.prediction.runner import Runner

Region = tuple[int, int, int, int]
"""(row0, col0, row1, col1) in pixels of the image, half-open."""

PART_PIXELS: Final = 1 << 20
"""A part with more pixels is reduced to this many before it is encoded: at most 65 536 tokens."""


def as_attention(
    maps: AttentionMaps | None,
    size: tuple[int, int],
    stride: int,
    shape: tuple[int, int],
    origin: tuple[int, int] = (0, 0),
) -> Attention:
    """Maps without what fell on padding.

    Args:
        maps: of a network, [1, heads, K, h, w].
        size: (rows, columns) of the picture that was encoded.
        stride: its pixels per token.
        shape: (rows, columns) of the image, or of the part of it, that the picture shows.
        origin: row and column of the image at which the part begins.

    Raises:
        ModelError: the network has no maps.
    """
    if maps is None:
        raise ModelError("This network has no attention maps to show.", action="Use another architecture.")
    rows, cols = (-(-side // stride) for side in size)
    look, mix = (part[0, ..., :rows, :cols].float().cpu().numpy() for part in (maps.look, maps.mix))
    total = look.sum((-1, -2), keepdims=True)
    look = np.divide(look, total, out=np.full_like(look, 1 / (rows * cols)), where=total > 0)
    return Attention(look, mix, shape, stride * shape[0] / size[0], origin)


def attention_of_part(
    image: EncodedImage, runner: Runner, region: Region, whole: Attention, max_pixels: int = PART_PIXELS
) -> Attention:
    """The maps of a region with more tokens than ``whole`` has there: the region alone is encoded.

    The experts are those of the whole image, so that the maps are finer and not others: what a token of the
    region reads of them is its mix. Where they look within the region is what they would look at there, and
    ``look`` sums to the share of their whole look that lies in the region.

    Args:
        image: as encoded.
        runner: that encoded it.
        region: (row0, col0, row1, col1), half-open, in pixels of the image.
        whole: the maps of the whole image.
        max_pixels: a larger region is reduced to this many pixels.

    Raises:
        ModelError: the region is empty or outside the image.
    """
    row0, col0, row1, col1 = region
    rows, cols = image.shape
    if not (0 <= row0 < row1 <= rows and 0 <= col0 < col1 <= cols):
        raise ModelError(
            f"The region {list(region)} is empty or outside the image of {rows} x {cols} pixels.",
            action="Give (row0, col0, row1, col1) in pixels.",
        )
    part = image.pixels[row0:row1, col0:col1]
    shape = row1 - row0, col1 - col0

    def attempt(most: int) -> Attention:
        size = working_size(shape, most)
        encoding = with_experts_of(runner.encode(resize_pixels(part, size)), image.encoding)
        _, maps = runner.classify(encoding, need_attention=True)
        return as_attention(maps, size, runner.stride, shape, (row0, col0))

    finer = runner.within_memory(max_pixels, attempt)
    return replace(finer, look=finer.look * share_within(whole, region)[..., None, None])


def with_experts_of(part: Any, whole: Any) -> Any:
    """The encoding of a part with the experts that looked at the whole."""
    names = (name for name in ("experts", "class_experts") if hasattr(part, name))
    return replace(part, **{name: getattr(whole, name) for name in names})


def share_within(maps: Attention, region: Region) -> NDArray[np.float32]:
    """The share of every look that lies within a region, float32 [heads, K]; tokens at its edge count by area."""
    rows = _covered(maps.look.shape[-2], maps.stride, maps.shape[0], region[0], region[2])
    cols = _covered(maps.look.shape[-1], maps.stride, maps.shape[1], region[1], region[3])
    return np.asarray(np.einsum("nkij,i,j->nk", maps.look, rows, cols, optimize=True), dtype=np.float32)


def _covered(count: int, stride: float, side: int, start: int, stop: int) -> NDArray[np.float32]:
    """Of each of ``count`` tokens along a side of the image, the share between two pixels."""
    edges = np.minimum(np.arange(count + 1) * stride, side)
    inside = np.diff(np.clip(edges, start, stop))
    return np.asarray(inside / np.maximum(np.diff(edges), 1e-6), dtype=np.float32)
