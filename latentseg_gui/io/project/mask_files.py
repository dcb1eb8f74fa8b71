"""Masks inside a project: pictures that any viewer shows, named by the hash of their contents.

Decoded strip by strip, and no strip gives more than its rows hold: a small file cannot fill the memory.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.document.masks.layers import Arrays, Instances
from latentseg_gui.document.masks.palette import BACKGROUND_COLOUR, palette, rgb_from_hex
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import MaskFiles, ProjectError
from latentseg_gui.io.regular_files import open_regular

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


_MAX_PNG16 = 65535
_MAX_FILE = 2**30
_MAX_INSTANCE = 2**32 - 1


def encoded_arrays(arrays: Arrays) -> tuple[MaskFiles, dict[str, bytes]]:
    """The names of the files of a mask, and the files by name; equal masks give equal files."""
    labels_in, provenance_in, instances_in = arrays
    labels = _picture(labels_in)
    provenance = _picture(provenance_in)
    files = {_name(labels, "png"): labels, _name(provenance, "png"): provenance}
    instances = None
    if instances_in is not None and instances_in.any():
        is_small = int(instances_in.max()) <= _MAX_PNG16
        data = _grey16(instances_in) if is_small else _tiff32(instances_in)
        instances = _name(data, "png" if is_small else "tif")
        files[instances] = data
    names = MaskFiles(
        labels=_name(labels, "png"),
        provenance=_name(provenance, "png"),
        instances=instances,
        labelled=int(np.count_nonzero(labels_in != UNLABELLED)),
    )
    return names, files


def read_files(folder: Path, names: MaskFiles) -> list[bytes]:
    """The files of a mask (labels, provenance, perhaps instances), still compressed.

    Raises:
        ProjectError: if one is missing, or is not what it was when it was written.
    """
    return [_contents(folder / name) for name in _present(names)]


def decoded(files: list[bytes], names: MaskFiles, shape: tuple[int, int]) -> Arrays:
    """The arrays of a mask, with the very numbers that the files hold.

    Raises:
        ProjectError: if a file is not a mask of this size, or holds numbers that a mask cannot have.
    """
    limits = (UNLABELLED, UNLABELLED, _MAX_INSTANCE)
    arrays = []
    for name, data, limit in zip(_present(names), files, limits, strict=False):
        try:
            values = tiff_values(data, shape) if name.endswith("tif") else _png_values(data, shape)
            arrays.append(_exact(values, limit))
        except Exception as error:  # a damaged file makes the decoders raise nearly everything
            raise damaged_mask_file(Path(name), repr(error)) from error
    instances = arrays[2].astype(np.uint32) if len(arrays) > 2 else None
    labels, provenance = (array.astype(np.uint8) for array in arrays[:2])
    return labels, provenance, instances


def _exact(values: NDArray[np.generic], limit: int) -> NDArray[np.generic]:
    """The values, if each is a whole number between 0 and ``limit``: nothing is rounded or wraps round."""
    if values.dtype.kind not in "bui":
        raise ValueError(f"{values.dtype} instead of whole numbers")
    if values.dtype.kind != "b" and values.size and (values.min() < 0 or values.max() > limit):
        raise ValueError(f"numbers from {values.min()} to {values.max()}, beyond 0 to {limit}")
    return values


def _present(names: MaskFiles) -> list[str]:
    return [name for name in (names.labels, names.provenance, names.instances) if name is not None]


def _picture(values: NDArray[np.uint8]) -> bytes:
    """An indexed PNG in colours that do not depend on the project's (recolouring rewrites nothing)."""
    size = (values.shape[1], values.shape[0])
    image = Image.frombytes("P", size, np.ascontiguousarray(values).tobytes())
    colours = [BACKGROUND_COLOUR, *palette(254), "#E0E0C0"]
    image.putpalette([value for colour in colours for value in rgb_from_hex(colour)])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _grey16(values: Instances) -> bytes:
    size = (values.shape[1], values.shape[0])
    buffer = io.BytesIO()
    Image.frombytes("I;16", size, values.astype("<u2").tobytes()).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _tiff32(values: Instances) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values.astype(np.uint32), compression="zlib", metadata=None, software=False)
    return buffer.getvalue()


def _name(data: bytes, suffix: str) -> str:
    return f"{hashlib.sha256(data).hexdigest()}.{suffix}"


def _contents(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            data = file.read(_MAX_FILE + 1)
        if len(data) > _MAX_FILE or hashlib.sha256(data).hexdigest() != path.stem:
            raise ValueError("the contents are not those that were written")
    except (OSError, ValueError) as error:
        raise damaged_mask_file(path, repr(error)) from error
    return data


def damaged_mask_file(path: Path, detail: str) -> ProjectError:
    """What to tell the user of a file of a mask that cannot be used."""
    return ProjectError(
        f"The mask file “{shown(path.name)}” of the project is missing or damaged.",
        action="Restore the folder “masks” from a backup; until then the rest of the project can be used.",
        detail=f"{shown(path)}: {detail}",
    )


def _png_values(data: bytes, shape: tuple[int, int]) -> NDArray[np.generic]:
    """The numbers of a PNG; its header is looked at before anything is decoded."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if (image.height, image.width) != shape or image.mode not in ("P", "L", "I;16"):
            raise ValueError(f"{image.size} {image.mode}")
        return np.asarray(image)
