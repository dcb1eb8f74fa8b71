"""COCO's run-length code: column by column, runs of 0 and 1 in turn, as numbers or packed as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Mask, Rect

_OFFSET = 48
_MAX_DIGITS = 13
_BAND_PIXELS = 1 << 20


def runs_of(mask: Mask) -> list[int]:
    """Lengths of the runs of 0, 1, 0, ... in column order; the first may be 0."""
    shape = int(mask.shape[0]), int(mask.shape[1])
    return runs_of_part(Rect.whole(shape), mask, shape)


def runs_of_part(rect: Rect, mask: Mask, shape: tuple[int, int]) -> list[int]:
    """As `runs_of`, for an image of ``shape`` that is empty outside ``rect``; the image is never made."""
    total = shape[0] * shape[1]
    starts, stops = _ends_of_runs(rect, mask, shape[0])
    if not len(starts):
        return [total] if total else []
    is_apart = starts[1:] != stops[:-1]  # a run may go on at the top of the next column
    starts = starts[np.concatenate([[True], is_apart])]
    stops = stops[np.concatenate([is_apart, [True]])]
    edges = np.stack([starts, stops], axis=1).ravel()
    runs: list[int] = np.diff(np.concatenate([[0], edges])).tolist()
    return [*runs, total - int(edges[-1])] if edges[-1] < total else runs


def _ends_of_runs(rect: Rect, mask: Mask, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the runs of 1 begin and end in every column; some columns at a time, for that takes no memory."""
    starts, stops = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    width = max(1, _BAND_PIXELS // max(1, mask.shape[0]))
    for left in range(0, mask.shape[1], width):
        part = mask[:, left : left + width]
        columns = np.zeros((part.shape[1], part.shape[0] + 2), np.int8)
        columns[:, 1:-1] = part.T
        change = np.diff(columns, axis=1)
        for ends, direction in ((starts, 1), (stops, -1)):
            column, row = np.nonzero(change == direction)
            ends.append((column + left + rect.col0) * height + row + rect.row0)
    return np.concatenate(starts), np.concatenate(stops)


def mask_of(runs: Sequence[int], shape: tuple[int, int]) -> Mask:
    """The mask again.

    Raises:
        ValueError: if the runs do not cover exactly the image.
    """
    total = shape[0] * shape[1]
    if any(not 0 <= run <= total for run in runs) or sum(runs) != total:
        raise ValueError("runs do not cover the image")
    lengths = np.asarray(runs, np.int64)
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(shape, order="F")


def compressed_text(runs: Sequence[int]) -> str:
    """The runs as COCO's compressed text: from the fourth on differences, in digits of five bits."""
    digits = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            digit = value & 31
            value >>= 5
            more = value != -1 if digit & 16 else value != 0
            digits.append(chr((digit | 32 if more else digit) + _OFFSET))
    return "".join(digits)


def unpacked(text: str) -> list[int]:
    """The runs again.

    Raises:
        ValueError: if the text is not such a code.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        digit = ord(letter) - _OFFSET
        if not 0 <= digit < 64 or shift > 5 * _MAX_DIGITS:
            raise ValueError("not a run-length code")
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    if shift:
        raise ValueError("run-length code ends early")
    return runs


def rle_dict(mask: Mask) -> dict[str, Any]:
    """The mask as COCO writes it: {"size": [H, W], "counts": "..."}."""
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": compressed_text(runs_of(mask))}


def rle_dict_of_part(rect: Rect, mask: Mask, shape: tuple[int, int]) -> dict[str, Any]:
    """As `rle_dict`, for an image of ``shape`` that is empty outside ``rect``."""
    return {
        "size": [int(shape[0]), int(shape[1])],
        "counts": compressed_text(runs_of_part(rect, mask, shape)),
    }


def mask_from_dict(code: dict[str, Any], shape: tuple[int, int]) -> Mask:
    """The mask of such an entry, whose counts may be text or numbers; ValueError if it is not one."""
    return mask_of(_runs_from_dict(code, shape), shape)


def size_of(code: dict[str, Any], shape: tuple[int, int]) -> int:
    """How many pixels are set; ValueError if it is no code of this image."""
    runs = _runs_from_dict(code, shape)
    total = shape[0] * shape[1]
    if any(not 0 <= run <= total for run in runs) or sum(runs) != total:
        raise ValueError("runs do not cover the image")
    return sum(runs[1::2])


def part_from_dict(code: dict[str, Any], shape: tuple[int, int]) -> tuple[Rect, Mask]:
    """As `mask_from_dict`, for the bounding box of what is set; no more than its columns are ever made."""
    runs = _runs_from_dict(code, shape)
    total = shape[0] * shape[1]
    if any(not 0 <= run <= total for run in runs) or sum(runs) != total:
        raise ValueError("runs do not cover the image")
    ends = np.cumsum(np.asarray(runs, np.int64))
    starts, stops = ends[:-1:2], ends[1::2]
    is_set = stops > starts
    if not is_set.any():
        return Rect(0, 0, 0, 0), np.zeros((0, 0), np.bool_)
    first = int(starts[is_set][0]) // shape[0]
    last = (int(stops[is_set][-1]) - 1) // shape[0] + 1
    offset = first * shape[0]
    change = np.zeros((last - first) * shape[0] + 1, np.int8)
    change[starts[is_set] - offset] = 1
    change[stops[is_set] - offset] -= 1  # a run may begin where another, empty one ended
    slab = np.cumsum(change[:-1], dtype=np.int8).astype(np.bool_).reshape((shape[0], last - first), order="F")
    rows = np.flatnonzero(slab.any(axis=1))
    rect = Rect(int(rows[0]), first, int(rows[-1]) + 1, last)
    return rect, slab[rect.row0 : rect.row1]


def _runs_from_dict(code: dict[str, Any], shape: tuple[int, int]) -> list[int]:
    if [_whole(side) for side in code.get("size") or shape] != list(shape):
        raise ValueError("run-length code of another size")
    counts = code.get("counts")
    if isinstance(counts, str):
        counts = unpacked(counts)
    if not isinstance(counts, list):
        raise ValueError("not a run-length code")
    return counts if set(map(type, counts)) <= {int} else [_whole(run) for run in counts]


def _whole(value: object) -> int:
    """A whole number that may be written as 5.0 or as text; ValueError if it is none."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | str)
        or float(value) != int(float(value))
    ):
        raise ValueError("not a run-length code")
    return int(float(value))
