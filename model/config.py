"""Plain values that build a network. Kept inside every weight file, so only JSON-able fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


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

    def to_json(self) -> dict[str, Any]:
        """Return plain lists and numbers."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """Build from what `to_json` gave; unknown keys raise ValueError."""
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown configuration keys: {sorted(unknown)}")
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**plain)
