"""Clicks and boxes as the inputs of a decoder, whatever shapes and number formats it wants them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.click_models.frame import Frame
from model.click_models.graphs import Port
from model.click_models.signature import Family, Signature
from model.errors import ModelError
from model.prediction.inputs import Pointing

_NOWHERE: Final = -1
"""The label of a point that is none: it fills places."""
_TOP_LEFT: Final = 2
_BOTTOM_RIGHT: Final = 3
"""The labels of the corners of a box."""


def prompt_feeds(
    signature: Signature,
    frame: Frame,
    pointing: Pointing,
    earlier: NDArray[np.float32] | None,
    features: Mapping[str, NDArray[Any]],
) -> dict[str, NDArray[Any]]:
    """The inputs of the decoder besides the features of the image.

    Args:
        signature: of the model.
        frame: where the image lies.
        pointing: clicks and box, in pixels of the image.
        earlier: logits of the last answer in the size of the mask input; None for none.
        features: of the image; the mask input is four times as large as the coarsest, where no size is given.

    Raises:
        ModelError: the decoder takes fewer points, or no box.
    """
    roles = signature.roles
    coords, labels = _points(signature, frame, pointing)
    if not len(coords):  # a box in an input of its own
        coords, labels = np.zeros((1, 2), np.float32), np.full(1, _NOWHERE, np.float32)
    coords, labels = _filled(roles["coords"], coords, labels)
    lead = (1,) * (len(roles["coords"].shape) - 2)
    feeds: dict[str, NDArray[Any]] = {
        roles["coords"].name: coords.reshape(*lead, *coords.shape),  # [1, P, 2] or [1, 1, P, 2]
        roles["labels"].name: labels.reshape(*lead, *labels.shape),
    }
    if "boxes" in roles:
        feeds[roles["boxes"].name] = _boxes(frame, pointing)
    if "mask" in roles:
        mask = np.zeros(mask_size(roles["mask"], features), np.float32) if earlier is None else earlier
        feeds[roles["mask"].name] = mask.reshape(1, 1, *mask.shape)
    if "has_mask" in roles:
        has_mask = np.full((1,) * len(roles["has_mask"].shape), float(earlier is not None))
        feeds[roles["has_mask"].name] = has_mask
    if "size" in roles:
        feeds[roles["size"].name] = np.array(frame.size).reshape(_size_shape(roles["size"]))
    return feeds


def _points(
    signature: Signature, frame: Frame, pointing: Pointing
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points (x, y) of the frame, float32 [P, 2], and their labels, float32 [P]; a box is two of them."""
    coords, labels = frame.inside(pointing.xy), pointing.is_positive.astype(np.float32)
    if pointing.box is not None and "boxes" not in signature.roles:
        if signature.roles["coords"].name == "input_points":
            raise ModelError("This click model takes no boxes.", action="Click on the object instead.")
        corners = frame.inside(pointing.box.reshape(2, 2))
        coords = np.concatenate((coords, corners))
        return coords, np.append(labels, np.array((_TOP_LEFT, _BOTTOM_RIGHT), np.float32))
    if signature.family is Family.SAM and len(signature.roles["coords"].shape) == 3:
        # Without a box, a point that is none stands in its place: so these decoders were trained.
        coords = np.concatenate((coords, np.zeros((1, 2), np.float32)))
        labels = np.append(labels, np.float32(_NOWHERE))
    return coords, labels


def _boxes(frame: Frame, pointing: Pointing) -> NDArray[np.float32]:
    """The box in the frame, [1, 1, 4], or none, [1, 0, 4], for decoders that take boxes by themselves."""
    if pointing.box is None:
        return np.zeros((1, 0, 4), np.float32)
    return frame.inside(pointing.box.reshape(2, 2)).reshape(1, 1, 4)


def _filled(
    port: Port, coords: NDArray[np.float32], labels: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The points, filled up to the number that the decoder takes where that is fixed."""
    places = port.shape[-2]
    if places is None or places == len(coords):
        return coords, labels
    if len(coords) == places + 1 and labels[-1] == _NOWHERE:
        return coords[:-1], labels[:-1]
    missing = places - len(coords)
    if missing < 0:
        raise ModelError(
            f"This click model takes {places} {'point' if places == 1 else 'points'} (a box is two).",
            action="Export its decoder with any number of points; model/CLICK_MODELS.md says how.",
        )
    coords = np.concatenate((coords, np.zeros((missing, 2), np.float32)))
    return coords, np.append(labels, np.full(missing, _NOWHERE, np.float32))


def mask_size(port: Port, features: Mapping[str, NDArray[Any]]) -> tuple[int, int]:
    """(rows, columns) of the mask input: as the file says, else four times those of the coarsest features."""
    rows, cols = port.shape[-2:]
    if rows is not None and cols is not None:
        return rows, cols
    coarse = min(each.shape[-2:] for each in features.values() if each.ndim == 4)
    return 4 * int(coarse[0]), 4 * int(coarse[1])


def _size_shape(port: Port) -> tuple[int, ...]:
    """[2], or with sides of 1 before it."""
    return (*((1,) * max(0, len(port.shape) - 1)), 2)
