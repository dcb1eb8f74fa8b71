"""What weights say about how they were fine-tuned, and on what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model.analysis.cells import ALL_CELLS, image_mark
from model.training.click_measure import GOALS, ClickFigures
from model.training.types import IGNORED, FineTuneConfig, LabelledImage

if TYPE_CHECKING:
    from model.training.click_tuning import ClickTuning
    from model.training.cross import FineTuningJob

SEEN: Final = "seen_images"
"""Key of the provenance for what weights have learned from: the mark of an image -> its cells, as a hexadecimal
number (see `model.analysis.cells.cells_of`). Weights of earlier days have a list of marks alone."""

RUNS: Final = "fine_tuning"
"""Key of the provenance for the list of runs, the last one last."""

MAX_RUNS: Final = 50
"""So many runs are told of in the weights: live refits make many."""

MAX_MARKS: Final = 10_000


def after_run(
    before: Mapping[str, Any],
    job: FineTuningJob,
    samples: Sequence[LabelledImage],
    config: FineTuneConfig,
    words: str,
    **more: object,
) -> dict[str, Any]:
    """The provenance of the weights of a job that has ended: what was known before, and this run.

    Args:
        before: provenance of the weights that it started from; anything may stand in a file.
        job: that has ended.
        samples: of the run.
        config: of the run.
        words: what the figures were measured on (`figures_on`).
        more: what else to say of the run; ``started_from`` and ``images`` also stand beside the list of runs.

    Returns:
        What JSON can hold: ``fine_tuning`` is the list of runs.
    """
    run = {
        "images": len(samples),
        "labelled_pixels": sum(int((sample.labels != IGNORED).sum()) for sample in samples),
        "seconds": round(job.seconds, 2),
        "steps": job.step,
        **settings_of(config),
        **more,
        "metric_before": _rounded(job.metric_before),
        "metric_after": _rounded(job.metric_after),
        "validated_on": words,
    }
    return {
        **before,
        **{key: run[key] for key in ("started_from", "images") if key in run},
        RUNS: [*_runs(before), run][-MAX_RUNS:],
        SEEN: seen_after(before, samples, job.learned_cells),
    }


def after_clicks(before: Mapping[str, Any], job: ClickTuning, **more: object) -> dict[str, Any]:
    """The provenance of weights whose clicks have learned: what was known before, and this run.

    Args:
        before: provenance of the weights that it started from; anything may stand in a file.
        job: that has ended.
        more: what else to say of the run.
    """
    run = {
        "learned": "clicks",
        "objects": job.num_learned,
        "held_out_objects": job.num_held,
        "seconds": round(job.seconds, 2),
        "steps": job.step,
        **more,
        "clicks_before": _clicks(job.before),
        "clicks_after": _clicks(job.after),
    }
    return {**before, RUNS: [*_runs(before), run][-MAX_RUNS:]}


def _clicks(figures: ClickFigures) -> dict[str, float | None]:
    """Clicks by the IoU that they reach."""
    return {f"{goal:.0%}": _rounded(figures.clicks_until(goal)) for goal in GOALS}


def figures_on(
    job: FineTuningJob,
    provenance: Mapping[str, Any],
    samples: Sequence[LabelledImage],
    class_names: Sequence[str],
) -> str:
    """What the figures of a job that has ended were measured on, and what they leave out, in words.

    Args:
        job: that has ended.
        provenance: of the weights that it started from.
        samples: of the run.
        class_names: by class id, after the run.
    """
    words = validation_words(job.validated_on, provenance, samples, job.held_cells)
    if not words or math.isnan(job.metric_after):
        return words
    learned = {int(value) for sample in samples for value in np.unique(sample.labels)}
    absent = [class_names[each] for each in job.unmeasured if each in learned]
    unknown = [class_names[each] for each in job.unmeasured if each not in learned]
    if absent:
        words += f"; not measured, for nothing of them could be held back: {', '.join(absent)}"
    if unknown:
        words += f"; not labelled anywhere, so neither learned nor measured: {', '.join(unknown)}"
    return words


def _runs(provenance: Mapping[str, Any]) -> list[Any]:
    """The runs that weights tell of; anything may stand in a file."""
    known = provenance.get(RUNS, [])
    return known if isinstance(known, list) else [known]


def _rounded(metric: float) -> float | None:
    return None if math.isnan(metric) else round(metric, 4)


def settings_of(config: FineTuneConfig) -> dict[str, object]:
    """The settings of a run as JSON can hold them."""
    chosen = {"speed": config.speed, **{name: getattr(config, name) for name in config.options()}}
    return {**chosen, "learning_rate": config.learning_rate or "automatic"}


def seen_after(
    provenance: Mapping[str, Any], samples: Sequence[LabelledImage], learned: Sequence[int]
) -> dict[str, str]:
    """What weights have learned from, for `SEEN`, after a run on ``samples``.

    Args:
        provenance: of the weights that it started from.
        samples: of the run.
        learned: per sample the cells that it has learned from.
    """
    seen = seen_cells(provenance)
    for sample, cells in zip(samples, learned, strict=True):
        mark = image_mark(sample.image)
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
    seen = [seen_cells(provenance).get(image_mark(sample.image), 0) for sample in samples]
    if "had not seen" in validated_on and (images := sum(map(bool, seen))):
        return f"{validated_on}; the weights it started from had seen {images} of them, which flatters the figures"
    if validated_on and any(known & cells for known, cells in zip(seen, held, strict=True)):
        return (
            f"{validated_on}; the weights it started from may have learned from some of these pixels, "
            "which flatters the figures"
        )
    return validated_on


def seen_cells(provenance: Mapping[str, Any]) -> dict[str, int]:
    """What weights have learned from: cells by the mark of an image, see `model.analysis.cells`.

    Anything may stand in a file.
    """
    known = provenance.get(SEEN)
    if isinstance(known, list):
        return {mark: ALL_CELLS for mark in known if isinstance(mark, str)}
    if not isinstance(known, dict):
        return {}
    return {mark: _number(cells) for mark, cells in known.items()}


def _number(cells: object) -> int:
    try:
        return int(str(cells), 16)
    except ValueError:
        return ALL_CELLS
