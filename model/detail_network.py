"""The default network as fine-tuning leaves it: with a detail head, and perhaps a backbone for classes.

Clicks use exactly the parts that they used before, so that they work as well as ever, whatever the
classes have been taught.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from model.backbone import Pyramid, normalise, pad_to_stride
from model.config import NetworkConfig
from model.detail_head import DetailHead, Levels
from model.filters import NUM_FILTERS, filter_bank
from model.network import ClassOutput, Encoding, LatentExpertNetwork


@dataclass(frozen=True, slots=True)
class DetailConfig:
    """Sizes of what fine-tuning adds.

    Attributes:
        pixel_width: width of the pixel path.
        context_widths: widths of the context path at strides 16, 8, 4, 2, 1.
        has_own_backbone: 1 if classes have a backbone of their own, which clicks do not use.
    """

    pixel_width: int = 64
    context_widths: tuple[int, ...] = (64, 64, 64, 48, 32)
    has_own_backbone: int = 0

    @classmethod
    def for_width(cls, dim: int) -> DetailConfig:
        """Sizes in proportion to the width of a token."""
        return cls(pixel_width=dim, context_widths=(dim, dim, dim, dim * 3 // 4, dim // 2))


@dataclass(frozen=True, slots=True)
class DetailEncoding(Encoding):
    """`Encoding` with what the detail head wants.

    Attributes:
        class_tokens: [B, D, h, w], as classes see them.
        class_experts: the experts after looking at them, [B, K, D].
        class_detail: [B, C, 2h, 2w].
        mid: [B, C, h/2, w/2].
        deep: [B, C, h/4, w/4].
        image: padded, 0..1, [B, 3, 4h, 4w].
    """

    class_tokens: Tensor
    class_experts: Tensor
    class_detail: Tensor
    mid: Tensor
    deep: Tensor
    image: Tensor


class DetailNetwork(LatentExpertNetwork):
    """`LatentExpertNetwork` whose class logits are those of its class head plus a `DetailHead`.

    Args:
        config: of the default network inside.
        detail: of what is added.
    """

    def __init__(self, config: NetworkConfig | None = None, detail: DetailConfig | None = None) -> None:
        super().__init__(config)
        self.detail_config = detail = detail or DetailConfig()
        config = self.config
        dims = (
            config.path_widths[1],
            config.path_widths[0],
            config.feature_dim,
            config.widths[0],
            NUM_FILTERS,
        )
        self.head = DetailHead(dims, detail.pixel_width, detail.context_widths, config.num_classes)
        self.class_backbone: nn.Module | None = None
        if detail.has_own_backbone:
            self.class_backbone = copy.deepcopy(self.backbone)

    @classmethod
    def of(cls, network: LatentExpertNetwork, kept: Sequence[int | None]) -> DetailNetwork:
        """A detail network that starts from ``network``.

        Args:
            network: stays as it is.
            kept: per new class the class of ``network`` that it goes on from, or None.
        """
        base = network.with_classes(kept)
        with torch.no_grad():
            for new, old in enumerate(kept):
                if old is None:  # a new class begins without an opinion
                    base.class_head.pixels.weight[4 * new : 4 * new + 4] = 0
                    base.class_head.pixels.bias[4 * new : 4 * new + 4] = 0  # type: ignore[index]
        if isinstance(base, DetailNetwork):
            return base
        made = cls(base.config, DetailConfig.for_width(base.config.feature_dim))
        made.to(base.experts.device)
        made.load_state_dict(base.state_dict(), strict=False)
        return made.train(base.training)

    def to_json(self) -> dict[str, Any]:
        """Both configurations as JSON can hold them."""
        detail = {field.name: getattr(self.detail_config, field.name) for field in fields(DetailConfig)}
        detail["context_widths"] = list(self.detail_config.context_widths)
        return {**self.config.to_json(), **detail}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DetailNetwork:
        """Build from what `to_json` gave; unknown keys raise ValueError."""
        own = {field.name for field in fields(DetailConfig)}
        detail: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in values.items() if key in own
        }
        return cls(
            NetworkConfig.from_json({key: v for key, v in values.items() if key not in own}),
            DetailConfig(**detail),
        )

    def encode(self, image: Tensor) -> DetailEncoding:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> `DetailEncoding`."""
        padded = pad_to_stride(image.float())
        pixels = normalise(padded).to(self.dtype).contiguous(memory_format=torch.channels_last)
        pyramid = self.backbone(pixels)
        base = self.encoding_of(pyramid, padded, (image.shape[-2], image.shape[-1]))
        experts = base.experts
        if self.class_backbone is not None:
            pyramid = self.class_backbone(pixels)
            experts, _ = self.look_at(pyramid.tokens)
        return DetailEncoding(
            **{field.name: getattr(base, field.name) for field in fields(Encoding)},
            class_tokens=pyramid.tokens,
            class_experts=experts,
            class_detail=pyramid.detail,
            mid=pyramid.mid,
            deep=pyramid.deep,
            image=padded,
        )

    def class_pyramid(self, padded: Tensor) -> Pyramid:
        """What classes see of a padded image [B, 3, H, W] in 0..1."""
        pixels = normalise(padded).to(self.dtype).contiguous(memory_format=torch.channels_last)
        pyramid: Pyramid = (self.class_backbone or self.backbone)(pixels)
        return pyramid

    @property
    def is_fresh(self) -> bool:
        """Whether the detail head was never taught."""
        return self.head.pixel.is_silent and not bool(self.head.context.last.weight.any())

    def class_logits(self, levels: Levels) -> Tensor:
        """Logits [B, C, H, W] from levels whose tokens hold the experts' answers."""
        logits: Tensor = self.class_head(levels.tokens, levels.detail) + self.head(levels)
        return logits

    def classify(
        self, encoding: Encoding, *, expert_gains: Tensor | None = None, need_attention: bool = False
    ) -> ClassOutput:
        """As `LatentExpertNetwork.classify`."""
        if not isinstance(encoding, DetailEncoding):
            raise TypeError("this encoding was made by another kind of network")
        tokens, mix = self.read_experts(
            encoding.class_tokens,
            encoding.class_experts,
            expert_gains=expert_gains,
            need_attention=need_attention,
        )
        fine = filter_bank(encoding.image)
        logits = self.class_logits(Levels(encoding.deep, encoding.mid, tokens, encoding.class_detail, fine))
        size = (tokens.shape[-2], tokens.shape[-1])
        maps = self._class_maps(encoding.class_tokens, mix, size) if mix is not None else None
        return ClassOutput(self._crop(logits, encoding), maps)

    def with_classes(self, names_kept: Sequence[int | None]) -> Self:
        """Copy with other classes; see `LatentExpertNetwork.with_classes`."""
        made = type(self)(replace(self.config, num_classes=len(names_kept)), self.detail_config)
        made.to(self.experts.device, self.dtype)
        state, own = self.state_dict(), made.state_dict()
        for name in own:
            rows = {"class_head.pixels": 4, "head.pixel.last": 1, "head.context.last": 1}.get(
                name.rpartition(".")[0]
            )
            if rows is not None:
                state[name] = _kept_rows(state[name], own[name], names_kept, rows)
        made.load_state_dict(state)
        return made.train(self.training)

    def give_classes_a_backbone(self) -> Self:
        """Copy whose classes have a backbone of their own, for now with the same weights."""
        if self.class_backbone is not None:
            return copy.deepcopy(self)
        made = type(self)(self.config, replace(self.detail_config, has_own_backbone=1))
        made.to(self.experts.device, self.dtype)
        state = self.state_dict()
        state |= {f"class_{name}": value for name, value in state.items() if name.startswith("backbone.")}
        made.load_state_dict(state)
        return made.train(self.training)


def _kept_rows(old: Tensor, new: Tensor, kept: Sequence[int | None], rows: int) -> Tensor:
    """``new`` with the rows of kept classes from ``old``; ``rows`` of them belong to a class."""
    merged = new.clone()
    for target, source in enumerate(kept):
        if source is not None:
            merged[rows * target : rows * (target + 1)] = old[rows * source : rows * (source + 1)]
    return merged
