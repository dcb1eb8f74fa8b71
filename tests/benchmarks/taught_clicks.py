"""Clicks that the eleventh object needs after ten of its kind were accepted, before and after clicks have learned.

    python -m tests.benchmarks.taught_clicks --data SET[:CLASSES][@PREFIX] ... --others DIR [--draws 3]

SET holds images/ and masks/ with object numbers or class ids; CLASSES are those of which connected areas are objects,
as 2 or 1+2 (together); PREFIX is how the names of the pictures begin. In every draw ten objects of random pictures are
learned from, as the window does it: some of them are held out, and where those need no fewer clicks nothing is taken
over. Objects of other pictures then take the place of the eleventh. DIR as for `tests.benchmarks.clicks`: what became
of clicks on other things. Half of the clicks fall into the middle of the larger error, half anywhere that is deep
enough. A second of processor time is counted as 1 / 1.7 s: two cores work, and not all the time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import label as components

from model.networks.network import LatentExpertNetwork
from model.prediction.predictor import Predictor
from model.training.click_examples import ClickExample, examples_of
from model.training.click_measure import ClickFigures, measure_clicks
from model.training.click_tuning import ClickTuneConfig, finetune_clicks
from model.training.clock import Clock
from model.training.types import LabelledImage
from model.weights.checkpoint import default_weights_path, load
from tests.benchmarks.click_objects import OBJECT, objects

ACCEPTED = 10
OF_A_PICTURE = 4
LEAST_SHARE = 0.0004
THREAD_SECONDS = 1.7

Numbers = NDArray[np.int32]


@dataclass
class Kind:
    """A set or a part of it, and which classes are its objects; none where its masks number them."""

    folder: Path
    classes: tuple[int, ...]
    prefix: str = ""

    @classmethod
    def of(cls, text: str) -> Kind:
        """From the command line."""
        whole, _, prefix = text.partition("@")
        folder, _, classes = whole.partition(":")
        return cls(Path(folder), tuple(int(each) for each in classes.split("+") if each), prefix)

    @property
    def name(self) -> str:
        """For the table."""
        classes = f", class {'+'.join(map(str, self.classes))}" if self.classes else ""
        return self.folder.name + classes + (f", {self.prefix}*" if self.prefix else "")

    def pictures(self, generator: np.random.Generator) -> Iterator[tuple[NDArray[np.uint8], Numbers]]:
        """Pictures with numbered objects in random order; small ones and those of other classes left out."""
        files = sorted((self.folder / "images").glob(f"{self.prefix}*"))
        for index in generator.permutation(len(files)):
            mask = np.array(Image.open(self.folder / "masks" / f"{files[index].stem}.png")).astype(np.int32)
            if self.classes:
                mask = components(np.isin(mask, self.classes), connectivity=1).astype(np.int32)
            sizes = np.bincount(mask.ravel())
            large = np.flatnonzero(sizes >= max(60, LEAST_SHARE * mask.size))
            chosen = generator.permutation(large[large > 0])[:OF_A_PICTURE]
            if len(chosen):
                numbers = np.where(np.isin(mask, chosen), mask, 0).astype(np.int32)
                yield np.array(Image.open(files[index]).convert("RGB")), numbers


def drawn(kind: Kind, seed: int, tested: int) -> tuple[list[LabelledImage], list[ClickExample]]:
    """Images with ten accepted objects, and objects of other images."""
    accepted: list[LabelledImage] = []
    others: list[LabelledImage] = []
    count = 0
    for image, numbers in kind.pictures(np.random.default_rng(seed)):
        own = np.setdiff1d(numbers, 0)
        most = ACCEPTED - count if count < ACCEPTED else 2
        kept = np.where(np.isin(numbers, own[:most]), numbers, 0).astype(np.int32)
        sample = LabelledImage(image, np.where(kept > 0, np.uint8(1), np.uint8(255)), objects=kept)
        if count < ACCEPTED:
            accepted.append(sample)
        else:
            others.append(sample)
        count += min(most, len(own))
        if count >= ACCEPTED + tested:
            break
    return accepted, examples_of(others)[:tested]


def clicked(network: LatentExpertNetwork, examples: list[ClickExample]) -> ClickFigures:
    """What objects need."""
    figures = ClickFigures()
    for _ in measure_clicks(Predictor(network, "cpu", dtype=torch.float32), examples, figures):
        pass
    return figures


@dataclass
class Row:
    """Figures of all draws of a kind."""

    before: ClickFigures = field(default_factory=ClickFigures)
    after: ClickFigures = field(default_factory=ClickFigures)
    taken: int = 0
    draws: int = 0

    def add(self, before: ClickFigures, after: ClickFigures, *, is_taken: bool) -> None:
        """Another draw."""
        self.before.ious.extend(before.ious)
        self.after.ious.extend(after.ious)
        self.taken += is_taken
        self.draws += 1

    def line(self, name: str) -> str:
        """Of the table."""
        cells = [
            f"{before:{form}} -> {after:{form}}"
            for form, before, after in (
                (".2f", self.before.clicks_until(0.85), self.after.clicks_until(0.85)),
                (".2f", self.before.clicks_until(0.9), self.after.clicks_until(0.9)),
                (".3f", self.before.iou_after(1), self.after.iou_after(1)),
                (".3f", self.before.iou_after(3), self.after.iou_after(3)),
            )
        ]
        return f"| {name} | {len(self.before.ious)} | {self.taken} of {self.draws} | {' | '.join(cells)} |"


def others_of(folder: Path, limit: int) -> list[ClickExample]:
    """Objects that have nothing to do with what is learned."""
    samples = [
        LabelledImage(picture, (mask == OBJECT).astype(np.uint8), objects=(mask == OBJECT).astype(np.int32))
        for picture, mask in objects(folder, limit)
    ]
    return examples_of(samples)


def main() -> None:
    """Prints a line for every draw and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", type=Kind.of, required=True)
    parser.add_argument("--others", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--tested", type=int, default=6, help="objects in the place of the eleventh, a draw")
    parser.add_argument("--limit", type=int, default=8, help="objects of --others")
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network, _ = load(default_weights_path())
    if not isinstance(network, LatentExpertNetwork):
        raise TypeError("the shipped weights answer clicks")
    others = others_of(options.others, options.limit)
    others_before = clicked(network, others)
    rows: dict[str, tuple[Row, Row]] = {}
    for kind in options.data:
        own, apart = rows[kind.name] = Row(), Row()
        for draw in range(options.first, options.first + options.draws):
            accepted, tested = drawn(kind, draw, options.tested)
            before = clicked(network, tested)
            job = finetune_clicks(network, accepted, ClickTuneConfig(device="cpu", seed=draw))
            job.clock = Clock(options.seconds * THREAD_SECONDS, time.process_time)
            for _ in job:
                pass
            learned = job.network if job.is_better else network
            after = before if learned is network else clicked(learned, tested)
            own.add(before, after, is_taken=job.is_better)
            apart_after = others_before if learned is network else clicked(learned, others)
            apart.add(others_before, apart_after, is_taken=job.is_better)
            single = Row(before, after, int(job.is_better), 1)
            held = f"held out {job.before.clicks:.2f} -> {job.after.clicks:.2f}, {job.step} steps"
            print(f"{single.line(f'{kind.name}, draw {draw}')} {held}", flush=True)
            if not job.is_better:
                print(
                    f"   not taken; it would have been {Row(before, clicked(job.network, tested)).line('')}"
                )
    print("\n| kind | objects and people | taken over | NoC@85 | NoC@90 | IoU after 1 | IoU after 3 |")
    print("|---|---|---|---|---|---|---|")
    for name, (own, apart) in rows.items():
        print(own.line(name))
        print(apart.line(f"after {name}: other things"))


if __name__ == "__main__":
    main()
