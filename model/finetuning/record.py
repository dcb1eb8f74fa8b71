"""What weights say about how they were fine-tuned, and on what."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from model.finetuning.types import FineTuneConfig, LabelledImage

SEEN: Final = "seen_images"
"""Key of the provenance under which the marks of all images stand that weights have learned from."""

MAX_MARKS: Final = 10_000


def settings_of(config: FineTuneConfig) -> dict[str, object]:
    """The settings of a run as JSON can hold them."""
    return {
        "speed": config.speed,
        "loss": config.loss,
        "optimiser": config.optimiser,
        "learning_rate": config.learning_rate or "automatic",
        "parts": config.parts,
        "augmentation": config.augmentation,
        "validation": config.validation,
        "seed": config.seed,
    }


def seen_before(provenance: Mapping[str, Any], samples: Sequence[LabelledImage]) -> int:
    """How many of ``samples`` weights of that provenance have learned from already."""
    known = provenance.get(SEEN, [])
    return sum(_mark(sample) in known for sample in samples) if isinstance(known, list) else 0


def seen_after(provenance: Mapping[str, Any], samples: Sequence[LabelledImage]) -> list[str]:
    """Marks of all images that weights have learned from after a run on ``samples``."""
    known = provenance.get(SEEN, [])
    marks = {mark for mark in known if isinstance(mark, str)} if isinstance(known, list) else set()
    return sorted(marks | {_mark(sample) for sample in samples})[:MAX_MARKS]


def validation_words(
    validated_on: str, provenance: Mapping[str, Any], samples: Sequence[LabelledImage]
) -> str:
    """``validated_on`` with what must be said about the weights that the run started from."""
    known = seen_before(provenance, samples)
    if not known or not validated_on:
        return validated_on
    if "had not seen" in validated_on:
        return f"{validated_on}; the weights it started from had seen {known} of them, which flatters them"
    return (
        f"{validated_on}; the weights it started from may have learned from some of them, which flatters them"
    )


def _mark(sample: LabelledImage) -> str:
    return f"{zlib.crc32(sample.image.tobytes()):08x}"
