"""Pictures of many things of a kind, made up: what any object under a microscope looks like, without a photograph.

Roundish, elongated, bent and notched shapes touch, overlap and lie in clusters, large or small. Two kinds: bright on
a dark ground, as in fluorescence, and stained, where pigments take light away (Beer and Lambert's law, as Ruifrok and
Johnston 2001 take stains apart). What only looks like an object has no number: pale shapes out of focus, the stuff
between, fibres, specks. Everything is drawn from the generator that is handed over, so a seed makes a picture.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

SIDE: Final = 256
SIDES: Final = (7.0, 52.0)
"""Of objects in pixels; of every picture one, log-uniformly."""
MOST: Final = 160
LEAST_SEEN: Final = 0.35
"""Share of an object that others may not cover."""

Real = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A picture and its objects.

    Attributes:
        image: uint8 [H, W, 3].
        objects: numbers, int32 [H, W], 0 for none.
    """

    image: NDArray[np.uint8]
    objects: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """One shape: where it lies, and how far every pixel of its box is from its middle (1 at the outline)."""

    rows: slice
    cols: slice
    radius: Real
    pixels: float  # one pixel's width on the scale of `radius`


def rendered(rng: np.random.Generator, side: int = SIDE) -> Rendered:
    """A picture of either kind."""
    dark = rng.random() < 0.45
    size = float(np.exp(rng.uniform(*np.log(SIDES))))
    shapes = _placed(rng, side, size)
    numbers = _numbers(shapes, side)
    light = _dark(rng, shapes, numbers, side, size) if dark else _stained(rng, shapes, numbers, side, size)
    return Rendered(_photographed(rng, light), numbers)


def _placed(rng: np.random.Generator, side: int, size: float) -> list[_Shape]:
    """Shapes of about one size, alone and in clusters."""
    count = int(min(MOST, max(3, rng.uniform(0.04, 0.55) * (side / size) ** 2)))
    spread = rng.choice((0.12, 0.25, 0.45), p=(0.5, 0.35, 0.15))
    clustered, closeness = rng.random() ** 0.7, rng.uniform(0.72, 1.05)
    slimness = rng.choice((1.15, 1.5, 2.4), p=(0.45, 0.35, 0.2))
    along, aligned = rng.uniform(0, np.pi), rng.random() < 0.35
    places: list[tuple[float, float, float]] = []
    shapes = []
    for _ in range(count):
        own = size * float(np.exp(rng.normal(0, spread)))
        if places and rng.random() < clustered:
            row, col, other = places[int(rng.integers(len(places)))]
            angle, gap = rng.uniform(0, 2 * np.pi), closeness * (own + other) / 2 * rng.uniform(0.85, 1.15)
            row, col = row + gap * np.sin(angle), col + gap * np.cos(angle)
        else:
            row, col = rng.uniform(-0.2 * size, side + 0.2 * size, 2)
        if any((row - r) ** 2 + (col - c) ** 2 < (0.55 * min(own, s)) ** 2 for r, c, s in places):
            continue
        turn = along + rng.normal(0, 0.25) if aligned else rng.uniform(0, np.pi)
        shape = _shape(rng, (row, col), own, 1 + (slimness - 1) * rng.uniform(0.2, 1.6), turn, side)
        if shape is not None:
            places.append((row, col, own))
            shapes.append(shape)
    return shapes


