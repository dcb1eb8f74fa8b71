"""What weights say about how they were fine-tuned, and on what."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from model.finetuning.types import FineTuneConfig, LabelledImage

SEEN: Final = "seen_images"
"""Key of the provenance for what weights have learned from: the mark of an image -> its cells, as a hexadecimal
number (see `model.finetuning.heldout.cells_of`). Weights of earlier days have a list of marks alone."""

MAX_MARKS: Final = 10_000
_ALL: Final = -1


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


def seen_after(
    provenance: Mapping[str, Any], samples: Sequence[LabelledImage], learned: Sequence[int]
) -> dict[str, str]:
    """What weights have learned from, for `SEEN`, after a run on ``samples``.

    Args:
        provenance: of the weights that it started from.
        samples: of the run.
        learned: per sample the cells that it has learned from.
    """
    seen = _seen(provenance)
    for sample, cells in zip(samples, learned, strict=True):
        mark = _mark(sample)
        seen[mark] = seen.get(mark, 0) | cells
    return {mark: f"{cells:x}" for mark, cells in sorted(seen.items())[:MAX_MARKS]}


def validation_words(
    validated_on: str, provenance: Mapping[str, Any], samples: Sequence[LabelledImage], held: Sequence[int]
) -> str:
    """``validated_on`` with what must be said about the weights that the run started from.

    They have seldom learned from what is held out, which goes by image and place. But where hardly anything
    was labelled nothing was held out, and the more there is of a class the more of it may be.

    Args:
        validated_on: of the job.
        provenance: of the weights that it started from.
        samples: of the run.
        held: per sample the cells that it is measured on.
    """
    seen = [_seen(provenance).get(_mark(sample), 0) for sample in samples]
    if "had not seen" in validated_on and (images := sum(map(bool, seen))):
        return f"{validated_on}; the weights it started from had seen {images} of them, which flatters the figures"
    if validated_on and any(known & cells for known, cells in zip(seen, held, strict=True)):
        return (
            f"{validated_on}; the weights it started from may have learned from some of these pixels, "
            "which flatters the figures"
        )
    return validated_on


def _seen(provenance: Mapping[str, Any]) -> dict[str, int]:
    """Cells by mark; anything may stand in a file."""
    known = provenance.get(SEEN)
    if isinstance(known, list):
        return {mark: _ALL for mark in known if isinstance(mark, str)}
    if not isinstance(known, dict):
        return {}
    return {mark: _number(cells) for mark, cells in known.items()}


def _number(cells: object) -> int:
    try:
        return int(str(cells), 16)
    except ValueError:
        return _ALL


def _mark(sample: LabelledImage) -> str:
    return f"{zlib.crc32(sample.image.tobytes()):08x}"
