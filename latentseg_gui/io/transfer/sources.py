"""The images of a folder that results are written into, or below: the results are no images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from latentseg_gui.io.images.reading import list_images
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.paths import real


def source_images(folder: Path, output: Path) -> list[Path]:
    """The images of a folder and those in it, without what comes out of them.

    Raises:
        ImageError: if the folder cannot be read.
    """
    return without_results(list_images(folder), folder, output)


def without_results(images: Sequence[Path], folder: Path, output: Path | None) -> list[Path]:
    """Those of the images that are no results.

    Args:
        images: what was found in ``folder``.
        folder: where images were looked for.
        output: where results go. If it lies below ``folder``, nothing in it is an image; if it is the same, all
            that latentseg has written there is none.
    """
    found = list(images)
    if output is None:
        return found
    source, target = real(folder), real(output)
    if target == source:
        ledger = Ledger()
        return [path for path in found if not ledger.has_written(path)]
    if not target.is_relative_to(source):
        return found
    inside = folder / target.relative_to(source)
    return [path for path in found if not path.is_relative_to(inside)]
