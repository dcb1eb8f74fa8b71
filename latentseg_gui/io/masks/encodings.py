"""Text of files whose encoding nobody says."""

from __future__ import annotations

import codecs

from latentseg_gui.io.masks.values import MaskError
from latentseg_gui.io.paths import shown

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_OTHERS = ("GBK", "Shift_JIS", "Windows-1252")


def text_of(data: bytes, name: str = "") -> str:
    """The text: UTF-8, or what its byte order mark says; UTF-16 is also known by its zeros.

    Raises:
        MaskError: if it is neither.
    """
    encoding = next((found for mark, found in _MARKS if data.startswith(mark)), None) or _by_zeros(data)
    try:
        return data.decode(encoding).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        which = f"“{shown(name)}”" if name else "The file"
        others = " or ".join(each for each in _OTHERS if _is_written_in(data, each))
        raise MaskError(
            f"{which} is not written in UTF-8 (byte {error.start + 1} is not a letter there); "
            f"it could be {others or 'damaged'}.",
            action="Save it as UTF-8 (an editor can), and import it again.",
            detail=repr(error),
        ) from error


def _by_zeros(data: bytes) -> str:
    """The encoding of text without a mark: letters of UTF-16 have a zero before or after them."""
    if len(data) >= 4 and data[1] == 0 and data[0] and data[3] == 0:
        return "utf-16-le"
    if len(data) >= 4 and data[0] == 0 and data[1] and data[2] == 0:
        return "utf-16-be"
    return "utf-8"


def _is_written_in(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