def _shape(
    rng: np.random.Generator, centre: tuple[float, float], size: float, slim: float, turn: float, side: int
) -> _Shape | None:
    """A shape of about size * size pixels; None where none of it lies in the picture."""
    long, short = size * 0.565 * np.sqrt(slim), size * 0.565 / np.sqrt(slim)
    reach = int(np.ceil(long * 1.9)) + 2
    row0, col0 = max(0, int(centre[0]) - reach), max(0, int(centre[1]) - reach)
    row1, col1 = min(side, int(centre[0]) + reach + 1), min(side, int(centre[1]) + reach + 1)
    if row0 >= row1 or col0 >= col1:
        return None
    y, x = np.mgrid[row0:row1, col0:col1].astype(np.float32)
    y, x = y - centre[0], x - centre[1]
    u, v = (np.cos(turn) * x + np.sin(turn) * y) / long, (np.cos(turn) * y - np.sin(turn) * x) / short
    bend = rng.normal(0, 0.35) if rng.random() < 0.4 else 0.0
    v = v + bend * (u * u - 0.4)
    angle = np.arctan2(v, u)
    outline = np.ones_like(angle)
    rough = rng.choice((0.02, 0.06, 0.12))
    for wave in range(2, 7):
        outline += rng.normal(0, rough / wave**0.6) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    if rng.random() < 0.1:  # a notch
        at = rng.uniform(-np.pi, np.pi)
        outline -= rng.uniform(0.15, 0.4) * np.exp(
            -(((angle - at + np.pi) % (2 * np.pi) - np.pi) ** 2) / 0.12
        )
    radius = np.sqrt(u * u + v * v) / np.maximum(outline, 0.3)
    if not bool((radius < 1).any()):
        return None
    return _Shape(slice(row0, row1), slice(col0, col1), radius, 1 / short)


def _numbers(shapes: list[_Shape], side: int) -> NDArray[np.int32]:
    """Numbers of what is seen of shapes, later ones on top; those that are hardly seen have none."""
    numbers = np.zeros((side, side), np.int32)
    areas = np.zeros(len(shapes) + 1)
    for index, shape in enumerate(shapes, 1):
        inside = shape.radius < 1
        areas[index] = inside.sum()
        numbers[shape.rows, shape.cols][inside] = index
    seen = np.bincount(numbers.ravel(), minlength=len(shapes) + 1)
    kept = (seen >= LEAST_SEEN * areas) & (seen >= 12)
    kept[0] = False
    return np.where(kept[numbers], numbers, 0).astype(np.int32)


def _noise(rng: np.random.Generator, shape: tuple[int, int], cell: float, stretch: float = 1.0) -> Real:
    """Smooth noise of deviation 1 whose bumps are about ``cell`` pixels wide, and so much longer along rows."""
    rows, cols = (max(2, round(length / cell) + 1) for length in shape)
    cols = max(2, round(cols / stretch))
    grid = Image.fromarray(rng.normal(0, 1, (rows, cols)).astype(np.float32))
    field = np.asarray(grid.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32)
    return np.asarray(field / (field.std() + 1e-6))


def _fibres(rng: np.random.Generator, side: int, cell: float) -> Real:
    """Noise drawn out along waves of one direction."""
    wide = int(side * 1.5)
    field = _noise(rng, (wide, wide), cell, stretch=rng.uniform(3, 10))
    turned = ndimage.rotate(field, rng.uniform(0, 180), reshape=False, order=1, mode="reflect")
    start = (wide - side) // 2
    return np.asarray(turned[start : start + side, start : start + side])


def _inside(shape: _Shape, soft: float) -> Real:
    """How much of every pixel lies inside, with an outline ``soft`` pixels wide, 0..1."""
    return np.asarray(np.clip(0.5 + (1 - shape.radius) / (shape.pixels * soft), 0, 1))


def _texture(rng: np.random.Generator, shape: _Shape, size: float, strength: float) -> Real:
    """Multiplies what a shape is filled with: blotches and grains, more or less at the rim, some specks."""
    box = shape.radius.shape
    coarse, fine = _noise(rng, box, max(2.0, size / 3)), _noise(rng, box, max(1.2, size / rng.uniform(5, 12)))
    filled = 1 + strength * (0.6 * coarse + 0.5 * fine)
    filled = filled + rng.normal(0, 0.25) * (np.minimum(shape.radius, 1.0) ** 3 - 0.4)
    if rng.random() < 0.3:
        filled = filled + strength * 1.5 * (fine > rng.uniform(1.0, 2.0))
    return np.asarray(np.clip(filled, 0.15, 3.0))


