"""Pictures for jobs: made ones, the same each time, or those of a folder with masks beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.draw import line
from skimage.measure import label as components

from tests.benchmarks.chosen_pictures import Source

Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class JobPicture:
    """A picture and what is wanted of it.

    Attributes:
        name: of its file, without what it ends in.
        pixels: uint8 [H, W, 3] or uint16 [H, W].
        truth: bool [H, W]: the object, or all that is of its class.
        count: of objects.
    """

    name: str
    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    truth: Mask
    count: int = 1


def photographs(count: int) -> list[JobPicture]:
    """One thing each on a ground of another tone and grain."""
    found = []
    for number in range(count):
        generator = np.random.default_rng(number)
        shape = 240, 320
        rows, cols = np.indices(shape)
        row, col = generator.integers(90, 150), generator.integers(110, 210)
        tall, wide = generator.integers(30, 60), generator.integers(35, 70)
        truth = ((rows - row) / tall) ** 2 + ((cols - col) / wide) ** 2 <= 1
        ground, thing = generator.integers(20, 120, 3), generator.integers(130, 240, 3)
        pixels = np.where(truth[..., None], thing, ground + 20 * (rows / 240)[..., None])
        found.append(JobPicture(f"photo {number:02}", _grainy(pixels, generator), truth))
    return found


def nuclei(count: int) -> list[JobPicture]:
    """Soft bright spots on a dark ground, 16 bit, none touching another."""
    found = []
    for number in range(count):
        generator = np.random.default_rng(100 + number)
        light = generator.normal(900, 40, (256, 256))
        truth = np.zeros(light.shape, np.bool_)
        rows, cols = np.indices(light.shape)
        for place in generator.permutation(36)[: generator.integers(9, 16)]:
            row, col = np.array(divmod(int(place), 6)) * 42 + 22 + generator.integers(-4, 5, 2)
            spot = ((rows - row) / generator.integers(9, 14)) ** 2 + (
                (cols - col) / generator.integers(9, 14)
            ) ** 2
            light += generator.integers(1200, 3000) * np.exp(-(spot**2))
            truth |= spot <= 0.7
        parts = int(ndimage.label(truth)[1])
        found.append(JobPicture(f"page {number:02}", light.clip(0, 65535).astype(np.uint16), truth, parts))
    return found


def cracks(count: int) -> list[JobPicture]:
    """A dark crack of five pixels from left to right on grainy concrete."""
    found = []
    for number in range(count):
        generator = np.random.default_rng(200 + number)
        shape = 128, 128
        truth = np.zeros(shape, np.bool_)
        height = float(generator.integers(35, 93))
        for col in range(0, 120, 8):
            other = float(np.clip(height + generator.normal(0, 6), 8, 119))
            truth[line(int(height), col, int(other), col + 8)] = True
            height = other
        truth = ndimage.binary_dilation(truth, iterations=2)
        ground = 150 + 25 * ndimage.gaussian_filter(generator.normal(0, 4, shape), 6)
        pixels = np.where(truth, 55, ground)[..., None].repeat(3, 2)
        found.append(JobPicture(f"wall {number:03}", _grainy(pixels, generator), truth))
    return found


def of_folder(folder: Path, classes: Sequence[int], count: int, *, is_one: bool) -> list[JobPicture]:
    """Pictures of a folder that holds images/ and masks/, the first ones in the order of names.

    Args:
        folder: of both.
        classes: values of the masks that are objects; none where masks number them.
        count: at most so many.
        is_one: whether the object of median size is wanted, or all of them.
    """
    source, found = Source(folder.name, tuple(classes)), list[JobPicture]()
    for file in sorted((folder / "images").iterdir()):
        target = source.target(folder.parent, file.stem)
        if target is None or len(found) == count:
            continue
        truth, number = target.truth, 1
        if not is_one:
            values = np.array(Image.open(folder / "masks" / f"{file.stem}.png")).astype(np.int32)
            truth = np.isin(values, classes) if classes else values > 0
            number = int(components(truth).max()) if classes else len(np.unique(values[values > 0]))
        found.append(JobPicture(file.stem, target.pixels, truth, number))
    return found


def written(pictures: Sequence[JobPicture], folder: Path) -> Path:
    """The folder, with a file for each picture."""
    folder.mkdir(parents=True)
    for each in pictures:
        Image.fromarray(each.pixels).save(folder / f"{each.name}.png")
    return folder


def written_as_pages(pictures: Sequence[JobPicture], folder: Path) -> Path:
    """One file with a page for each picture in the folder, or the folder with a file each where sizes differ."""
    if len({each.pixels.shape for each in pictures}) > 1:
        return written(pictures, folder)
    folder.mkdir(parents=True)
    kind = "minisblack" if pictures[0].pixels.ndim == 2 else "rgb"
    tifffile.imwrite(folder / "pages.tif", np.stack([each.pixels for each in pictures]), photometric=kind)
    return folder / "pages.tif"


def _grainy(pixels: NDArray[np.float64], generator: np.random.Generator) -> Pixels:
    grain = ndimage.gaussian_filter(generator.normal(0, 12, pixels.shape[:2]), 0.7)[..., None]
    return (pixels + grain).clip(0, 255).astype(np.uint8)
