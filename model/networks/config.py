"""Plain values that build a network. Kept inside every weight file, so only JSON-able fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from model.networks.click_cues import NUM_CUES, TERRITORY_CUES
from model.networks.efficientnet import widths_of
from model.networks.filters import NUM_FILTERS

_LATER: Final = ("separates", "votes", "probe", "object_side", "decides", "own_colours", "known_objects")
"""What older files do not name, because it was not there."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of the default network.

    Attributes:
        num_classes: class logits per pixel.
        num_experts: learned experts, K.
        num_heads: attention heads; divides `feature_dim`.
        feature_dim: width D of a token (stride 4) and of an expert.
        widths: channels of the backbone at strides 2, 4, 8, 16, 32.
        depths: residual blocks at strides 4, 8, 16, 32.
        path_widths: channels of the top-down path at strides 8 and 16.
        click_widths: channels of the click decoder at strides 2, 4, 8, 16, 32.
        embed_dim: width of the pixel embedding in which clicks look for their like.
        encoder: "residual" (trained from nothing), "lite0" or "lite2" (pretrained EfficientNet-Lite; `widths`
            from the second on are then its own, and `depths` counts for nothing).
        evidence_dim: width of an expert's answer where experts are classifiers that decide; 0: they are only
            added to the tokens.
        num_candidates: other meanings of a click that the click decoder answers with, beside its first.
        num_taught: looks of objects that clicks were taught with (`model.networks.taught_clicks`); 0: none were.
        knows_objects: 1 if it knows what objects in general look like (`model.networks.known_objects`).
    """

    num_classes: int = 2
    num_experts: int = 16
    num_heads: int = 4
    feature_dim: int = 64
    widths: tuple[int, int, int, int, int] = (32, 64, 128, 192, 256)
    depths: tuple[int, int, int, int] = (2, 2, 3, 2)
    path_widths: tuple[int, int] = (96, 128)
    click_widths: tuple[int, int, int, int, int] = (16, 48, 96, 128, 160)
    embed_dim: int = 24
    encoder: str = "residual"
    evidence_dim: int = 0
    num_candidates: int = 0
    num_taught: int = 0
    knows_objects: int = 0

    def __post_init__(self) -> None:
        if self.num_heads < 1 or self.feature_dim < 1 or self.feature_dim % self.num_heads:
            raise ValueError(f"{self.num_heads} attention heads do not divide {self.feature_dim} features")

    def arguments(self) -> dict[str, Any]:
        """Every field by its name, as `LatentExpertNetwork` takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_json(self) -> dict[str, Any]:
        """Return plain lists and numbers."""
        plain = {key: list(v) if isinstance(v, tuple) else v for key, v in self.arguments().items()}
        for later in ("num_taught", "knows_objects"):
            if not plain[later]:  # as it was before there was such a thing
                del plain[later]
        return plain

    @classmethod
    def pretrained(cls, encoder: str = "lite0", *, num_classes: int = 2) -> NetworkConfig:
        """As the shipped weights have it: a pretrained encoder and experts that decide.

        Raises:
            ValueError: there is no such encoder.
        """
        widths = (32, *widths_of(encoder)[1:])
        return cls(num_classes=num_classes, widths=widths, embed_dim=32, encoder=encoder, evidence_dim=32)

    @property
    def click_cues(self) -> int:
        """Maps of evidence that the click decoder is handed."""
        return NUM_CUES + (TERRITORY_CUES if self.evidence_dim else 0)

    @property
    def level_dims(self) -> tuple[int, ...]:
        """Channels of what a detail head reads, coarse to fine."""
        mid, deep = self.path_widths
        return deep, mid, self.evidence_dim or self.feature_dim, self.widths[0], NUM_FILTERS

    @property
    def click_sizes(self) -> dict[str, Any]:
        """Arguments of the click decoder."""
        return {
            "detail_dim": self.widths[0],
            "map_dims": (self.feature_dim, *self.path_widths, self.widths[4]),
            "widths": self.click_widths,
            "num_cues": self.click_cues,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """Build from what `to_json` gave; unknown keys raise ValueError."""
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown configuration keys: {sorted(unknown)}")
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**plain)


@dataclass(frozen=True, slots=True)
class DetailConfig:
    """Sizes of what fine-tuning adds.

    Attributes:
        pixel_width: width of the pixel path.
        context_widths: widths of the context path at strides 16, 8, 4, 2, 1.
        has_own_backbone: 1 if classes have a backbone of their own, which clicks do not use.
        separates: 1 if it knows how to tell objects of a class apart (`model.networks.separation`).
        votes: 1 if experts that decide vote for classes as well (`model.networks.votes`).
        probe: 1 if pixels are read from what the encoder makes of them as well (`model.networks.probe`), 2 if up to
            its coarsest map.
        object_side: side in pixels of a square as large as the median object that it has learned from; 0 where that
            is not known.
        decides: 1 if what the paths say of a place counts as far as the place has chosen among experts
            (`model.networks.deciding.decidedness`).
        own_colours: hundredths with which the colours of a picture count for the outlines of its objects
            (`model.prediction.contrast`).
        known_objects: 1 and the class of objects where what is known of any object has a say in them
            (`model.networks.known_objects`); 0 where it has none.
    """

    pixel_width: int = 64
    context_widths: tuple[int, ...] = (64, 64, 64, 48, 32)
    has_own_backbone: int = 0
    separates: int = 0
    votes: int = 0
    probe: int = 0
    object_side: int = 0
    decides: int = 0
    own_colours: int = 0
    known_objects: int = 0

    @classmethod
    def fitting(cls, config: NetworkConfig) -> DetailConfig:
        """Sizes in proportion to the width of a token; votes, and paths that count by choice, where experts decide."""
        dim = config.feature_dim
        widths = (dim, dim, dim, dim * 3 // 4, dim // 2)
        chooses = int(config.evidence_dim > 0)
        return cls(pixel_width=dim, context_widths=widths, votes=chooses, probe=2, decides=chooses)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold them; what came later and is not there is not named, as in files from before."""
        values: dict[str, Any] = {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "context_widths": list(self.context_widths),
        }
        return {key: value for key, value in values.items() if value or key not in _LATER}

    @classmethod
    def split(cls, values: Mapping[str, Any]) -> tuple[DetailConfig, dict[str, Any]]:
        """What of ``values`` is a configuration of this kind, and the rest of them."""
        own = {field.name for field in fields(cls)}
        known: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in values.items() if key in own
        }
        return cls(**known), {key: v for key, v in values.items() if key not in own}
