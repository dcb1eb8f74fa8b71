"""What an even mix of the experts would cost: mean IoU of foreground and background on held-out pictures.

    python -m tests.benchmarks.even_mix --data DIR [--pictures 6] [--weights FILE] [--write]

DIR holds the sets below, each with images/ and masks/. Of sets that weights are made with, every twentieth picture is
left out of the making; those are measured on. With --write the figure goes into the table beside the shipped weights,
from which the window takes it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from model.analysis.metrics import mean_iou
from model.prediction.even_mix import EvenMix
from model.prediction.predictor import Predictor
from model.weights.checkpoint import default_weights_path, load

SETS: Final[dict[str, tuple[int, ...] | None]] = {
    "camvid_val": (8, 9, 10),
    "ccp": None,
    "pets": (1,),
    "coco_train": None,
    "human": (1,),
}
"""Class ids that are people and things; None where all but 0 are."""

UNKNOWN: Final = 255


def labelled(
    folder: Path, foreground: tuple[int, ...] | None, count: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Held-out pictures uint8 [H, W, 3] with labels [H, W]: 1 foreground, 0 background, 255 unknown."""
    files = sorted((folder / "images").iterdir())
    files = files if folder.name.endswith("_val") else files[19::20]
    for index in np.unique(np.linspace(0, len(files) - 1, min(count, len(files))).astype(int)):
        ids = np.array(Image.open(folder / "masks" / f"{files[index].stem}.png"))
        inside = ids > 0 if foreground is None else np.isin(ids, foreground)
        labels = np.where(ids == UNKNOWN, UNKNOWN, inside).astype(np.uint8)
        yield np.array(Image.open(files[index]).convert("RGB")), labels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=6, help="of each set")
    parser.add_argument("--weights", type=Path, default=None, help="instead of the shipped ones")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="into the table beside the weights")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    path = options.weights or default_weights_path()
    predictor = Predictor(load(path)[0], "cpu")
    mix, total, learned, even = EvenMix(predictor), 0, [], []
    print("| set | pictures | learned mix | even mix |\n|---|---|---|---|")
    for name, foreground in SETS.items():
        counts = []
        for pixels, labels in labelled(options.data / name, foreground, options.pictures):
            predictor.set_image(pixels, for_clicks=False)
            counts.append(mix.count(labels, 2))
        total += len(counts)
        learned.append(mean_iou(np.sum([each.learned for each in counts], axis=0)))
        even.append(mean_iou(np.sum([each.even for each in counts], axis=0)))
        print(f"| {name} | {len(counts)} | {learned[-1]:.3f} | {even[-1]:.3f} |", flush=True)
    means = round(float(np.mean(learned)), 3), round(float(np.mean(even)), 3)
    print(f"| mean | {total} | {means[0]:.3f} | {means[1]:.3f} |")
    if options.write:
        figure = {"learned": means[0], "even": means[1], "pictures": total}
        table = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "even_mix": figure}
        path.with_suffix(".json").write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
