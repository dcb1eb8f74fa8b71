"""One normalisation for all tiles of a picture.

Group normalisation takes its mean and spread from whatever it is shown, so that a tile of sky comes out
otherwise than the same sky beside a house: that, far more than the context that a tile lacks, is why tiles
differ from the whole. So samples of the whole picture are shown first, and what they give holds for every tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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


class SharedGroupNorm(nn.GroupNorm):
    """Group normalisation that can be told what to normalise by; until then it is `nn.GroupNorm`.

    Attributes:
        imposed: mean and variance per channel, float32 [C] each, instead of those of what is shown; None for those.
        heard: what was shown is summed up here; None for not listening.
    """

    imposed: tuple[Tensor, Tensor] | None = None
    heard: _Sums | None = None

    @classmethod
    def converted(cls, network: nn.Module) -> nn.Module:
        """``network`` itself, with such a normalisation in the place of every `nn.GroupNorm` in it.

        Parameters, hooks and names stay; like `nn.SyncBatchNorm.convert_sync_batchnorm`.
        """
        if type(network) is nn.GroupNorm:
            made = cls(network.num_groups, network.num_channels, network.eps, network.affine)
            made.__dict__.update(network.__dict__)
            return made
        for name, child in network.named_children():
            if (new := cls.converted(child)) is not child:
                network.register_module(name, new)
        return network

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] -> [B, C, h, w]."""
        if self.heard is not None:
            self.heard.add(x.float().reshape(x.shape[0], self.num_groups, -1))  # [B, groups, N]
        if self.imposed is None:
            return super().forward(x)
        mean, variance = (part.to(x.device) for part in self.imposed)
        weight, bias = self.weight.float(), self.bias.float()
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=self.eps)


class _Sums:
    """Sums over what was heard: of means and of mean squares, [groups] each."""

    def __init__(self) -> None:
        self._count = 0
        self._mean: Tensor | None = None
        self._square: Tensor | None = None

    def add(self, flat: Tensor) -> None:
        """Count what lies in groups, [B, groups, N]."""
        mean, square = flat.mean((0, 2)), flat.square().mean((0, 2))
        self._mean = mean if self._mean is None else self._mean + mean
        self._square = square if self._square is None else self._square + square
        self._count += 1

    def statistics(self, repeat: int) -> tuple[Tensor, Tensor] | None:
        """Mean and variance of every channel, [groups * repeat] each; None where nothing was heard."""
        if self._mean is None or self._square is None:
            return None
        mean = self._mean / self._count
        variance = (self._square / self._count - mean**2).clamp(min=0)
        return mean.repeat_interleave(repeat), variance.repeat_interleave(repeat)


class SharedNorms:
    """Statistics of the group normalisations of a network.

    Args:
        network: its normalisations of the kind `SharedGroupNorm` are told what to do while a context of this
            object is open.
    """

    def __init__(self, network: nn.Module) -> None:
        self._norms = [each for each in network.modules() if isinstance(each, SharedGroupNorm)]
        self._known: list[tuple[Tensor, Tensor] | None] = [None] * len(self._norms)

    @property
    def is_empty(self) -> bool:
        """Whether the network has no such normalisation."""
        return not self._norms

    @contextmanager
    def listening(self) -> Iterator[None]:
        """What the network is shown now counts; it is normalised as before."""
        sums = [_Sums() for _ in self._norms]
        with self._told(sums):
            yield
        for index, (each, heard) in enumerate(zip(self._norms, sums, strict=True)):
            found = heard.statistics(each.num_channels // each.num_groups)
            self._known[index] = self._known[index] if found is None else found

    @contextmanager
    def imposed(self) -> Iterator[None]:
        """Everything is normalised by what was heard."""
        with self._told([None] * len(self._norms)):
            yield

    @contextmanager
    def _told(self, sums: Sequence[_Sums | None]) -> Iterator[None]:
        """Contexts may lie within each other: afterwards all is as it was."""
        before = [(each.imposed, each.heard) for each in self._norms]
        for each, known, heard in zip(self._norms, self._known, sums, strict=True):
            each.imposed, each.heard = known, heard
        try:
            yield
        finally:
            for each, (known, heard) in zip(self._norms, before, strict=True):
                each.imposed, each.heard = known, heard


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
