"""Names and shapes of all parameters and buffers that the sources' code writes, from the description of each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

Shapes = dict[str, tuple[int, ...]]

FEATURES = (64, 128, 256, 512, 1024)
VGG16 = ((2, 3, 64), (2, 64, 128), (3, 128, 256), (3, 256, 512), (3, 512, 512))
"""(convolutions, channels in, channels out) of the blocks."""


def weighted(name: str, shape: tuple[int, ...], *, bias: int = 0) -> Shapes:
    """A layer's weight, and its bias where it has one of that length."""
    return {f"{name}.weight": shape} | ({f"{name}.bias": (bias,)} if bias else {})


def conv(name: str, into: int, out: int, side: int = 1, *, bias: bool = True) -> Shapes:
    return weighted(name, (out, into, side, side), bias=out if bias else 0)


def conv_up(name: str, into: int, out: int, side: int) -> Shapes:
    return weighted(name, (into, out, side, side), bias=out)


def linear(name: str, into: int, out: int) -> Shapes:
    return weighted(name, (out, into), bias=out)


def norm(name: str, width: int) -> Shapes:
    return weighted(name, (width,), bias=width)


def batch_norm(name: str, width: int) -> Shapes:
    counted: Shapes = {f"{name}.num_batches_tracked": ()}
    return norm(name, width) | {f"{name}.running_{what}": (width,) for what in ("mean", "var")} | counted


def joined(parts: Iterable[Shapes]) -> Shapes:
    """All of them; no name may come twice."""
    whole: Shapes = {}
    for part in parts:
        assert not whole.keys() & part.keys()
        whole |= part
    return whole


def vgg_block(name: str, depth: int, into: int, out: int) -> Shapes:
    return joined(conv(f"{name}.{2 * i}", out if i else into, out, 3) for i in range(depth))


def fcn(classes: int) -> Shapes:
    blocks = [vgg_block(f"features.{2 * i}", *block) for i, block in enumerate(VGG16)]
    head = conv("fc6", 512, 4096, 7) | conv("fc7", 4096, 4096) | conv("score", 4096, classes)
    return joined([*blocks, head, conv_up("upsample", classes, classes, 64)])


def fcn8s(classes: int) -> Shapes:
    blocks = [vgg_block(f"conv{i}", *block) for i, block in enumerate(VGG16, start=1)]
    head = conv("fc6", 512, 4096, 7) | conv("fc7", 4096, 4096) | conv("score_fr", 4096, classes)
    skips = conv("score_pool4", 512, classes) | conv("score_pool3", 256, classes)
    ups = [conv_up(f"upscore{s}", classes, classes, side) for s, side in ((2, 4), (4, 4), (8, 16))]
    return joined([*blocks, head, skips, *ups])


def double_conv(name: str, into: int, out: int) -> Shapes:
    name = f"{name}.double_conv"
    first = conv(f"{name}.0", into, out, 3, bias=False) | batch_norm(f"{name}.1", out)
    return first | conv(f"{name}.3", out, out, 3, bias=False) | batch_norm(f"{name}.4", out)


def way_down(channels: int) -> list[Shapes]:
    return [double_conv(f"encoder.{i}", a, b) for i, (a, b) in enumerate(pairwise((channels, *FEATURES)))]


def unet(classes: int) -> Shapes:
    up = [
        conv_up(f"decoder.{2 * i}", 2 * f, f, 2) | double_conv(f"decoder.{2 * i + 1}", 2 * f, f)
        for i, f in enumerate((512, 256, 128, 64))
    ]
    return joined([*way_down(3), *up, conv("final_conv", 64, classes)])


