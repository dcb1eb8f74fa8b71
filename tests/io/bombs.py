"""Small files that make a careless decoder take gigabytes, each of another kind."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tests.io.image_files import chunk, pillow_bytes

GIGABYTE = 2**30


def _segment(code, data):
    return bytes([0xFF, code]) + struct.pack(">H", len(data) + 2) + data


def jpeg_of_scans(width, height, *, is_progressive=True, components=3):
    """A JPEG of a few hundred bytes whose scans hold nothing: the decoder keeps all coefficients."""
    parts = [b"\xff\xd8", _segment(0xDB, bytes([0]) + bytes([1] * 64))]
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes([number, 0x11, 0]) for number in range(1, components + 1))
    parts.append(_segment(0xC2 if is_progressive else 0xC0, frame))
    table = bytes([1] + [0] * 15) + bytes([0])
    parts += [_segment(0xC4, bytes([kind]) + table) for kind in (0x00, 0x10)]
    for number in range(1, components + 1):
        spectrum = bytes([0, 0, 0]) if is_progressive else bytes([0, 63, 0])
        parts.append(_segment(0xDA, bytes([1, number, 0]) + spectrum) + bytes(16))
    return b"".join(parts) + b"\xff\xd9"


def zeros_deflated(count):
    """``count`` zeros (a multiple of 2**24), packed by zlib, without making them."""
    size = 2**24
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(wbits=-15).flush()
    checksum = struct.pack(">HH", count % 65521, 1)
    return b"\x78\xda" + piece * (count // size) + last + checksum


def tiff(tags, data=b"", *, following=0, big_values=()):
    """A little-endian TIFF of one page; the data begin at byte 8. ``tags``: code -> (type, count, value)."""
    start = 8 + len(data) + len(data) % 2
    entries = b"".join(
        struct.pack("<HHII", code, kind, count, value) for code, (kind, count, value) in sorted(tags.items())
    )
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return (
        b"II*\0" + struct.pack("<I", start) + data + bytes(len(data) % 2) + directory + b"".join(big_values)
    )


def tiff_page(width, height, data, compression, **more):
    """A grey page of one strip that holds ``data`` as they are."""
    tags = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, more.get("bits", 8)),
        259: (3, 1, compression),
        262: (3, 1, 1),
        273: (4, 1, 8),
        277: (3, 1, 1),
        278: (4, 1, height),
        279: (4, 1, len(data)),
    }
    return tiff(tags | more.get("tags", {}), data)


def tiff_of_tiles(side, tile, compression=1):
    """A page cut into tiles, of which the file lists one."""
    tags = {322: (4, 1, tile), 323: (4, 1, tile), 324: (4, 1, 8), 325: (4, 1, 16)}
    page = {256: (4, 1, side), 257: (4, 1, side), 258: (3, 1, 8), 259: (3, 1, compression), 262: (3, 1, 1)}
    return tiff(page | tags | {277: (3, 1, 1)}, bytes(16))


def tiff_of_tags(count=2000, values=250_000):
    """A page with one tag again and again, that names the same megabyte each time."""
    data = bytes(values * 4)
    page = tiff_page(4, 4, data, 1)
    start = struct.unpack_from("<I", page, 4)[0]
    size = struct.unpack_from("<H", page, start)[0]
    entries = page[start + 2 : start + 2 + size * 12] + struct.pack("<HHII", 279, 4, values, 8) * count
    return page[:start] + struct.pack("<H", size + count) + entries + bytes(4)


def gif_with_large_second(width=65535, height=65535):
    """A GIF of 4 x 4 pixels whose second frame says that it is larger."""
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = bytearray(pillow_bytes(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert data.count(b"\x2c\0\0\0\0\x04\0\x04\0") == 2
    place = data.rindex(b"\x2c\0\0\0\0\x04\0\x04\0")
    data[place + 5 : place + 9] = struct.pack("<HH", width, height)
    return bytes(data)


def mpo_with_large_second(side):
    """Two JPEG in one file: a plain one, and one of scans."""
    buffer = io.BytesIO()
    small = Image.new("RGB", (16, 16))
    small.save(buffer, "MPO", save_all=True, append_images=[Image.new("RGB", (16, 16), "red")])
    data = buffer.getvalue()
    return data[: data.index(b"\xff\xd8\xff", 4)] + jpeg_of_scans(side, side)


def png_of_many_frames(said, real=2):
    """An animated PNG that says how many frames it has, and has others."""
    frames = [Image.new("RGB", (6, 4), (40 * number, 0, 0)) for number in range(real)]
    data = bytearray(pillow_bytes(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    place = data.index(b"acTL")
    body = b"acTL" + struct.pack(">I", said) + bytes(data[place + 8 : place + 12])
    data[place : place + 16] = body + struct.pack(">I", zlib.crc32(body))
    return bytes(data)


def png_of_one_colour(side):
    """A grey PNG of side x side zeros, a thousandth of that in bytes."""
    row, packer = bytes(1 + side), zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_without_pixels(width, height):
    """The header of a PNG in colours, and nothing else."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def jpeg2000_of_tiles(side=4096, tile=16):
    """The header of a JPEG 2000 that is cut into tiles, each of which has its tables."""
    data = bytearray(pillow_bytes(Image.fromarray(np.zeros((16, 16, 3), np.uint8)), "JPEG2000", no_jp2=True))
    struct.pack_into(">8I", data, 8, side, side, 0, 0, tile, tile, 0, 0)
    return bytes(data)


def pnm(width, height, largest=65535):
    """The header of a PNM, and hardly any pixels."""
    return f"P6 {width} {height} {largest}\n".encode() + bytes(64)


IMAGES = {
    "progressive jpeg": lambda: jpeg_of_scans(22_000, 22_000),
    "jpeg of separate scans": lambda: jpeg_of_scans(22_000, 22_000, is_progressive=False),
    "deflated strip": lambda: tiff_page(4, 4, zeros_deflated(3 * GIGABYTE), 8),
    "older deflated strip": lambda: tiff_page(4, 4, zeros_deflated(3 * GIGABYTE), 32946),
    "strip of packed bits": lambda: tiff_page(4, 4, b"\x81\0" * 4_000_000, 32773),
    "strip of packed bits, 1 bit": lambda: tiff_page(8, 4, zeros_deflated(2 * GIGABYTE), 8, bits=1),
    "strip of jpeg": lambda: tiff_page(16, 16, jpeg_of_scans(30_000, 30_000, components=1), 7),
    "strip of jpeg 2000": lambda: tiff_page(16, 16, jpeg2000_of_tiles(60_000, 256), 34712),
    "sixteen million tiles": lambda: tiff_of_tiles(4000, 1),
    "one tile, far larger than the page": lambda: tiff_of_tiles(4, 65520, 8),
    "tags that name the same bytes": tiff_of_tags,
    "large png": lambda: png_without_pixels(65535, 65535),
    "jpeg 2000 of tiles": jpeg2000_of_tiles,
    "large jpeg 2000": lambda: jpeg2000_of_tiles(60_000, 60_000),
    "large pnm": lambda: pnm(60_000, 60_000),
}
"""Files by name; all of them must be refused."""
