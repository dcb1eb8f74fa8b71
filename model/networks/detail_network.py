"""The default network as fine-tuning leaves it: with a detail head, and perhaps a backbone for classes.

Clicks use exactly the parts that they used before, so that they work as well as ever, whatever the
classes have been taught.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from model.networks.anatomy import named_parameters_of, tensors_of, without
from model.networks.backbone import Backbone, LiteBackbone, Pyramid, pad_to_stride, upsample_to
from model.networks.config import DetailConfig, NetworkConfig
from model.networks.deciding import as_map, decidedness
from model.networks.detail_head import DetailHead, Levels
from model.networks.encoding import ClassOutput, DetailEncoding, Encoding, cropped
from model.networks.experts import ExpertSelfAttention
from model.networks.filters import NUM_FILTERS, filter_bank
from model.networks.network import LatentExpertNetwork
from model.networks.probe import Probe, read_by
from model.networks.reading import class_maps
from model.networks.votes import Votes


class DetailNetwork(LatentExpertNetwork):
    """`LatentExpertNetwork` whose class logits are those of its class head plus a `DetailHead`.

    Args:
        pixel_width: see `DetailConfig`.
        context_widths: likewise.
        has_own_backbone: likewise.
        separates: likewise.
        votes: likewise.
        probe: likewise.
        object_side: likewise.
        decides: likewise.
        own_colours: likewise.
        known_objects: likewise.
        sizes: of the default network inside, the fields of `NetworkConfig`; see `build_detail`.

    Attributes:
        usual_choice: how far places choose among experts (`decidedness`) on average, in what it has learned from;
            None where that is all the same.
    """

    def __init__(
        self,
        *,
        pixel_width: int,
        context_widths: tuple[int, ...],
        has_own_backbone: int,
        separates: int = 0,
        votes: int = 0,
        probe: int = 0,
        object_side: int = 0,
        decides: int = 0,
        own_colours: int = 0,
        known_objects: int = 0,
        **sizes: Any,
    ) -> None:
        super().__init__(**sizes)
        later = separates, votes, probe, object_side, decides, own_colours, known_objects
        self.detail_config = DetailConfig(pixel_width, context_widths, has_own_backbone, *later)
        config = self.config
        self.head = DetailHead(
            dims=config.level_dims,
            pixel_width=pixel_width,
            context_widths=context_widths,
            num_classes=config.num_classes,
            separates=bool(separates),
        )
        self.class_exchange: ExpertSelfAttention | None = None
        self.class_mix: nn.Module | None = None
        if self.classifiers is not None:  # clicks go on reading the territories that they know
            self.class_exchange, self.class_mix = copy.deepcopy(self.exchange), copy.deepcopy(self.mix)
        self.votes = Votes.of(config) if votes else None
        seen = (*self.backbone.encoded_widths, NUM_FILTERS)[int(probe == 1) :]
        self.probe = Probe(dims=seen, width=pixel_width, num_classes=config.num_classes) if probe else None
        self.register_buffer("usual_choice", torch.ones(()) if decides else None)
        self.usual_choice: Tensor | None
        self.class_backbone: Backbone | LiteBackbone | None = None
        if has_own_backbone:
            self.class_backbone = copy.deepcopy(self.backbone)

    @classmethod
    def of(cls, network: LatentExpertNetwork, kept: Sequence[int | None]) -> DetailNetwork:
        """A detail network that starts from ``network``.

        Args:
            network: stays as it is.
            kept: per new class the class of ``network`` that it goes on from, or None.
        """
        base = network.with_classes(kept)
        base.class_head.silence(new for new, old in enumerate(kept) if old is None)
        if isinstance(base, DetailNetwork):
            return base
        made = build_detail(base.config, DetailConfig.fitting(base.config))
        made.to(base.experts.device)
        made.load_state_dict(base.state_dict(), strict=False)
        for own, known in ((made.class_exchange, base.exchange), (made.class_mix, base.mix)):
            if own is not None:
                own.load_state_dict(known.state_dict())
        return made.train(base.training)

    def to_json(self) -> dict[str, Any]:
        """Both configurations as JSON can hold them."""
        return {**self.config.to_json(), **self.detail_config.to_json()}

    def encode(self, image: Tensor) -> DetailEncoding:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> `DetailEncoding`."""
        base, pyramid = self.encode_fully(image)
        padded = pad_to_stride(image.float())
        experts = base.experts
        if self.class_backbone is not None:
            pyramid = self.class_pyramid(padded)
            experts, _ = self.look_at(pyramid.tokens)
        return DetailEncoding.of(base, pyramid, experts, padded, encoded=read_by(self.probe, pyramid))

    def encode_for_classes(self, image: Tensor) -> DetailEncoding:
        """As `encode`, for `classify` alone: the backbone of clicks does not run where classes have their own."""
        padded = pad_to_stride(image.float())
        pyramid = self.class_pyramid(padded)
        base = self.encoding_of(pyramid, padded, (image.shape[-2], image.shape[-1]))
        return DetailEncoding.of(base, pyramid, base.experts, padded, encoded=read_by(self.probe, pyramid))

    def class_pyramid(self, padded: Tensor) -> Pyramid:
        """What classes see of a padded image [B, 3, H, W] in 0..1."""
        pixels = self.normalise(padded).to(self.dtype).contiguous(memory_format=torch.channels_last)
        pyramid: Pyramid = (self.class_backbone or self.backbone)(pixels)
        return pyramid

    @property
    def separates(self) -> bool:
        """Whether it knows, or can learn, how to tell objects of a class apart."""
        return self.head.separation is not None

    def logits_and_depth(self, levels: Levels) -> tuple[Tensor, Tensor | None]:
        """What is read from levels whose tokens hold the experts' answers.

        Returns:
            Logits of classes [B, C, H, W] and of depth [B, 1, H, W]; None where it does not separate objects.
        """
        detail, depth = self.head.with_depth(levels)
        return _with_known(self, levels, besides_head(self, levels) + detail, depth)

    def classify(
        self, encoding: Encoding, *, expert_gains: Tensor | None = None, need_attention: bool = False
    ) -> ClassOutput:
        """Logits of classes [B, C, H, W], and maps where they are asked for (of `Segmenter`)."""
        if not isinstance(encoding, DetailEncoding):
            raise TypeError("this encoding was made by another kind of network")
        seen = encoding.deep, encoding.mid, encoding.class_tokens, encoding.class_detail
        known = Levels.of((*seen, filter_bank(encoding.image)), encoded=encoding.encoded)
        levels, mix = self.answered(
            known, encoding.class_experts, expert_gains=expert_gains, need_attention=need_attention
        )
        size = (known.tokens.shape[-2], known.tokens.shape[-1])
        maps = class_maps(self, known.tokens, mix, size) if mix is not None else None
        logits, depth = self.logits_and_depth(levels)
        depth = None if depth is None else cropped(depth, encoding)
        return ClassOutput(cropped(logits, encoding), maps, depth)

    def answered(
        self,
        levels: Levels,
        experts: Tensor,
        *,
        expert_gains: Tensor | None = None,
        need_attention: bool = False,
    ) -> tuple[Levels, Tensor | None]:
        """Levels as the experts answer them, and who answered.

        Where experts decide, coarse levels are seen through them alone, and all that is said of a place counts as
        far as it has chosen among them: nothing that a few pictures teach can lead round them.

        Args:
            levels: as encoded.
            experts: after looking, [B, K, D].
            expert_gains: as of `classify`.
            need_attention: return weights [B, heads, h * w, K].
        """
        answers, mix = self.read_experts(
            levels.tokens, experts, expert_gains=expert_gains, need_attention=need_attention
        )
        mid, deep, votes, decided = levels.mid, levels.deep, None, None
        if self.classifiers is not None:
            is_silent = expert_gains is not None and not bool((expert_gains > 0).any())
            asked, shares = self.ask(levels.tokens, experts, None if is_silent else expert_gains)
            shares = shares * 0 if is_silent else shares
            size = (answers.shape[-2], answers.shape[-1])
            mid, deep = (
                self.classifiers.gated(index, level, asked, shares, size)
                for index, level in enumerate((mid, deep))
            )
            votes = None if self.votes is None else self.votes(as_map(shares, size))
            if self.usual_choice is not None:
                decided = as_map(decidedness(shares) / self.usual_choice.to(shares.dtype), size)
        return replace(levels, deep=deep, mid=mid, tokens=answers, votes=votes, decided=decided), mix

    @property
    def asking(self) -> tuple[ExpertSelfAttention, nn.Module]:
        """As of `LatentExpertNetwork`, with what classes have learned of asking."""
        return self.class_exchange or self.exchange, self.class_mix or self.mix

    def expert_modules(self) -> Mapping[str, nn.Module]:
        """What of the experts may learn about classes, by name; clicks use none of it."""
        if self.classifiers is None or self.class_exchange is None or self.class_mix is None:
            return {"exchange": self.exchange, "mix": self.mix}
        names = ("class_exchange", "class_mix", "classifiers", "votes")
        return {name: part for name in names if (part := getattr(self, name)) is not None}

    def expert_vectors(self, encoding: Encoding) -> Tensor:
        """As `LatentExpertNetwork.expert_vectors`, with what classes have learned of exchanging."""
        experts = encoding.class_experts if isinstance(encoding, DetailEncoding) else encoding.experts
        vectors: Tensor = self.asking[0](experts)
        return vectors

    def parameter_groups(self) -> dict[str, dict[str, nn.Parameter]]:
        """What may learn, by full name: "head", "experts", and of the classes' own backbone "top" and "bottom"."""
        groups = {
            "head": named_parameters_of(self, self.head, self.class_head, *filter(None, (self.probe,))),
            "experts": named_parameters_of(self, *self.expert_modules().values()),
        }
        if self.class_backbone is None:
            return {**groups, "top": {}, "bottom": {}}
        bottom = named_parameters_of(self, *self.class_backbone.lower_half())
        whole = named_parameters_of(self, self.class_backbone)
        top = {name: parameter for name, parameter in whole.items() if name not in bottom}
        return {**groups, "top": top, "bottom": bottom}

    def reader_parameters(self) -> dict[str, Tensor]:
        """As `LatentExpertNetwork.reader_parameters`, the detail head, the probe and what experts say of classes."""
        return super().reader_parameters() | tensors_of(self, "head", "probe", "votes", "usual_choice")

    def encoding_state(self) -> dict[str, Tensor]:
        """As `LatentExpertNetwork.encoding_state`; what classes have learned of the experts comes later."""
        return without(super().encoding_state(), tensors_of(self, *self.expert_modules()))

    def attention_state(self) -> dict[str, Tensor]:
        """As `LatentExpertNetwork.attention_state`; where classes have a part of their own, that is meant."""
        state = super().attention_state()
        for name in ("exchange", "mix"):
            if getattr(self, f"class_{name}") is not None:
                own = tensors_of(self, f"class_{name}")
                state = without(state, own) | {key.removeprefix("class_"): t for key, t in own.items()}
        return state

    def frozen_state(self) -> dict[str, Tensor]:
        """Tensors, by full name, that what is learned from is made with, and that learning leaves alone."""
        return tensors_of(self, "backbone", "class_backbone", "look", "experts")

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        made = super().with_classes(kept)
        _silence_unless_same(made, kept)
        made.head = self.head.with_classes(kept)
        made.votes = None if self.votes is None else self.votes.with_classes(kept)
        made.probe = None if self.probe is None else self.probe.with_classes(kept)
        return made.requires_grad_(True)

    def give_separation(self, object_side: int) -> Self:
        """Copy that can learn to tell objects of a class apart, of a size as in `DetailConfig`."""
        made = copy.deepcopy(self)
        made.detail_config = replace(self.detail_config, separates=1, object_side=object_side)
        made.head = self.head.with_separation()
        return made.requires_grad_(True)

    def give_classes_a_backbone(self) -> Self:
        """Copy whose classes have a backbone of their own, for now with the same weights."""
        made = copy.deepcopy(self)
        if made.class_backbone is None:
            made.detail_config = replace(self.detail_config, has_own_backbone=1, known_objects=0)
            made.class_backbone = copy.deepcopy(self.backbone).requires_grad_(True)
        return made


