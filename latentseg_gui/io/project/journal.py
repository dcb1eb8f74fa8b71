"""The journal: every change since the last save, appended at once, so that a crash loses next to nothing.

A file is a row of records: length, CRC-32, sequence number, contents. The first says which save of
which project the changes follow. What comes after the first record that is not whole is never applied.
"""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.masks.object_marks import ObjectMarks
from latentseg_gui.document.project.changes import (
    Change,
    MakersChange,
    MarksChange,
    MaskChange,
    PromptsChange,
)
from latentseg_gui.document.project.kept_prompts import put_prompts
from latentseg_gui.document.types import Rect
from latentseg_gui.io.project.journal_classes import RenumberedClasses, recorded_classes
from latentseg_gui.io.project.locating import is_sound
from latentseg_gui.io.project.manifest import (
    MAKERS,
    PROMPTS,
    ImageEntryModel,
    WeightsList,
    path_fields,
    places,
)
from latentseg_gui.io.regular_files import open_regular
from latentseg_gui.io.storage import AppendFile, StorageError

FORMAT: Final = 1
_HEAD = struct.Struct("<4sIII")
_PART = struct.Struct("<I")
_MARK = b"LSj1"
_MAX_RECORD = 2**30
_MAX_TEXT = 2**26
MAX_JOURNAL = 4 * 2**30
_PIECE = 2**20
_BYTES_PER_PIXEL = 8
_SLACK = 2**16


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """What a journal follows.

    Attributes:
        project: id of the project.
        base: id of the save that its changes follow.
        previous: id of the save before, whose journal continues here if this save was never finished.
    """

    project: str
    base: str
    previous: str = ""


@dataclass(frozen=True, slots=True)
class ImageNote:
    """An image that following changes are about, so that it can be put back if the save does not know it."""

    entry: ImageEntryModel


@dataclass(frozen=True, slots=True)
class WeightsNote:
    """The whole list of versions of the weights, as it was from then on."""

    listed: WeightsList


