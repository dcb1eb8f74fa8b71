"""One normalisation for all tiles of a picture.

Group normalisation takes its mean and spread from whatever it is shown, so that a tile of sky comes out
otherwise than the same sky beside a house: that, far more than the context that a tile lacks, is why tiles
differ from the whole. So samples of the whole picture are shown first, and what they give holds for every tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

PATCHES = 4
"""A sample is a square of this many patches a side, evenly spread over the picture."""

_STEP = 32
_GRIDS = {1: (1, 1), 2: (1, 2), 4: (2, 2)}


class SharedNorms:
    """Statistics of the group normalisations of a network.

    Args:
        network: its normalisations are steered while a context of this object is open.
    """

    def __init__(self, network: nn.Module) -> None:
        self._norms = [each for each in network.modules() if isinstance(each, nn.GroupNorm)]
        self._sums: dict[int, tuple[int, Tensor, Tensor]] = {}
        self._known: dict[int, tuple[Tensor, Tensor]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether the network has no such normalisation."""
        return not self._norms

    @contextmanager
    def listening(self) -> Iterator[None]:
        """What the network is shown now counts; it is normalised as before."""
        with self._steered(self._listen):
            yield
        for index, (count, mean, square) in self._sums.items():
            each = self._norms[index]
            repeat = each.num_channels // each.num_groups
            spread = (square / count - (mean / count) ** 2).clamp(min=0)
            self._known[index] = (mean / count).repeat_interleave(repeat), spread.repeat_interleave(repeat)
        self._sums.clear()

    @contextmanager
    def imposed(self) -> Iterator[None]:
        """Everything is normalised by what was heard."""
        with self._steered(self._impose):
            yield

    @contextmanager
    def _steered(self, forward: Callable[[int, Tensor], Tensor]) -> Iterator[None]:
        for index, each in enumerate(self._norms):
            each.__dict__["forward"] = lambda x, index=index: forward(index, x)
        try:
            yield
        finally:
            for each in self._norms:
                del each.__dict__["forward"]

    def _listen(self, index: int, x: Tensor) -> Tensor:
        each = self._norms[index]
        flat = x.float().reshape(x.shape[0], each.num_groups, -1)
        mean, square = flat.mean((0, 2)), flat.square().mean((0, 2))
        if index in self._sums:
            count, means, squares = self._sums[index]
            self._sums[index] = count + 1, means + mean, squares + square
        else:
            self._sums[index] = 1, mean, square
        return self._as_before(index, x)

    def _as_before(self, index: int, x: Tensor) -> Tensor:
        if index in self._known:
            return self._impose(index, x)
        each = self._norms[index]
        return F.group_norm(x, each.num_groups, each.weight, each.bias, each.eps)

    def _impose(self, index: int, x: Tensor) -> Tensor:
        each = self._norms[index]
        mean, spread = (part.to(x.device) for part in self._known[index])
        weight, bias = each.weight.float(), each.bias.float()
        return F.batch_norm(x, mean, spread, weight, bias, training=False, eps=each.eps)


def num_samples(num_pixels: int, sample_pixels: int) -> int:
    """How many samples make up about the whole picture: 1, 2 or at most 4."""
    wanted = num_pixels / sample_pixels
    return 4 if wanted >= 4 else 2 if wanted >= 2 else 1


def samples(pixels: NDArray[np.uint8], side: int, count: int) -> Iterator[NDArray[np.uint8]]:
    """Squares put together from patches of the picture at its own scale.

    Args:
        pixels: uint8 [H, W, 3].
        side: of a sample, at most.
        count: 1, 2 or 4.
    """
    rows, cols = _GRIDS[count]
    patch = max(_STEP, side // PATCHES // _STEP * _STEP)
    tops, lefts = (
        np.linspace(0, max(0, length - patch), PATCHES * parts).round().astype(int)
        for length, parts in ((pixels.shape[0], rows), (pixels.shape[1], cols))
    )
    for row in range(rows):
        for col in range(cols):
            strips = [
                np.concatenate(
                    [pixels[top : top + patch, left : left + patch] for left in lefts[col::cols]], 1
                )
                for top in tops[row::rows]
            ]
            yield np.concatenate(strips)


@torch.inference_mode()
def norms_of_whole(
    network: nn.Module, show: Callable[[NDArray[np.uint8]], object], pixels: NDArray[np.uint8], side: int
) -> SharedNorms:
    """What tiles of a picture are to be normalised by.

    Args:
        network: in use by ``show``.
        show: runs the network on a part.
        pixels: uint8 [H, W, 3].
        side: of the tiles.
    """
    norms = SharedNorms(network)
    if norms.is_empty:
        return norms
    num_pixels = pixels.shape[0] * pixels.shape[1]
    # A second round, in which the first layers are right already, is worth it where it costs little.
    for _ in range(2 if num_pixels > 40 * side * side else 1):
        with norms.listening():
            for sample in samples(pixels, side, num_samples(num_pixels, side * side)):
                show(sample)
    return norms
