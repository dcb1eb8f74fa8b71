"""Arrays of changes as bytes: most change nothing but one value in one shape, which takes a bit per pixel."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
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


def packed(planes: Sequence[Sequence[Plane]]) -> bytes:
    """Flat arrays of one length, uint8 or uint32, each given in parts, as few bytes.

    The parts of all arrays must have the same lengths; each is looked at once, while it is in the cache.
    """
    entries, stored = [], []
    places: NDArray[np.uint8] | None = None
    for parts in planes:
        value, bits = _shape_of(parts)
        if bits is None:
            entries.append((_RAW, 0))
            stored += [part.astype(part.dtype.newbyteorder("<"), copy=False).tobytes() for part in parts]
        elif value == 0:
            entries.append((_ZERO, 0))
        elif places is not None and np.array_equal(places, bits):
            entries.append((_SAME, value))
        else:
            entries.append((_BITS, value))
            stored.append(bits.tobytes())
            places = bits
    head = b"".join(_ENTRY.pack(*entry) for entry in entries)
    return _MARK + head + zlib.compress(b"".join(stored), 1)


class PackedPlanes:
    """What `packed` wrote, to be taken stretch by stretch: large arrays need never be there as a whole.

    Args:
        blob: the bytes.
        size: entries of each array.
        dtypes: of the arrays.

    Raises:
        ValueError: these are not the bytes of such arrays.
    """

    def __init__(self, blob: bytes, size: int, dtypes: Sequence[type[np.uint8] | type[np.uint32]]) -> None:
        begin = len(_MARK) + _ENTRY.size * len(dtypes)
        if not blob.startswith(_MARK) or len(blob) < begin:
            raise ValueError("damaged data")
        entries = list(_ENTRY.iter_unpack(blob[len(_MARK) : begin]))
        lengths = [_length(kind, size, dtype) for (kind, _), dtype in zip(entries, dtypes, strict=True)]
        data, start = inflate(blob[begin:], sum(lengths)), 0
        self._planes: list[_Stored] = []
        bits = None
        for (kind, value), dtype, length in zip(entries, dtypes, lengths, strict=True):
            part = np.frombuffer(data, np.uint8, length, start)
            start += length
            bits = part if kind == _BITS else bits
            has_value = kind in (_BITS, _SAME)
            if has_value and (bits is None or value > np.iinfo(dtype).max):
                raise ValueError("damaged data")
            self._planes.append(_Stored(dtype, value, bits if has_value else None, part))

    def stretch(self, start: int, stop: int) -> list[Plane]:
        """The entries from ``start`` to ``stop`` of every array."""
        seen: dict[int, NDArray[np.uint8]] = {}
        planes: list[Plane] = []
        for stored in self._planes:
            if stored.bits is not None:
                places = seen.get(id(stored.bits))
                if places is None:
                    places = seen[id(stored.bits)] = _bits(stored.bits, start, stop)
                planes.append(np.multiply(places, stored.dtype(stored.value), dtype=stored.dtype))
            elif stored.raw.size:
                values = stored.raw.view(np.dtype(stored.dtype).newbyteorder("<"))[start:stop]
                planes.append(values.astype(stored.dtype, copy=False))
            else:
                planes.append(np.zeros(stop - start, stored.dtype))
        return planes


@dataclass(frozen=True, slots=True)
class _Stored:
    """One array: its value and the places of that, a bit each; else its entries as bytes; else it is zero."""

    dtype: type[np.uint8] | type[np.uint32]
    value: int
    bits: NDArray[np.uint8] | None
    raw: NDArray[np.uint8]


def _shape_of(parts: Sequence[Plane]) -> tuple[int, NDArray[np.uint8] | None]:
    """The only value beside 0 and its places, a bit each; None instead of places where there are several."""
    value, bits = 0, []
    rest = np.zeros(0, np.bool_)
    for part in parts:
        highest = int(part.max(initial=0))
        is_set = part != 0
        value = value or highest
        if highest and (highest != value or np.count_nonzero(is_set) != np.count_nonzero(part == value)):
            return 0, None
        if rest.size:
            is_set = np.concatenate([rest, is_set])
        whole = is_set.size // 8 * 8
        bits.append(np.packbits(is_set[:whole]))
        rest = is_set[whole:]
    return value, np.concatenate([*bits, np.packbits(rest)])


def _bits(bits: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
    """The bits from ``start`` to ``stop``, a byte each."""
    part = bits[start // 8 : -(-stop // 8)]
    return np.unpackbits(part)[start % 8 : start % 8 + stop - start]


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
