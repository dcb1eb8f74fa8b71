"""What the networks of the sources attend to, one question at a time.

Between N places there are N x N weights: 16 GiB for a picture of 1,024 x 1,024 pixels at stride 4. So the
inputs of every attention are kept, [N, D], and the row of the one place that was asked for is worked out.
Rollout follows Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020, arXiv:2005.00928.
Shapes: N places that ask (h * w), M that are asked, D features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from model.errors import ModelError
from model.zoo.attention_cnn import AttentionCNNForSegmentation, SelfAttention
from model.zoo.dense import DenseNetwork
from model.zoo.segformer import SegFormer
from model.zoo.setr import SETR
from model.zoo.streaming import encoded, queries_keys_values
from model.zoo.unet import AttentionUNet
from model.zoo.vit import VisionTransformerForSegmentation

CHUNK: Final = 512
"""Rows that a rollout works out at once."""


@dataclass(frozen=True, slots=True, eq=False)
class AttentionLayer:
    """One attention of a network on one image.

    Attributes:
        name: as shown.
        queries: per head, [heads, N, d].
        keys: likewise, [heads, M, d].
        asking: rows and columns (h, w) of the places that ask.
        asked: of those that are asked.
        shown: height and width in pixels that either grid covers; beyond the image there is padding.
        size: height and width of the image.
    """

    name: str
    queries: Tensor
    keys: Tensor
    asking: tuple[int, int]
    asked: tuple[int, int]
    shown: tuple[int, int]
    size: tuple[int, int]

    @property
    def num_heads(self) -> int:
        """Attention heads."""
        return len(self.queries)

    def rows(self, places: slice) -> Tensor:
        """What some places attend to, float32 [heads, n, M]; every row sums to 1."""
        scores = self.queries[:, places] @ self.keys.transpose(1, 2) / math.sqrt(self.keys.shape[-1])
        return scores.float().softmax(-1)

    def row_at(self, x: float, y: float) -> Tensor:
        """What the place at a pixel attends to, float32 [heads, h, w]; sums to 1 for every head.

        Args:
            x: column of the pixel in the image, from 0 to its width.
            y: row, from 0 to its height.

        Raises:
            ModelError: the pixel is outside the image.
        """
        height, width = self.size
        if not (0 <= x <= width and 0 <= y <= height):
            raise ModelError(
                f"The pixel ({x:g}, {y:g}) is outside the image of {width} x {height} pixels.",
                action="Point at the image.",
            )
        index = self.place_at(x, y)
        return self.rows(slice(index, index + 1)).view(self.num_heads, *self.asked)  # [heads, h, w]

    def place_at(self, x: float, y: float) -> int:
        """Which of the N places a pixel lies in."""
        rows, cols = self.asking
        row = min(rows - 1, int(y * rows / self.shown[0]))
        col = min(cols - 1, int(x * cols / self.shown[1]))
        return row * cols + col


@torch.no_grad()
def attention_layers(network: DenseNetwork, image: Tensor) -> list[AttentionLayer]:
    """All attentions of ``network`` on an image, first to last.

    Args:
        network: of a kind whose ``attention`` is "rows".
        image: [1, 3, H, W] in 0..1.

    Raises:
        ModelError: the network has no such attention.
    """
    shown = network.padded(image)
    size = image.shape[-2], image.shape[-1]
    whole = shown.shape[-2], shown.shape[-1]
    return [
        AttentionLayer(name, queries[0], keys[0], asking, asked, whole, size)
        for name, queries, keys, asking, asked in _traced(network, shown)
    ]


@torch.no_grad()
def rollout(layers: list[AttentionLayer], x: float, y: float) -> Tensor:
    """What the place at a pixel has seen in the end, through all layers, float32 [h, w]; sums to 1.

    Every layer passes on half of what a place was and half of what it attended to, the mean over heads.

    Raises:
        ModelError: the layers do not share one grid, as in SegFormer.
    """
    if len({(layer.asking, layer.asked) for layer in layers}) != 1 or layers[0].asking != layers[0].asked:
        raise ModelError(
            "Attention can be followed through all layers only where they share one grid.",
            action="Look at single layers.",
        )
    flow = torch.zeros(layers[0].keys.shape[1], device=layers[0].keys.device)  # [N]
    flow[layers[0].place_at(x, y)] = 1
    for layer in reversed(layers):
        passed = torch.zeros_like(flow)
        for start in range(0, len(flow), CHUNK):
            part = slice(start, start + CHUNK)
            passed += flow[part] @ layer.rows(part).mean(0)
        flow = (flow + passed) / 2
    return flow.view(layers[0].asked)  # [h, w]


@torch.no_grad()
def gate_maps(network: DenseNetwork, image: Tensor) -> dict[int, Tensor]:
    """How much detail the gates of an Attention U-Net let through: stride -> float32 [h, w] in 0..1.

    Args:
        network: of the kind "attention-unet".
        image: [1, 3, H, W] in 0..1; what lies on padding is cut off.

    Raises:
        ModelError: the network has no gates.
    """
    if not isinstance(network.core, AttentionUNet):
        raise ModelError("This network has no attention gates.", action="Use an Attention U-Net.")
    gates = network.core.gates(network.padded(image))
    height, width = image.shape[-2:]
    return {
        stride: gate[0, 0, : -(-height // stride), : -(-width // stride)].float()
        for stride, gate in gates.items()
    }


_Trace = tuple[str, Tensor, Tensor, tuple[int, int], tuple[int, int]]


def _traced(network: DenseNetwork, shown: Tensor) -> Iterator[_Trace]:
    core = network.core
    if isinstance(core, SETR):
        yield from _of_setr(core, shown)
    elif isinstance(core, VisionTransformerForSegmentation):
        yield from _of_vit(core, shown)
    elif isinstance(core, SegFormer):
        yield from _of_segformer(core, shown)
    elif isinstance(core, AttentionCNNForSegmentation):
        yield from _of_attention_cnn(core, shown)
    else:
        raise ModelError(
            f"{network.kind.title} has no attention between places.",
            action="Choose a network with attention, such as SETR or SegFormer.",
        )


def _heads_of(attention: nn.MultiheadAttention, asking: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Queries [B, heads, N, d] and keys [B, heads, M, d]."""
    queries, keys, _ = queries_keys_values(attention, asking, asked)
    return queries, keys


