"""More like this: objects that look like a few examples, in the same image or in others, without training.

What an object looks like is the mean of the embedding in which clicks find their like (`Encoding.embed`), which
is made of features at strides 4, 16 and 32 and knows no position by construction; the mean of the image is taken out
of it, so that what all of a picture has in common says nothing. Places that look more like the examples than like
their surroundings are clicked on, and the answers are ranked by how alike they are in looks, size and form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage

from model.errors import ModelError
from model.networks.encoding import Encoding
from model.prediction.all_objects import Found, batches, is_known
from model.prediction.click_batches import segment_each
from model.prediction.found_objects import FoundObject, Sieve, best_of_overlapping, sieved_objects
from model.prediction.outputs import EncodedImage
from model.prediction.predictor import Predictor, as_clicked
from model.prediction.views import parts_for, views
from model.prediction.zoom_region import Bounds, EncodedRegion

WANTED: Final = 32.0
"""Objects are looked for in views in which they appear at least this many pixels wide, if that is possible."""

MOST_PLACES: Final = 400
"""Of a view that are clicked on, the most alike first."""

BOX: Final = 1.15
"""Side of the box round a place, in diameters of the examples: a click alone may mean the whole heap."""

COLOUR: Final = 0.5
"""Weight of colour, in standard deviations of the view, beside the embedding, a unit vector."""

_STRIDE: Final = 4
_SIEVE: Final = Sieve(score=0.25, stability=0.3, smallest=4)
_LEAST_SIMILARITY: Final = 0.05

_LEAST_CONTRAST: Final = -0.5
"""Places that look more like what is around the examples, -1, are not clicked on."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What an object looks like, comparable between images that the same weights have encoded.

    Attributes:
        inside: mean of the embedding within it, float32 [E].
        around: mean of the embedding beside it, float32 [E].
        pixels: how many pixels of its image it has.
        form: length to width, 1 or more.
    """

    inside: NDArray[np.float32]
    around: NDArray[np.float32]
    pixels: float
    form: float

    @property
    def diameter(self) -> float:
        """Of the disk of as many pixels."""
        return float(np.sqrt(4 * self.pixels / np.pi))


def looks_of(predictor: Predictor, examples: Sequence[tuple[Bounds, NDArray[np.bool_]]]) -> tuple[Looks, ...]:
    """What some objects of the present image look like.

    Args:
        predictor: set to the image.
        examples: box in pixels of the image, and mask bool of the shape of the box.

    Raises:
        ModelError: there is no image, no example, an empty one, or a network without an embedding.
    """
    image, runner = as_clicked(predictor)
    if not examples or not all(mask.any() for _, mask in examples):
        raise ModelError("There is no object to look for.", action="Choose one or a few objects first.")
    sizes = [float(np.count_nonzero(mask)) for _, mask in examples]
    parts = _parts(image, float(np.median(sizes)))
    wholes = [FoundObject(bounds, mask, 1.0, 1.0) for bounds, mask in examples]
    best: dict[int, tuple[float, Looks]] = {}
    for view in views(runner, image, parts):
        maps = _embedding(view)
        for index, each in enumerate(wholes):
            share, mask = _in_view(each, view)
            if mask.any() and share > best.get(index, (0.0, None))[0]:
                best[index] = share, _looks(maps, mask, each)
    if len(best) < len(examples):
        raise ModelError("An example lies outside the image.", action="Choose objects of this image.")
    return tuple(looks for _, looks in best.values())


def propose_alike(predictor: Predictor, examples: Sequence[Looks]) -> Iterator[Found]:
    """Objects of the present image that look like the examples, the most alike first.

    Args:
        predictor: set to the image, of the weights that `looks_of` was asked with.
        examples: from `looks_of`, of this image or of others.

    Yields:
        What is known so far, every object with its similarity; at last all of it, with the fraction 1.

    Raises:
        ModelError: there is no image, no example, or a network that does not answer clicks.
    """
    image, runner = as_clicked(predictor)
    if not examples:
        raise ModelError("There is no object to look for.", action="Choose one or a few objects first.")
    parts = _parts(image, float(np.median([each.pixels for each in examples])))
    sieve = replace(_SIEVE, largest=min(0.9, 6 * max(each.pixels for each in examples) / _pixels(image)))
    found: tuple[FoundObject, ...] = ()
    for number, view in enumerate(views(runner, image, parts)):
        maps = _embedding(view)
        places = _places(maps, examples, view)
        for done, xy in enumerate(batches(places)):
            open_places = xy[~is_known(found, xy, view)]
            if len(open_places) == 0:
                continue
            boxes = _boxes(open_places, examples, view)
            logits, scores = segment_each(runner, view.encoding, open_places, boxes)
            new = sieved_objects(logits, scores, open_places, view, image.shape, sieve)
            alike = [replace(each, similarity=_similarity(maps, each, view, examples)) for each in new]
            found = best_of_overlapping(
                (*found, *(each for each in alike if each.similarity > _LEAST_SIMILARITY))
            )
            share = done * len(xy) / max(1, len(places))
            yield Found(_by_similarity(found), min(0.99, (number + share) / parts**2))
    yield Found(_by_similarity(found), 1.0)


def _by_similarity(found: tuple[FoundObject, ...]) -> tuple[FoundObject, ...]:
    return tuple(sorted(found, key=lambda each: -each.similarity))


def _pixels(image: EncodedImage) -> int:
    return image.shape[0] * image.shape[1]


def _parts(image: EncodedImage, pixels: float) -> int:
    """Views along a side in which objects of so many pixels are large enough."""
    return parts_for(image, float(np.sqrt(4 * pixels / np.pi)), WANTED)


def _embedding(view: EncodedRegion) -> NDArray[np.float32]:
    """The embedding of a view without what all of it has in common, float32 [E, h, w], at stride 4."""
    if not isinstance(view.encoding, Encoding):
        raise ModelError(
            "This network cannot tell which objects are alike.",
            action="Use the default network for that.",
        )
    embed = view.encoding.embed[0].float()
    rows, cols = (-(-side // _STRIDE) for side in view.size)
    embed = embed[:, :rows, :cols]
    colour = view.encoding.colour[0, :, :rows, :cols].float()
    parts = [
        F.normalize(embed - embed.mean((1, 2), keepdim=True), dim=0),
        COLOUR * (colour - colour.mean((1, 2), keepdim=True)) / (colour.std((1, 2), keepdim=True) + 0.02),
    ]
    return np.asarray(F.normalize(torch.cat(parts), dim=0).cpu().numpy(), np.float32)


def _in_view(each: FoundObject, view: EncodedRegion) -> tuple[float, NDArray[np.float32]]:
    """How much of an object lies in a view, 0..1, and its share of every token, float32 [h, w]."""
    row0, col0, row1, col1 = view.bounds
    whole = np.zeros((row1 - row0, col1 - col0), np.float32)
    top, left = max(row0, each.bounds[0]), max(col0, each.bounds[1])
    bottom, right = min(row1, each.bounds[2]), min(col1, each.bounds[3])
    if top < bottom and left < right:
        part = each.mask[
            top - each.bounds[0] : bottom - each.bounds[0], left - each.bounds[1] : right - each.bounds[1]
        ]
        whole[top - row0 : bottom - row0, left - col0 : right - col0] = part
    share = float(whole.sum()) / max(1, each.pixels)
    size = tuple(-(-side // _STRIDE) for side in view.size)
    small = F.interpolate(torch.from_numpy(whole)[None, None], size=size, mode="area")[0, 0]
    return share, np.asarray(small.numpy(), np.float32)


def _looks(maps: NDArray[np.float32], share: NDArray[np.float32], each: FoundObject) -> Looks:
    ring = ndimage.maximum_filter(share, 5) > 0
    around = np.where(ring & (share < 0.1), np.float32(1), np.float32(0))
    return Looks(_mean(maps, share**2), _mean(maps, around), float(each.pixels), _form(each.mask))


def _mean(maps: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vector [E]: the weighted mean of maps [E, h, w]; zeros where nothing has weight."""
    mean = (maps * weight).sum((1, 2))
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-6), np.float32)