def _dark(
    rng: np.random.Generator, shapes: list[_Shape], numbers: NDArray[np.int32], side: int, size: float
) -> Real:
    """Bright on a dark ground, [H, W, 3] in 0..1 or a little more."""
    glow, varied = np.zeros((side, side), np.float32), rng.uniform(0.1, 0.75)
    strength, soft = rng.choice((0.05, 0.15, 0.3)), rng.uniform(1, 1 + 0.12 * size)
    shared = float(rng.normal(0, 0.3))
    seen = set(np.unique(numbers).tolist())
    for index, shape in enumerate(shapes, 1):
        if index not in seen:
            continue
        part = _inside(shape, soft) * _texture(rng, shape, size, strength)
        part = part * (1 + shared * np.clip(1 - shape.radius, 0, 1)) * float(np.exp(rng.normal(0, varied)))
        area = glow[shape.rows, shape.cols]
        area[:] = np.where(rng.random() < 0.5, np.maximum(area, part), area * 0.6 + part)
    light: Real = ndimage.gaussian_filter(glow, rng.uniform(0.4, 0.6 + 0.04 * size))
    light = np.asarray(
        light + rng.choice((0.0, 0.08, 0.25)) * ndimage.gaussian_filter(glow, rng.uniform(0.3, 1.2) * size),
        np.float32,
    )
    for _ in range(int(rng.integers(0, 4))):  # out of focus
        row, col = rng.uniform(0, side, 2)
        y, x = np.ogrid[:side, :side]
        light = light + rng.uniform(0.02, 0.12) * np.exp(
            -((y - row) ** 2 + (x - col) ** 2) / (2 * (rng.uniform(0.5, 1.5) * size) ** 2)
        )
    light = light * (1 + rng.uniform(0, 0.25) * _noise(rng, (side, side), side / 2))
    light = (
        np.maximum(light, 0)
        * rng.uniform(0.06, 0.85)
        / max(1e-3, float(np.quantile(glow[numbers > 0], 0.9)) if (numbers > 0).any() else 1.0)
    )
    ground = rng.choice((0.01, 0.03, 0.1)) * (1 + 0.3 * _noise(rng, (side, side), side / 3))
    haze = rng.choice((0.0, 0.03, 0.1)) * np.abs(_noise(rng, (side, side), rng.uniform(4, 30))) * light.max()
    light = light + ground + haze * rng.random() * 0.5
    light = light + rng.normal(0, 1, light.shape) * np.sqrt(np.maximum(light, 0)) * rng.choice(
        (0.005, 0.02, 0.05)
    )
    tint = np.ones(3) if rng.random() < 0.8 else rng.dirichlet((1, 1, 1)) * 1.5
    picture = light[..., None] * tint
    if rng.random() < 0.06:
        picture = rng.uniform(0.8, 1) - np.clip(picture, 0, 1) * rng.uniform(0.5, 0.9)
    return np.asarray(picture, np.float32)


def _pigment(rng: np.random.Generator, mean: tuple[float, float, float], spread: float) -> Real:
    """How strongly a stain takes away red, green and blue."""
    found = np.clip(np.array(mean) * np.exp(rng.normal(0, spread, 3)), 0.02, 2)
    return np.asarray(found / np.linalg.norm(found))


