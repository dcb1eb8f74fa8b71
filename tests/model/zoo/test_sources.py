"""Every architecture of the sources is theirs, number for number: names, counts, and what it computes.

The right answers are computed here from the description of each architecture, layer by layer, with
plain functions on a state dict.
"""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import zoo
from tests.model.zoo import source_names

State = dict[str, Tensor]


def conv(state: State, name: str, x: Tensor, **options: int) -> Tensor:
    return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), **options)


def conv_up(state: State, name: str, x: Tensor, **options: int) -> Tensor:
    return F.conv_transpose2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), **options)


def batch_norm(state: State, name: str, x: Tensor) -> Tensor:
    mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    shape = (1, -1, 1, 1)
    scaled = (x - mean.view(shape)) / (var.view(shape) + 1e-5).sqrt()
    return scaled * state[f"{name}.weight"].view(shape) + state[f"{name}.bias"].view(shape)


def linear(state: State, name: str, x: Tensor) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def layer_norm(state: State, name: str, x: Tensor) -> Tensor:
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / (var + 1e-5).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]


def bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def attend(state: State, name: str, queries: Tensor, keys: Tensor, heads: int) -> Tensor:
    """Multi-head attention, one head at a time."""
    weights = state[f"{name}.in_proj_weight"].chunk(3)
    biases = state[f"{name}.in_proj_bias"].chunk(3)
    q, k, v = (x @ w.T + b for x, w, b in zip((queries, keys, keys), weights, biases, strict=True))
    d = q.shape[-1] // heads
    answers = []
    for h in range(heads):
        part = slice(h * d, (h + 1) * d)
        scores = q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(d)
        answers.append(scores.softmax(-1) @ v[..., part])
    return linear(state, f"{name}.out_proj", torch.cat(answers, -1))


def double_conv(state: State, name: str, x: Tensor) -> Tensor:
    for index in (0, 3):
        x = conv(state, f"{name}.double_conv.{index}", x, padding=1)
        x = batch_norm(state, f"{name}.double_conv.{index + 1}", x).relu()
    return x


def made(network: nn.Module) -> nn.Module:
    """``network`` in evaluation mode, with no number that is the same for all channels, as in a fresh one."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.1 + 0.01)
        elif tensor.dim() == 1 or name.endswith("pos_embed"):
            tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.3)
    return network.eval()


def close(ours: Tensor, expected: Tensor) -> None:
    """Far nearer than 1e-5, so that a summand of 1e-6 somewhere inside is found, too."""
    assert ours.shape == expected.shape
    assert torch.allclose(ours, expected, atol=1e-10, rtol=1e-9), (ours - expected).abs().max()


@pytest.fixture(autouse=True)
def _exactly():
    """In double precision: what is left is what is computed differently."""
    before = torch.get_default_dtype()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        torch.set_default_dtype(torch.float64)
        yield
        torch.set_default_dtype(before)


PARAMETERS = {
    "fcn": (lambda: zoo.FCN(21), 136_152_938),
    "fcn8s": (lambda: zoo.FCN8s(21), 134_489_822),
    "unet": (zoo.UNet, 31_037_698),
    "attention-unet": (zoo.AttentionUNet, 31_386_338),
    "deeplabv3plus": (lambda: zoo.DeepLabV3Plus(nn.Identity(), 21), 16_844_149),
    "setr": (zoo.SETR, 88_406_037),
    "setr at 128": (lambda: zoo.SETR(img_size=128), 87_668_757),
    "segformer": (zoo.SegFormer, 142_838_997),
    "vit": (zoo.VisionTransformerForSegmentation, 86_284_806),
    "self-attention": (lambda: zoo.SelfAttention(64), 12_480),
    "mask head": (lambda: zoo.MaskRCNN(None, 2), 2_623_234),
    "attention-cnn": (zoo.AttentionCNN, 15_050),
    "panoptic-fpn": (lambda: zoo.PanopticFPN(nn.Identity(), 80, 53), 3_794_357),
}

NAMES = {
    "fcn": source_names.fcn(21),
    "fcn8s": source_names.fcn8s(21),
    "unet": source_names.unet(2),
    "attention-unet": source_names.attention_unet(2),
    "deeplabv3plus": source_names.deeplab(21),
    "setr": source_names.setr(21, 512),
    "setr at 128": source_names.setr(21, 128),
    "segformer": source_names.segformer(21),
    "vit": source_names.vision_transformer(),
    "self-attention": source_names.self_attention(64),
    "mask head": source_names.mask_rcnn(2),
    "attention-cnn": source_names.attention_cnn(10),
    "panoptic-fpn": source_names.panoptic_fpn(53),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_number_of_parameters_is_that_of_the_source(name):
    build, expected = PARAMETERS[name]
    with torch.device("meta"):
        network = build()
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_state_dict_has_the_names_and_shapes_of_the_source(name):
    """So that one which the sources' code wrote loads with ``strict=True``."""
    build, _ = PARAMETERS[name]
    with torch.device("meta"):
        state = build().state_dict()
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == NAMES[name]


