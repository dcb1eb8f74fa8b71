"""What was pointed at and not accepted yet, on its way into a project and its journal, and out of them."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from typing import Any, Final

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.proposals import (
    PointedObject,
    PromptPoint,
    PromptSet,
    TakenUp,
    as_it_was,
)
from latentseg_gui.document.project.planes import inflate
from latentseg_gui.document.types import Rect

_MOST: Final = 1000
"""Clicks of an object, places of a line, or objects that wait."""

_MOST_PIXELS: Final = 1 << 28
"""Of the box of an object that was taken up."""


def prompts_as_settings(document: Document) -> dict[str, dict[str, Any]]:
    """Everything that waits to be accepted, by image, as a project keeps it."""
    ids = document.images.ids
    return {each: kept_prompts(document, each) for each in ids if not document.prompts.is_idle(each)}


def kept_prompts(document: Document, image_id: str) -> dict[str, Any]:
    """What waits on an image, as JSON can hold it; empty where nothing does. Proposals are worked out again."""
    if document.prompts.is_idle(image_id):
        return {}
    earlier = [_as_setting(each.prompts) for each in document.prompts.earlier(image_id)]
    return {"earlier": earlier, "present": _as_setting(document.prompts.of(image_id))}


def take_prompts(document: Document, settings: Any) -> None:
    """What a project has kept; what makes no sense in it is left out."""
    for image_id, kept in settings.items() if isinstance(settings, dict) else ():
        put_prompts(document, image_id, kept)


def put_prompts(document: Document, image_id: str, kept: Any) -> None:
    """Lets what was kept of an image wait there again, instead of what does; nonsense counts as nothing."""
    if not document.images.has(image_id):
        return
    shape = document.masks.shape(image_id)
    kept = kept if isinstance(kept, dict) else {}
    earlier = [_of_setting(each, shape) for each in _rows(kept.get("earlier"))]
    document.prompts.set_earlier(
        image_id, tuple(PointedObject(each) for each in earlier if not each.is_empty)
    )
    present = _of_setting(kept.get("present"), shape)
    document.prompts.set_proposal(image_id, None)
    document.prompts.set(image_id, present)
    if present.is_empty:  # nobody is asked what it is: what was taken up is shown as it was
        document.prompts.set_proposal(image_id, as_it_was(image_id, present))


def _as_setting(prompts: PromptSet) -> dict[str, Any]:
    points = [
        {
            "xy": list(each.xy),
            "is_positive": each.is_positive,
            "way": [list(xy) for xy in each.way],
            "is_loop": each.is_loop,
        }
        for each in prompts.points
    ]
    made: dict[str, Any] = {"points": points}
    if prompts.box is not None:
        made["box"] = list(prompts.box)
    if prompts.taken_up is not None:
        made["taken_up"] = _of_taken_up(prompts.taken_up)
    return made


def _of_taken_up(taken: TakenUp) -> dict[str, Any]:
    rect = taken.rect
    bits = zlib.compress(np.packbits(taken.mask).tobytes(), 1)
    return {
        "rect": [rect.row0, rect.col0, rect.row1, rect.col1],
        "mask": base64.b64encode(bits).decode("ascii"),
        "shape": list(taken.shape),
        "class": taken.class_id,
        "rc": None if taken.rc is None else list(taken.rc),
        "number": taken.number,
    }


def _of_setting(kept: Any, shape: tuple[int, int] | None) -> PromptSet:
    """What was pointed at on an image of a shape (None: not known); nothing where that makes no sense."""
    if not isinstance(kept, dict):
        return PromptSet()
    try:
        points = tuple(_point(each, shape) for each in _rows(kept.get("points")))
        box = kept.get("box")
        taken = kept.get("taken_up")
        return PromptSet(
            points,
            None if box is None else _box(box, shape),
            None if taken is None else _taken_up(taken, shape),
        )
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error, OverflowError):
        return PromptSet()


def _rows(kept: Any) -> list[Any]:
    return kept[:_MOST] if isinstance(kept, list) else []


def _point(kept: dict[str, Any], shape: tuple[int, int] | None) -> PromptPoint:
    way = tuple(_xy(each, shape) for each in _rows(kept.get("way")))
    return PromptPoint(_xy(kept["xy"], shape), kept["is_positive"] is True, way, kept.get("is_loop") is True)


def _xy(kept: Any, shape: tuple[int, int] | None) -> tuple[float, float]:
    """A place of the image.

    Raises:
        ValueError: if it is none.
    """
    x, y = (float(each) for each in kept)
    rows, cols = (math.inf, math.inf) if shape is None else shape
    if not (0 <= x <= cols and 0 <= y <= rows) or math.isinf(x) or math.isinf(y):
        raise ValueError("a place outside the image")
    return x, y


def _box(kept: Any, shape: tuple[int, int] | None) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = kept
    start, end = _xy((x0, y0), shape), _xy((x1, y1), shape)
    if not (start[0] < end[0] and start[1] < end[1]):
        raise ValueError("an empty box")
    return (*start, *end)


def _taken_up(kept: dict[str, Any], shape: tuple[int, int] | None) -> TakenUp:
    rect, size = Rect(*(_whole(each) for each in kept["rect"])), tuple(_whole(each) for each in kept["shape"])
    area = rect.shape[0] * rect.shape[1]
    if len(size) != 2 or (shape is not None and size != shape) or rect.is_empty or area > _MOST_PIXELS:
        raise ValueError("an object of another image")
    if rect.clipped(size) != rect:
        raise ValueError("an object outside the image")
    data = inflate(base64.b64decode(kept["mask"], validate=True), -(-area // 8))
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=area)
    mask = bits.reshape(rect.shape).astype(np.bool_)  # [h, w]
    rc = None
    if kept["rc"] is not None:
        row, col = (_whole(each) for each in kept["rc"])
        rc = row, col
        if not (0 <= row < size[0] and 0 <= col < size[1]):
            raise ValueError("a pixel outside the image")
    return TakenUp(rect, mask, size, _whole(kept["class"]), rc, _whole(kept["number"]))


def _whole(kept: Any) -> int:
    if not isinstance(kept, int) or isinstance(kept, bool) or not 0 <= kept < 2**31:
        raise ValueError("no number")
    return kept