def besides_head(network: DetailNetwork, levels: Levels) -> Tensor:
    """Class logits [B, C, H, W] without what the detail head adds."""
    logits = levels.as_decided(network.class_head(levels.tokens, levels.detail))
    if levels.votes is not None:
        logits = logits + upsample_to(levels.votes, logits)
    if network.probe is not None and levels.encoded is not None and not network.probe.is_silent:
        logits = logits + levels.as_decided(
            network.probe(network.probe.maps_of(levels.encoded, levels.fine)).float()
        )
    return logits


def known_of(network: DetailNetwork, levels: Levels) -> Tensor | None:
    """What is known of any object: logits of classes, then of depth, [B, C + 1, H, W]; None where it has no say."""
    heard = network.detail_config.known_objects
    if network.known_objects is None or not heard:
        return None
    return network.known_objects.said(levels, thing=heard - 1)


def hear_known_objects(network: DetailNetwork, thing: int | None) -> None:
    """Let what is known of any object speak of class ``thing`` from now on, in place; of none for None."""
    network.detail_config = replace(network.detail_config, known_objects=0 if thing is None else 1 + thing)


def _silence_unless_same(network: DetailNetwork, kept: Sequence[int | None]) -> None:
    """Hear nothing of objects where the class that has them is another now, or not the only one beside the rest."""
    if list(kept) != [0, 1]:
        hear_known_objects(network, None)


def _with_known(
    network: DetailNetwork, levels: Levels, logits: Tensor, depth: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Logits of classes and of depth, with what is known of any object where that has a say."""
    known = known_of(network, levels)
    if known is None or depth is None:
        return logits, depth
    return logits + known[:, :-1], depth + known[:, -1:]


def build_detail(config: NetworkConfig | None = None, detail: DetailConfig | None = None) -> DetailNetwork:
    """A network with a detail head and fresh weights; None for the sizes that the configurations have by themselves."""
    detail = detail or DetailConfig()
    return DetailNetwork(
        pixel_width=detail.pixel_width,
        context_widths=detail.context_widths,
        has_own_backbone=detail.has_own_backbone,
        separates=detail.separates,
        votes=detail.votes,
        probe=detail.probe,
        object_side=detail.object_side,
        decides=detail.decides,
        own_colours=detail.own_colours,
        known_objects=detail.known_objects,
        **(config or NetworkConfig()).arguments(),
    )


def detail_from_json(values: Mapping[str, Any]) -> DetailNetwork:
    """Build from what `DetailNetwork.to_json` gave; unknown keys raise ValueError."""
    detail, rest = DetailConfig.split(values)
    return build_detail(NetworkConfig.from_json(rest), detail)
