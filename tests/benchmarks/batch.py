"""Megapixels per second of `latentseg predict`, beside those of the model alone on the same pictures in memory.

python -m tests.benchmarks.batch                    # 24 photographs of 0.5 MP
python -m tests.benchmarks.batch --count 200 --size 2000x1500 --format coco,png --device cuda
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line does: waiting threads sleep

import numpy as np
from PIL import Image

from latentseg_gui.app.samples import sample_paths
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.headless.prediction.predict import Run, Throughput
from latentseg_gui.headless.prediction.ranks import Ranks
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.transfer.batch import BatchFolder, BatchPlan, batch_items
from model.prediction.predictor import Predictor
from model.prediction.testtime import PLAIN

MOST = 0.15
"""The part of the model's time that reading, writing and keeping the record may take on top."""


def photographs(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """JPEG files of real photographs, shifted so that no two are the same."""
    paths = []
    for number in range(count):
        source = sample_paths()[number % len(sample_paths())]
        picture = Image.open(source).convert("RGB").resize(size)
        pixels = np.roll(np.asarray(picture), 7 * number, axis=1)
        path = folder / f"photo {number:04}.jpg"
        Image.fromarray(pixels).save(path, quality=90)
        paths.append(path)
    return paths


def alone(predictor: Predictor, pictures: list[np.ndarray]) -> np.ndarray:
    """Seconds that the model takes for pictures in memory, and seconds of CPU."""
    started = clocks()
    for pixels in pictures:
        predictor.set_image(pixels)
        predictor.predict_classes()
    return clocks() - started


def clocks() -> np.ndarray:
    """Time, and CPU time of all threads of this process."""
    return np.array([time.perf_counter(), time.process_time()])


def whole(predictor: Predictor, paths: list[Path], out: Path, formats: list[str]) -> Throughput:
    """What `latentseg predict` does once the weights are loaded."""
    plan = BatchPlan(tuple(formats), ClassTable.default(), "")
    run = Run(BatchFolder(out, plan), predictor, PLAIN, "default", Ranks())
    with contextlib.redirect_stdout(io.StringIO()):
        run.run(batch_items([(path, 0) for path in paths]))
    return run.tally


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--size", default="840x600")
    parser.add_argument("--formats", default="coco,png")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "images"
        folder.mkdir()
        paths = photographs(folder, given.count, (width, height))
        pictures = [read_image(path).pixels for path in paths[: min(len(paths), 24)]]
        share = len(pictures) / len(paths)
        predictor = Predictor.default(given.device)
        alone(predictor, pictures[:2])  # the first images warm caches and kernels
        before = alone(predictor, pictures) / share
        started = clocks()
        tally = whole(predictor, paths, Path(name) / "out", given.formats.split(","))
        seconds, cpu = clocks() - started
        after = alone(predictor, pictures) / share
    plain, plain_cpu = (before + after) / 2
    megapixels = tally.pixels / 1e6
    print(tally.sentence())
    print(f"{predictor.device.name}, load {os.getloadavg()[0]:.1f}")
    print(
        f"model alone, pictures in memory: {megapixels / before[0]:.2f} and {megapixels / after[0]:.2f} MP/s"
    )
    print(f"whole run, with all files: {megapixels / seconds:.2f} MP/s")
    print(f"overhead {seconds / plain - 1:+.1%} (at most {MOST:.0%})")
    print(
        f"CPU: {plain_cpu:.2f} s alone, {cpu:.2f} s in all ({cpu / plain_cpu - 1:+.1%}), whatever else runs here"
    )


if __name__ == "__main__":
    main()