def _form(mask: NDArray[np.bool_]) -> float:
    """Length to width of a mask, by its second moments."""
    rows, cols = np.nonzero(mask)
    spread = np.cov(np.stack((rows, cols))) if rows.size > 1 else np.zeros((2, 2))
    small, large = np.linalg.eigvalsh(spread + np.eye(2) / 12)  # a pixel is a square, not a point
    return float(np.sqrt(large / small))


def _contrast(maps: NDArray[np.float32], examples: Sequence[Looks]) -> NDArray[np.float32]:
    """How much more tokens look like the inside of an example than like what is around it, [h, w], 1 for equal."""
    best = np.full(maps.shape[1:], -np.inf, np.float32)
    for each in examples:
        towards = each.inside - each.around
        middle = float((each.inside + each.around) @ towards) / 2  # 0: both are unit vectors
        scale = max(float(each.inside @ towards) - middle, 1e-3)
        best = np.maximum(best, (np.tensordot(towards, maps, 1) - middle) / scale)
    return best


def _places(maps: NDArray[np.float32], examples: Sequence[Looks], view: EncodedRegion) -> NDArray[np.float32]:
    """Where to click: peaks of similarity, (x, y) in pixels of the view [N, 2], the most alike first."""
    alike = _contrast(maps, examples)
    radius = float(np.median([each.diameter for each in examples])) * view.scale_xy[0] / (2 * _STRIDE)
    smooth = ndimage.gaussian_filter(alike, min(0.35 * radius, 8.0))
    side = max(3, 2 * round(0.3 * radius) + 1)
    is_peak = (smooth == ndimage.maximum_filter(smooth, side)) & (smooth > _LEAST_CONTRAST)
    rows, cols = np.nonzero(is_peak)
    order = np.argsort(-smooth[rows, cols], kind="stable")[:MOST_PLACES]
    xy = (np.stack((cols[order], rows[order]), axis=1) + 0.5) * _STRIDE
    limits = np.array((view.size[1], view.size[0])) - 0.5
    return np.asarray(np.minimum(xy, limits), np.float32)


