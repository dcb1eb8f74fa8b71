"""Pictures of two kinds with an object each to click on: a list that was chosen by eye, or others drawn at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import label as components

Mask = NDArray[np.bool_]

LEAST_PIXELS, LEAST_SHARE = 60, 0.001
"""Smaller objects are not clicked on."""

NUMBERED: Final = ()
"""Instead of classes: masks that number their objects."""


@dataclass(frozen=True, slots=True)
class Target:
    """An object of a picture.

    Attributes:
        name: of its file.
        pixels: uint8 [H, W, 3].
        truth: bool [H, W].
    """

    name: str
    pixels: NDArray[np.uint8]
    truth: Mask


@dataclass(frozen=True, slots=True)
class Source:
    """A set, and which values of its masks are objects: connected areas of ``classes``, or what is numbered."""

    folder: str
    classes: tuple[int, ...] = NUMBERED

    @classmethod
    def of(cls, text: str) -> Source:
        """From the command line: SET, or SET:1+2."""
        folder, _, classes = text.partition(":")
        return cls(folder, tuple(int(each) for each in classes.split("+") if each))

    def target(self, data: Path, stem: str, generator: np.random.Generator | None = None) -> Target | None:
        """An object of a picture: that of median size, or any; None where none is large enough.

        Objects at the border count only where there are no others.
        """
        numbers = np.array(Image.open(data / self.folder / "masks" / f"{stem}.png")).astype(np.int32)
        if self.classes:
            numbers = components(np.isin(numbers, self.classes), connectivity=1).astype(np.int32)
        sizes = np.bincount(numbers.ravel())
        large = np.flatnonzero(sizes >= max(LEAST_PIXELS, LEAST_SHARE * numbers.size))
        large = large[large > 0]
        inside = np.setdiff1d(large, np.concatenate([numbers[[0, -1]].ravel(), numbers[:, [0, -1]].ravel()]))
        found = inside if inside.size else large
        if not found.size:
            return None
        by_size = found[np.argsort(sizes[found], kind="stable")]
        chosen = by_size[len(by_size) // 2] if generator is None else generator.choice(found)
        file = next((data / self.folder / "images").glob(f"{stem}.*"))
        pixels = np.array(Image.open(file).convert("RGB"))
        return Target(f"{self.folder}/{stem}", pixels, numbers == chosen)


BSDS, OBJECT = "BSDS500_data_images_val_", Source("clicks_bsds_val", (255,))
CAR, PEDESTRIAN = Source("camvid_val", (8,)), Source("camvid_val", (9,))
NUCLEI = Source("instances_nuclei")
BLOOD_CELL, BLOOD_NUCLEUS = Source("fewshot_wbc", (1, 2)), Source("fewshot_wbc", (2,))
NEURITE = Source("fewshot_membrane", (0,))

PHOTOGRAPHS: Final = (
    *(
        (OBJECT, f"{BSDS}{number}")
        for number in (
            "101085_0",
            "108005_0",
            "134035_0",
            "175043_0",
            "21077_0",
            "219090_1",
            "210088_0",
            "227092_0",
            "253027_0",
            "299086_1",
            "3096_0",
            "38082_0",
            "69015_0",
        )
    ),
    (CAR, "CamVid_val_0016E5_07969"),
    (PEDESTRIAN, "CamVid_val_0016E5_08101"),
)
MICROSCOPE: Final = (
    *((NUCLEI, f"dark_{name}") for name in ("245b99587837", "2a2032c4ed78", "30f65741053d", "2e172afb1f43")),
    *(
        (NUCLEI, f"stained_{name}")
        for name in (
            "00ae65c1c663",
            "0d3640c1f1b8",
            "2246874c8b5b",
            "4d4f254f3b8b",
        )
    ),
    (BLOOD_CELL, "Dataset_1_004"),
    (BLOOD_CELL, "Dataset_1_035"),
    (BLOOD_NUCLEUS, "Dataset_1_012"),
    (BLOOD_NUCLEUS, "Dataset_1_053"),
    *((NEURITE, f"data_membrane_train_image_{number}") for number in (0, 13, 21)),
)
KINDS: Final = {"photographs": PHOTOGRAPHS, "microscope pictures": MICROSCOPE}


def chosen(data: Path, kind: str) -> Iterator[Target]:
    """The list of a kind (`KINDS`); the same each time."""
    for source, stem in KINDS[kind]:
        target = source.target(data, stem)
        if target is None:
            raise ValueError(f"no object is large enough in {source.folder}/{stem}")
        yield target


def drawn(data: Path, sources: Sequence[Source], count: int, seed: int) -> Iterator[Target]:
    """Objects of random pictures, the sets in turn."""
    generator = np.random.default_rng(seed)
    stems = [
        generator.permutation(sorted(each.stem for each in (data / source.folder / "images").iterdir()))
        for source in sources
    ]
    turn = 0
    while count and turn < len(sources) * max(len(each) for each in stems):
        number, place = turn % len(sources), turn // len(sources)
        turn += 1
        if place >= len(stems[number]):
            continue
        target = sources[number].target(data, str(stems[number][place]), generator)
        if target is not None:
            count -= 1
            yield target
