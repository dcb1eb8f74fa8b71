"""Random crops of cached pictures, each with one object to be clicked and what classes are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from model.pretraining.cache import IGNORED, Cache, Item, Source

SMALLEST, LARGEST = 0.004, 0.8  # share of the crop that an object may cover
_COMPOSITES = 0.12
_UNIONS = 0.15
MOST_REGIONS = 24
"""So many regions of a crop are told apart, the largest ones."""
_ALIKE = 0.7  # intersection over union at which two annotators are said to have drawn the same


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops of one size; uint8 arrays.

    Attributes:
        images: [B, h, w, 3].
        objects: 1 object, 0 rest, 255 ignored, [B, h, w].
        foreground: 1 foreground, 0 background, 255 not known, [B, h, w].
        semantic: classes of all sets numbered through, 255 not known, [B, h, w].
        regions: all that was drawn, numbered from 0 by area, 255 not known or too small, [B, h, w].
        sources: index of the set of every crop, [B].
    """

    images: NDArray[np.uint8]
    objects: NDArray[np.uint8]
    foreground: NDArray[np.uint8]
    semantic: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    sources: NDArray[np.int64]


def neighbours(ids: NDArray[np.uint16], chosen: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Ids of regions that touch ``chosen``."""
    ring = ndimage.binary_dilation(chosen, iterations=2) & ~chosen
    found: NDArray[np.uint16] = np.unique(ids[ring])
    return found


def agreement(maps: Sequence[NDArray[np.uint16]], which: int) -> NDArray[np.int64]:
    """How many other annotators drew each region of map ``which`` alike; indexed by region id."""
    own = maps[which].astype(np.int64)
    count = np.zeros(int(own.max()) + 1, np.int64)
    own_area = np.bincount(own.ravel())
    for other in (m.astype(np.int64) for i, m in enumerate(maps) if i != which):
        other_area = np.bincount(other.ravel())
        both = np.bincount((own * len(other_area) + other).ravel(), minlength=len(own_area) * len(other_area))
        both = both.reshape(len(own_area), len(other_area))
        either = own_area[:, None] + other_area - both
        count += (both / np.maximum(either, 1)).max(1) >= _ALIKE
    return count


def regions_of(ids: NDArray[np.uint16], ignored: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The largest regions of a map, numbered from 0 by area; 255 elsewhere."""
    found, which, areas = np.unique(ids, return_inverse=True, return_counts=True)
    areas[np.unique(which.reshape(ids.shape)[ignored])] = 0
    rank = np.empty(len(found), np.int64)
    rank[np.argsort(-areas, kind="stable")] = np.arange(len(found))
    numbers = np.where((rank < MOST_REGIONS) & (areas >= SMALLEST * ids.size), rank, IGNORED)
    return numbers[which].reshape(ids.shape).astype(np.uint8)


class CropSampler:
    """Cuts crops for one random generator.

    Args:
        cache: pictures and maps.
        weights: relative frequency per set; sets not named get 0.05.
        rng: where all chance comes from.
    """

    def __init__(self, cache: Cache, weights: Mapping[str, float], rng: np.random.Generator) -> None:
        self._cache = cache
        self._rng = rng
        self._names = list(cache.sources)
        self._by_source = {n: [i for i in cache.items if i.source == n] for n in self._names}
        shares = np.array([weights.get(n, 0.05) if self._by_source[n] else 0.0 for n in self._names])
        self._shares = shares / shares.sum()
        self._offsets = cache.semantic_offsets()
        self._agreed: dict[tuple[int, int], NDArray[np.int64]] = {}

    def batch(self, count: int, size: tuple[int, int]) -> Batch:
        """``count`` crops of ``size`` (height, width)."""
        crops = [self._crop(size) for _ in range(count)]
        images, objects, foreground, semantic, regions, sources = (
            np.stack(x) for x in zip(*crops, strict=True)
        )
        result = Batch(images, objects, foreground, semantic, regions, sources)
        self._paste(result)
        return result

    def _crop(self, size: tuple[int, int]) -> tuple[Any, ...]:
        for _ in range(50):
            which = int(self._rng.choice(len(self._names), p=self._shares))
            source = self._cache.sources[self._names[which]]
            items = self._by_source[source.name]
            item = items[self._rng.integers(len(items))]
            crop = self._cut(item, source, size)
            if crop is not None:
                return (*crop, np.int64(which))
        raise RuntimeError("no object was found in fifty crops")

    def _window(self, item: Item, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of the picture."""
        rng = self._rng
        scale = np.sqrt(item.height * item.width / (size[0] * size[1]))
        scale *= np.exp(rng.uniform(np.log(0.35), np.log(1.15)))
        aspect = np.exp(rng.uniform(-0.25, 0.25))
        height = min(size[0] * scale * aspect, item.height)
        width = min(size[1] * scale / aspect, item.width)
        left = rng.uniform(0, item.width - width)
        top = rng.uniform(0, item.height - height)
        return left, top, left + width, top + height

    def _cut(self, item: Item, source: Source, size: tuple[int, int]) -> tuple[NDArray[np.uint8], ...] | None:
        rng = self._rng
        left, top, right, bottom = self._window(item, size)
        rows = (top + (np.arange(size[0]) + 0.5) * (bottom - top) / size[0]).astype(int)
        columns = (left + (np.arange(size[1]) + 0.5) * (right - left) / size[1]).astype(int)
        which = int(rng.integers(len(item.maps)))
        ids = self._cache.ids(item, which)[rows[:, None], columns]
        ignored = ids == source.ignored
        chosen = self._choose(ids, ignored, source, self._merit(item, which, source))
        if chosen is None:
            return None
        y0, x0 = int(top), int(left)
        part = self._cache.pixels(item)[y0 : int(np.ceil(bottom)), x0 : int(np.ceil(right))]
        method = Image.Resampling.BILINEAR if rng.random() < 0.7 else Image.Resampling.BICUBIC
        box = (left - x0, top - y0, min(right - x0, part.shape[1]), min(bottom - y0, part.shape[0]))
        picture = Image.fromarray(np.ascontiguousarray(part)).resize((size[1], size[0]), method, box)
        objects = np.where(ignored, IGNORED, chosen).astype(np.uint8)
        arrays = [
            np.asarray(picture),
            objects,
            *self._classes(ids, ignored, source),
            regions_of(ids, ignored),
        ]
        if rng.random() < 0.5:
            arrays = [a[:, ::-1] for a in arrays]
        if rng.random() < 0.1:
            arrays = [a[::-1] for a in arrays]
        return tuple(np.ascontiguousarray(a) for a in arrays)

    def _merit(self, item: Item, which: int, source: Source) -> NDArray[np.float64]:
        """How gladly each id is chosen: more so the more annotators agree on it."""
        if source.kind != "regions":
            return np.ones(1)
        key = (item.pixels, which)
        if key not in self._agreed:
            self._agreed[key] = agreement([self._cache.ids(item, i) for i in range(len(item.maps))], which)
        return 0.3 + np.minimum(self._agreed[key], 3)

    def _choose(
        self,
        ids: NDArray[np.uint16],
        ignored: NDArray[np.bool_],
        source: Source,
        merit: NDArray[np.float64],
    ) -> NDArray[np.bool_] | None:
        """The object to be clicked, or None when the crop shows none of a useful size."""
        rng = self._rng
        counts = np.bincount(ids[~ignored], minlength=2) / ids.size
        if source.has_rest and source.kind != "regions":
            counts[0] = 0
        candidates = np.flatnonzero((counts >= SMALLEST) & (counts <= LARGEST))
        if not len(candidates):
            return None
        share = counts[candidates] ** 0.4 * merit[np.minimum(candidates, len(merit) - 1)]
        chosen: NDArray[np.bool_] = ids == rng.choice(candidates, p=share / share.sum())
        if source.kind == "semantic":
            chosen = self._part_of_class(chosen, ids, source)
        elif source.kind == "regions" and rng.random() < _UNIONS:
            near = neighbours(ids, chosen)
            near = near[near > 0]
            if len(near):
                chosen = chosen | np.isin(ids, rng.permutation(near)[: rng.integers(1, 4)])
        return chosen if SMALLEST <= chosen.mean() <= LARGEST else None

    def _part_of_class(
        self, chosen: NDArray[np.bool_], ids: NDArray[np.uint16], source: Source
    ) -> NDArray[np.bool_]:
        """One connected part of a class, all of it, or the whole figure that it belongs to."""
        rng = self._rng
        if source.foreground == () and rng.random() < 0.5:
            whole: NDArray[np.bool_] = ids > 0
            return whole
        parts, count = ndimage.label(chosen)
        if count > 1 and rng.random() < 0.8:
            areas = np.bincount(parts.ravel())[1:].astype(float)
            part: NDArray[np.bool_] = parts == 1 + rng.choice(count, p=areas / areas.sum())
            return part
        return chosen

    def _classes(
        self, ids: NDArray[np.uint16], ignored: NDArray[np.bool_], source: Source
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        nothing = np.full(ids.shape, IGNORED, np.uint8)
        foreground = nothing
        if source.foreground is not None:
            inside = np.isin(ids, source.foreground) if source.foreground else ids > 0
            foreground = np.where(ignored, IGNORED, inside).astype(np.uint8)
        semantic = nothing
        if source.num_classes:
            known = ~ignored & (ids < source.num_classes)
            semantic = np.where(known, ids + self._offsets[source.name], IGNORED).astype(np.uint8)
        return foreground, semantic

    def _paste(self, batch: Batch) -> None:
        """Put some objects into another crop's picture, in place."""
        count = len(batch.images)
        is_pasted = self._rng.random(count) < _COMPOSITES
        originals, regions = batch.images.copy(), batch.regions.copy()
        for i in np.flatnonzero(is_pasted):
            other = (i + 1) % count
            inside = batch.objects[i] == 1
            if other == i or not inside.any():
                continue
            alpha = ndimage.gaussian_filter(inside.astype(np.float32), 0.6)[..., None]
            batch.images[i] = (originals[i] * alpha + originals[other] * (1 - alpha)).astype(np.uint8)
            batch.objects[i] = inside
            batch.regions[i] = np.where(inside, MOST_REGIONS, regions[other])
            batch.foreground[i] = IGNORED
            batch.semantic[i] = IGNORED

    def forever(self, count: int, size: tuple[int, int]) -> Iterator[Batch]:
        """Endless batches of one size."""
        while True:
            yield self.batch(count, size)
