"""From raw object masks to what a person who clicked would accept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction.inputs import Pointing

Mask = NDArray[np.bool_]


def clean_mask(mask: Mask, pointing: Pointing) -> Mask:
    """``mask`` made to agree with every click, and without parts that nobody pointed at.

    Parts are kept that hold a positive click; where there is none, parts that meet the box; where
    there is no box either, all. Under a click that the mask contradicts, a small disk is set right.

    Args:
        mask: bool [H, W].
        pointing: clicks and box in pixels of the mask.
    """
    pointing = last_clicks(pointing, mask.shape)
    rows, cols = clicked_pixels(pointing, mask.shape)
    agreed = agree(mask, pointing)
    kept = _keep_parts(agreed, rows[pointing.is_positive], cols[pointing.is_positive], pointing)
    kept[rows[pointing.is_positive], cols[pointing.is_positive]] = True
    kept[rows[~pointing.is_positive], cols[~pointing.is_positive]] = False
    return kept


def clicked_pixels(pointing: Pointing, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels under the clicks."""
    cols = np.clip(np.floor(pointing.xy[:, 0]).astype(np.intp), 0, shape[1] - 1)
    rows = np.clip(np.floor(pointing.xy[:, 1]).astype(np.intp), 0, shape[0] - 1)
    return rows, cols


def last_clicks(pointing: Pointing, shape: tuple[int, ...]) -> Pointing:
    """Of several clicks on one pixel only the last, which says what was meant."""
    rows, cols = clicked_pixels(pointing, shape)
    places = rows * shape[1] + cols
    _, from_the_end = np.unique(places[::-1], return_index=True)
    kept = np.sort(len(places) - 1 - from_the_end)
    return Pointing(pointing.xy[kept], pointing.is_positive[kept], pointing.box)


def agree(mask: Mask, pointing: Pointing) -> Mask:
    """A copy of ``mask`` [H, W] in which a disk round every contradicted click has the value of the click."""
    pointing = last_clicks(pointing, mask.shape)
    rows, cols = clicked_pixels(pointing, mask.shape)
    agreed = mask.copy()
    radius = max(1, round(0.003 * max(mask.shape)))
    for row, col, value in zip(rows, cols, pointing.is_positive, strict=True):
        if mask[row, col] == value:
            continue
        part = (_around(row, radius, mask.shape[0]), _around(col, radius, mask.shape[1]))
        grid_rows, grid_cols = np.ogrid[part]
        disk = (grid_rows - row) ** 2 + (grid_cols - col) ** 2 <= radius**2
        agreed[part][disk] = value
    return agreed


def _around(centre: int, radius: int, limit: int) -> slice:
    return slice(max(0, centre - radius), min(limit, centre + radius + 1))


def _keep_parts(mask: Mask, rows: NDArray[np.intp], cols: NDArray[np.intp], pointing: Pointing) -> Mask:
    if rows.size == 0 and pointing.box is None:
        return mask
    where = _bounds(mask)
    if where is None:
        return mask
    parts, _ = ndimage.label(mask[where])
    if rows.size:
        is_inside = (
            (rows >= where[0].start)
            & (rows < where[0].stop)
            & (cols >= where[1].start)
            & (cols < where[1].stop)
        )
        wanted = parts[rows[is_inside] - where[0].start, cols[is_inside] - where[1].start]
    else:
        x0, y0, x1, y1 = _box_of(pointing)
        inside = np.zeros(mask.shape, dtype=bool)
        inside[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
        wanted = parts[inside[where]]
    kept = np.zeros_like(mask)
    is_wanted = np.zeros(int(parts.max()) + 1, dtype=bool)
    is_wanted[wanted] = True
    is_wanted[0] = False
    kept[where] = is_wanted[parts]
    return kept


def _box_of(pointing: Pointing) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in np.asarray(pointing.box))
    return x0, y0, x1, y1


def _bounds(mask: Mask) -> tuple[slice, slice] | None:
    """The rectangle of the true pixels; None where there are none."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)