def _of_setr(core: SETR, shown: Tensor) -> Iterator[_Trace]:
    tokens, size = core.tokens(shown)
    for number, layer in enumerate(core.transformer.layers, start=1):
        yield f"layer {number}", *_heads_of(layer.self_attn, tokens, tokens), size, size
        tokens = encoded(layer, tokens)


def _of_vit(core: VisionTransformerForSegmentation, shown: Tensor) -> Iterator[_Trace]:
    tokens, size = core.tokens(shown)
    for number, block in enumerate(core.layers[2].children(), start=1):
        normed = block.ln1(tokens)  # type: ignore[operator]
        yield f"layer {number}", *_heads_of(block.mha, normed, normed), size, size  # type: ignore[arg-type]
        tokens = block(tokens)


def _of_segformer(core: SegFormer, shown: Tensor) -> Iterator[_Trace]:
    x = shown
    for stage_number, stage in enumerate(core.stages, start=1):
        grid = stage.patch_embed(x)  # type: ignore[operator]
        size = grid.shape[-2], grid.shape[-1]
        reduced = size[0] // 4, size[1] // 4
        tokens = grid.flatten(2).transpose(1, 2)  # [B, N, D]
        for number, block in enumerate(stage.blocks, start=1):  # type: ignore[arg-type]
            heads = _heads_of(block.attn, *block.queries_keys(tokens, size))
            yield f"stage {stage_number}, block {number}", *heads, size, reduced
            tokens = block(tokens, size)
        normed = stage.norm(tokens)  # type: ignore[operator]
        x = normed.transpose(1, 2).reshape(len(x), -1, *size)  # [B, D, h, w]


def _of_attention_cnn(core: AttentionCNNForSegmentation, shown: Tensor) -> Iterator[_Trace]:
    tokens, size = core.tokens(shown)
    attention: SelfAttention = core.attn
    yield "attention", attention.query(tokens)[:, None], attention.key(tokens)[:, None], size, size
