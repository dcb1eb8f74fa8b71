"""The default network: one encoding of the image, from which classes and clicked objects are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from model.networks.backbone import Pyramid, backbone_of, normalise, pad_to_stride
from model.networks.class_head import ClassHead, kept_rows
from model.networks.click_cues import (
    box_cue,
    colour_bins,
    mask_cues,
    opponent_colour,
    point_cues,
    sample_points,
    territory_cues,
)
from model.networks.click_decoder import ClickDecoder, Embedding, embedded
from model.networks.config import NetworkConfig
from model.networks.deciding import CosineMix, ExpertClassifiers, SlotLook, as_map, ask_experts
from model.networks.encoding import (
    PADDING,
    ClassOutput,
    Encoding,
    ObjectOutput,
    Prompts,
    TensorTree,
    cropped,
    pointed_at,
    previous_at_tokens,
)
from model.networks.experts import (
    AttentionMaps,
    Exchange,
    Look,
    Mix,
    fourier_position,
    gain_bias,
    weights_to_map,
)

__all__ = [
    "ClassHead",
    "ClassOutput",
    "Encoding",
    "LatentExpertNetwork",
    "ObjectOutput",
    "Prompts",
    "TensorTree",
]


class LatentExpertNetwork(nn.Module):
    """Backbone, experts, class head and click decoder; the image is encoded once.

    Classes: pixels draw on the learned experts. Objects: every click becomes a prompt expert, joins them, and a
    small decoder turns what pixels draw into a mask.
    """

    stride: int = 4

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        dim, heads, mid = config.feature_dim, config.num_heads, config.path_widths[0]
        self.backbone = backbone_of(config)
        self.experts = nn.Parameter(torch.randn(config.num_experts, dim))
        self.exchange = Exchange(dim, heads)
        self.look: Look | SlotLook
        self.mix: Mix | CosineMix
        self.embed: nn.Conv2d | Embedding
        self.classifiers: ExpertClassifiers | None = None
        if config.evidence_dim:
            self.look, self.mix = SlotLook(dim, dim, heads), CosineMix(dim)
            sizes = config.num_experts, dim, config.evidence_dim, config.path_widths
            self.classifiers = ExpertClassifiers(*sizes)
            self.embed = Embedding((dim, config.path_widths[1], config.widths[4]), config.embed_dim)
        else:
            self.look, self.mix = Look(dim, dim, heads), Mix(dim, dim, heads)
            self.embed = nn.Conv2d(dim, config.embed_dim, 1)
        self.class_head = ClassHead(
            self.answer_dim, config.widths[0], config.num_classes, fuses=not config.evidence_dim
        )
        self.prompt = nn.Linear(mid + dim, dim)
        self.prompt_kind = nn.Embedding(PADDING + 1, dim)
        self.prompt_look = Look(dim, mid, heads)
        self.prompt_exchange = Exchange(dim, heads)
        self.prompt_mix = Mix(dim, config.click_widths[2], heads)
        self.click = ClickDecoder(
            detail_dim=config.widths[0],
            map_dims=(dim, *config.path_widths, config.widths[4]),
            widths=config.click_widths,
            num_cues=config.click_cues,
        )

    @property
    def answer_dim(self) -> int:
        """Channels of what a pixel is told by the experts."""
        return self.config.evidence_dim or self.config.feature_dim

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.experts.dtype

    def forward(self, image: Tensor, need_attention: bool = False) -> Any:
        """Image [B, 3, H, W] in 0..1 -> class logits [B, C, H, W], or (logits, maps)."""
        output = self.classify(self.encode(image), need_attention=need_attention)
        return (output.logits, output.maps) if need_attention else output.logits

    def encode(self, image: Tensor) -> Encoding:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> `Encoding`."""
        encoding, _ = self.encode_fully(image)
        return encoding

    def encode_fully(self, image: Tensor) -> tuple[Encoding, Pyramid]:
        """As `encode`, with the features that it was made of."""
        padded = pad_to_stride(image.float())
        pixels = normalise(padded).to(self.dtype).contiguous(memory_format=torch.channels_last)
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
            territory=self._territory(tokens, experts).to(tokens.dtype),
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
        maps = self._class_maps(encoding.tokens, mix, size) if mix is not None else None
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
        size = (tokens.shape[-2], tokens.shape[-1])
        is_silent = expert_gains is not None and not bool((expert_gains > 0).any())
        gains = None if is_silent else expert_gains
        if self.classifiers is not None:
            experts, shares = self.ask(tokens, experts, gains)
            answers = self.classifiers(tokens, experts, shares)
            mix = shares.unsqueeze(1).expand(-1, self.config.num_heads, -1, -1) if need_attention else None
            return (torch.zeros_like(answers) if is_silent else answers), mix
        if not isinstance(self.mix, Mix):
            raise TypeError("experts that do not decide are mixed by attention")
        bias = gain_bias(gains)
        experts = self.exchange(experts, bias)
        queries = self.mix.queries(tokens)
        mixed, mix = self.mix(queries, experts, size, bias=bias, need_attention=need_attention)
        return (tokens if is_silent else tokens + mixed), mix

    def ask(
        self, tokens: Tensor, experts: Tensor, expert_gains: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Experts that decide about classes, [B, K, D], and how much tokens ask each, [B, h * w, K]."""
        return ask_experts(self.exchange, self.mix, tokens, experts, expert_gains)

    def segment(
        self,
        encoding: Encoding,
        prompts: Prompts,
        *,
        previous: Tensor | None = None,
        need_attention: bool = False,
    ) -> ObjectOutput:
        """Mask of the object that the prompts point at.

        Args:
            encoding: from `encode`.
            prompts: clicks and boxes in pixels of the image.
            previous: logits [B, 1, H, W] of the answer so far, or None.
            need_attention: also return the maps; they cover the learned and then the prompt experts.
        """
        tokens, points, labels = encoding.tokens, prompts.points, prompts.labels
        before = previous_at_tokens(encoding, previous)
        evidence = [
            point_cues(encoding.embed, encoding.colour, points, labels, encoding.padded),
            mask_cues(encoding.embed, encoding.bins, before),
            box_cue(prompts.boxes, (tokens.shape[-2], tokens.shape[-1]), encoding.colour),
        ]
        if self.classifiers is not None:
            evidence.append(territory_cues(encoding.territory, points, labels, before, encoding.padded))
        cues = torch.cat(evidence, dim=1)
        mixed, maps = self._consult(encoding, prompts, need_attention)
        cues = cues.to(tokens.dtype).contiguous(memory_format=torch.channels_last)
        logits, score = self.click(encoding.base, cues, mixed)
        return ObjectOutput(cropped(logits, encoding), score, maps)

    def class_rows(self) -> Mapping[str, int]:
        """Parameters whose rows belong to classes, and how many rows one class has."""
        return {"class_head.pixels.weight": 4, "class_head.pixels.bias": 4}

    def with_classes(self, names_kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        made = self._like(replace(self.config, num_classes=len(names_kept)))
        made.to(self.experts.device, self.dtype)
        state, own = self.state_dict(), made.state_dict()
        for name, rows in self.class_rows().items():
            state[name] = kept_rows(state[name], own[name], names_kept, rows)
        made.load_state_dict(state)
        return made.train(self.training)

    def _like(self, config: NetworkConfig) -> Self:
        """A fresh network of this kind."""
        return type(self)(config)

    def _territory(self, tokens: Tensor, experts: Tensor) -> Tensor:
        """How much each expert is asked where, [B, K, h, w]; no expert where they do not decide."""
        if self.classifiers is None:
            return tokens.new_zeros(len(tokens), 0, *tokens.shape[-2:])
        _, mix = ask_experts(self.exchange, self.mix, tokens, experts)
        return as_map(mix, (tokens.shape[-2], tokens.shape[-1]))

    def _consult(
        self, encoding: Encoding, prompts: Prompts, need_attention: bool
    ) -> tuple[Tensor, AttentionMaps | None]:
        """Let prompt experts look, exchange with the learned ones, and pixels draw on all of them."""
        xy, kind = pointed_at(prompts)
        seen = sample_points(encoding.base.mid, xy, encoding.padded)
        where = fourier_position(xy / xy.new_tensor(encoding.padded[::-1]), self.config.feature_dim)
        prompt_experts = self.prompt(torch.cat((seen, where), dim=-1).to(self.dtype)) + self.prompt_kind(kind)
        hidden = kind == PADDING
        keys, values = encoding.look_keys, encoding.look_values
        prompt_experts, look = self.prompt_look(prompt_experts, keys, values, need_attention=need_attention)
        experts = torch.cat((encoding.experts, prompt_experts.to(encoding.experts.dtype)), dim=1)
        readable = hidden.new_zeros(hidden.shape[0], encoding.experts.shape[1])
        bias = torch.zeros(experts.shape[:2], device=experts.device)
        bias = bias.masked_fill(torch.cat((readable, hidden), 1), float("-inf"))[:, None, None]
        experts = self.prompt_exchange(experts, bias)
        size = (encoding.base.mid.shape[-2], encoding.base.mid.shape[-1])
        mixed, mix = self.prompt_mix(
            encoding.mix_queries, experts, size, bias=bias, need_attention=need_attention
        )
        if look is None or mix is None:
            return mixed, None
        learned = self._look_weights(encoding.tokens)
        prompt_maps = weights_to_map(look / 4, size, 2)
        fine = (size[0] * 2, size[1] * 2)
        look_maps = torch.cat((weights_to_map(learned, fine), prompt_maps), dim=2)
        return mixed, AttentionMaps(look_maps, weights_to_map(mix.transpose(-1, -2), size, 2))

    def _look_weights(self, tokens: Tensor) -> Tensor:
        """Where the learned experts look, [B, heads, K, h * w]."""
        _, weights = self.look_at(tokens, need_attention=True)
        if weights is None:
            raise RuntimeError("attention was asked for and not returned")
        return weights

    def _class_maps(self, tokens: Tensor, mix: Tensor, size: tuple[int, int]) -> AttentionMaps:
        look = weights_to_map(self._look_weights(tokens), size)
        return AttentionMaps(look, weights_to_map(mix.transpose(-1, -2), size))
