"""How sure the outcome of a run may say it is: a temperature, fitted on the labels that were held back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from model.analysis.calibration import LARGEST, calibration_error, fitted_temperature, with_temperature
from model.prediction.predictor import Predictor
from model.training.coverage import divided
from model.training.types import IGNORED, FineTuneConfig, LabelledImage

if TYPE_CHECKING:
    from model.training.cross import FineTuningJob

CALIBRATION: Final = "calibration"
"""Key of the provenance for the temperature, and what it was fitted on."""

MAX_IMAGES: Final = 12
MAX_PIXELS: Final = 20_000
"""Of one image: neighbours say nearly the same."""

LEAST_PIXELS: Final = 100


def calibrated(
    job: FineTuningJob, samples: Sequence[LabelledImage], config: FineTuneConfig
) -> dict[str, Any]:
    """What the provenance of the weights of a job that has ended says of their calibration.

    Args:
        job: that has ended.
        samples: of the run.
        config: of the run.

    Returns:
        To be put over the provenance. A live refit keeps the temperature that it began with: it may not take time.
        Where nothing was held back, as in cross-validation, nothing can be fitted, and the temperature is 1.
    """
    if config.speed == "live":
        return {}
    if config.validation == "cross":
        return {CALIBRATION: {}}
    shares, truth = _held_out(job, samples, config)
    if truth.size < LEAST_PIXELS:
        return {CALIBRATION: {}}
    temperature = max(fitted_temperature(shares, truth), _alike(shares, truth))
    after = calibration_error(with_temperature(shares, temperature), truth)
    return {
        CALIBRATION: {
            "temperature": round(temperature, 4),
            "pixels": int(truth.size),
            "error_before": round(calibration_error(shares, truth), 4),
            "error_after": round(after, 4),
        }
    }


def _alike(shares: NDArray[np.float32], truth: NDArray[np.uint8]) -> float:
    """The temperature if every class counts alike: what is rare, and missed, would else be drowned by the rest."""
    counts = np.bincount(truth, minlength=len(shares))
    weights = np.where(counts >= LEAST_PIXELS, 1 / np.maximum(counts, 1), 0.0)[truth]
    return fitted_temperature(shares, truth, weights) if weights.any() else 1.0


def temperature_of(provenance: Mapping[str, Any]) -> float:
    """The temperature that weights are used with, 1..`LARGEST`; anything may stand in a file."""
    known = provenance.get(CALIBRATION)
    value = known.get("temperature") if isinstance(known, Mapping) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return min(max(float(value), 1.0), LARGEST) if value is not None and is_number else 1.0


def _held_out(
    job: FineTuningJob, samples: Sequence[LabelledImage], config: FineTuneConfig
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Probabilities [C, N] and labels [N] of pixels that were held back."""
    predictor, draw = Predictor(job.network, config.device), np.random.default_rng(config.seed)
    shares: list[NDArray[np.float32]] = [np.zeros((config.num_classes, 0), np.float32)]
    truth: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    held = zip(samples, divided(samples, config).held, strict=True)
    known = [(each, where & (each.by_hand != IGNORED)) for each, where in held]
    for sample, where in [each for each in known if each[1].any()][:MAX_IMAGES]:
        rows, cols = np.nonzero(where)
        if rows.size > MAX_PIXELS:
            chosen = draw.choice(rows.size, MAX_PIXELS, replace=False)
            rows, cols = rows[chosen], cols[chosen]
        predictor.set_image(sample.image, for_clicks=False)
        seen = predictor.predict_overview()  # [C, h, w]; large images are looked at smaller
        height, width = seen.shape[1:]
        shares.append(seen[:, rows * height // where.shape[0], cols * width // where.shape[1]])
        truth.append(sample.labels[rows, cols])
    return np.concatenate(shares, axis=1), np.concatenate(truth)
