"""A sheet of texts, boxes and pictures that can be written as pixels or as vectors."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from latentseg_gui.document.masks.classes import is_plain_letter

INK: Final = (32, 32, 32)
PAPER: Final = (255, 255, 255)
_LETTERS: Final = 13

Place = tuple[int, int]
"""(x, y), or (width, height)."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Text:
    at: Place
    words: str
    is_upright: bool


@dataclass(frozen=True, slots=True)
class _Box:
    at: Place
    size: Place
    colour: Colour


@dataclass(frozen=True, slots=True)
class _Picture:
    at: Place
    size: Place
    pixels: NDArray[np.uint8]


@dataclass(slots=True)
class Sheet:
    """Things at places; they are drawn in the order in which they were put there."""

    width: int
    height: int
    _items: list[_Text | _Box | _Picture] = field(default_factory=list)

    def text(self, x: int, y: int, words: str, *, is_upright: bool = False) -> None:
        """One line with its upper left corner at (x, y); upright ones run upwards from there."""
        self._items.append(_Text((x, y), words, is_upright))

    def box(self, at: Place, size: Place, colour: Colour) -> None:
        """A filled rectangle."""
        self._items.append(_Box(at, size, colour))

    def picture(self, pixels: NDArray[np.uint8], at: Place, size: Place) -> None:
        """Pixels [h, w, 3], enlarged without smoothing."""
        self._items.append(_Picture(at, size, np.ascontiguousarray(pixels)))

    def png(self) -> bytes:
        """The sheet as a PNG file."""
        image = Image.new("RGB", (self.width, self.height), PAPER)
        draw = ImageDraw.Draw(image)
        for item in self._items:
            if isinstance(item, _Text):
                _draw_text(image, draw, item)
            elif isinstance(item, _Box):
                right, bottom = item.at[0] + item.size[0] - 1, item.at[1] + item.size[1] - 1
                draw.rectangle((*item.at, right, bottom), fill=item.colour)
            else:
                picture = Image.fromarray(item.pixels).resize(item.size, Image.Resampling.NEAREST)
                image.paste(picture, item.at)
        return _png(image)

    def svg(self) -> bytes:
        """The sheet as an SVG file: texts stay texts, and pictures keep the pixels that they have."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="sans-serif" font-size="{_LETTERS}">'
        )
        paper = f'<rect width="{self.width}" height="{self.height}" fill="{_hex(PAPER)}"/>'
        body = [_element(item) for item in self._items]
        return "\n".join([head, paper, *body, "</svg>\n"]).encode("utf-8")


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines that fit into ``width`` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font().getlength(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _draw_text(image: Image.Image, draw: ImageDraw.ImageDraw, item: _Text) -> None:
    if not item.is_upright:
        draw.text(item.at, item.words, fill=INK, font=_font())
        return
    label = Image.new("RGB", (86, _LETTERS + 5), PAPER)
    ImageDraw.Draw(label).text((0, 0), item.words, fill=INK, font=_font())
    turned = label.rotate(90, expand=True)
    image.paste(turned, (item.at[0], item.at[1] - turned.height))


def _element(item: _Text | _Box | _Picture) -> str:
    x, y = item.at
    if isinstance(item, _Text):
        turn = f' transform="rotate(-90 {x + _LETTERS} {y})"' if item.is_upright else ""
        left, base = (x + _LETTERS, y) if item.is_upright else (x, y + _LETTERS)
        return f'<text x="{left}" y="{base}" fill="{_hex(INK)}"{turn}>{escape(_clean(item.words))}</text>'
    place = f'x="{x}" y="{y}" width="{item.size[0]}" height="{item.size[1]}"'
    if isinstance(item, _Box):
        return f'<rect {place} fill="{_hex(item.colour)}"/>'
    data = base64.b64encode(_png(Image.fromarray(item.pixels))).decode("ascii")
    return (
        f'<image {place} preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{data}"/>'
    )


def _clean(words: str) -> str:
    """Without the control characters that XML does not allow."""
    return "".join(filter(is_plain_letter, words))


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def text_width(words: str) -> int:
    """Pixels that a line takes across."""
    return int(_font().getlength(words)) + 1


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_LETTERS)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
