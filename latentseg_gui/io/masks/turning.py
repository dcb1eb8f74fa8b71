"""Images that are turned by their EXIF data, and masks that were made before that."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from latentseg_gui.io.images import pillow_reader, tiff_reader
from latentseg_gui.io.masks.files import head
from latentseg_gui.io.regular_files import open_regular

_HEAD = 2**22


def image_orientation(path: Path | None) -> int:
    """The EXIF orientation by which an image is turned, 1..8; 1 where there is none, or it cannot be read."""
    if path is None:
        return 1
    try:
        start = head(path, 16)
        if tiff_reader.is_tiff(start[:4]):
            with open_regular(path) as file:
                return tiff_reader.orientation_of(file)
        with Image.open(io.BytesIO(head(path, _HEAD)), formats=pillow_reader.FORMATS) as image:
            if image.format == "PNG" and "exif" not in image.info:
                return 1  # Pillow would decode the pixels to look for it behind them
            return pillow_reader.orientation_of(image)
    except Exception:  # whoever reads the image says what is wrong with it
        return 1