def _stained(
    rng: np.random.Generator, shapes: list[_Shape], numbers: NDArray[np.int32], side: int, size: float
) -> Real:
    """Stained tissue or cells seen against light, [H, W, 3] in 0..1."""
    kernel = _pigment(rng, (0.62, 0.72, 0.28), 0.25)
    if rng.random() < 0.15:
        kernel = _pigment(rng, (0.35, 0.6, 0.72), 0.3)  # brown
    stuff = (
        _pigment(rng, (0.15, 0.85, 0.45), 0.35) if rng.random() < 0.6 else _pigment(rng, tuple(kernel), 0.15)
    )
    strength, soft = rng.choice((0.08, 0.2, 0.4)), rng.uniform(1, 1 + 0.1 * size)
    level, varied = rng.uniform(0.5, 1.6), rng.uniform(0.05, 0.5)
    density = np.zeros((side, side), np.float32)
    seen = set(np.unique(numbers).tolist())
    for index, shape in enumerate(shapes, 1):
        if index not in seen:
            continue
        own = level * float(np.exp(rng.normal(0, varied)))
        part = _inside(shape, soft) * own * _texture(rng, shape, size, strength)
        if rng.random() < 0.25:  # pale, with a rim
            rim = np.exp(-(((shape.radius - 0.93) / max(0.08, 1.2 * shape.pixels)) ** 2))
            part = part * rng.uniform(0.35, 0.7) + 0.4 * own * rim * (shape.radius < 1.1)
        area = density[shape.rows, shape.cols]
        cover = _inside(shape, soft)
        area[:] = np.maximum(area, part) if rng.random() < 0.3 else area * (1 - 0.75 * cover) + part
    density = ndimage.gaussian_filter(density, rng.uniform(0.4, 0.6 + 0.03 * size))
    ground = rng.choice((0.02, 0.15, 0.35)) * (1 + 0.2 * _noise(rng, (side, side), side / 2))
    tissue = rng.choice((0.0, 0.04, 0.12)) * (
        _fibres(rng, side, rng.uniform(3, 10)) + 0.5 * _noise(rng, (side, side), 3)
    )
    blotches = rng.choice((0.0, 0.1, 0.35)) * np.clip(
        _noise(rng, (side, side), rng.uniform(0.8, 3) * size) - 0.3, 0, 2
    )
    halo = rng.choice((0.0, 0.15, 0.4)) * ndimage.gaussian_filter(
        (numbers > 0).astype(np.float32), 0.35 * size
    )
    pale = _out_of_focus(rng, side, size) * rng.choice((0.0, 0.15, 0.3)) * level
    base = np.clip(ground + tissue + blotches + halo, 0, None)
    gaps = np.clip(_noise(rng, (side, side), rng.uniform(1, 4) * size) - 0.8, 0, 1) * (rng.random() < 0.35)
    base = base * (1 - gaps)
    optical = (density + pale)[..., None] * kernel + base[..., None] * stuff
    lamp = (
        rng.uniform(0.75, 1.0)
        * np.exp(rng.normal(0, 0.04, 3))
        * (1 + 0.05 * _noise(rng, (side, side), side)[..., None])
    )
    light = lamp * np.exp(-optical * rng.uniform(0.8, 1.3))
    grain = rng.normal(0, rng.choice((0.002, 0.01, 0.025)), light.shape)
    return np.asarray(light + grain, np.float32)


def _out_of_focus(rng: np.random.Generator, side: int, size: float) -> Real:
    """Blurred shapes behind those that are sharp, about 1 inside."""
    behind = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(1, 8))):
        shape = _shape(
            rng,
            tuple(rng.uniform(0, side, 2)),
            size * rng.uniform(0.8, 1.6),
            rng.uniform(1, 2),
            rng.uniform(0, np.pi),
            side,
        )
        if shape is not None:
            area = behind[shape.rows, shape.cols]
            area[:] = np.maximum(area, _inside(shape, 1.0))
    return ndimage.gaussian_filter(behind, size * rng.uniform(0.12, 0.35))


def _photographed(rng: np.random.Generator, light: Real) -> NDArray[np.uint8]:
    """As a file holds it: grey now and then, through JPEG now and then."""
    if rng.random() < 0.12:
        light = np.repeat(light.mean(2, keepdims=True), 3, 2)
    image = np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.3:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(rng.integers(60, 95)))
        image = np.array(Image.open(file).convert("RGB"))
    return image