def attention_unet(classes: int) -> Shapes:
    up = []
    for number, f in ((4, 512), (3, 256), (2, 128), (1, 64)):
        up += [
            conv_up(f"upconv{number}", 2 * f, f, 2),
            conv(f"attn{number}.W_g", f, f // 2, bias=False),
            conv(f"attn{number}.W_x", f, f // 2, bias=False),
            conv(f"attn{number}.psi.0", f // 2, 1, bias=False),
            double_conv(f"decoder{number}", 2 * f, f),
        ]
    return joined([*way_down(3), *up, conv("final", 64, classes)])


def conv_norm(name: str, into: int, out: int, side: int = 1, first: int = 0) -> Shapes:
    made = conv(f"{name}.{first}", into, out, side, bias=False)
    return made | batch_norm(f"{name}.{first + 1}", out)


def deeplab(classes: int) -> Shapes:
    holes = [
        conv(f"aspp.convs.{i}.conv", 2048, 256, 3, bias=False) | batch_norm(f"aspp.convs.{i}.bn", 256)
        for i in (1, 2, 3)
    ]
    ends = conv_norm("aspp.convs.0", 2048, 256) | conv_norm("aspp.convs.4", 2048, 256, first=1)
    decoder = conv_norm("decoder", 256 + 48, 256, 3) | conv_norm("decoder", 256, 256, 3, first=3)
    rest = conv_norm("aspp.project", 5 * 256, 256) | conv_norm("low_level_conv", 256, 48)
    return joined([ends, *holes, rest, decoder, conv("decoder.6", 256, classes)])


def attention(name: str, width: int) -> Shapes:
    inner: Shapes = {f"{name}.in_proj_weight": (3 * width, width), f"{name}.in_proj_bias": (3 * width,)}
    return inner | linear(f"{name}.out_proj", width, width)


def encoder_layer(name: str, width: int) -> Shapes:
    inner = linear(f"{name}.linear1", width, 4 * width) | linear(f"{name}.linear2", 4 * width, width)
    norms = norm(f"{name}.norm1", width) | norm(f"{name}.norm2", width)
    return attention(f"{name}.self_attn", width) | inner | norms


def setr(classes: int, side: int) -> Shapes:
    layers = [encoder_layer(f"transformer.layers.{i}", 768) for i in range(12)]
    first: Shapes = {"pos_embed": (1, (side // 16) ** 2, 768)}
    decoder = conv("decoder.0", 768, 256) | batch_norm("decoder.1", 256)
    for index in (4, 8, 12):
        decoder |= conv(f"decoder.{index}", 256, 256, 3) | batch_norm(f"decoder.{index + 1}", 256)
    return joined(
        [first, conv("patch_embed", 3, 768, 16), *layers, decoder, conv("decoder.16", 256, classes)]
    )


def mix_block(name: str, width: int) -> Shapes:
    norms = joined(norm(f"{name}.{part}", width) for part in ("norm1", "sr_norm", "norm2"))
    mlp = linear(f"{name}.mlp.0", width, 4 * width) | linear(f"{name}.mlp.2", 4 * width, width)
    return norms | conv(f"{name}.sr", width, width, 4) | attention(f"{name}.attn", width) | mlp


def segformer(classes: int) -> Shapes:
    widths, depths = (64, 128, 320, 512), (3, 6, 40, 3)
    parts = []
    for stage, (into, width, depth) in enumerate(zip((3, *widths), widths, depths, strict=False)):
        name = f"stages.{stage}"
        blocks = [mix_block(f"{name}.blocks.{i}", width) for i in range(depth)]
        parts += [
            conv(f"{name}.patch_embed", into, width, 3 if stage else 7),
            *blocks,
            norm(f"{name}.norm", width),
        ]
        fuse = f"decode_head.linear_fuse.{stage}"
        parts.append(conv(f"{fuse}.0", width, 768) | batch_norm(f"{fuse}.1", 768))
    return joined([*parts, conv("decode_head.linear_pred", 4 * 768, classes)])


def vision_transformer() -> Shapes:
    blocks = []
    for index in range(12):
        name = f"layers.2.{index}"
        mlp = linear(f"{name}.mlp.layers.0", 768, 3072) | linear(f"{name}.mlp.layers.2", 3072, 768)
        blocks.append(
            norm(f"{name}.ln1", 768) | attention(f"{name}.mha", 768) | norm(f"{name}.ln2", 768) | mlp
        )
    places: Shapes = {"layers.1.position_embed": (64, 768)}
    ends = linear("layers.1.pe.embed_layer", 768, 768) | linear("layers.3.projection", 768, 16 * 16 * 3)
    return joined([batch_norm("layers.0", 3), places, ends, *blocks])


def self_attention(width: int, name: str = "") -> Shapes:
    return joined(linear(f"{name}{part}", width, width) for part in ("query", "key", "value"))


def attention_cnn(classes: int) -> Shapes:
    ends = conv("conv1", 3, 64, 3) | batch_norm("bn1", 64) | linear("fc", 64, classes)
    return ends | self_attention(64, "attn.")


def mask_rcnn(classes: int) -> Shapes:
    convs = joined(conv(f"mask_head.{i}", 256, 256, 3) for i in (0, 2, 4, 6))
    return convs | conv_up("mask_head.8", 256, 256, 2) | conv("mask_head.10", 256, classes)


def panoptic_fpn(stuff: int) -> Shapes:
    lateral = joined(conv(f"fpn.lateral.{i}", w, 256) for i, w in enumerate((256, 512, 1024, 2048)))
    output = joined(conv(f"fpn.output.{i}", 256, 256, 3) for i in range(4))
    first = conv("semantic_head.0", 256, 128, 3) | norm("semantic_head.1", 128)
    second = conv("semantic_head.3", 128, 128, 3) | norm("semantic_head.4", 128)
    return joined([lateral, output, first, second, conv("semantic_head.6", 128, stuff)])