def _boxes(xy: NDArray[np.float32], examples: Sequence[Looks], view: EncodedRegion) -> NDArray[np.float32]:
    """A box of the size of the examples round each place [N, 2], x0, y0, x1, y1 in pixels of the view [N, 4]."""
    half = BOX * float(np.median([each.diameter for each in examples])) * view.scale_xy[0] / 2
    limits = np.array((view.size[1], view.size[0]) * 2, np.float32)
    boxes = np.concatenate((xy - half, xy + half), axis=1)
    return np.asarray(np.clip(boxes, 0, limits), np.float32)


def _similarity(
    maps: NDArray[np.float32], each: FoundObject, view: EncodedRegion, examples: Sequence[Looks]
) -> float:
    """How alike an object and the most similar example are, 0..1, in looks, size and form."""
    _, share = _in_view(each, view)
    own = _looks(maps, share, each)
    return max(_alike(own, example) for example in examples)


def _alike(own: Looks, example: Looks) -> float:
    towards = example.inside - example.around
    looks = float(own.inside @ towards) / max(float(example.inside @ towards), 1e-3)
    size = min(own.pixels, example.pixels) / max(own.pixels, example.pixels)
    form = min(own.form, example.form) / max(own.form, example.form)
    return float(np.clip(looks, 0, 1) * size**0.5 * form**0.25)
