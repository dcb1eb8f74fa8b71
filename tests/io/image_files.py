"""Files made in memory for the tests of readers."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image


def png_bytes(values, *, colour_type, depth, filters=(0, 1, 2, 3, 4), chunks=b""):
    """A PNG made by hand; every row takes the next of ``filters``."""
    rows = values.reshape(values.shape[0], -1).astype(">u2" if depth == 16 else np.uint8)
    raw = rows.view(np.uint8).reshape(values.shape[0], -1).astype(np.int32)
    step = raw.shape[1] // values.shape[1]
    data = bytearray()
    above = np.zeros(raw.shape[1], np.int32)
    for number, row in enumerate(raw):
        left = np.concatenate([np.zeros(step, np.int32), row[:-step]])
        above_left = np.concatenate([np.zeros(step, np.int32), above[:-step]])
        kind = filters[number % len(filters)]
        estimate = left + above - above_left
        options = np.stack([left, above, above_left])
        nearest = np.abs(options - estimate).argmin(axis=0)
        paeth = np.take_along_axis(options, nearest[None], 0)[0]
        predicted = (0, left, above, (left + above) // 2, paeth)[kind]
        data.append(kind)
        data += ((row - predicted) & 255).astype(np.uint8).tobytes()
        above = row
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunks
        + chunk(b"IDAT", zlib.compress(bytes(data)))
        + chunk(b"IEND", b"")
    )


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff_bytes(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def pillow_bytes(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def rgb(shape=(12, 17), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


def exif_with(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif
