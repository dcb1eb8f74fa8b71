"""Objects after a minute of learning: found, outlined, counted, beside a watershed without learning.

    python -m tests.benchmarks.objects --data DIR [--draws 3] [--seconds 60] [--clock cpu]

DIR holds ``images`` and ``masks`` with object numbers (0 background). Half of the pictures, every second one by
name, are for choosing settings (``--half choose``), the other half for figures (the default). A draw is four
pictures to learn from and ten others to measure on. With ``--clock cpu`` a second is 1.7 s of one thread, so that
other work on the machine does not count; training runs with one thread then.

An object is found where its IoU with a predicted one is above the bar; F1 is over all objects of the ten pictures.
"Count off" is the sum over pictures of how far the number of objects is off, over the number of objects.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from model import FineTuneConfig, LabelledImage, Predictor, finetune
from model.analysis.object_metrics import BARS, ObjectTally
from model.analysis.objects import ObjectOptions, inside_of, objects_of
from model.training.clock import Clock

Numbers = NDArray[np.int32]
Way = Callable[[NDArray[np.uint8]], Numbers]

LEARNED_FROM, MEASURED_ON = 4, 10
PROCESSOR_SECONDS = 1.7


def words(tally: ObjectTally) -> str:
    """The figures of some pictures."""
    scores = "  ".join(f"F1@{bar} {tally.f1(bar):.3f}" for bar in BARS)
    bias = (tally.predicted - tally.true) / max(1, tally.true)
    return f"{scores}  count off {tally.count_off:.3f} ({bias:+.3f} in all)  objects {tally.true}"


def plain_watershed(image: NDArray[np.uint8]) -> Numbers:
    """Otsu's threshold, then a watershed of the distance to the background (scikit-image), without learning."""
    grey = image.mean(2)
    is_bright = grey > threshold_otsu(grey)
    inside = is_bright if is_bright.mean() < 0.5 else ~is_bright
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), 1)
    peaks = peak_local_max(distance, min_distance=5, labels=ndimage.label(inside)[0])
    markers = np.zeros(inside.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    numbers = watershed(-distance, markers, mask=inside).astype(np.int32)
    small = np.bincount(numbers.ravel()) < 20
    return np.where(small[numbers], 0, numbers)


def of_classes(predictor: Predictor) -> Way:
    """Connected areas of the class, as without depth."""

    def way(image: NDArray[np.uint8]) -> Numbers:
        predictor.set_image(image, for_clicks=False)
        return np.asarray(ndimage.label(predictor.predict_classes().labels == 1)[0], np.int32)

    return way


def of_depth(predictor: Predictor, options: ObjectOptions) -> Way:
    """Objects as the program makes them."""

    def way(image: NDArray[np.uint8]) -> Numbers:
        predictor.set_image(image, for_clicks=False)
        prediction = predictor.predict_classes()
        if prediction.depth is None:
            raise SystemExit("these weights do not tell objects apart")
        inside = inside_of(prediction.labels, prediction.confidence, (1,), options.threshold)
        return objects_of(inside, prediction.depth / np.float32(255), options)

    return way


def pictures(folder: Path, half: str) -> list[Path]:
    """Every second picture of each kind (the name up to "_"), from the first or the second on."""
    kinds: dict[str, list[Path]] = {}
    for path in sorted((folder / "images").iterdir()):
        kinds.setdefault(path.stem.partition("_")[0], []).append(path)
    first = 0 if half == "choose" else 1
    return [path for paths in kinds.values() for path in paths[first::2]]


def draws(found: Sequence[Path], count: int) -> Iterator[tuple[list[Path], list[Path]]]:
    """Pictures to learn from and others to measure on."""
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(len(found))
        chosen = [found[index] for index in order]
        yield chosen[:LEARNED_FROM], chosen[LEARNED_FROM : LEARNED_FROM + MEASURED_ON]


def read(path: Path) -> tuple[NDArray[np.uint8], Numbers]:
    """Picture and object numbers."""
    mask = path.parent.parent / "masks" / f"{path.stem}.png"
    return np.array(Image.open(path).convert("RGB")), np.array(Image.open(mask)).astype(np.int32)


def learned(paths: Sequence[Path], seconds: float, seed: int, *, by_cpu: bool) -> Predictor:
    """The shipped weights after learning from these pictures."""
    samples = [
        LabelledImage(image, (numbers > 0).astype(np.uint8), path.stem, objects=numbers)
        for path, (image, numbers) in ((path, read(path)) for path in paths)
    ]
    config = FineTuneConfig(num_classes=2, seconds=seconds, seed=seed, classes_kept=(None, None))
    job = finetune(Predictor.default("cpu").network, samples, config)
    if by_cpu:
        job.clock = Clock(seconds, now=lambda: time.process_time() / PROCESSOR_SECONDS)
    for _ in job:
        pass
    print(f"  {job.step} steps, {job.seconds:.0f} s", flush=True)
    return Predictor(job.network, "cpu")


def main() -> None:
    """Runs the draws and prints a line a way and draw, then one a way for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--half", choices=("choose", "report"), default="report")
    parser.add_argument("--threshold", type=float, default=ObjectOptions().threshold)
    parser.add_argument("--separation", type=float, default=ObjectOptions().separation)
    parser.add_argument("--smoothness", type=float, default=ObjectOptions().smoothness)
    options = parser.parse_args()
    if options.clock == "cpu":
        torch.set_num_threads(1)
    how = ObjectOptions(options.threshold, options.separation, options.smoothness)
    totals: dict[str, ObjectTally] = {}
    found = pictures(options.data, options.half)
    for seed, (taught, others) in enumerate(draws(found, options.draws)):
        print(f"draw {seed}: learning from {', '.join(path.stem for path in taught)}", flush=True)
        predictor = learned(taught, options.seconds, seed, by_cpu=options.clock == "cpu")
        ways = {
            "latentseg": of_depth(predictor, how),
            "its classes alone": of_classes(predictor),
            "Otsu and watershed": plain_watershed,
        }
        for name, way in ways.items():
            tally = ObjectTally()
            for path in others:
                image, truth = read(path)
                predicted = way(image)
                tally.add(truth, predicted)
                totals.setdefault(name, ObjectTally()).add(truth, predicted)
            print(f"  {name:20} {words(tally)}", flush=True)
    for name, total in totals.items():
        print(f"{name:20} {words(total)}")


if __name__ == "__main__":
    main()
