"""Figures with colour bars and captions: heatmaps, territories, matrices; as PNG or SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.palette import palette, rgb_from_hex
from latentseg_gui.io.experts.sheet import Sheet, text_width, wrapped

Floats = NDArray[np.floating[Any]]
Colours = NDArray[np.uint8]

MAGMA: Final = (
    "#000004", "#140E36", "#3B0F70", "#641A80", "#8C2981", "#B73779",
    "#DE4968", "#F7705C", "#FE9F6D", "#FECF92", "#FCFDBF",
)  # fmt: skip
VIRIDIS: Final = (
    "#440154", "#482475", "#414487", "#355F8D", "#2A788E", "#21918C",
    "#22A884", "#44BF70", "#7AD151", "#BDDF26", "#FDE725",
)  # fmt: skip

CELL: Final = 168
GAP: Final = 14
LINE: Final = 18
BAR: Final = 160
"""Height of a colour bar."""
FRAME: Final = (150, 150, 150)


def gradient_colours(stops: Sequence[str]) -> Colours:
    """256 colours [256, 3] that pass evenly through ``stops``."""
    points = np.array([rgb_from_hex(stop) for stop in stops], dtype=float)
    place = np.linspace(0, len(points) - 1, 256)
    channels = [np.interp(place, np.arange(len(points)), points[:, c]) for c in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def heatmap(values: Floats, low: float, high: float, stops: Sequence[str] = MAGMA) -> Colours:
    """Values [h, w] as colours [h, w, 3]; what is outside the range takes the colour at its end."""
    scaled = (np.asarray(values, dtype=float) - low) / max(high - low, 1e-12)
    picked: Colours = gradient_colours(stops)[(np.clip(scaled, 0, 1) * 255).round().astype(np.intp)]
    return picked


def gallery(maps: Floats, titles: Sequence[str], caption: str, *, unit: str, is_shared: bool = True) -> Sheet:
    """Maps [K, h, w] side by side with a colour bar.

    Ranges leave out the outermost values, half a percent at either end: a single peak would make all else dark.

    Args:
        maps: [K, h, w].
        titles: what stands above each.
        caption: what stands below all.
        unit: of the values.
        is_shared: one range for all; else each has its own, which then stands beside its title.
    """
    flat = np.asarray(maps, dtype=float).reshape(len(maps), -1)
    limits = np.percentile(flat, (0.5, 99.5), axis=None if is_shared else 1)
    limits = np.broadcast_to(limits.reshape(2, -1).T, (len(maps), 2))
    columns = min(4, len(maps))
    rows = -(-len(maps) // columns)
    tile_height = max(24, round(CELL * min(3.0, maps.shape[1] / maps.shape[2])))
    if not is_shared:
        titles = [
            f"{title[:12]}  {low:.3g} - {high:.3g}" for title, (low, high) in zip(titles, limits, strict=True)
        ]
    pitch = max(CELL, *map(text_width, titles)) + GAP
    width = GAP + columns * pitch + 110
    sheet = sheet_with(width, max(rows * (tile_height + LINE + GAP), BAR + 2 * LINE) + LINE, caption)
    for index, (values, title) in enumerate(zip(maps, titles, strict=True)):
        low, high = (float(each) for each in limits[index])
        x = GAP + index % columns * pitch
        y = GAP + index // columns * (tile_height + LINE + GAP)
        sheet.text(x, y, title)
        sheet.picture(heatmap(values, low, high), (x, y + LINE), (CELL, tile_height))
    ends = [f"{each:.3g}" for each in limits[0]] if is_shared else ["its lowest", "its highest"]
    _colour_bar(sheet, (width - 100, GAP + LINE), (ends[0], ends[1]), MAGMA, unit)
    return sheet


def single(values: Floats, caption: str, *, unit: str, high: float, low: float = 0.0) -> Sheet:
    """One map [h, w] with its colour bar."""
    height, width = _fitted(values.shape, 640)
    sheet = sheet_with(width + 110 + 2 * GAP, max(height, BAR + 2 * LINE) + 2 * GAP, caption)
    sheet.picture(heatmap(values, low, high, VIRIDIS), (GAP, GAP), (width, height))
    _colour_bar(sheet, (width + 2 * GAP, GAP), (f"{low:.3g}", f"{high:.3g}"), VIRIDIS, unit)
    return sheet


def categories(values: NDArray[np.integer[Any]], names: Sequence[str], caption: str) -> Sheet:
    """A map of indices [h, w] in distinct colours with a legend of those that occur."""
    colours = np.array([rgb_from_hex(c) for c in palette(len(names))], dtype=np.uint8)
    height, width = _fitted(values.shape, 640)
    present = np.bincount(values.ravel(), minlength=len(names)) / values.size
    shown = [index for index in np.argsort(-present) if present[index] > 0]
    sheet = sheet_with(width + 190 + 2 * GAP, max(height, len(shown) * LINE) + 2 * GAP, caption)
    sheet.picture(colours[values], (GAP, GAP), (width, height))
    for line, index in enumerate(shown):
        x, y = width + 2 * GAP, GAP + line * LINE
        sheet.box((x - 1, y + 1), (14, 14), FRAME)
        sheet.box((x, y + 2), (12, 12), _rgb(colours[index]))
        sheet.text(x + 18, y, f"{names[index]}  {present[index]:.1%}")
    return sheet


def matrix(values: Floats, rows: Sequence[str], columns: Sequence[str], caption: str, *, unit: str) -> Sheet:
    """A matrix [R, C] from 0 to 1 with its names and colour bar."""
    cell, left = 26, 150
    top = GAP + 90
    width, height = left + len(columns) * cell, top + len(rows) * cell
    sheet = sheet_with(width + 120, max(height, top + 200) + GAP, caption)
    picture = heatmap(np.asarray(values), 0, 1, VIRIDIS)
    for row, name in enumerate(rows):
        sheet.text(GAP, top + row * cell + 5, name[:20])
        for column in range(len(columns)):
            at = left + column * cell, top + row * cell
            sheet.box(at, (cell - 2, cell - 2), _rgb(picture[row, column]))
    for column, name in enumerate(columns):
        sheet.text(left + column * cell + 3, top - 4, name[:12], is_upright=True)
    _colour_bar(sheet, (width + 16, top), ("0", "1"), VIRIDIS, unit)
    return sheet


def _rgb(colour: Colours) -> tuple[int, int, int]:
    return int(colour[0]), int(colour[1]), int(colour[2])


def sheet_with(width: int, height: int, caption: str) -> Sheet:
    """An empty sheet with ``height`` above its caption."""
    lines = wrapped(caption, width - 2 * GAP)
    sheet = Sheet(width, height + len(lines) * LINE + GAP)
    for index, line in enumerate(lines):
        sheet.text(GAP, height + GAP // 2 + index * LINE, line)
    return sheet


def _colour_bar(
    sheet: Sheet, at: tuple[int, int], ends: tuple[str, str], stops: Sequence[str], unit: str
) -> None:
    """A vertical bar with what its lower and upper end mean, and what it measures."""
    ramp = heatmap(np.linspace(1.0, 0.0, BAR)[:, None], 0.0, 1.0, stops)
    sheet.picture(ramp, at, (16, BAR))
    sheet.text(at[0] + 20, at[1] - 4, ends[1])
    sheet.text(at[0] + 20, at[1] + BAR - 12, ends[0])
    sheet.text(at[0], at[1] + BAR + 6, unit)


def _fitted(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """``shape`` (rows, columns) scaled so that its longer side is ``side``; each at least 24."""
    scale = side / max(shape[0], shape[1])
    return max(24, round(shape[0] * scale)), max(24, round(shape[1] * scale))
