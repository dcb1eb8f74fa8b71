"""The checks that every file of weights passes before a tensor is read. No torch here.

Only safetensors come in: a length, a JSON header, raw numbers. Nothing in such a file can run. The
header is checked to the last byte first, because it decides what would be allocated.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from model.errors import WeightsError

MAX_FILE_BYTES: Final = 1 << 30
MAX_HEADER_BYTES: Final = 1 << 20
MAX_TENSORS: Final = 5000
MAX_METADATA_BYTES: Final = 64 << 10
MAX_DIMENSIONS: Final = 8

ITEM_BYTES: Final[Mapping[str, int]] = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip

_CODE_SUFFIXES: Final = frozenset(
    (".pt", ".pth", ".pkl", ".pickle", ".npy", ".npz", ".joblib", ".ckpt", ".bin")
)
_PICKLE_TEXT: Final = re.compile(rb"\s*[(\]}]*(c[\w.]+\n[\w.]+\n|\(?[il]p?\d|\(dp\d|I\d+\n|S')")
_CONVERT: Final = (
    "Convert it on a machine where you trust it: load it there with its own program and save the tensors"
    " with safetensors.torch.save_file."
)


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What a header says of a tensor: number format, shape, and where its bytes lie after the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header.

    Attributes:
        tensors: by name, in the order of the file.
        metadata: the strings beside them.
    """

    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]


def read_checked(path: Path) -> tuple[bytes, Header]:
    """The bytes of a safetensors file that has passed the checks, and its header.

    Raises:
        WeightsError: it is not one, or it is broken or hostile; nothing was executed.
    """
    try:
        with open(path, "rb", opener=_open_regular) as file:
            size = file.seek(0, 2)
            file.seek(0)
            head = _read_head(file, size, path)
            header = check_header(head[8:], size - len(head), path)
            return head + file.read(size - len(head)), header
    except OSError as error:
        raise WeightsError(
            f'The file "{path.name}" cannot be read: {error.strerror or error}.',
            action="Check the path and that you may read it.",
        ) from error


def _open_regular(path: str, flags: int) -> int:
    """Open without waiting for whoever might write into a pipe; what is no file is an OSError."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder", path)
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, not a file", path)
    return descriptor


def _read_head(file: BinaryIO, size: int, path: Path) -> bytes:
    """The length and the JSON header, unparsed."""
    start = file.read(600)
    if size == 0:
        _refuse(path, "is empty", "Download or export it again.")
    length = int.from_bytes(start[:8], "little")
    if start[8:9] != b"{":
        _refuse_foreign(path, start)
    if length > MAX_HEADER_BYTES:
        _refuse(path, f"declares a header of {length} bytes; at most {MAX_HEADER_BYTES} are taken")
    if 8 + length > size:
        _refuse(path, "ends inside its header", "It is incomplete: download or export it again.")
    if size > MAX_FILE_BYTES:
        _refuse(path, f"has {size} bytes; at most {MAX_FILE_BYTES} are taken")
    file.seek(0)
    return file.read(8 + length)


def _refuse(path: Path, why: str, action: str = "Use a file that this program exported.") -> NoReturn:
    raise WeightsError(f'The file "{path.name}" was refused: it {why}.', action=action)


def _refuse_foreign(path: Path, start: bytes) -> NoReturn:
    kind = sniff(start)
    if not kind and path.suffix.lower() in _CODE_SUFFIXES:
        kind = f"{path.suffix} file"
    if kind.startswith("web page"):
        _refuse(path, "is a web page, not weights", "The download failed: fetch the file itself.")
    if kind:
        _refuse(path, f"is a {kind}, and this format can run code; convert it", _CONVERT)
    _refuse(path, "is not a safetensors file")


def sniff(start: bytes) -> str:
    """What a foreign file is by its first bytes; empty where unknown."""
    kinds = (
        (start[:1] == b"\x80" and start[1:2] <= b"\x05", "pickle"),
        (start[:2] == b"PK", "zip archive (as torch.save writes)"),
        (start[:6] == b"\x93NUMPY", "NumPy file"),
        (start[257:262] == b"ustar", "tar archive"),
        (start[:2] in (b"\x1f\x8b", b"BZ") or start[:5] == b"\xfd7zXZ", "compressed file"),
        (start[:8] == b"\x89HDF\r\n\x1a\n", "HDF5 file"),
        (start.lstrip()[:1] == b"<", "web page"),
        (_PICKLE_TEXT.match(start) is not None, "pickle"),
    )
    return next((kind for is_it, kind in kinds if is_it), "")


def check_header(raw: bytes, data_bytes: int, path: Path) -> Header:
    """Check a header against all that a header can lie about.

    Args:
        raw: the JSON text.
        data_bytes: how many bytes follow it in the file.
        path: for messages.
    """
    entries = _parse(raw, path)
    metadata = _check_metadata(entries.pop("__metadata__", {}), path)
    if len(entries) > MAX_TENSORS:
        _refuse(path, f"declares {len(entries)} tensors; at most {MAX_TENSORS} are taken")
    tensors = {name: _check_entry(name, entry, path) for name, entry in entries.items()}
    _check_layout(tensors, data_bytes, path)
    return Header(tensors, metadata)


def _parse(raw: bytes, path: Path) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a name occurs twice")
        return dict(pairs)

    def no_constant(text: str) -> NoReturn:
        raise ValueError(f"{text} is not a number here")

    try:
        parsed = json.loads(raw.decode("utf-8"), object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        _refuse(path, f"has a broken header ({str(error)[:120]})")
    if not isinstance(parsed, dict):
        _refuse(path, "has a header that is not a table")
    return parsed


def _check_metadata(metadata: Any, path: Path) -> dict[str, str]:
    if not isinstance(metadata, dict):
        _refuse(path, "has metadata that are not a table")
    for key, text in metadata.items():
        if not isinstance(text, str) or len(text.encode("utf-8", "replace")) > MAX_METADATA_BYTES:
            _refuse(
                path, f'has metadata "{key[:40]}" that are not text of at most {MAX_METADATA_BYTES} bytes'
            )
    return metadata


def _check_entry(name: str, entry: Any, path: Path) -> TensorEntry:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        _refuse(path, f'describes the tensor "{name[:60]}" in an unknown way')
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        _refuse(path, f'has a tensor "{name[:60]}" of the unknown number format {str(dtype)[:20]}')
    if not _are_counts(shape) or len(shape) > MAX_DIMENSIONS:
        _refuse(path, f'has a tensor "{name[:60]}" of an impossible shape')
    if not _are_counts(offsets) or len(offsets) != 2:
        _refuse(path, f'has a tensor "{name[:60]}" at an impossible place')
    start, end = offsets
    if end - start != math.prod(shape) * ITEM_BYTES[dtype]:
        _refuse(path, f'has a tensor "{name[:60]}" whose shape does not fit its bytes')
    return TensorEntry(dtype, tuple(shape), start, end)


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 1 << 48 for v in values)


def _check_layout(tensors: Mapping[str, TensorEntry], data_bytes: int, path: Path) -> None:
    """Tensors must fill the data exactly: no overlap, no hole, nothing after the last."""
    position = 0
    for entry in sorted(tensors.values(), key=lambda e: (e.start, e.end)):
        if entry.start != position:
            what = "overlapping tensors" if entry.start < position else "a hole between its tensors"
            _refuse(path, f"has {what}")
        position = entry.end
    if position > data_bytes:
        _refuse(path, "is shorter than its header says", "It is incomplete: download or export it again.")
    if position < data_bytes:
        _refuse(path, f"has {data_bytes - position} bytes that belong to no tensor")
