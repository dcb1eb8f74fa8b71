"""Arrays of changes as bytes: most change nothing but one value in one shape, which takes a bit per pixel."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]
"""uint8 or uint32, in one row."""

_MARK: Final = b"\x01"
"""What `packed` begins with; a plain zlib stream begins with "x"."""
_ENTRY: Final = struct.Struct("<BI")
_RAW, _BITS, _SAME, _ZERO = range(4)
"""How an array is kept: as it is; the places of its one value, a bit each; in the places of the array before."""


def packed(planes: Sequence[Plane]) -> bytes:
    """Flat arrays of one length, uint8 or uint32, as few bytes."""
    entries, parts = [], []
    places: NDArray[np.bool_] | None = None
    for plane in planes:
        value = int(plane.max(initial=0))
        is_set = plane != 0
        if value == 0:
            entries.append((_ZERO, 0))
        elif np.count_nonzero(is_set) != np.count_nonzero(plane == value):
            entries.append((_RAW, 0))
            parts.append(plane.astype(plane.dtype.newbyteorder("<"), copy=False).tobytes())
        elif places is not None and np.array_equal(places, is_set):
            entries.append((_SAME, value))
        else:
            entries.append((_BITS, value))
            parts.append(np.packbits(is_set).tobytes())
            places = is_set
    head = b"".join(_ENTRY.pack(*entry) for entry in entries)
    return _MARK + head + zlib.compress(b"".join(parts), 1)


def unpacked(blob: bytes, size: int, dtypes: Sequence[type[np.uint8] | type[np.uint32]]) -> list[Plane]:
    """The arrays again, each of ``size`` entries.

    Raises:
        ValueError: these are not the bytes of such arrays.
    """
    begin = len(_MARK) + _ENTRY.size * len(dtypes)
    if not blob.startswith(_MARK) or len(blob) < begin:
        raise ValueError("damaged data")
    entries = list(_ENTRY.iter_unpack(blob[len(_MARK) : begin]))
    lengths = [_length(kind, size, dtype) for (kind, _), dtype in zip(entries, dtypes, strict=True)]
    data, start = inflate(blob[begin:], sum(lengths)), 0
    planes: list[Plane] = []
    places: NDArray[np.uint8] | None = None
    for (kind, value), dtype, length in zip(entries, dtypes, lengths, strict=True):
        part = np.frombuffer(data, np.uint8, length, start)
        start += length
        if kind == _BITS:
            places = np.unpackbits(part, count=size)
        planes.append(_plane(kind, value, part, places, size, dtype))
    return planes


def inflate(blob: bytes, expected: int) -> bytes:
    """Decompress to exactly ``expected`` bytes, never holding more.

    Raises:
        ValueError: if there are more or fewer, or the data are damaged.
    """
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(blob, max(expected, 1))
        is_whole = len(data) == expected and _is_finished(decompressor)
    except zlib.error as error:
        raise ValueError("damaged data") from error
    if not is_whole:
        raise ValueError("data of another length than announced")
    return data


def _is_finished(decompressor: zlib._Decompress) -> bool:
    """Whether the stream ends here (its checksum may still have to be read)."""
    if decompressor.eof:
        return True
    return not decompressor.decompress(decompressor.unconsumed_tail, 1) and decompressor.eof


def _length(kind: int, size: int, dtype: type[np.uint8] | type[np.uint32]) -> int:
    """Bytes that an array takes before compression."""
    if kind == _RAW:
        return size * np.dtype(dtype).itemsize
    if kind == _BITS:
        return (size + 7) // 8
    if kind in (_SAME, _ZERO):
        return 0
    raise ValueError("damaged data")


def _plane(
    kind: int,
    value: int,
    part: NDArray[np.uint8],
    places: NDArray[np.uint8] | None,
    size: int,
    dtype: type[np.uint8] | type[np.uint32],
) -> Plane:
    if kind == _RAW:
        return part.view(np.dtype(dtype).newbyteorder("<")).astype(dtype, copy=False)
    if kind == _ZERO:
        return np.zeros(size, dtype)
    if places is None or value > np.iinfo(dtype).max:
        raise ValueError("damaged data")
    return np.multiply(places, dtype(value), dtype=dtype)
