"""Masks out to files: one, or many of a folder, in any of the formats."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io import storage
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import yolo
from latentseg_gui.io.masks.registry import Combination, File, MaskFormat, format_named
from latentseg_gui.io.masks.values import MaskError, MaskItem, PairedImage
from latentseg_gui.io.regular_files import read_regular

_MAX_COPIED = 2**33


@dataclass(frozen=True, slots=True)
class ExportStep:
    """One image of a folder was written, or could not be.

    Attributes:
        item: its stem.
        written: the files.
        error: why it was left out; None if it was not.
    """

    item: str
    written: tuple[Path, ...] = ()
    error: LatentsegError | None = None


def export_mask(
    path: Path, item: MaskItem, classes: ClassTable, format_name: str, ledger: Ledger | None = None
) -> tuple[Path, ...]:
    """Write the mask of one image, without the image.

    Args:
        path: the file for formats with one file per image; its folder for "voc".
        item: the mask.
        classes: its classes.
        format_name: a key of `FORMATS`.
        ledger: knows which files may be replaced; one that allows none but our own if not given.

    Returns:
        What was written.

    Raises:
        MaskError: if the format cannot hold it.
        ForeignFileError: if a file of somebody else is there.
        StorageError: if a file cannot be written; files that were there before stay.
    """
    ledger = ledger or Ledger()
    files = format_named(format_name).files(replace(item, picture=None), classes)
    if len(files) > 1:
        return write_files(path.parent, files, ledger)
    return write_files(path.parent, [(path.name, files[0][1])], ledger)


def planned_files(
    stems: Iterable[str],
    classes: ClassTable,
    format_name: str,
    pictures: Sequence[PairedImage] = (),
) -> list[str]:
    """The names of what `export_folder` would write, for a preview; nothing is encoded.

    Args:
        stems: of the images.
        classes: of the masks.
        format_name: a key of `FORMATS`.
        pictures: of the images, in the same order, where they go along.
    """
    mask_format = format_named(format_name)
    extra = mask_format.folder_files(classes) if mask_format.folder_files else []
    shared = [name for name, _ in extra]
    if mask_format.combine is not None:
        return list(mask_format.combine.names)
    if format_name == "voc":
        folders = ("SegmentationClass", "SegmentationObject")
        return [f"{folder}/{stem}.png" for stem in stems for folder in folders] + shared
    if mask_format.with_pictures:
        stems = list(stems)
        images = [f"{yolo.IMAGES}/{stem}{each.suffix}" for stem, each in zip(stems, pictures, strict=False)]
        return [f"{yolo.LABELS}/{stem}{mask_format.suffix}" for stem in stems] + images + shared
    return [f"{stem}{mask_format.suffix}" for stem in stems] + shared


def export_folder(
    folder: Path,
    items: Iterable[MaskItem],
    classes: ClassTable,
    format_name: str,
    ledger: Ledger | None = None,
) -> Iterator[ExportStep]:
    """Write the masks of many images, one step at a time; stop taking steps to cancel.

    An image that cannot be written is reported, and the rest is done. Formats with one file for all
    write it at the last step.
    """
    mask_format, ledger = format_named(format_name), ledger or Ledger()
    storage.make_folder(folder)
    if mask_format.combine is not None:
        yield from _combined(folder, items, classes, mask_format.combine, ledger)
        return
    if mask_format.folder_files is not None:
        write_files(folder, mask_format.folder_files(classes), ledger)
    for item in items:
        try:
            yield ExportStep(
                item.stem, write_files(folder, encoded_files(mask_format, item, classes), ledger)
            )
        except LatentsegError as error:
            yield ExportStep(item.stem, (), error)


def _combined(
    folder: Path, items: Iterable[MaskItem], classes: ClassTable, combination: Combination, ledger: Ledger
) -> Iterator[ExportStep]:
    parts: list[bytes] = []
    for item in items:
        try:
            parts.append(combined_part(combination, item, classes))
            yield ExportStep(item.stem)
        except LatentsegError as error:
            yield ExportStep(item.stem, (), error)
    joined: list[bytes | PairedImage] = [*combination.join(parts, classes)]
    files = list(zip(combination.names, joined, strict=True))
    yield ExportStep("", write_files(folder, files, ledger))


def encoded_files(mask_format: MaskFormat, item: MaskItem, classes: ClassTable) -> list[File]:
    """The files of one image; whatever goes wrong is a `LatentsegError` that names the image."""
    try:
        return mask_format.files(item, classes)
    except LatentsegError:
        raise
    except Exception as error:  # one mask that cannot be written must not end the others
        raise _not_encoded(item, error) from error


def combined_part(combination: Combination, item: MaskItem, classes: ClassTable) -> bytes:
    """What an image adds to the files of all; raises as `encoded_files` does."""
    try:
        return combination.part(item, classes)
    except LatentsegError:
        raise
    except Exception as error:  # one mask that cannot be written must not end the others
        raise _not_encoded(item, error) from error


def _not_encoded(item: MaskItem, error: Exception) -> MaskError:
    return MaskError(
        f"The mask of “{item.image_name or item.stem}” could not be put into this format: {error}",
        action="Choose another format.",
        detail=repr(error),
    )


def write_files(folder: Path, files: Iterable[File], ledger: Ledger) -> tuple[Path, ...]:
    """Write files below a folder, making folders where needed; their paths.

    Raises:
        ForeignFileError: if one of them would replace a file of somebody else; nothing is written.
        StorageError: if one cannot be written; those before it are there.
    """
    waiting = [(folder / name, data) for name, data in files]
    waiting = [(path, data) for path, data in waiting if not _is_in_place(path, data)]
    ledger.check(path for path, _ in waiting)
    for path, data in waiting:
        _write(path, data, ledger)
    return tuple(path for path, _ in waiting)


def _write(path: Path, data: bytes | PairedImage, ledger: Ledger) -> None:
    if isinstance(data, bytes):
        ledger.write(path, data)
        return
    source = data.file
    if source is None:
        return
    if data.is_linked:
        ledger.link(path, source)
        return
    try:
        copied = read_regular(source, _MAX_COPIED)
    except OSError as error:
        raise MaskError(
            f"“{source.name}” cannot be copied: {error.strerror or 'the system refused it'}.",
            action="Check that it is there and that you may read it.",
            detail=repr(error),
        ) from error
    ledger.write(path, copied)


def _is_in_place(path: Path, data: bytes | PairedImage) -> bool:
    return not isinstance(data, bytes) and data.file is not None and is_same_file(path, data.file)


def is_same_file(path: Path, picture: Path) -> bool:
    """Whether a picture lies already where it would be taken to, itself and not as a link."""
    is_it = os.path.abspath(path) == os.path.abspath(picture)
    return is_it or (not path.is_symlink() and os.path.realpath(path) == os.path.realpath(picture))
