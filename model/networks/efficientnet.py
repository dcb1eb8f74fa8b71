"""EfficientNet-Lite as an encoder: what classification of a million photographs has taught, at a low price.

Inverted bottlenecks without squeeze-and-excitation, ReLU6 throughout (Tan and Le 2019, arXiv 1905.11946;
the Lite variants are those for mobile devices). Batch normalisation is folded into the convolutions: a batch
of one is as safe as any, and there are no statistics that tiles could disagree about.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPSILON: Final = 1e-3
"""Of the batch normalisations that the published weights were trained with."""


@dataclass(frozen=True, slots=True)
class BlockGroup:
    """Blocks in a row: the first one changes stride and width.

    Attributes:
        kernel: of the depthwise convolution.
        stride: of the first block.
        expansion: width inside a block, as a multiple of the width that enters it.
        width: channels that leave.
        repeats: number of blocks.
    """

    kernel: int
    stride: int
    expansion: int
    width: int
    repeats: int


VARIANTS: Final[dict[str, tuple[BlockGroup, ...]]] = {
    "lite0": (
        BlockGroup(3, 1, 1, 16, 1),
        BlockGroup(3, 2, 6, 24, 2),
        BlockGroup(5, 2, 6, 40, 2),
        BlockGroup(3, 2, 6, 80, 3),
        BlockGroup(5, 1, 6, 112, 3),
        BlockGroup(5, 2, 6, 192, 4),
        BlockGroup(3, 1, 6, 320, 1),
    ),
    "lite2": (
        BlockGroup(3, 1, 1, 16, 1),
        BlockGroup(3, 2, 6, 24, 3),
        BlockGroup(5, 2, 6, 48, 3),
        BlockGroup(3, 2, 6, 88, 4),
        BlockGroup(5, 1, 6, 120, 4),
        BlockGroup(5, 2, 6, 208, 5),
        BlockGroup(3, 1, 6, 352, 1),
    ),
}
STEM_WIDTH: Final = 32


def widths_of(variant: str) -> tuple[int, int, int, int, int]:
    """Channels at strides 2, 4, 8, 16, 32.

    Raises:
        ValueError: there is no such variant.
    """
    if variant not in VARIANTS:
        raise ValueError(f'there is no encoder "{variant}"; there are {", ".join(VARIANTS)}')
    groups = VARIANTS[variant]
    last = [a for a, b in itertools.pairwise(groups) if b.stride == 2] + [groups[-1]]
    first, second, third, fourth, fifth = (group.width for group in last)
    return first, second, third, fourth, fifth


def same_padding(length: int, *, kernel: int, stride: int) -> int:
    """Cells to add along an axis so that ceil(length / stride) windows fit (TensorFlow's SAME)."""
    return max((math.ceil(length / stride) - 1) * stride + kernel - length, 0)


class PaddedConv(nn.Module):
    """Convolution with bias and SAME padding, optionally ReLU6.

    Args:
        channels: that enter.
        width: that leave.
        kernel: odd.
        stride: 1 or 2.
        groups: as of `torch.nn.Conv2d`.
        leans_left: an odd cell of padding goes to the left and the top; as published, to the right and the
            bottom. The output is the same but sampled one cell earlier.
        is_linear: no ReLU6.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        leans_left: bool = False,
        is_linear: bool = False,
    ) -> None:
        super().__init__()
        self.leans_left, self.is_linear = leans_left, is_linear
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(channels, width, kernel, stride=stride, padding=padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, h, w] -> [B, width, ceil(h / stride), ceil(w / stride)]."""
        x = self.conv(x) if self.conv.stride[0] == 1 else self._reduced(x)
        return x if self.is_linear else F.relu6(x, inplace=True)

    def _reduced(self, x: Tensor) -> Tensor:
        """At stride 2. Where a border round the kernel does what one round the map would, nothing is copied."""
        conv, kernel = self.conv, self.conv.kernel_size[0]
        is_even = x.shape[-2] % 2 == 0 and x.shape[-1] % 2 == 0
        if is_even and self.leans_left:
            return F.conv2d(x, conv.weight, conv.bias, 2, kernel // 2, groups=conv.groups)
        if is_even and conv.groups > 1:
            wide = F.pad(conv.weight, (2, 0, 2, 0))
            return F.conv2d(x, wide, conv.bias, 2, kernel // 2 + 1, groups=conv.groups)
        padded: Tensor = conv(F.pad(x, self._borders(x.shape[-2], x.shape[-1])))
        return padded

    def _borders(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Left, right, top, bottom."""
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        across, down = (same_padding(n, kernel=kernel, stride=stride) for n in (width, height))
        left, top = ((n + self.leans_left) // 2 for n in (across, down))
        return left, across - left, top, down - top


class Bottleneck(nn.Module):
    """Widen, convolve every channel by itself, narrow; a shortcut round it where shapes allow."""

    def __init__(self, channels: int, group: BlockGroup, *, stride: int, leans_left: bool) -> None:
        super().__init__()
        inner = channels * group.expansion
        self.expand = PaddedConv(channels, inner) if group.expansion > 1 else None
        self.depthwise = PaddedConv(
            inner, inner, kernel=group.kernel, stride=stride, groups=inner, leans_left=leans_left
        )
        self.project = PaddedConv(inner, group.width, is_linear=True)
        self.has_shortcut = stride == 1 and channels == group.width

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, h, w] -> [B, width, h / stride, w / stride]."""
        inner = x if self.expand is None else self.expand(x)
        out: Tensor = self.project(self.depthwise(inner))
        return x + out if self.has_shortcut else out


class EfficientNetLite(nn.Module):
    """Image to features at strides 2, 4, 8, 16, 32.

    Published weights sample every level at the right and lower edge of its cells: at stride 32 that is half a
    cell off, which matters to whoever enlarges the map again. Where to sample is free, for convolutions do not
    know where they are; with ``is_centred``, every other stride leans to the other side, and no level is off
    by more than a fifth of its cell.

    Args:
        variant: one of `VARIANTS`.
        is_centred: sample near the centres of cells instead of as published.
    """

    def __init__(self, variant: str = "lite0", *, is_centred: bool = True) -> None:
        super().__init__()
        self.widths = widths_of(variant)
        self.stem = PaddedConv(3, STEM_WIDTH, kernel=3, stride=2)
        self.blocks = nn.ModuleList(_blocks(VARIANTS[variant], is_centred=is_centred))
        strides = [block.depthwise.conv.stride[0] for block in self.blocks if isinstance(block, Bottleneck)]
        self._ends = [i for i, after in enumerate([*strides[1:], 2]) if after == 2]

    def forward(self, image: Tensor) -> list[Tensor]:
        """RGB [B, 3, H, W] as of `normalised` -> maps [B, C, H / s, W / s] for strides s of 2 to 32."""
        x = self.stem(image)
        levels = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self._ends:
                levels.append(x)
        return levels


def _blocks(groups: Sequence[BlockGroup], *, is_centred: bool) -> Iterator[Bottleneck]:
    channels, leans_left = STEM_WIDTH, False
    for group in groups:
        for index in range(group.repeats):
            stride = group.stride if index == 0 else 1
            leans_left = leans_left if stride == 1 else is_centred and not leans_left
            yield Bottleneck(channels, group, stride=stride, leans_left=leans_left)
            channels = group.width


def normalised(image: Tensor) -> Tensor:
    """RGB in 0..1 as the published weights want it: (value of 0..255 - 127) / 128."""
    return image * (255 / 128) - 127 / 128


def fold(
    weight: Tensor, *, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor
) -> tuple[Tensor, Tensor]:
    """A convolution and the batch normalisation after it as one convolution.

    Args:
        weight: of a convolution without bias, [out, in, k, k].
        scale: gamma, [out].
        shift: beta, [out].
        mean: running mean, [out].
        variance: running variance, [out].

    Returns:
        Weight [out, in, k, k] and bias [out].
    """
    factor = scale * torch.rsqrt(variance + NORM_EPSILON)
    return weight * factor.view(-1, 1, 1, 1), shift - mean * factor  # [C, c, k, k], [C]