RATES = {
    "fcn": [],
    "unet": [],
    "deeplabv3plus": [0.5],
    "setr": [0.1] * 12 * 3,
    "segformer": [],
    "vit": [0.2] * 12,
    "attention-cnn": [],
}


@pytest.mark.parametrize("name", RATES)
def test_as_much_is_dropped_while_it_learns_as_in_the_source(name):
    build, _ = PARAMETERS[name]
    with torch.device("meta"):
        network = build()
    rates = {"setr": 0.1, "vit": 0.2}
    assert [part.p for part in network.modules() if isinstance(part, nn.Dropout)] == RATES[name]
    inside = [part.dropout for part in network.modules() if isinstance(part, nn.MultiheadAttention)]
    assert set(inside) <= {rates.get(name, 0.0)}


def vgg_block(state: State, name: str, x: Tensor, depth: int) -> Tensor:
    for index in range(depth):
        x = conv(state, f"{name}.{2 * index}", x, padding=1).relu()
    return x


def test_fcn_computes_what_the_source_describes():
    network = made(zoo.FCN(3, widths=(4, 4, 6, 6, 8), classifier_width=8))
    state = network.state_dict()
    image = torch.randn(2, 3, 64, 96)
    x = image
    for block, depth in enumerate((2, 2, 3, 3, 3)):
        x = F.max_pool2d(vgg_block(state, f"features.{2 * block}", x, depth), 2)
    x = conv(state, "fc6", x, padding=3).relu()
    x = conv(state, "score", conv(state, "fc7", x).relu())
    close(network(image), bilinear(conv_up(state, "upsample", x, stride=32, padding=16), (64, 96)))


def test_fcn8s_computes_what_the_source_describes():
    network = made(zoo.FCN8s(3, widths=(4, 4, 6, 6, 8), classifier_width=8))
    state = network.state_dict()
    image = torch.randn(2, 3, 64, 96)
    x, pools = image, []
    for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
        x = F.max_pool2d(vgg_block(state, f"conv{block}", x, depth), 2)
        pools.append(x)
    x = conv(state, "fc7", conv(state, "fc6", x, padding=3).relu()).relu()
    x = conv_up(state, "upscore2", conv(state, "score_fr", x), stride=2, padding=1)
    x = conv_up(state, "upscore4", x + conv(state, "score_pool4", pools[3]), stride=2, padding=1)
    x = conv_up(state, "upscore8", x + conv(state, "score_pool3", pools[2]), stride=8, padding=4)
    close(network(image), bilinear(x, (64, 96)))


@pytest.mark.parametrize("size", [(32, 48), (37, 51)])
def test_unet_computes_what_the_source_describes(size):
    network = made(zoo.UNet(3, 2, features=(4, 6, 8)))
    state = network.state_dict()
    image = torch.randn(2, 3, *size)
    skips = [double_conv(state, "encoder.0", image)]
    for level in (1, 2):
        skips.append(double_conv(state, f"encoder.{level}", F.max_pool2d(skips[-1], 2)))
    x = skips[2]
    for index, skip in ((0, skips[1]), (2, skips[0])):
        x = bilinear(conv_up(state, f"decoder.{index}", x, stride=2), skip.shape[-2:])
        x = double_conv(state, f"decoder.{index + 1}", torch.cat((skip, x), 1))
    close(network(image), conv(state, "final_conv", x))