Record = Change | RenumberedClasses | ImageNote | WeightsNote
"""What a journal consists of."""


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What a journal file holds.

    Attributes:
        header: None if not even that can be read.
        records: the changes and images up to the first record that is not whole.
        ends: where the header and each of them end: n records fill ``ends[n]`` bytes.
        good_bytes: length of what was read.
        is_damaged: whether something comes after it.
    """

    header: JournalHeader | None
    records: tuple[Record, ...]
    ends: tuple[int, ...]
    good_bytes: int
    is_damaged: bool


class Journal:
    """A journal that is being written.

    Args:
        path: the file; what is in it is replaced.
        folder: of the project, for the places of images.
        header: what it follows.
    """

    def __init__(self, path: Path, folder: Path, header: JournalHeader) -> None:
        self.path = path
        self.header = header
        self._folder = folder
        self._known: set[str] = set()
        self._sequence = 0
        self._file = AppendFile(path, keep=0)
        try:
            self._write({"format": FORMAT, "kind": "header", **asdict(header)}, b"")
        except StorageError:
            self._file.close()
            raise

    def append(self, change: Change, document: Document) -> None:
        """Write a change that the document has just gone through.

        It survives the end of this process at once, and a power cut after `sync`.

        Raises:
            StorageError: if it cannot be written; the journal stays whole.
        """
        if isinstance(change, MaskChange):
            self._introduce(change.image_id, document)
            rects = [[rect.row0, rect.col0, rect.row1, rect.col1] for rect in change.rects]
            said = {"rects": rects, "instances": change.has_instances}
            self._write({"kind": "mask", "image": change.image_id, **said}, change.blob)
            return
        if isinstance(change, MarksChange):
            self._introduce(change.image_id, document)
            content = {"kind": "marks", "image": change.image_id, **change.marks.as_settings()}
            self._write(content, b"")
            return
        if isinstance(change, PromptsChange):
            self._introduce(change.image_id, document, {PROMPTS: change.kept})
            return
        if isinstance(change, MakersChange):
            self._introduce(change.image_id, document, {MAKERS: change.makers})
            return
        classes = [list(astuple(entry)) for entry in change.classes]
        self._write({"kind": "classes", "classes": classes, "ids": change.classes.ids}, b"")

    def append_weights(self, listed: WeightsList) -> None:
        """Write down which versions of the weights there are, and which is in use.

        Raises:
            StorageError: if it cannot be written; the journal stays whole.
        """
        self._write({"kind": "weights", "listed": listed.model_dump(mode="json")}, b"")

    def sync(self) -> None:
        """Have it on the disk; takes milliseconds, so not in the thread of the window."""
        self._file.sync()

    def close(self) -> None:
        """Close the file; it stays."""
        self._file.close()

    def _introduce(self, image_id: str, document: Document, more: dict[str, Any] | None = None) -> None:
        """Write the image down, the first time or where there is ``more`` to say; older programs skip that."""
        if (image_id in self._known and not more) or not document.images.has(image_id):
            return
        (rows, cols), frame = document.masks.layer(image_id).shape, document.images.frame(image_id)
        path = document.images.path(image_id)
        where = {} if path is None else path_fields(path, self._folder)
        values = {"id": image_id, "frame": frame, "width": cols, "height": rows, **where, **(more or {})}
        entry = ImageEntryModel.model_validate(values)
        self._write({"kind": "image", "entry": entry.model_dump(exclude_none=True)}, b"")
        self._known.add(image_id)

    def _write(self, content: dict[str, Any], blob: bytes) -> None:
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        payload = _PART.pack(len(text)) + text + blob
        self._file.append(
            _HEAD.pack(_MARK, len(payload), _checksum(self._sequence, payload), self._sequence) + payload
        )
        self._sequence += 1


def read_journal(data: bytes) -> JournalContents:
    """Read as much of a journal as is whole. Never raises, whatever the bytes."""
    return _read(io.BytesIO(data), len(data))


def read_journal_file(path: Path) -> JournalContents:
    """As `read_journal`, from a file, of which no more is read than is whole. Never raises.

    A record is checked piece by piece before it is kept, so that a file of absurd size, or one that says it
    has a record of absurd size, takes neither time nor memory.
    """
    try:
        with open_regular(path) as file:
            return _read(file, os.fstat(file.fileno()).st_size)
    except OSError:
        return JournalContents(None, (), (), 0, True)


def _read(file: BinaryIO, size: int) -> JournalContents:
    header: JournalHeader | None = None
    records: list[Record] = []
    ends: list[int] = []
    position = 0
    while position < min(size, MAX_JOURNAL):
        try:
            payload, following = _payload(file, position, size, len(records) + (header is not None))
            if header is None:
                header = _header_of(payload)
            else:
                records.append(_change_of(payload))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, struct.error, LatentsegError):
            break
        position = following
        ends.append(following)
    return JournalContents(header, tuple(records), tuple(ends), position, position < size)


def replay(contents: JournalContents, document: Document, folder: Path) -> int:
    """Apply the changes of a journal to the document that its save holds.

    Stops at the first change that does not fit; it and the rest are left out.

    Returns:
        How many records were applied.
    """
    for index, record in enumerate(contents.records):
        try:
            if isinstance(record, ImageNote):
                _restore(record.entry, document, folder)
            elif not isinstance(record, WeightsNote):
                _check_fits(record, document)
                record.apply(document)
        except Exception:  # whatever is wrong with a record, it and those after it are not applied
            return index
    return len(contents.records)


def _restore(entry: ImageEntryModel, document: Document, folder: Path) -> None:
    if entry.shape is None:
        raise ValueError("an image without a size")
    if document.images.has(entry.id):
        document.masks.expect_shape(entry.id, entry.shape)
    else:
        where = next(places(entry, folder), None)
        _check_size(entry.shape, where if entry.frame == 0 else None)
        document.images.restore(entry.id, where, entry.frame, MaskLayer(entry.shape))
    said = entry.model_extra or {}
    document.makers.take({entry.id: said.get(MAKERS)})
    if PROMPTS in said:
        put_prompts(document, entry.id, said[PROMPTS])


def _check_fits(change: Change | RenumberedClasses, document: Document) -> None:
    if not isinstance(change, MaskChange):
        return
    shape = document.masks.layer(change.image_id).shape
    _check_size(
        shape, None if document.images.frame(change.image_id) else document.images.path(change.image_id)
    )
    whole = Rect.whole(shape)
    for rect in change.rects:
        if rect.is_empty or rect.clipped(shape) != rect:
            raise ValueError(f"{rect} is outside {whole}")
    if sum(rect.shape[0] * rect.shape[1] for rect in change.rects) > shape[0] * shape[1]:
        raise ValueError("parts overlap")


def _check_size(shape: tuple[int, int], path: Path | None) -> None:
    if not is_sound(shape, path):
        raise ValueError(f"a mask of {shape[1]} x {shape[0]} pixels is larger than its image")


def _payload(file: BinaryIO, position: int, size: int, sequence: int) -> tuple[bytes, int]:
    """The contents of the record at ``position`` and where the next begins; ValueError if it is not whole."""
    file.seek(position)
    mark, length, checksum, number = _HEAD.unpack(file.read(_HEAD.size))
    start = position + _HEAD.size
    if mark != _MARK or length > _MAX_RECORD or start + length > size or number != sequence:
        raise ValueError("no record")
    text_length = _PART.unpack(file.read(_PART.size))[0]
    if text_length > min(length - _PART.size, _MAX_TEXT):
        raise ValueError("no text")
    text = file.read(text_length)
    if not text.startswith(b"{"):
        raise ValueError("no text")
    _check_sum(file, start, length, _start_sum(number), checksum)
    file.seek(start)
    return file.read(length), start + length


def _check_sum(file: BinaryIO, start: int, length: int, total: int, wanted: int) -> None:
    """Raise ValueError unless the checksum is right; keeps nothing of what it reads."""
    file.seek(start)
    while length > 0:
        piece = file.read(min(length, _PIECE))
        if not piece:
            raise ValueError("the file is shorter")
        total = zlib.crc32(piece, total)
        length -= len(piece)
    if total != wanted:
        raise ValueError("a record is damaged")


def _start_sum(sequence: int) -> int:
    return zlib.crc32(_PART.pack(sequence))


def _checksum(sequence: int, payload: bytes) -> int:
    return zlib.crc32(payload, _start_sum(sequence))


def _split(payload: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = _PART.unpack_from(payload)
    content = json.loads(payload[_PART.size : _PART.size + length])
    if not isinstance(content, dict):
        raise TypeError("not a record")
    return content, payload[_PART.size + length :]


def _header_of(payload: bytes) -> JournalHeader:
    content, _ = _split(payload)
    if content["kind"] != "header" or content["format"] != FORMAT:
        raise ValueError("a journal of another kind")
    return JournalHeader(str(content["project"]), str(content["base"]), str(content["previous"]))


def _change_of(payload: bytes) -> Record:
    content, blob = _split(payload)
    kind = content["kind"]
    if kind == "image":
        return ImageNote(ImageEntryModel.model_validate(content["entry"]))
    if kind == "weights":
        return WeightsNote(WeightsList.model_validate(content["listed"]))
    if kind == "mask":
        rects = tuple(Rect(*(int(value) for value in rect)) for rect in content["rects"])
        area = sum(rect.shape[0] * rect.shape[1] for rect in rects)
        if len(blob) > _BYTES_PER_PIXEL * area + _SLACK * (1 + len(rects)):
            raise ValueError("more bytes than its pixels can have")
        return MaskChange(str(content["image"]), rects, bool(content["instances"]), blob)
    if kind == "marks":
        return MarksChange(str(content["image"]), ObjectMarks.of_settings(content))
    if kind == "classes":
        return recorded_classes(content, blob)
    raise ValueError(f"a record of the kind {kind}")
