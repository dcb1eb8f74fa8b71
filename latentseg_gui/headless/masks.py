"""Masks in and out for the subcommands: a class table that grows with what files bring, and safe targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import Labels
from latentseg_gui.headless.common import Failures, find_images
from latentseg_gui.io.masks import IMPORT_SUFFIXES, ImportContext, MaskItem, export_folder, import_mask
from latentseg_gui.io.masks.registry import planned_files


class MaskReader:
    """Reads masks one after the other; classes that only the files know are added to the table.

    Args:
        classes: the table to start from.
    """

    def __init__(self, classes: ClassTable) -> None:
        self.classes = classes

    def read(self, path: Path, shape: tuple[int, int], image_name: str) -> Labels:
        """Class ids uint8 [H, W]; 255 where the file says nothing."""
        context = ImportContext(shape=shape, classes=self.classes, image_name=image_name)
        imported = import_mask(path, context)
        self.classes = imported.classes
        return imported.labels


def pair_with_masks(images: Path, masks: Path) -> list[tuple[Path, Path]]:
    """Images of a folder with the masks of the same name (whatever the ending) in another.

    Raises:
        LatentsegError: no image has a mask.
    """
    try:
        files = sorted(path for path in masks.iterdir() if path.suffix.lower() in IMPORT_SUFFIXES)
    except OSError as error:
        raise LatentsegError(
            f'The folder "{masks}" cannot be read: {error.strerror or error}.', action="Check the path."
        ) from error
    by_stem = {path.stem: path for path in files}
    pairs = [(path, by_stem[path.stem]) for path in find_images([images]) if path.stem in by_stem]
    if not pairs:
        raise LatentsegError(
            f'No image in "{images}" has a mask of the same name in "{masks}".',
            action="Name them alike: photo.jpg and photo.png.",
        )
    return pairs


def write_masks(
    folder: Path,
    items: Iterable[MaskItem],
    stems: Iterable[str],
    classes: ClassTable,
    format_name: str,
    *,
    sources: Sequence[Path],
    failures: Failures,
) -> None:
    """Write all masks and say where.

    Args:
        folder: made if need be.
        items: may be made on the way.
        stems: of the items, known beforehand.
        classes: of all items.
        format_name: a key of `latentseg_gui.io.masks.FORMATS`.
        sources: files that must not be overwritten.
        failures: collects what could not be written.

    Raises:
        LatentsegError: a source would be overwritten; nothing was written.
    """
    protected = {path.resolve() for path in sources}
    for name in planned_files(stems, classes, format_name):
        if (folder / name).resolve() in protected:
            raise LatentsegError(
                f'The output would overwrite "{folder / name}".', action="Choose another folder with -o."
            )
    for step in export_folder(folder, items, classes, format_name):
        if step.error is not None:
            failures.errors.append(step.error)
        for path in step.written:
            print(f"  -> {path}")
