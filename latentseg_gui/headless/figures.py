"""Figures with colour bars and captions, drawn with Pillow: heatmaps, territories, matrices, bars."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from latentseg_gui.document.palette import palette, rgb_from_hex

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
INK: Final = (32, 32, 32)
PAPER: Final = (255, 255, 255)


def colour_table(stops: Sequence[str]) -> Colours:
    """256 colours [256, 3] that pass evenly through ``stops``."""
    points = np.array([rgb_from_hex(stop) for stop in stops], dtype=float)
    place = np.linspace(0, len(points) - 1, 256)
    channels = [np.interp(place, np.arange(len(points)), points[:, c]) for c in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def heatmap(values: Floats, low: float, high: float, stops: Sequence[str] = MAGMA) -> Colours:
    """Values [h, w] as colours [h, w, 3]; what is outside the range takes the colour at its end."""
    scaled = (np.asarray(values, dtype=float) - low) / max(high - low, 1e-12)
    picked: Colours = colour_table(stops)[(np.clip(scaled, 0, 1) * 255).round().astype(np.intp)]
    return picked


def gallery(maps: Floats, titles: Sequence[str], caption: str, *, unit: str) -> bytes:
    """Maps [K, h, w] side by side in one shared range, with its colour bar; PNG."""
    high = float(maps.max())
    columns = min(4, len(maps))
    rows = -(-len(maps) // columns)
    tile_height = max(24, round(CELL * min(3.0, maps.shape[1] / maps.shape[2])))
    width = GAP + columns * (CELL + GAP) + 110
    sheet, draw = _sheet(width, LINE + rows * (tile_height + LINE + GAP), caption)
    for index, (values, title) in enumerate(zip(maps, titles, strict=True)):
        x = GAP + index % columns * (CELL + GAP)
        y = GAP + index // columns * (tile_height + LINE + GAP)
        draw.text((x, y), title, fill=INK, font=_font())
        sheet.paste(_enlarged(heatmap(values, 0, high), CELL, tile_height), (x, y + LINE))
    _colour_bar(sheet, (width - 100, GAP + LINE), (0, high), MAGMA, unit)
    return _png(sheet)


def single(values: Floats, caption: str, *, unit: str, high: float) -> bytes:
    """One map [h, w] with its colour bar; PNG."""
    height, width = _fitted(values.shape, 640)
    sheet, _ = _sheet(width + 110 + 2 * GAP, height + 2 * GAP, caption)
    sheet.paste(_enlarged(heatmap(values, 0, high, VIRIDIS), width, height), (GAP, GAP))
    _colour_bar(sheet, (width + 2 * GAP, GAP), (0, high), VIRIDIS, unit)
    return _png(sheet)


def categories(values: NDArray[np.integer[Any]], names: Sequence[str], caption: str) -> bytes:
    """A map of indices [h, w] in distinct colours with a legend of those that occur; PNG."""
    colours = np.array([rgb_from_hex(c) for c in palette(len(names))], dtype=np.uint8)
    height, width = _fitted(values.shape, 640)
    present = np.bincount(values.ravel(), minlength=len(names)) / values.size
    shown = [index for index in np.argsort(-present) if present[index] > 0]
    legend_height = len(shown) * LINE
    sheet, draw = _sheet(width + 190 + 2 * GAP, max(height, legend_height) + 2 * GAP, caption)
    sheet.paste(_enlarged(colours[values], width, height), (GAP, GAP))
    for line, index in enumerate(shown):
        x, y = width + 2 * GAP, GAP + line * LINE
        draw.rectangle((x, y + 2, x + 12, y + 14), fill=_rgb(colours[index]))
        draw.text((x + 18, y), f"{names[index]}  {present[index]:.1%}", fill=INK, font=_font())
    return _png(sheet)


def matrix(values: Floats, rows: Sequence[str], columns: Sequence[str], caption: str, *, unit: str) -> bytes:
    """A matrix [R, C] from 0 to 1 with its names and colour bar; PNG."""
    cell, left = 26, 150
    top = GAP + 90
    width, height = left + len(columns) * cell, top + len(rows) * cell
    sheet, draw = _sheet(width + 120, max(height, top + 200) + GAP, caption)
    picture = heatmap(np.asarray(values), 0, 1, VIRIDIS)
    for row, name in enumerate(rows):
        draw.text((GAP, top + row * cell + 5), name[:20], fill=INK, font=_font())
        for column in range(len(columns)):
            x, y = left + column * cell, top + row * cell
            draw.rectangle((x, y, x + cell - 2, y + cell - 2), fill=_rgb(picture[row, column]))
    for column, name in enumerate(columns):
        label = Image.new("RGB", (86, LINE), PAPER)
        ImageDraw.Draw(label).text((0, 0), name[:12], fill=INK, font=_font())
        sheet.paste(label.rotate(90, expand=True), (left + column * cell + 3, top - 90))
    _colour_bar(sheet, (width + 16, top), (0.0, 1.0), VIRIDIS, unit)
    return _png(sheet)


def _rgb(colour: Colours) -> tuple[int, int, int]:
    return int(colour[0]), int(colour[1]), int(colour[2])


def _sheet(width: int, height: int, caption: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    lines = _wrapped(caption, width - 2 * GAP)
    sheet = Image.new("RGB", (width, height + len(lines) * LINE + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    first = height + GAP // 2
    for index, line in enumerate(lines):
        draw.text((GAP, first + index * LINE), line, fill=INK, font=_font())
    return sheet, draw


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font().getlength(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _colour_bar(
    sheet: Image.Image, at: tuple[int, int], limits: tuple[float, float], stops: Sequence[str], unit: str
) -> None:
    """A vertical bar with its ends and what it measures."""
    height = 160
    ramp = heatmap(np.linspace(limits[1], limits[0], height)[:, None], limits[0], limits[1], stops)
    sheet.paste(Image.fromarray(np.repeat(ramp, 16, axis=1)), at)
    draw = ImageDraw.Draw(sheet)
    draw.text((at[0] + 20, at[1] - 4), f"{limits[1]:.3g}", fill=INK, font=_font())
    draw.text((at[0] + 20, at[1] + height - 12), f"{limits[0]:.3g}", fill=INK, font=_font())
    draw.text((at[0], at[1] + height + 6), unit, fill=INK, font=_font())


def _enlarged(colours: Colours, width: int, height: int) -> Image.Image:
    return Image.fromarray(colours).resize((width, height), Image.Resampling.NEAREST)


def _fitted(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """``shape`` (rows, columns) scaled so that its longer side is ``side``; each at least 24."""
    scale = side / max(shape[0], shape[1])
    return max(24, round(shape[0] * scale)), max(24, round(shape[1] * scale))


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(13)


def _png(sheet: Image.Image) -> bytes:
    stream = io.BytesIO()
    sheet.save(stream, "PNG", optimize=True)
    return stream.getvalue()
