"""Sizes of what fine-tuning adds to the default network. Kept inside every file of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from model.networks.config import NetworkConfig

_LATER: Final = ("separates", "votes", "probe", "object_side")


@dataclass(frozen=True, slots=True)
class DetailConfig:
    """Sizes of what fine-tuning adds.

    Attributes:
        pixel_width: width of the pixel path.
        context_widths: widths of the context path at strides 16, 8, 4, 2, 1.
        has_own_backbone: 1 if classes have a backbone of their own, which clicks do not use.
        separates: 1 if it knows how to tell objects of a class apart (`model.networks.separation`).
        votes: 1 if experts that decide vote for classes as well (`model.networks.votes`).
        probe: 1 if pixels are read from what the encoder makes of them as well (`model.networks.probe`).
        object_side: side in pixels of a square as large as the median object that it has learned from; 0 where that
            is not known.
    """

    pixel_width: int = 64
    context_widths: tuple[int, ...] = (64, 64, 64, 48, 32)
    has_own_backbone: int = 0
    separates: int = 0
    votes: int = 0
    probe: int = 0
    object_side: int = 0

    @classmethod
    def fitting(cls, config: NetworkConfig) -> DetailConfig:
        """Sizes in proportion to the width of a token; votes where there are experts that decide."""
        dim = config.feature_dim
        widths = (dim, dim, dim, dim * 3 // 4, dim // 2)
        return cls(pixel_width=dim, context_widths=widths, votes=int(config.evidence_dim > 0), probe=1)

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
