"""What several scales, the mirror image and the CRF gain on street scenes, and what they cost.

    python -m tests.benchmarks.testtime --data DIR --weights FILE [--limit 25] [--crf-settings]

DIR holds camvid_val (images/, masks/). The weights know its eleven classes; `latentseg finetune` on camvid_train
makes some. One confusion matrix over all pictures; pixels with no class (255) do not count. Seconds are those of
this process's own work, so that a busy machine counts little.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from model.analysis.metrics import confusion_matrix, mean_iou
from model.prediction.crf import Crf
from model.prediction.predictor import Predictor
from model.prediction.testtime import PLAIN, PredictOptions
from model.weights.checkpoint import load

IGNORED = 255
ROWS = {
    "plain": PLAIN,
    "mirror image": PredictOptions(flip=True),
    "scales 0.75, 1, 1.25": PredictOptions((0.75, 1.0, 1.25)),
    "scales 0.75, 1, 1.25 and mirror images": PredictOptions((0.75, 1.0, 1.25), flip=True),
    "CRF": PredictOptions(crf=Crf()),
    "all of these": PredictOptions((0.75, 1.0, 1.25), flip=True, crf=Crf()),
}
SETTINGS = {
    "appearance 4": Crf(appearance=4.0),
    "reach 30 px": Crf(appearance_xy=30.0),
    "reach 80 px": Crf(appearance_xy=80.0),
    "colour 5": Crf(appearance_rgb=5.0),
    "colour 20": Crf(appearance_rgb=20.0),
    "smoothness 0": Crf(smoothness=0.0),
    "smoothness 4": Crf(smoothness=4.0),
}


def measured(
    predictor: Predictor, pairs: list[tuple[Path, Path]], options: PredictOptions
) -> tuple[float, float]:
    """Mean IoU, and seconds per picture."""
    classes, seconds = predictor.num_classes, 0.0
    counts = np.zeros((classes, classes), np.int64)
    for image, mask in pairs:
        pixels = np.asarray(Image.open(image).convert("RGB"))
        truth = np.asarray(Image.open(mask))
        started = time.process_time()
        predictor.set_image(pixels)
        labels = predictor.predict_classes(options=options).labels
        seconds += time.process_time() - started
        counts += confusion_matrix(truth, labels, classes, ignore=IGNORED)
    return mean_iou(counts), seconds / len(pairs)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit", type=int, default=25, help="evenly spread pictures; 0: all (default: 25)")
    parser.add_argument("--crf-settings", action="store_true", help="other settings of the CRF instead")
    given = parser.parse_args()
    images = sorted((given.data / "camvid_val" / "images").iterdir())
    if 0 < given.limit < len(images):
        images = [images[i] for i in np.linspace(0, len(images) - 1, given.limit).round().astype(int)]
    pairs = [(path, path.parents[1] / "masks" / f"{path.stem}.png") for path in images]
    predictor = Predictor(load(given.weights)[0], given.device)
    print(f"{len(pairs)} pictures, {predictor.device.name}, {torch.get_num_threads()} threads")
    print("| how | mIoU | gain | CPU seconds per picture | times plain |\n|---|---|---|---|---|")
    rows = ROWS
    if given.crf_settings:
        rows = {"plain": PLAIN} | {name: PredictOptions(crf=crf) for name, crf in SETTINGS.items()}
    first: tuple[float, float] | None = None
    for name, options in rows.items():
        found = measured(predictor, pairs, options)
        first = first or found
        gain, times = found[0] - first[0], found[1] / first[1]
        print(f"| {name} | {found[0]:.4f} | {gain:+.4f} | {found[1]:.2f} | {times:.1f} |", flush=True)


if __name__ == "__main__":
    main()
