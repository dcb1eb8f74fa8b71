"""Classes of a picture of 20,000 x 20,000 pixels: time, and how much memory that took.

    python -m tests.benchmarks.large_tiles [--side 20000] [--weights FILE] [--flip] [--crf]

The picture is made up and lies on the disk, and so do labels and confidence: what the process keeps for itself
("anonymous") is what counts. The pages of files that happen to be in memory count as resident, too, although
the system may take them back at any time.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model import Predictor, load
from model.prediction.crf import Crf
from model.prediction.outputs import ClassPrediction
from model.prediction.testtime import PLAIN, PredictOptions
from model.weights.checkpoint import default_weights_path

BAND = 500


def made_up(path: Path, side: int) -> NDArray[np.uint8]:
    """A memory-mapped picture uint8 [side, side, 3]: a landscape of noise of all sizes, with disks on it."""
    generator = np.random.default_rng(0)
    picture = np.lib.format.open_memmap(path, "w+", np.uint8, (side, side, 3))
    coarse = [generator.normal(0, 30 / (k + 1), (side // cell + 2, side // cell + 2, 3)) for k, cell in CELLS]
    centres = generator.uniform(0, side, (side // 40, 3)) * (1, 1, 0)
    centres[:, 2] = generator.uniform(20, 150, len(centres))
    colours = generator.integers(0, 256, (len(centres), 3))
    cols = np.arange(side)
    for first in range(0, side, BAND):
        rows = np.arange(first, min(first + BAND, side))
        band = np.full((len(rows), side, 3), 120.0, np.float32)
        for (_, cell), grid in zip(CELLS, coarse, strict=True):
            band += grid[np.ix_(rows // cell, cols // cell)].astype(np.float32)
        for (row, col, radius), colour in zip(centres, colours, strict=True):
            if rows[0] - radius <= row <= rows[-1] + radius:
                part = slice(max(0, int(col - radius)), int(col + radius) + 1)
                inside = np.hypot(rows[:, None] - row, cols[None, part] - col) < radius
                band[:, part][inside] = colour
        picture[rows] = np.clip(band, 0, 255)
    picture.flush()
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


CELLS = ((0, 1000), (1, 100), (2, 10))


class Memory:
    """Watches what this process keeps for itself, in a thread; Linux only."""

    def __init__(self) -> None:
        self.most = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.most = max(self.most, anonymous_bytes())


def anonymous_bytes() -> int:
    """Resident memory that no file backs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    return 0


@dataclass(frozen=True)
class Taken:
    """What a prediction took: seconds, bytes of its own memory, and what came of it."""

    opening: float
    predicting: float
    before: int
    most: int
    shares: NDArray[np.float64]


def measured(predictor: Predictor, folder: Path, side: int, options: PredictOptions = PLAIN) -> Taken:
    """Predict a picture that is made up in ``folder``, where the answer goes, too."""
    picture, shape = made_up(folder / "picture.npy", side), (side, side)
    out = ClassPrediction(
        np.lib.format.open_memmap(folder / "labels.npy", "w+", np.uint8, shape),
        np.lib.format.open_memmap(folder / "confidence.npy", "w+", np.uint8, shape),
    )
    before, started = anonymous_bytes(), time.monotonic()
    with Memory() as memory:
        predictor.set_image(picture)
        opened = time.monotonic()
        predictor.predict_classes(options=options, out=out)
    some = out.labels[::7, ::7].ravel()
    shares = np.bincount(some, minlength=predictor.num_classes) / some.size
    return Taken(opened - started, time.monotonic() - opened, before, memory.most, shares)


def main() -> None:
    """Print time and memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--max-pixels", type=int, help="of a tile")
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--crf", action="store_true")
    parser.add_argument("--folder", type=Path, help="for the picture and the answer (about 2 GB)")
    given = parser.parse_args()
    options = PredictOptions(flip=given.flip, crf=Crf() if given.crf else None)
    network, _ = load(given.weights or default_weights_path())
    predictor = Predictor(network, given.device, max_pixels=given.max_pixels)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        taken = measured(predictor, Path(folder), given.side, options)
    size = given.side**2 / 1e6
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{given.side} x {given.side} pixels, {predictor.num_classes} classes, {predictor.device.name}")
    print(f"opened in {taken.opening:.1f} s, predicted in {taken.predicting:.1f} s")
    print(f"{size / taken.predicting:.2f} megapixels per second")
    print(f"its own memory: {taken.before >> 20} MB before, {taken.most >> 20} MB at most")
    print(f"resident with pages of files: {resident} MB at most")
    print("share of each class:", np.round(taken.shares, 3))


if __name__ == "__main__":
    main()
