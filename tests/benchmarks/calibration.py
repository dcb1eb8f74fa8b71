"""How sure fine-tuned weights say they are, before and after calibration, on images that they have not seen.

    python -m tests.benchmarks.calibration DATA --sets fewshot_nuclei,fewshot_crack,fewshot_membrane

DATA is as for `tests.benchmarks.networks`. For each set and draw: five images to learn from, quick, in seconds of a
processor; ten others to measure on. "Missed" are pixels of an object that are taken for background; a pixel is marked
unsure where the probability of its class is below 80 %.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.analysis.calibration import calibration_error, with_temperature
from model.prediction.predictor import Predictor
from model.training.calibrating import calibrated, temperature_of
from model.training.clock import Clock
from model.training.finetune import FineTuneConfig, finetune
from model.weights.checkpoint import default_weights_path, load
from tests.benchmarks.networks import Draw, drawn

UNSURE = 0.8
FIELDS = (
    "set", "draw", "temperature", "error_before", "error_after",
    "missed_unsure_before", "missed_unsure_after", "right_unsure_before", "right_unsure_after",
)  # fmt: skip


def seen_and_true(predictor: Predictor, draw: Draw) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Probabilities [C, N] and labels [N] of pixels of the images to measure on."""
    rng = np.random.default_rng(0)
    shares, truth = [], []
    for each in draw.tests:
        predictor.set_image(each.image, for_clicks=False)
        shape = draw.num_classes, *each.labels.shape
        seen = predictor.predict_probabilities(out=np.zeros(shape, np.float32)).reshape(draw.num_classes, -1)
        known = np.flatnonzero(each.labels != 255)
        chosen = rng.choice(known, min(20_000, known.size), replace=False)
        shares.append(seen[:, chosen])
        truth.append(each.labels.ravel()[chosen])
    return np.concatenate(shares, axis=1), np.concatenate(truth)


def unsure_shares(shares: NDArray[np.float32], truth: NDArray[np.uint8]) -> tuple[float, float]:
    """Of the missed pixels, and of those that are right, the share that is marked unsure."""
    said, is_unsure = shares.argmax(0), shares.max(0) < UNSURE
    missed, right = (truth != 0) & (said == 0), said == truth
    return float(is_unsure[missed].mean()) if missed.any() else float("nan"), float(is_unsure[right].mean())


def measured(draw: Draw, seconds: float, seed: int) -> dict[str, float]:
    """The figures of one run."""
    network, _ = load(default_weights_path())
    kept = (None,) * draw.num_classes
    config = FineTuneConfig(num_classes=draw.num_classes, seconds=seconds, classes_kept=kept, seed=seed)
    job = finetune(network, draw.lessons, config)
    job.clock = Clock(seconds, time.process_time)
    for _ in job:
        pass
    temperature = temperature_of(calibrated(job, draw.lessons, config))
    before, truth = seen_and_true(Predictor(job.network, "cpu"), draw)
    after = with_temperature(before, temperature)
    missed, right = zip(unsure_shares(before, truth), unsure_shares(after, truth), strict=True)
    return {
        "temperature": temperature,
        "error_before": calibration_error(before, truth),
        "error_after": calibration_error(after, truth),
        "missed_unsure_before": missed[0],
        "missed_unsure_after": missed[1],
        "right_unsure_before": right[0],
        "right_unsure_after": right[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", required=True, help="folders of DATA, with commas")
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    options = parser.parse_args()
    writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
    writer.writeheader()
    for number in range(options.first, options.first + options.draws):
        for name in options.sets.split(","):
            draw = drawn(options.data / name, 5, 10, number)
            figures = measured(draw, options.seconds, number)
            writer.writerow(
                {"set": name, "draw": number, **{key: round(each, 3) for key, each in figures.items()}}
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
