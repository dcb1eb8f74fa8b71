"""The default network: one encoding of the image, from which classes and clicked objects are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbone import Backbone, ConvNorm, Pyramid, normalise, pad_to_stride, upsample_to
from model.click_cues import box_cue, colour_bins, mask_cues, opponent_colour, point_cues, sample_points
from model.click_decoder import ClickBase, ClickDecoder
from model.config import NetworkConfig
from model.experts import AttentionMaps, Exchange, Look, Mix, fourier_position, gain_bias, weights_to_map


class TensorTree:
    """Dataclass of tensors (nested) that moves, casts and slices along the batch like one tensor."""

    def apply(self, function: Any) -> Self:
        """Return a copy with ``function`` applied to every tensor."""
        changes: dict[str, Any] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changes[field.name] = function(value)
            elif isinstance(value, TensorTree):
                changes[field.name] = value.apply(function)
            elif is_dataclass(value) and not isinstance(value, type):
                changes[field.name] = type(value)(
                    **{f.name: function(getattr(value, f.name)) for f in fields(value)}
                )
        return replace(self, **changes)  # type: ignore[type-var]

    def to(self, device: torch.device | str) -> Self:
        """Copy to a device."""
        return self.apply(lambda x: x.to(device))

    def detach(self) -> Self:
        """Cut off from the graph."""
        return self.apply(torch.detach)

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Select along the batch."""
        return self.apply(lambda x: x[index])

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        total = 0

        def count(x: Tensor) -> Tensor:
            nonlocal total
            total += x.nbytes
            return x

        self.apply(count)
        return total


@dataclass(frozen=True, slots=True)
class Encoding(TensorTree):
    """An image as the network keeps it; independent of prompts and classes. h, w: padded size / 4.

    Attributes:
        tokens: [B, D, h, w], stride 4.
        detail: [B, C, 2h, 2w], stride 2, each position knows its 2x2 pixels: for crisp edges.
        base: the click decoder's view of the image.
        experts: learned experts after looking at this image, [B, K, D].
        look_keys: what prompt experts look at, [B, heads, N, d], stride 8.
        look_values: likewise.
        mix_queries: pixels' questions to the experts when clicks are there, [B, heads, N, d], stride 8.
        embed: unit vectors [B, E, h, w] in which clicks find their like.
        colour: [B, 3, h, w].
        bins: colour histogram cells, int64 [B, 2, h * w].
        size: height and width of the image in pixels.
    """

    tokens: Tensor
    detail: Tensor
    base: ClickBase
    experts: Tensor
    look_keys: Tensor
    look_values: Tensor
    mix_queries: Tensor
    embed: Tensor
    colour: Tensor
    bins: Tensor
    size: tuple[int, int]

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of the padded image."""
        return self.tokens.shape[-2] * 4, self.tokens.shape[-1] * 4


@dataclass(frozen=True, slots=True)
class Prompts(TensorTree):
    """What the user pointed at.

    Attributes:
        points: (x, y) in pixels of the image, [B, P, 2]; the centre of the first pixel is (0.5, 0.5).
        labels: int64 [B, P]: 1 positive, 0 negative, -1 padding.
        boxes: [B, 4] as x0, y0, x1, y1 (rows of NaN: no box) or None.
    """

    points: Tensor
    labels: Tensor
    boxes: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ClassOutput:
    """Class logits [B, C, H, W] and, on request, attention."""

    logits: Tensor
    maps: AttentionMaps | None


@dataclass(frozen=True, slots=True)
class ObjectOutput:
    """Object logits [B, 1, H, W], predicted IoU [B], on request attention (learned, then prompt experts)."""

    logits: Tensor
    score: Tensor
    maps: AttentionMaps | None


class ClassHead(nn.Module):
    """Tokens with the experts' answers, sharpened by detail, to full-resolution class logits."""

    def __init__(self, feature_dim: int, detail_dim: int, num_classes: int) -> None:
        super().__init__()
        self.fuse = ConvNorm(feature_dim, feature_dim)
        self.reduce = nn.Conv2d(feature_dim, detail_dim, 1)
        self.detail = nn.Conv2d(detail_dim, detail_dim, 1)
        self.fine = ConvNorm(detail_dim, detail_dim)
        self.pixels = nn.Conv2d(detail_dim, 4 * num_classes, 3, padding=1)

    def forward(self, tokens: Tensor, detail: Tensor) -> Tensor:
        """[B, D, h, w] and [B, C', 2h, 2w] -> logits [B, C, 4h, 4w]."""
        coarse = self.reduce(self.fuse(tokens))
        fine = self.fine(F.relu(self.detail(detail) + upsample_to(coarse, detail)))
        return F.pixel_shuffle(self.pixels(fine), 2).float()


