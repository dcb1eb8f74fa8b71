"""What an image measures: its stored values, the names of its channels, and how large a pixel is in the world."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np
import tifffile

from latentseg_gui.document.types import ImageRecord
from latentseg_gui.io.masks.values import StoredValues

_X, _Y, _UNIT, _ORIENTATION = 282, 283, 296, 274
_RESOLUTION_UNITS: Final = {2: "inch", 3: "cm"}
_MICRO: Final = ("micron", "microns", "um", "\\u00b5m", "\u00b5m", "\u03bcm", "micrometer", "micrometre")
_MAX_XML: Final = 1 << 24
_WITH_ALPHA: Final = (".png", ".webp", ".gif")

PixelSize = tuple[tuple[float, float], str]
"""((height, width), unit) of a pixel."""


def stored_values(record: ImageRecord) -> StoredValues:
    """What tables of objects are made from.

    Indices of a palette measure nothing: its colours, as they are shown, stand for them.
    """
    values = record.source
    is_palette = values.ndim == 2 and any(note.startswith("Palette image") for note in record.notes)
    if is_palette:
        values = record.pixels
    channels = _channels(values, record.path)
    size = None if record.path is None else pixel_size(record.path, record.frame)
    return StoredValues(values, channels) if size is None else StoredValues(values, channels, *size)


def _channels(values: np.ndarray[Any, Any], path: Path | None) -> tuple[str, ...]:
    count = 1 if values.ndim == 2 else values.shape[2]
    has_alpha = path is not None and path.suffix.lower() in _WITH_ALPHA
    named = {1: ("",), 3: ("red", "green", "blue")}
    if has_alpha:
        named |= {2: ("grey", "alpha"), 4: ("red", "green", "blue", "alpha")}
    return named.get(count, tuple(f"channel_{number}" for number in range(1, count + 1)))


def pixel_size(path: Path, frame: int = 0) -> PixelSize | None:
    """How large a pixel is, as a TIFF states it: OME's metadata, ImageJ's, or the tags for resolution.

    Returns:
        None where it is no TIFF, or says nothing that can be understood.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        return None
    try:
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[frame]
            page = page.aspage() if hasattr(page, "aspage") else page
            first: Any = tiff.pages[0]
            described = str(first.description or "")
            found = _of_ome(described) if tiff.is_ome else None
            found = found or _of_imagej(described, page) or _of_tags(page)
            return found if found is None else _upright(found, page)
    except Exception:  # it was read as an image before; what it says besides may be damaged
        return None


def _upright(found: PixelSize, page: Any) -> PixelSize:
    """The size as the page is shown: a quarter turn swaps its sides."""
    turned = page.tags.get(_ORIENTATION)
    is_on_its_side = turned is not None and turned.value in (5, 6, 7, 8)
    (high, wide), unit = found
    return ((wide, high), unit) if is_on_its_side else found


def _of_ome(text: str) -> PixelSize | None:
    if len(text) > _MAX_XML or "<!ENTITY" in text:
        return None
    for element in ElementTree.fromstring(text).iter():
        if element.tag.rpartition("}")[2] == "Pixels":
            wide, high = element.get("PhysicalSizeX"), element.get("PhysicalSizeY")
            if wide is None and high is None:
                return None
            unit = element.get("PhysicalSizeXUnit") or "\u00b5m"
            if (element.get("PhysicalSizeYUnit") or "\u00b5m") != unit and wide and high:
                return None
            return _checked(float(high or wide or 0), float(wide or high or 0), unit)
    return None


def _of_imagej(text: str, page: Any) -> PixelSize | None:
    """ImageJ keeps the unit in its description, and pixels per unit in the tags."""
    if not text.startswith("ImageJ="):
        return None
    stated = re.search(r"^unit=(.+)$", text, re.MULTILINE)
    pixels = _per_unit(page)
    if stated is None or pixels is None or stated[1].strip().casefold() in ("pixel", "pixels"):
        return None
    return _checked(1 / pixels[0], 1 / pixels[1], stated[1].strip())


def _of_tags(page: Any) -> PixelSize | None:
    unit = page.tags.get(_UNIT)
    name = _RESOLUTION_UNITS.get(int(unit.value)) if unit is not None else "inch"  # the default of the format
    pixels = _per_unit(page)
    return None if name is None or pixels is None else _checked(1 / pixels[0], 1 / pixels[1], name)


def _per_unit(page: Any) -> tuple[float, float] | None:
    """Pixels per unit, (down, across); None where the tags do not say."""
    across, down = page.tags.get(_X), page.tags.get(_Y)
    if across is None and down is None:
        return None
    wide, high = (float(np.divide(*tag.value)) for tag in (across or down, down or across))
    return (high, wide) if high > 0 and wide > 0 and np.isfinite([high, wide]).all() else None


def _checked(high: float, wide: float, unit: str) -> PixelSize | None:
    is_sound = bool(np.isfinite([high, wide]).all()) and high > 0 and wide > 0
    name = "\u00b5m" if unit.casefold() in _MICRO else unit
    return ((high, wide), name) if is_sound else None
