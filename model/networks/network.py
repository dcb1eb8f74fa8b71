"""The default network: one encoding of the image, from which classes and clicked objects are read."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from model.networks.anatomy import tensors_of, without
from model.networks.backbone import Normalise, Pyramid, backbone_of, pad_to_stride
from model.networks.class_head import ClassHead
from model.networks.click_cues import colour_bins, opponent_colour
from model.networks.click_decoder import ClickDecoder, embedded
from model.networks.config import NetworkConfig
from model.networks.deciding import ask_experts
from model.networks.encoding import (
    PADDING,
    ClassOutput,
    Encoding,
    ObjectOutput,
    PromptTensors,
    TensorTree,
    cropped,
)
from model.networks.experts import ExpertSelfAttention, Look, Mix
from model.networks.known_objects import KnownObjects
from model.networks.reading import class_maps, consult, cues_of, mixed_from, reading_parts, territory_of
from model.networks.taught_clicks import TaughtClicks, decided

__all__ = [
    "ClassHead",
    "ClassOutput",
    "Encoding",
    "LatentExpertNetwork",
    "ObjectOutput",
    "PromptTensors",
    "TensorTree",
]


class LatentExpertNetwork(nn.Module):
    """Backbone, experts, class head and click decoder; the image is encoded once.

    Classes: pixels draw on the learned experts. Objects: every click becomes a prompt expert, joins them, and a
    small decoder turns what pixels draw into a mask.

    Its arguments are the fields of `NetworkConfig`; `build_latent_expert` has values for them all.

    Shape: B images, C classes, K experts, D features, h and w the padded size / 4.
        - input: [B, 3, H, W] in 0..1
        - output: logits [B, C, H, W]
    """

    stride: int = 4

    def __init__(
        self,
        *,
        num_classes: int,
        num_experts: int,
        num_heads: int,
        feature_dim: int,
        widths: tuple[int, int, int, int, int],
        depths: tuple[int, int, int, int],
        path_widths: tuple[int, int],
        click_widths: tuple[int, int, int, int, int],
        embed_dim: int,
        encoder: str,
        evidence_dim: int,
        num_candidates: int,
        num_taught: int = 0,
        knows_objects: int = 0,
    ) -> None:
        super().__init__()
        self.config = config = NetworkConfig(
            num_classes=num_classes,
            num_experts=num_experts,
            num_heads=num_heads,
            feature_dim=feature_dim,
            widths=widths,
            depths=depths,
            path_widths=path_widths,
            click_widths=click_widths,
            embed_dim=embed_dim,
            encoder=encoder,
            evidence_dim=evidence_dim,
            num_candidates=num_candidates,
            num_taught=num_taught,
            knows_objects=knows_objects,
        )
        self.normalise = Normalise()
        self.backbone = backbone_of(config)
        self.experts = nn.Parameter(torch.randn(num_experts, feature_dim))
        self.exchange = ExpertSelfAttention(dim=feature_dim, heads=num_heads)
        self.look, self.mix, self.classifiers, self.embed = reading_parts(config)
        self.class_head = ClassHead(
            feature_dim=self.answer_dim,
            detail_dim=widths[0],
            num_classes=num_classes,
            fuses=not evidence_dim,
        )
        self.known_objects = KnownObjects.of(config) if knows_objects else None
        self._add_clicks(config)

    def _add_clicks(self, config: NetworkConfig) -> None:
        """What clicks are answered with."""
        dim, heads, mid = config.feature_dim, config.num_heads, config.path_widths[0]
        self.prompt = nn.Linear(mid + dim, dim)
        self.prompt_kind = nn.Embedding(PADDING + 1, dim)
        self.prompt_look = Look(dim=dim, map_dim=mid, heads=heads)
        self.prompt_exchange = ExpertSelfAttention(dim=dim, heads=heads)
        self.prompt_mix = Mix(dim=dim, map_dim=config.click_widths[2], heads=heads)
        self.click = ClickDecoder(**config.click_sizes, num_candidates=config.num_candidates)
        self.taught: TaughtClicks | None = None
        if config.num_taught:
            self.taught = TaughtClicks(
                num_looks=config.num_taught, decoder=config.click_sizes, dim=config.click_widths[4]
            )

    @property
    def answer_dim(self) -> int:
        """Channels of what a pixel is told by the experts."""
        return self.config.evidence_dim or self.config.feature_dim

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.experts.dtype

    def forward(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in 0..1 -> class logits [B, C, H, W]; `classify` has the rest."""
        return self.classify(self.encode(image)).logits

    def encode(self, image: Tensor) -> Encoding:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> `Encoding`."""
        encoding, _ = self.encode_fully(image)
        return encoding

    def encode_fully(self, image: Tensor) -> tuple[Encoding, Pyramid]:
        """As `encode`, with the features that it was made of."""
        padded = pad_to_stride(image.float())
        pixels = self.normalise(padded).to(self.dtype).contiguous(memory_format=torch.channels_last)
        pyramid: Pyramid = self.backbone(pixels)
        return self.encoding_of(pyramid, padded, (image.shape[-2], image.shape[-1])), pyramid

    def encoding_of(self, pyramid: Pyramid, padded: Tensor, size: tuple[int, int]) -> Encoding:
        """What is kept of an image: its features, and what experts and clicks will want of them."""
        base = self.click.base(pyramid)
        tokens = pyramid.tokens
        experts, _ = self.look_at(tokens)
        keys, values = self.prompt_look.keys_values(pyramid.mid)
        colour = opponent_colour(padded)
        return Encoding(
            tokens=tokens,
            detail=pyramid.detail,
            base=base,
            experts=experts,
            look_keys=keys,
            look_values=values,
            mix_queries=self.prompt_mix.queries(base.mid),
            embed=embedded(self.embed, pyramid).to(tokens.dtype),
            territory=territory_of(self, tokens, experts).to(tokens.dtype),
            colour=colour,
            bins=colour_bins(colour),
            size=size,
        )

    def classify(
        self, encoding: Encoding, *, expert_gains: Tensor | None = None, need_attention: bool = False
    ) -> ClassOutput:
        """Class logits at full resolution.

        Args:
            encoding: from `encode`.
            expert_gains: [K] factors on how strongly each expert is read, 1 as trained; 0 removes an expert
                everywhere. [heads, K]: the same for every attention head by itself, wherever experts are
                read. When all are 0, pixels get no answer at all.
            need_attention: also return the maps.
        """
        tokens, mix = self.read_experts(
            encoding.tokens, encoding.experts, expert_gains=expert_gains, need_attention=need_attention
        )
        size = (tokens.shape[-2], tokens.shape[-1])
        logits = self.class_head(tokens, encoding.detail)
        maps = class_maps(self, encoding.tokens, mix, size) if mix is not None else None
        return ClassOutput(cropped(logits, encoding), maps)

    def look_at(self, tokens: Tensor, *, need_attention: bool = False) -> tuple[Tensor, Tensor | None]:
        """The learned experts after looking at ``tokens``, [B, K, D], and where they looked."""
        experts = self.experts.expand(tokens.shape[0], -1, -1)
        looked: tuple[Tensor, Tensor | None] = self.look(
            experts, *self.look.keys_values(tokens), need_attention=need_attention
        )
        return looked

    def read_experts(
        self,
        tokens: Tensor,
        experts: Tensor,
        *,
        expert_gains: Tensor | None = None,
        need_attention: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """What the experts [B, K, D] answer to tokens [B, D, h, w], and who answered.

        Returns:
            Answers [B, `answer_dim`, h, w], and weights [B, heads, h * w, K] or None. Experts that decide have
            the same weights for every head.
        """
        is_silent = expert_gains is not None and not bool((expert_gains > 0).any())
        gains = None if is_silent else expert_gains
        if self.classifiers is not None:
            experts, shares = self.ask(tokens, experts, gains)
            answers = self.classifiers(tokens, experts, shares)
            mix = shares.unsqueeze(1).expand(-1, self.config.num_heads, -1, -1) if need_attention else None
            return (torch.zeros_like(answers) if is_silent else answers), mix
        mixed, mix = mixed_from(self, tokens, experts, gains, need_attention=need_attention)
        return (tokens if is_silent else tokens + mixed), mix

    @property
    def asking(self) -> tuple[ExpertSelfAttention, nn.Module]:
        """Where classes are decided: how experts exchange, and how tokens ask them."""
        return self.exchange, self.mix

    def ask(
        self, tokens: Tensor, experts: Tensor, expert_gains: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Experts that decide about classes, [B, K, D], and how much tokens ask each, [B, h * w, K]."""
        return ask_experts(*self.asking, tokens, experts, expert_gains)

    def segment(
        self,
        encoding: Encoding,
        prompts: PromptTensors,
        *,
        previous: Tensor | None = None,
        need_attention: bool = False,
        candidate: int = 0,
    ) -> ObjectOutput:
        """Mask of the object that the prompts point at.

        Args:
            encoding: from `encode`.
            prompts: clicks and boxes in pixels of the image.
            previous: logits [B, 1, H, W] of the answer so far, or None.
            need_attention: also return the maps; they cover the learned and then the prompt experts.
            candidate: which meaning is asked for: 0 the likeliest, up to ``config.num_candidates`` others.
        """
        cues = cues_of(encoding, prompts, previous, has_territory=self.classifiers is not None)
        mixed, maps = consult(self, encoding, prompts, need_attention=need_attention)
        if candidate:
            logits, score = self.click(encoding.base, cues, mixed, candidate=candidate)
        else:
            logits, score = decided(self.click, self.taught, encoding, prompts, (cues, mixed))
        return ObjectOutput(cropped(logits, encoding), score, maps)

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        made = copy.deepcopy(self)
        made.config = replace(self.config, num_classes=len(kept))
        made.class_head = self.class_head.with_classes(kept)
        return made.requires_grad_(True)

    def expert_vectors(self, encoding: Encoding) -> Tensor:
        """What pixels read for classes: the experts after looking and after exchanging, [B, K, D]."""
        vectors: Tensor = self.asking[0](encoding.experts)
        return vectors

    def reader_parameters(self) -> dict[str, Tensor]:
        """Tensors, by full name, that only read what experts and pixels are."""
        return tensors_of(self, "class_head", "classifiers", "known_objects")

    def encoding_state(self) -> dict[str, Tensor]:
        """Tensors, by full name, that `encode` computes with: where they are equal, so are encodings."""
        late = self.reader_parameters() | tensors_of(self, "taught")
        if self.classifiers is None:  # else clicks want to know already who is asked where
            late |= tensors_of(self, "exchange", "mix")
        return without(self.state_dict(), late)

    def attention_state(self) -> dict[str, Tensor]:
        """Tensors that decide what experts attend to for classes, under the same names in every such network."""
        return without(self.state_dict(), self.reader_parameters())


def build_latent_expert(config: NetworkConfig | None = None, **sizes: Any) -> LatentExpertNetwork:
    """A network with fresh weights.

    Args:
        config: its sizes; None for those of `NetworkConfig`.
        sizes: fields of `NetworkConfig` that are to be otherwise, such as ``num_classes=3``.
    """
    return LatentExpertNetwork(**replace(config or NetworkConfig(), **sizes).arguments())
