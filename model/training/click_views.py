"""Accepted objects as the click decoder meets them: from afar and zoomed in, encoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.networks.encoding import Encoding
from model.networks.network import LatentExpertNetwork
from model.prediction.inputs import brightened
from model.prediction.predictor import CLICK_PIXELS
from model.prediction.resample import resize_pixels, working_size, zoomed_size
from model.prediction.zoom_in import ZOOM
from model.prediction.zoom_region import MARGINS, Bounds, grown, on_grid
from model.training.click_examples import ClickExample

MOST_VIEWS: Final = 32
"""Each takes some 15 MB."""

_ZOOM: Final = replace(ZOOM, most_pixels=ZOOM.pixels)
_MISSED, _ADDED = 0.12, 0.25
"""A zoom is aimed at what the answer from afar holds: it misses so much of the object's box, or adds so much."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture, encoded, and the object in it: float 0/1 [1, 1, h, w]."""

    encoding: Encoding
    target: Tensor


@dataclass(frozen=True, slots=True)
class ClickView:
    """An object from afar and zoomed in.

    Attributes:
        far: the whole image, reduced.
        close: a region of it.
        origin: (x, y) in pixels of ``far`` at which the region begins.
        scale: (x, y), pixels of ``close`` per pixel of ``far``.
    """

    far: Seen
    close: Seen
    origin: Tensor
    scale: Tensor

    def into(self, xy: Tensor) -> Tensor:
        """Places in pixels of ``far`` [B, P, 2] in pixels of ``close``."""
        return (xy - self.origin) * self.scale

    def out_of(self, xy: Tensor) -> Tensor:
        """Places in pixels of ``close`` [B, P, 2] in pixels of ``far``."""
        return xy / self.scale + self.origin

    def zoomed_in(self, logits: Tensor) -> Tensor:
        """Logits [1, 1, h, w] of ``far`` as those of ``close``, as far as it shows them."""
        return _resized(logits[self._part(logits)], self.close.target)

    def put_back(self, far: Tensor, close: Tensor) -> Tensor:
        """Logits of ``far`` with those of ``close`` where it shows more."""
        whole, part = far.clone(), self._part(far)
        whole[part] = _resized(close, whole[part])
        return whole

    def _part(self, logits: Tensor) -> tuple[slice, slice, slice, slice]:
        size = torch.tensor(self.close.target.shape[:1:-1], device=self.scale.device) / self.scale
        left, top = (round(float(each)) for each in self.origin)
        right, bottom = (round(float(each)) for each in self.origin + size)
        every = slice(None)
        return every, every, slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def views_of(
    network: LatentExpertNetwork, examples: Sequence[ClickExample], generator: np.random.Generator
) -> Iterator[ClickView]:
    """Views of objects, as they are and, if there are few, mirrored.

    Args:
        network: encodes, on its device.
        examples: at most `MOST_VIEWS` are looked at.
        generator: of the regions.
    """
    wholes: dict[tuple[int, bool], tuple[Encoding, tuple[int, int]]] = {}
    shown = [(each, False) for each in examples][:MOST_VIEWS]
    shown += [(each, True) for each in examples][: MOST_VIEWS - len(shown)]
    for example, is_mirrored in shown:
        step = -1 if is_mirrored else 1
        image, truth = example.image[:, ::step], example.truth[:, ::step]
        size = working_size((image.shape[0], image.shape[1]), CLICK_PIXELS)
        key = id(example.image), is_mirrored
        if key not in wholes:
            wholes[key] = encoded_for_clicks(network, resize_pixels(image, size)), size
        far = Seen(wholes[key][0], _target(network, truth, size))
        yield _with_zoom(network, image, truth, far, generator)


@torch.no_grad()
def encoded_for_clicks(network: LatentExpertNetwork, pixels: NDArray[np.uint8]) -> Encoding:
    """A picture uint8 [H, W, 3] as clicks are answered from, with nothing that only classes want."""
    if getattr(network, "separates", False):
        pixels = brightened(pixels)
    device = network.experts.device
    source = torch.from_numpy(np.array(pixels, order="C")).to(device)
    image = source.permute(2, 0, 1)[None].float() / 255  # [1, 3, H, W]
    encoding, _ = network.encode_fully(image)
    return encoding


def _with_zoom(
    network: LatentExpertNetwork,
    image: NDArray[np.uint8],
    truth: NDArray[np.bool_],
    far: Seen,
    generator: np.random.Generator,
) -> ClickView:
    row0, col0, row1, col1 = bounds = _region(truth, generator)
    shape = row1 - row0, col1 - col0
    size = zoomed_size(shape, _ZOOM)
    device = network.experts.device
    rows, cols = far.target.shape[-2:]
    reduced = cols / truth.shape[1], rows / truth.shape[0]
    scale = size[1] / (shape[1] * reduced[0]), size[0] / (shape[0] * reduced[1])
    part = (slice(bounds[0], bounds[2]), slice(bounds[1], bounds[3]))
    close = Seen(
        encoded_for_clicks(network, resize_pixels(image[part], size)), _target(network, truth[part], size)
    )
    origin = torch.tensor((col0 * reduced[0], row0 * reduced[1]), device=device)
    return ClickView(far, close, origin, torch.tensor(scale, device=device))


def _region(truth: NDArray[np.bool_], generator: np.random.Generator) -> Bounds:
    """What a zoom would show, if the answer so far were about right."""
    rows, cols = np.flatnonzero(truth.any(axis=1)), np.flatnonzero(truth.any(axis=0))
    edges = np.array((rows[0], cols[0], rows[-1] + 1, cols[-1] + 1))
    sides = np.tile(edges[2:] - edges[:2], 2)
    off = generator.uniform(-_MISSED, _ADDED, 4) * sides * (-1, -1, 1, 1)
    height, width = truth.shape
    row0, col0, row1, col1 = np.rint(edges + off).clip(0, (height, width) * 2).astype(int).tolist()
    return on_grid(grown((row0, col0, row1, col1), MARGINS[0], (height, width)), (height, width))


def _target(network: LatentExpertNetwork, truth: NDArray[np.bool_], size: tuple[int, int]) -> Tensor:
    whole = torch.from_numpy(truth.astype(np.float32)).to(network.experts.device)[None, None]
    return (F.interpolate(whole, size=size, mode="area") > 0.5).float()


def _resized(logits: Tensor, like: Tensor) -> Tensor:
    size = (like.shape[-2], like.shape[-1])
    return F.interpolate(logits.float(), size=size, mode="bilinear", antialias=True)
