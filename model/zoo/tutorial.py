"""The tutorial's model behind the same doors as the default network: encode once, read experts often."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.class_head import with_rows
from model.networks.latent_experts import SegmentationModel
from model.networks.network import ClassOutput
from model.zoo.encoders import MEAN, SCALE

STRIDE = 4


@dataclass(frozen=True, slots=True)
class TutorialEncoding:
    """What the tutorial's encoder makes of an image.

    Attributes:
        tokens: [B, D, h, w] at stride 4.
        experts: after looking at this image, [B, K, latent_dim].
        size: (H, W) of the image before padding.
    """

    tokens: Tensor
    experts: Tensor
    size: tuple[int, int]

    def to(self, device: torch.device | str) -> TutorialEncoding:
        """The same on ``device``."""
        return TutorialEncoding(self.tokens.to(device), self.experts.to(device), self.size)


@dataclass(frozen=True, slots=True)
class TutorialConfig:
    """The arguments of `SegmentationModel`."""

    in_channels: int = 3
    feature_dim: int = 64
    latent_dim: int = 64
    num_latents: int = 16
    num_heads: int = 4
    num_classes: int = 2

    @property
    def num_experts(self) -> int:
        """The latents under the name that the default network uses."""
        return self.num_latents


class TutorialNetwork(SegmentationModel):
    """`SegmentationModel` with full-resolution answers; the same parameters under the same names.

    It knows classes only: clicks need the default network.
    """

    stride = STRIDE

    @property
    def config(self) -> TutorialConfig:
        """The arguments that build this network again."""
        return TutorialConfig(
            in_channels=self.encoder.conv1.in_channels,
            feature_dim=self.encoder.conv2.out_channels,
            latent_dim=self.latent_attn.latents.shape[1],
            num_latents=self.latent_attn.latents.shape[0],
            num_heads=self.latent_attn.attention.num_heads,
            num_classes=self.expert_seg.segmentation_head.out_features,
        )

    def encode(self, image: Tensor) -> TutorialEncoding:
        """Image [B, 3, H, W] in 0..1, of any size from 1 x 1, to tokens."""
        height, width = image.shape[-2:]
        padded = F.pad(image, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        tokens = self.encoder(padded.to(self.latent_attn.latents.dtype))
        experts, _ = self.latent_attn(tokens.flatten(2).transpose(1, 2))  # [B, K, D]
        return TutorialEncoding(tokens, experts, (height, width))

    def classify(
        self,
        encoding: TutorialEncoding,
        *,
        expert_gains: Tensor | None = None,
        need_attention: bool = False,
    ) -> ClassOutput:
        """Class logits [B, C, H, W] at the size of the image.

        Args:
            encoding: from `encode`.
            expert_gains: [K], or [heads, K]; 0 removes an expert, 1 leaves it as trained.
            need_attention: whether to return the maps as well.
        """
        if expert_gains is not None and not bool((expert_gains > 0).any()):
            return self._answer_without_experts(encoding)
        logits, maps = self.read_experts(encoding.tokens, need_attention, expert_gains, encoding.experts)
        full = F.interpolate(logits.float(), scale_factor=STRIDE, mode="bilinear", align_corners=False)
        return ClassOutput(
            logits=full[..., : encoding.size[0], : encoding.size[1]],
            maps=maps,
        )

    def expert_vectors(self, encoding: TutorialEncoding) -> Tensor:
        """What pixels read of the experts, [B, K, latent_dim]: they do not exchange."""
        return encoding.experts

    @torch.no_grad()
    def with_classes(self, kept: Sequence[int | None]) -> TutorialNetwork:
        """Copy with other classes.

        Args:
            kept: per new class the class whose weights it goes on with; None for a new one.
        """
        made = copy.deepcopy(self)
        made.expert_seg.segmentation_head = with_rows(self.expert_seg.segmentation_head, kept)
        return made.requires_grad_(True)

    def _answer_without_experts(self, encoding: TutorialEncoding) -> ClassOutput:
        """What the head says when nothing was read: its bias, everywhere."""
        bias = self.expert_seg.segmentation_head.bias.float()
        logits = bias[None, :, None, None].expand(encoding.tokens.shape[0], -1, *encoding.size)
        return ClassOutput(logits=logits, maps=None)


@torch.no_grad()
def begun_at_the_mean(network: TutorialNetwork) -> TutorialNetwork:
    """``network`` whose first layer begins as if pictures were normalised before it.

    As the source has it, pictures come in as 0..1. Then nearly all that the layer tells is how bright a picture is
    on the whole, all experts see the same, and learning needs minutes to find that out. So mean and scale go into
    its first weights: what is computed stays as in the source, and so do the files.
    """
    first = network.encoder.conv1
    if first.weight.is_meta or first.bias is None:
        return network
    first.weight *= SCALE
    first.bias -= MEAN * first.weight.sum((1, 2, 3))
    return network


def as_predictable(network: nn.Module) -> nn.Module:
    """``network`` itself, or for the tutorial's own class one with the same weights that can predict."""
    if type(network) is not SegmentationModel:
        return network
    state = network.state_dict()
    heads = network.latent_attn.attention.num_heads
    same = TutorialNetwork(
        in_channels=state["encoder.conv1.weight"].shape[1],
        feature_dim=state["encoder.conv2.weight"].shape[0],
        latent_dim=state["latent_attn.latents"].shape[1],
        num_latents=state["latent_attn.latents"].shape[0],
        num_heads=heads,
        num_classes=state["expert_seg.segmentation_head.bias"].shape[0],
    )
    same.load_state_dict(state)
    return same
