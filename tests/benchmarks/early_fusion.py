"""The rival design: clicks enter at the stem, and the picture is encoded again at every click.

    python -m tests.benchmarks.early_fusion --data DIR --output DIR [--seconds 600] [--fusion early|late] [--threads 1]

Trains the rival, or the shipped design, by the recipe of `model.pretraining` for the same time from the same
seed. `Rival` then lets a simulated-click harness drive what came out: ``--predictor early_fusion:Rival
--kw '{"output": "DIR", "fusion": "early"}'``. Disks at clicks and the previous mask join after the first
convolution (Sofiiuk et al. 2021, "Conv1S"); nothing about clicks reaches the decoder but through the image.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model import Predictor
from model.networks.backbone import ConvNorm, pad_to_stride
from model.networks.click_cues import NUM_CUES
from model.networks.config import NetworkConfig
from model.networks.encoding import cropped
from model.networks.network import Encoding, LatentExpertNetwork, ObjectOutput, PromptTensors
from model.networks.reading import consult
from model.pretraining.loop import PretrainConfig, Pretraining
from tests.benchmarks.click_adapter import LatentExperts

DISK = 5.0
"""Radius of a click in pixels."""


class ClickedStem(nn.Module):
    """The first convolution, plus what the clicks say."""

    def __init__(self, first: nn.Module, width: int) -> None:
        super().__init__()
        self.first = first
        self.enter = ConvNorm(12, width)
        self.clicks: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """[B, 12, H/2, W/2] -> [B, width, H/2, W/2]."""
        seen: Tensor = self.first(x)
        return seen if self.clicks is None else seen + self.enter(self.clicks.to(seen.dtype))


@dataclass(frozen=True, slots=True)
class PictureEncoding(Encoding):
    """`Encoding` with the padded picture itself, [B, 3, H, W] in 0..1."""

    picture: Tensor


class EarlyFusionNetwork(LatentExpertNetwork):
    """`LatentExpertNetwork` with clicks at the stem."""

    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.backbone.stem[0] = ClickedStem(self.backbone.stem[0], self.config.widths[0])

    def encode(self, image: Tensor) -> PictureEncoding:
        """Image [B, 3, H, W] in 0..1 -> encoding without clicks, for the classes."""
        base = super().encode(image)
        known = {field.name: getattr(base, field.name) for field in fields(Encoding)}
        return PictureEncoding(**known, picture=pad_to_stride(image.float()))

    def segment(
        self,
        encoding: Encoding,
        prompts: PromptTensors,
        *,
        previous: Tensor | None = None,
        need_attention: bool = False,
    ) -> ObjectOutput:
        """As `LatentExpertNetwork.segment`, by way of a new encoding."""
        if not isinstance(encoding, PictureEncoding):
            raise TypeError("this encoding was made by another kind of network")
        picture = encoding.picture
        stem = self.backbone.stem[0]
        stem.clicks = F.pixel_unshuffle(_click_maps(picture, prompts, previous), 2)
        pixels = self.normalise(picture).to(self.dtype).contiguous(memory_format=torch.channels_last)
        pyramid = self.backbone(pixels)
        stem.clicks = None
        seen = self.encoding_of(pyramid, picture, encoding.size)
        nothing = replace(prompts, labels=torch.full_like(prompts.labels, -1))
        mixed, maps = consult(self, seen, nothing, need_attention=need_attention)
        batch, _, height, width = seen.tokens.shape
        cues = seen.tokens.new_zeros(batch, NUM_CUES, height, width)
        logits, score = self.click(seen.base, cues, mixed)
        return ObjectOutput(cropped(logits, encoding), score, maps)


def _click_maps(picture: Tensor, prompts: PromptTensors, previous: Tensor | None) -> Tensor:
    """Positive disks, negative disks and the previous mask, [B, 3, H, W]."""
    batch, _, height, width = picture.shape
    rows = torch.arange(height, device=picture.device) + 0.5
    cols = torch.arange(width, device=picture.device) + 0.5
    across = (cols - prompts.points[..., :1]).square()  # [B, P, W]
    down = (rows - prompts.points[..., 1:]).square()  # [B, P, H]
    disks = (down[..., None] + across[:, :, None] <= DISK**2).float()  # [B, P, H, W]
    maps = [(disks * (prompts.labels == kind)[..., None, None]).amax(1) for kind in (1, 0)]
    mask = picture.new_zeros(batch, height, width)
    if previous is not None:
        mask = pad_to_stride(torch.sigmoid(previous.float()))[:, 0]
    return torch.stack((*maps, mask), dim=1)


class EarlyPretraining(Pretraining):
    """Pre-training of the rival."""

    network_class = EarlyFusionNetwork

    def _export(self, budget: object) -> None:
        save_file({k: v.contiguous() for k, v in self._average.state.items()}, self.weights_path)


class Rival(LatentExperts):
    """What came out of a run of this file, for a simulated-click harness."""

    def __init__(self, output: str, fusion: str = "early", device: str = "cpu") -> None:
        if fusion == "late":
            super().__init__(str(Path(output) / "weights.safetensors"), device)
            return
        network = EarlyFusionNetwork(**NetworkConfig().arguments())
        network.load_state_dict(load_file(Path(output) / "weights.safetensors"))
        self._predictor = Predictor(network, device)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--fusion", choices=("early", "late"), default="early")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    config = PretrainConfig(options.data, options.output, steps=0, seconds=options.seconds)
    kind = EarlyPretraining if options.fusion == "early" else Pretraining
    print(kind(config).run())


if __name__ == "__main__":
    main()
