"""How experts are read: for classes by every pixel, and with clicks, which join them as prompt experts."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from model.networks.click_cues import box_cue, mask_cues, point_cues, sample_points, territory_cues
from model.networks.click_decoder import Embedding
from model.networks.config import NetworkConfig
from model.networks.deciding import CosineMix, ExpertClassifiers, SlotLook, as_map, ask_experts
from model.networks.encoding import PADDING, Encoding, PromptTensors, pointed_at, previous_at_tokens
from model.networks.experts import (
    AttentionMaps,
    ExpertSelfAttention,
    Look,
    Mix,
    fourier_position,
    gain_bias,
    weights_to_map,
)


class Looking(Protocol):
    """A network whose learned experts look at tokens."""

    def look_at(self, tokens: Tensor, *, need_attention: bool = False) -> tuple[Tensor, Tensor | None]:
        """The experts after looking, [B, K, D], and where they looked."""


class PromptParts(Looking, Protocol):
    """What a network needs to have of its own for clicks to become experts."""

    config: NetworkConfig
    prompt: nn.Linear
    prompt_kind: nn.Embedding
    prompt_look: Look
    prompt_exchange: ExpertSelfAttention
    prompt_mix: Mix

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""


class TerritoryParts(Protocol):
    """What a network needs to have for its experts to divide the image among them."""

    exchange: ExpertSelfAttention
    mix: Mix | CosineMix
    classifiers: ExpertClassifiers | None


def reading_parts(
    config: NetworkConfig,
) -> tuple[Look, Mix | CosineMix, ExpertClassifiers | None, nn.Conv2d | Embedding]:
    """What experts look with, what pixels ask them with, their classifiers if they decide, and the embedding."""
    dim, heads = config.feature_dim, config.num_heads
    if not config.evidence_dim:
        look, mix = Look(dim=dim, map_dim=dim, heads=heads), Mix(dim=dim, map_dim=dim, heads=heads)
        return look, mix, None, nn.Conv2d(dim, config.embed_dim, 1)
    slots, cosines = SlotLook(dim=dim, map_dim=dim, heads=heads), CosineMix(dim=dim)
    classifiers = ExpertClassifiers(
        num_experts=config.num_experts,
        dim=dim,
        evidence_dim=config.evidence_dim,
        level_dims=config.path_widths,
    )
    dims = (dim, config.path_widths[1], config.widths[4])
    return slots, cosines, classifiers, Embedding(dims=dims, width=config.embed_dim)


def look_weights(network: Looking, tokens: Tensor) -> Tensor:
    """Where the learned experts look, [B, heads, K, h * w]."""
    _, weights = network.look_at(tokens, need_attention=True)
    if weights is None:
        raise RuntimeError("attention was asked for and not returned")
    return weights


def class_maps(network: Looking, tokens: Tensor, mix: Tensor, size: tuple[int, int]) -> AttentionMaps:
    """The maps of a class prediction, from who answered whom, [B, heads, h * w, K]."""
    look = weights_to_map(look_weights(network, tokens), size)
    return AttentionMaps(look, weights_to_map(mix.transpose(-1, -2), size))  # both [B, heads, K, h, w]


def mixed_from(
    network: TerritoryParts,
    tokens: Tensor,
    experts: Tensor,
    expert_gains: Tensor | None,
    *,
    need_attention: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What tokens [B, D, h, w] draw from experts that do not decide, [B, K, D], and who answered.

    Returns:
        [B, D, h, w], and weights [B, heads, h * w, K] or None.

    Raises:
        TypeError: the experts decide.
    """
    if not isinstance(network.mix, Mix):
        raise TypeError("experts that do not decide are mixed by attention")
    bias = gain_bias(expert_gains)
    experts = network.exchange(experts, bias)
    queries = network.mix.queries(tokens)
    size = (tokens.shape[-2], tokens.shape[-1])
    mixed: tuple[Tensor, Tensor | None] = network.mix(
        queries, experts, size, bias=bias, need_attention=need_attention
    )
    return mixed