class LatentExpertNetwork(nn.Module):
    """Backbone, experts, class head and click decoder.

    The image is encoded once. Classes: pixels draw on the learned experts. Objects: every click becomes a
    prompt expert, joins them, and a small decoder turns what pixels draw into a mask.
    """

    stride: int = 4

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        dim, heads = config.feature_dim, config.num_heads
        mid = config.path_widths[0]
        self.backbone = Backbone(
            feature_dim=dim, widths=config.widths, depths=config.depths, path_widths=config.path_widths
        )
        self.experts = nn.Parameter(torch.randn(config.num_experts, dim))
        self.look = Look(dim, dim, heads)
        self.exchange = Exchange(dim, heads)
        self.mix = Mix(dim, dim, heads)
        self.class_head = ClassHead(dim, config.widths[0], config.num_classes)
        self.embed = nn.Conv2d(dim, config.embed_dim, 1)
        self.prompt = nn.Linear(mid + dim, dim)
        self.prompt_kind = nn.Embedding(5, dim)  # negative, positive, two box corners, padding
        self.prompt_look = Look(dim, mid, heads)
        self.prompt_exchange = Exchange(dim, heads)
        self.prompt_mix = Mix(dim, config.click_widths[2], heads)
        self.click = ClickDecoder(
            detail_dim=config.widths[0],
            map_dims=(dim, *config.path_widths, config.widths[4]),
            widths=config.click_widths,
        )

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
        size = (image.shape[-2], image.shape[-1])
        padded = pad_to_stride(image.float())
        pixels = normalise(padded).to(self.dtype).contiguous(memory_format=torch.channels_last)
        return self.encoding_of(self.backbone(pixels), padded, size)

    def encoding_of(self, pyramid: Pyramid, padded: Tensor, size: tuple[int, int]) -> Encoding:
        """What is kept of an image: its features, and what experts and clicks will want of them."""
        base = self.click.base(pyramid)
        experts, _ = self.look_at(pyramid.tokens)
        keys, values = self.prompt_look.keys_values(pyramid.mid)
        colour = opponent_colour(padded)
        return Encoding(
            tokens=pyramid.tokens,
            detail=pyramid.detail,
            base=base,
            experts=experts,
            look_keys=keys,
            look_values=values,
            mix_queries=self.prompt_mix.queries(base.mid),
            embed=F.normalize(self.embed(pyramid.tokens).float(), dim=1).to(pyramid.tokens.dtype),
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
        return ClassOutput(self._crop(logits, encoding), maps)

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
        """Tokens [B, D, h, w] with what the experts [B, K, D] answer them, and who answered."""
        size = (tokens.shape[-2], tokens.shape[-1])
        is_silent = expert_gains is not None and not bool((expert_gains > 0).any())
        bias = None if is_silent else gain_bias(expert_gains)
        experts = self.exchange(experts, bias)
        queries = self.mix.queries(tokens)
        mixed, mix = self.mix(queries, experts, size, bias=bias, need_attention=need_attention)
        return (tokens if is_silent else tokens + mixed), mix

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
        tokens = encoding.tokens
        size = (tokens.shape[-2], tokens.shape[-1])
        points, labels = prompts.points, prompts.labels
        cues = torch.cat(
            (
                point_cues(encoding.embed, encoding.colour, points, labels, encoding.padded),
                mask_cues(encoding.embed, encoding.bins, self._previous(encoding, previous)),
                box_cue(prompts.boxes, size, encoding.colour),
            ),
            dim=1,
        )
        mixed, maps = self._consult(encoding, prompts, need_attention)
        cues = cues.to(tokens.dtype).contiguous(memory_format=torch.channels_last)
        logits, score = self.click(encoding.base, cues, mixed)
        return ObjectOutput(self._crop(logits, encoding), score, maps)

    def with_classes(self, names_kept: Sequence[int | None]) -> LatentExpertNetwork:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        network = LatentExpertNetwork(replace(self.config, num_classes=len(names_kept)))
        network.to(self.experts.device, self.dtype)
        state = self.state_dict()
        own = network.state_dict()
        for name in ("class_head.pixels.weight", "class_head.pixels.bias"):
            rows = own[name].clone()
            for new, old in enumerate(names_kept):
                if old is not None:
                    rows[4 * new : 4 * new + 4] = state[name][4 * old : 4 * old + 4]
            state[name] = rows
        network.load_state_dict(state)
        network.train(self.training)
        return network

    def _consult(
        self, encoding: Encoding, prompts: Prompts, need_attention: bool
    ) -> tuple[Tensor, AttentionMaps | None]:
        """Let prompt experts look, exchange with the learned ones, and pixels draw on all of them."""
        prompt_experts, hidden = self._prompt_experts(encoding, prompts)
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

    def _prompt_experts(self, encoding: Encoding, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Experts [B, P (+ 2), D] and bool [B, P (+ 2)]: True where there is only padding."""
        points, labels = prompts.points.float(), prompts.labels
        kind = torch.where(labels < 0, 4, labels)
        if prompts.boxes is not None:
            corners = prompts.boxes.float().view(-1, 2, 2)
            missing = corners.isnan().any(-1).any(-1, keepdim=True).expand(-1, 2)
            points = torch.cat((points, corners.nan_to_num(0.0)), dim=1)
            corner_kind = torch.tensor((2, 3), device=kind.device).expand(kind.shape[0], 2)
            kind = torch.cat((kind, torch.where(missing, 4, corner_kind)), dim=1)
        height, width = encoding.padded
        scale = torch.tensor((1.0 / width, 1.0 / height), device=points.device)
        seen = sample_points(encoding.base.mid, points, encoding.padded)
        where = fourier_position(points * scale, self.config.feature_dim)
        experts = self.prompt(torch.cat((seen, where), dim=-1).to(self.dtype)) + self.prompt_kind(kind)
        return experts, kind == 4

    def _previous(self, encoding: Encoding, previous: Tensor | None) -> Tensor:
        """Logits at full resolution -> probability at stride 4, [B, 1, h, w]."""
        batch, _, height, width = encoding.tokens.shape
        if previous is None:
            return encoding.colour.new_zeros(batch, 1, height, width)
        padded = pad_to_stride(torch.sigmoid(previous.float()))
        return F.avg_pool2d(padded, 4)

    def _look_weights(self, tokens: Tensor) -> Tensor:
        """Where the learned experts look, [B, heads, K, h * w]."""
        _, weights = self.look_at(tokens, need_attention=True)
        if weights is None:
            raise RuntimeError("attention was asked for and not returned")
        return weights

    def _class_maps(self, tokens: Tensor, mix: Tensor, size: tuple[int, int]) -> AttentionMaps:
        look = weights_to_map(self._look_weights(tokens), size)
        return AttentionMaps(look, weights_to_map(mix.transpose(-1, -2), size))

    @staticmethod
    def _crop(logits: Tensor, encoding: Encoding) -> Tensor:
        height, width = encoding.size
        cropped: Tensor = logits[:, :, :height, :width]
        return cropped