@pytest.mark.parametrize("size", [(32, 48), (37, 51)])
def test_attention_unet_computes_what_the_source_describes(size):
    network = made(zoo.AttentionUNet(3, 2, features=(4, 6, 8, 10, 12)))
    state = network.state_dict()
    image = torch.randn(1, 3, *size)
    skips = [double_conv(state, "encoder.0", image)]
    for level in range(1, 5):
        skips.append(double_conv(state, f"encoder.{level}", F.max_pool2d(skips[-1], 2)))
    x = skips[4]
    for number in (4, 3, 2, 1):
        skip = skips[number - 1]
        g = bilinear(conv_up(state, f"upconv{number}", x, stride=2), skip.shape[-2:])
        seen = conv(state, f"attn{number}.W_g", g) + conv(state, f"attn{number}.W_x", skip)
        gate = conv(state, f"attn{number}.psi.0", seen.relu()).sigmoid()
        close(network.gates(image)[2 ** (number - 1)], gate)
        x = double_conv(state, f"decoder{number}", torch.cat((skip * gate, g), 1))
    close(network(image), conv(state, "final", x))


def test_a_gate_loads_whether_or_not_its_sigmoid_was_written_beside_it():
    gate = zoo.AttentionGate(4, 4, 2)
    state = {name.replace("psi.0.", "psi."): value for name, value in gate.state_dict().items()}
    other = zoo.AttentionGate(4, 4, 2)
    other.load_state_dict(state)
    assert torch.equal(other.psi[0].weight, gate.psi[0].weight)
    with pytest.raises(RuntimeError, match="psi"):
        other.load_state_dict({k: v for k, v in state.items() if k != "psi.weight"})


class TwoMaps(nn.Module):
    """A backbone with a map at stride 4 and one at stride 16."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low = nn.Conv2d(3, low, 4, stride=4)
        self.high = nn.Conv2d(low, high, 4, stride=4)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        low = self.low(image)
        return low, self.high(low)


def conv_norm(state: State, name: str, x: Tensor, first: int = 0, **options: int) -> Tensor:
    return batch_norm(state, f"{name}.{first + 1}", conv(state, f"{name}.{first}", x, **options)).relu()


def test_deeplab_computes_what_the_source_describes():
    network = made(zoo.DeepLabV3Plus(TwoMaps(5, 7), 3, 5, 6, high_level_channels=7, dilations=(1, 2, 3)))
    state = network.state_dict()
    image = torch.randn(1, 3, 64, 80)
    low = conv(state, "backbone.low", image, stride=4)
    high = conv(state, "backbone.high", low, stride=4)
    branches = [conv_norm(state, "aspp.convs.0", high)]
    for index, d in ((1, 1), (2, 2), (3, 3)):
        x = conv(state, f"aspp.convs.{index}.conv", high, padding=d, dilation=d)
        branches.append(batch_norm(state, f"aspp.convs.{index}.bn", x).relu())
    mean = high.mean((2, 3), keepdim=True)
    branches.append(conv_norm(state, "aspp.convs.4", mean, first=1).expand_as(branches[0]))
    x = conv_norm(state, "aspp.project", torch.cat(branches, 1))
    low = conv_norm(state, "low_level_conv", low)
    x = torch.cat((bilinear(x, low.shape[-2:]), low), 1)
    x = conv_norm(state, "decoder", x, padding=1)
    x = conv_norm(state, "decoder", x, first=3, padding=1)
    close(network(image), bilinear(conv(state, "decoder.6", x), (64, 80)))


@pytest.mark.parametrize(("kernel_size", "dilation"), [(3, 1), (3, 2), (3, 12), (5, 3), (1, 1)])
def test_a_convolution_with_holes_keeps_the_size(kernel_size, dilation):
    layer = zoo.AtrousConv(2, 3, kernel_size, dilation).eval()
    assert layer(torch.randn(1, 2, 40, 33)).shape == (1, 3, 40, 33)


def test_aspp_loads_when_its_branches_were_written_as_plain_sequences():
    aspp = zoo.ASPP(4, 6)
    plain = {
        name.replace(".conv.", ".0.").replace(".bn.", ".1."): value
        for name, value in aspp.state_dict().items()
    }
    assert "convs.2.0.weight" in plain
    other = zoo.ASPP(4, 6)
    other.load_state_dict(plain)
    assert torch.equal(other.convs[2].conv.weight, aspp.convs[2].conv.weight)


def transformer_layer(state: State, name: str, x: Tensor, heads: int) -> Tensor:
    """A layer of torch's encoder at its defaults: each part is added, then normed."""
    x = layer_norm(state, f"{name}.norm1", x + attend(state, f"{name}.self_attn", x, x, heads))
    hidden = linear(state, f"{name}.linear1", x).relu()
    return layer_norm(state, f"{name}.norm2", x + linear(state, f"{name}.linear2", hidden))


