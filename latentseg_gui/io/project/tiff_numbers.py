"""Object numbers in a TIFF file as projects write it: one page of whole numbers, deflated or plain.

Decoded strip by strip, and no strip gives more than its rows hold: a small file cannot fill the memory.
"""

from __future__ import annotations

import io
import zlib

import numpy as np
import tifffile
from numpy.typing import NDArray

_PLAIN = 1
_DEFLATED = (8, 32946)


def tiff_values(data: bytes, shape: tuple[int, int]) -> NDArray[np.generic]:
    """The numbers of the first page, of the given shape (rows, columns).

    Raises:
        ValueError: if it has another shape or layout, or more or fewer numbers than that.
    """
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages.first
        kind = page.dtype
        if tuple(page.shape) != shape or kind is None or page.is_tiled or page.predictor != 1:
            raise ValueError(f"{page.shape} {kind}")
        if page.compression not in (_PLAIN, *_DEFLATED):
            raise ValueError(f"compression {page.compression}")
        rows = min(page.rowsperstrip, shape[0])
        if len(page.dataoffsets) != -(-shape[0] // rows):
            raise ValueError(f"{len(page.dataoffsets)} strips of {rows} rows")
        out = np.empty(shape, kind.newbyteorder(tiff.byteorder))
        target = out.reshape(-1).view(np.uint8)
        position = 0
        for number, (offset, size) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
            wanted = min(rows, shape[0] - number * rows) * shape[1] * kind.itemsize
            strip = _strip(data[offset : offset + size], wanted, is_plain=page.compression == _PLAIN)
            target[position : position + wanted] = np.frombuffer(strip, np.uint8)
            position += wanted
    return out


def _strip(packed: bytes, wanted: int, *, is_plain: bool) -> bytes:
    if is_plain:
        strip = packed
    else:
        inflater = zlib.decompressobj()
        strip = inflater.decompress(packed, wanted + 1)
    if len(strip) != wanted:
        raise ValueError(f"a strip of {len(strip)} instead of {wanted} bytes")
    return strip