def territory_of(network: TerritoryParts, tokens: Tensor, experts: Tensor) -> Tensor:
    """How much each expert is asked where, [B, K, h, w]; no expert where they do not decide."""
    if network.classifiers is None:
        return tokens.new_zeros(len(tokens), 0, *tokens.shape[-2:])
    _, mix = ask_experts(network.exchange, network.mix, tokens, experts)
    return as_map(mix, (tokens.shape[-2], tokens.shape[-1]))  # [B, K, h, w]


def consult(
    network: PromptParts, encoding: Encoding, prompts: PromptTensors, *, need_attention: bool = False
) -> tuple[Tensor, AttentionMaps | None]:
    """Let prompt experts look, exchange with the learned ones, and pixels draw on all of them.

    Args:
        network: whose parts for prompts are used.
        encoding: of the image.
        prompts: P clicks, two more experts where there are boxes.
        need_attention: also return the maps.

    Returns:
        What pixels drew, [B, C, h / 2, w / 2], and maps of the learned and then the prompt experts or None.
    """
    xy, kind = pointed_at(prompts)  # [B, P, 2], [B, P]
    seen = sample_points(encoding.base.mid, xy, encoding.padded)  # [B, P, C]
    where = fourier_position(
        xy / xy.new_tensor(encoding.padded[::-1]), network.config.feature_dim
    )  # [B, P, D]
    asked = network.prompt(torch.cat((seen, where), dim=-1).to(network.dtype)) + network.prompt_kind(kind)
    asked, look = network.prompt_look(
        asked, encoding.look_keys, encoding.look_values, need_attention=need_attention
    )
    experts = torch.cat((encoding.experts, asked.to(encoding.experts.dtype)), dim=1)  # [B, K + P, D]
    bias = _hides_padding(kind, encoding.experts.shape[1])
    experts = network.prompt_exchange(experts, bias)
    size = (encoding.base.mid.shape[-2], encoding.base.mid.shape[-1])
    mixed, mix = network.prompt_mix(
        encoding.mix_queries, experts, size, bias=bias, need_attention=need_attention
    )
    if look is None or mix is None:
        return mixed, None
    learned = look_weights(network, encoding.tokens)
    prompt_maps = weights_to_map(look / 4, size, 2)  # [B, heads, P, h, w]
    look_maps = torch.cat((weights_to_map(learned, (size[0] * 2, size[1] * 2)), prompt_maps), dim=2)
    # mix [B, heads, K + P, h, w]
    return mixed, AttentionMaps(look_maps, weights_to_map(mix.transpose(-1, -2), size, 2))


def cues_of(
    encoding: Encoding, prompts: PromptTensors, previous: Tensor | None, *, has_territory: bool
) -> Tensor:
    """What clicks, boxes and the answer so far say about every token before any learning, [B, num_cues, h, w].

    Args:
        encoding: of the image.
        prompts: clicks and boxes in its pixels.
        previous: logits [B, 1, H, W] of the answer so far, or None.
        has_territory: whether experts divide the image among them; that is a cue then.
    """
    tokens, points, labels = encoding.tokens, prompts.points, prompts.labels
    before = previous_at_tokens(encoding, previous)
    evidence = [
        point_cues(encoding.embed, encoding.colour, points, labels, encoding.padded),
        mask_cues(encoding.embed, encoding.bins, before),
        box_cue(prompts.boxes, (tokens.shape[-2], tokens.shape[-1]), encoding.colour),
    ]
    if has_territory:
        evidence.append(territory_cues(encoding.territory, points, labels, before, encoding.padded))
    cues = torch.cat(evidence, dim=1)  # [B, num_cues, h, w]
    return cues.to(tokens.dtype).contiguous(memory_format=torch.channels_last)


def _hides_padding(kind: Tensor, num_learned: int) -> Tensor:
    """Logit bias [B, 1, 1, K + P]: -inf on prompts that are none."""
    hidden = kind == PADDING
    readable = hidden.new_zeros(hidden.shape[0], num_learned)
    bias = torch.zeros(kind.shape[0], num_learned + kind.shape[1], device=kind.device)
    return bias.masked_fill(torch.cat((readable, hidden), 1), float("-inf"))[:, None, None]