def test_setr_computes_what_the_source_describes():
    network = made(zoo.SETR(64, 16, 3, embed_dim=8, depth=2, num_heads=2, decoder_width=6))
    state = network.state_dict()
    image = torch.randn(2, 3, 64, 64)
    x = conv(state, "patch_embed", image, stride=16).flatten(2).transpose(1, 2) + state["pos_embed"]
    for layer in range(2):
        x = transformer_layer(state, f"transformer.layers.{layer}", x, 2)
    x = x.transpose(1, 2).reshape(2, 8, 4, 4)
    x = conv_norm(state, "decoder", x)
    for first, size in ((4, 8), (8, 16), (12, 32)):
        x = conv_norm(state, "decoder", bilinear(x, (size, size)), first=first, padding=1)
    close(network(image), conv(state, "decoder.16", bilinear(x, (64, 64))))


def test_setr_answers_for_other_sizes_by_interpolating_positions():
    network = made(zoo.SETR(64, 16, 3, embed_dim=8, depth=1, num_heads=2, decoder_width=6))
    assert network(torch.randn(1, 3, 48, 112)).shape == (1, 3, 48, 112)


def test_segformer_computes_what_the_source_describes():
    dims, heads, depths = (4, 6, 8, 10), (1, 2, 2, 5), (1, 2, 1, 1)
    network = made(zoo.SegFormer(3, dims, heads, depths, head_width=7))
    state = network.state_dict()
    image = torch.randn(1, 3, 128, 160)
    x, maps = image, []
    for stage, (dim, count, depth) in enumerate(zip(dims, heads, depths, strict=True)):
        name = f"stages.{stage}"
        patch, stride = (7, 4) if stage == 0 else (3, 2)
        x = conv(state, f"{name}.patch_embed", x, stride=stride, padding=patch // 2)
        size = x.shape[-2:]
        tokens = x.flatten(2).transpose(1, 2)
        for block in range(depth):
            part = f"{name}.blocks.{block}"
            normed = layer_norm(state, f"{part}.norm1", tokens)
            grid = normed.transpose(1, 2).reshape(1, dim, *size)
            reduced = conv(state, f"{part}.sr", grid, stride=4).flatten(2).transpose(1, 2)
            keys = layer_norm(state, f"{part}.sr_norm", reduced)
            tokens = tokens + attend(state, f"{part}.attn", normed, keys, count)
            hidden = F.gelu(linear(state, f"{part}.mlp.0", layer_norm(state, f"{part}.norm2", tokens)))
            tokens = tokens + linear(state, f"{part}.mlp.2", hidden)
        x = layer_norm(state, f"{name}.norm", tokens).transpose(1, 2).reshape(1, dim, *size)
        maps.append(x)
    fused = [
        bilinear(
            batch_norm(
                state, f"decode_head.linear_fuse.{i}.1", conv(state, f"decode_head.linear_fuse.{i}.0", x)
            ),
            (32, 40),
        )
        for i, x in enumerate(maps)
    ]
    close(network(image), conv(state, "decode_head.linear_pred", torch.cat(fused, 1)))


def test_the_vision_transformer_computes_what_the_source_describes():
    args = zoo.VisionTransformerArgs(
        image_size=32, patch_size=8, out_channels=2, embed_size=12, num_blocks=2, num_heads=3
    )
    network = made(zoo.VisionTransformerForSegmentation(args))
    state = network.state_dict()
    image = torch.rand(2, 3, 32, 32)
    x = batch_norm(state, "layers.0", image)
    x = F.unfold(x, 8, stride=8).transpose(1, 2)
    x = linear(state, "layers.1.pe.embed_layer", x) + state["layers.1.position_embed"]
    for block in range(2):
        name = f"layers.2.{block}"
        normed = layer_norm(state, f"{name}.ln1", x)
        x = x + attend(state, f"{name}.mha", normed, normed, 3)
        hidden = F.gelu(linear(state, f"{name}.mlp.layers.0", layer_norm(state, f"{name}.ln2", x)))
        x = x + linear(state, f"{name}.mlp.layers.2", hidden)
    x = linear(state, "layers.3.projection", x).transpose(1, 2)
    close(network(image), F.fold(x, (32, 32), 8, stride=8))
    assert network(torch.rand(1, 3, 40, 16)).shape == (1, 2, 40, 16)


def test_self_attention_computes_what_the_source_describes():
    layer = zoo.SelfAttention(6).eval()
    state = layer.state_dict()
    tokens = torch.randn(2, 9, 6)
    scores = linear(state, "query", tokens) @ linear(state, "key", tokens).transpose(1, 2) / math.sqrt(6)
    close(layer(tokens), scores.softmax(-1) @ linear(state, "value", tokens))
    assert torch.allclose(layer.row(tokens, 4).double(), scores.softmax(-1)[:, 4], atol=1e-6)


def test_the_attention_cnn_classifies_images_of_any_size():
    network = made(zoo.AttentionCNN(5))
    assert set(network.state_dict()) >= {"conv1.weight", "bn1.weight", "attn.query.weight", "fc.bias"}
    state = network.state_dict()
    image = torch.randn(2, 3, 8, 10)
    tokens = batch_norm(state, "bn1", conv(state, "conv1", image, padding=1)).relu()
    tokens = tokens.flatten(2).transpose(1, 2)
    close(network(image), linear(state, "fc", network.attn(tokens).mean(1)))


def test_the_attention_cnn_for_pixels_has_the_parameters_of_the_classifier():
    classifier, pixels = zoo.AttentionCNN(4), zoo.AttentionCNNForSegmentation(4)
    pixels.load_state_dict(classifier.state_dict())
    assert pixels.eval()(torch.randn(1, 3, 32, 48)).shape == (1, 4, 32, 48)


def test_the_mask_branch_answers_for_the_class_of_each_object():
    network = made(zoo.MaskRCNN(None, 3, mask_dim=8))
    state = network.state_dict()
    features = torch.randn(4, 256, 7, 7)
    x = features
    for index in (0, 2, 4, 6):
        x = conv(state, f"mask_head.{index}", x, padding=1).relu()
    x = conv(state, "mask_head.10", conv_up(state, "mask_head.8", x, stride=2).relu())
    labels = torch.tensor([2, 0, 1, 2])
    expected = torch.stack([x[i, label] for i, label in enumerate(labels)])[:, None]
    close(network.forward_mask(features, labels), expected)


class FourMaps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, s, stride=s) for i, o, s in ((3, 4, 4), (4, 5, 2), (5, 6, 2), (6, 7, 2))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for layer in self.convs:
            x = layer(x)
            maps.append(x)
        return maps


def test_panoptic_fpn_computes_what_the_source_describes():
    network = made(zoo.PanopticFPN(FourMaps(), 2, 3, widths=(4, 5, 6, 7)))
    state = network.state_dict()
    image = torch.randn(1, 3, 64, 96)
    maps = network.backbone(image)
    levels = [conv(state, f"fpn.lateral.{i}", x) for i, x in enumerate(maps)]
    for i in (2, 1, 0):
        levels[i] = levels[i] + F.interpolate(levels[i + 1], size=levels[i].shape[-2:], mode="nearest")
    levels = [conv(state, f"fpn.output.{i}", x, padding=1) for i, x in enumerate(levels)]
    x = sum(bilinear(level, levels[0].shape[-2:]) for level in levels)
    for index in (0, 3):
        x = conv(state, f"semantic_head.{index}", x, padding=1)
        norm = f"semantic_head.{index + 1}"
        x = F.group_norm(x, 32, state[f"{norm}.weight"], state[f"{norm}.bias"]).relu()
    x = bilinear(conv(state, "semantic_head.6", x), (64, 96))
    answer = network(image)
    close(answer["semantic"], x)
    for ours, expected in zip(answer["fpn_features"], levels, strict=True):
        close(ours, expected)
