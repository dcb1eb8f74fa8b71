"""What "Snap to edges" makes of rough masks: IoU with the annotated object before and after, and seconds.

    python -m tests.benchmarks.tighten FOLDER... --limit 40

Each folder holds images/ and masks/ as `click_objects` reads them. Masks are made rough in four ways.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.prediction.tightening import follow_edges, reach_of
from tests.benchmarks.click_objects import OBJECT, UNKNOWN, objects

Mask = NDArray[np.bool_]


def blocks(mask: Mask) -> Mask:
    """As a mask of a sixteenth of the pixels would be."""
    step = max(2, reach_of(mask))
    coarse = ndimage.uniform_filter(mask.astype(float), step)[step // 2 :: step, step // 2 :: step] > 0.5
    rows, cols = (
        np.minimum(np.arange(size) // step, coarse.shape[axis] - 1) for axis, size in enumerate(mask.shape)
    )
    return coarse[rows][:, cols]


def wider(mask: Mask) -> Mask:
    return ndimage.distance_transform_edt(~mask) <= reach_of(mask) / 2


def narrower(mask: Mask) -> Mask:
    return ndimage.distance_transform_edt(mask) > reach_of(mask) / 2


def rounder(mask: Mask) -> Mask:
    return ndimage.gaussian_filter(mask.astype(float), reach_of(mask)) > 0.5


WAYS: dict[str, Callable[[Mask], Mask]] = {
    "blocks": blocks,
    "wider": wider,
    "narrower": narrower,
    "rounder": rounder,
}


def iou(one: Mask, other: Mask, counts: Mask) -> float:
    """Intersection over union where pixels count."""
    return float((one & other & counts).sum() / max(1, ((one | other) & counts).sum()))


def main() -> None:
    """Prints a row for each folder and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=40)
    arguments = parser.parse_args()
    for folder in arguments.folders:
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
        seconds = []
        for pixels, mask in objects(folder, arguments.limit):
            truth, counts = mask == OBJECT, mask != UNKNOWN
            for name, way in WAYS.items():
                rough = way(truth)
                if not rough.any():
                    continue
                started = time.perf_counter()
                followed = follow_edges(rough, pixels)
                seconds.append(time.perf_counter() - started)
                rows[name].append((iou(rough, truth, counts), iou(followed, truth, counts)))
        for name, pairs in rows.items():
            before, after = np.array(pairs).T
            better = (after > before).mean()
            print(f"{folder.name:20} {name:9} {before.mean():.3f} -> {after.mean():.3f}, better {better:.0%}")
        print(f"{folder.name:20} {1000 * np.mean(seconds):.0f} ms each")


if __name__ == "__main__":
    main()
