"""Which of the common kinds a pair of graphs is, and what each of its inputs and outputs is for.

Names differ between exporters, so roles are found by the names that are in use, then by shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np

from model.click_models.graphs import Graph, Port, refuse

DEFAULT_SIDE: Final = 1024
"""Pixels of the longer side where the files do not say: what all of these models were trained at."""
_STRIDE: Final = 16

_COORDS: Final = ("point_coords", "batched_point_coords", "input_points", "unnorm_coords")
_LABELS: Final = ("point_labels", "batched_point_labels", "input_labels", "labels")
_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "coords": _COORDS,
    "labels": _LABELS,
    "mask": ("mask_input", "input_masks", "mask_inputs"),
    "has_mask": ("has_mask_input", "has_input_masks"),
    "size": ("orig_im_size", "original_image_size", "original_size", "frame_size"),
    "boxes": ("input_boxes",),
}
_MASKS: Final = ("masks", "output_masks", "pred_masks")
_SCORES: Final = ("iou_predictions", "iou_scores", "scores", "iou_pred")
_LOW: Final = ("low_res_masks", "low_res_logits")


class Family(Enum):
    """How a kind of model wants its image and its clicks."""

    SAM = "Segment Anything"
    """The longer side scaled to the size of the model, the rest padded (MobileSAM, EdgeSAM and others likewise)."""
    SAM2 = "Segment Anything 2"
    """Stretched to a square; features at two finer scales."""
    EFFICIENT_SAM = "EfficientSAM"
    """Any size, values 0 to 1; the graph scales and normalises."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of a click model.

    Attributes:
        family: how it wants image and clicks.
        encoder: the graph that encodes an image; None where one graph does all.
        decoder: the graph that answers clicks.
        image: the input for the image, of the encoder or, where there is none, of the decoder.
        is_channels_last: whether colours come last, [H, W, 3]; pixel values are taken as they are then.
        canvas: (rows, columns) in which points are counted and of which masks are.
        roles: input of the decoder by role ("coords", "labels", "mask", "has_mask", "size", "boxes"), as far as it
            has them.
        features: input of the decoder -> output of the encoder.
        masks: output with the masks.
        scores: output with their estimated IoU; "" for none.
        low: output with the masks in the size of the mask input; "" for none.
    """

    family: Family
    encoder: Graph | None
    decoder: Graph
    image: Port
    is_channels_last: bool
    canvas: tuple[int, int]
    roles: Mapping[str, Port]
    features: Mapping[str, str]
    masks: str
    scores: str
    low: str


def is_decoder(graph: Graph) -> bool:
    """Whether a graph takes clicks."""
    return _named(graph.inputs, _COORDS) is not None


def is_encoder(graph: Graph) -> bool:
    """Whether a graph takes an image and nothing else."""
    return len(graph.inputs) == 1 and _image_of(graph) is not None


def is_whole(graph: Graph) -> bool:
    """Whether a graph takes image and clicks at once."""
    return is_decoder(graph) and "batched_images" in graph.inputs


def signature_of(encoder: Graph | None, decoder: Graph) -> Signature:
    """The roles of everything that two graphs take and give.

    Raises:
        WeightsError: they do not belong together, or are of no kind that is known; both are named.
    """
    roles = _roles(decoder)
    if not {"coords", "labels"} <= roles.keys():
        refuse(decoder.path, f"it takes no clicks, but {_listed(decoder.inputs)}")
    image = _image_of(encoder or decoder)
    if image is None:
        graph = encoder or decoder
        refuse(graph.path, f"it takes no image with three colours, but {_listed(graph.inputs)}")
    taken = {port.name for port in roles.values()}
    rest = [port for port in decoder.inputs.values() if port.name not in taken]
    features = {} if encoder is None else _matched(rest, encoder, decoder)
    masks = _named(decoder.outputs, _MASKS + _LOW) or next(
        (port for port in decoder.outputs.values() if len(port.shape) >= 4), None
    )
    if masks is None:
        refuse(decoder.path, f"it gives no masks, but {_listed(decoder.outputs)}")
    scores, low = _scores_of(decoder, masks), _named(decoder.outputs, _LOW)
    return Signature(
        family=_family(roles["coords"], features),
        encoder=encoder,
        decoder=decoder,
        image=image,
        is_channels_last=_is_channels_last(image),
        canvas=_canvas(
            image, () if encoder is None else [*rest, *(encoder.outputs[x] for x in features.values())]
        ),
        roles=roles,
        features=features,
        masks=masks.name,
        scores="" if scores is None else scores.name,
        low="" if low is None else low.name,
    )


def _roles(decoder: Graph) -> dict[str, Port]:
    """Inputs by what they are for. A port of which the file says no shape gets the usual one of its role."""
    found = {
        role: port for role, names in _ROLES.items() if (port := _named(decoder.inputs, names)) is not None
    }
    has_objects = "coords" in found and found["coords"].name.startswith(("batched", "input"))
    sides = {"coords": 4 if has_objects else 3, "labels": 3 if has_objects else 2, "mask": 4, "boxes": 3}
    return {
        role: port if port.shape else replace(port, shape=(None,) * sides.get(role, 1))
        for role, port in found.items()
    }


def _named(ports: Mapping[str, Port], names: tuple[str, ...]) -> Port | None:
    return next((ports[name] for name in names if name in ports), None)


def _scores_of(decoder: Graph, masks: Port) -> Port | None:
    """By name, else the only output with a number for each mask."""
    rest = [port for port in decoder.outputs.values() if port is not masks and len(port.shape) in (2, 3)]
    return _named(decoder.outputs, _SCORES) or (rest[0] if len(rest) == 1 else None)


def _listed(ports: Mapping[str, Port]) -> str:
    return ", ".join(str(port) for port in ports.values())


def _image_of(graph: Graph) -> Port | None:
    """The input that is a picture with three colours, first or last; of one number or three sides."""
    for port in graph.inputs.values():
        is_number = port.dtype.kind == "f" or port.dtype == np.uint8
        sides = (3, None) if len(graph.inputs) == 1 else (3,)  # an encoder may leave all of its sides open
        is_first = len(port.shape) == 4 and port.shape[1] in sides
        if is_number and port.name not in _COORDS and (is_first or _is_channels_last(port)):
            return port
    return None


def _is_channels_last(port: Port) -> bool:
    is_first = len(port.shape) == 4 and port.shape[1] == 3
    return len(port.shape) in (3, 4) and port.shape[-1] == 3 and not is_first


def sides_of(image: Port) -> tuple[int | None, int | None]:
    """(rows, columns) of the image that is taken; None where any will do."""
    rows, cols = image.shape[-3:-1] if _is_channels_last(image) else image.shape[-2:]
    return rows, cols


def _canvas(image: Port, features: Iterable[Port]) -> tuple[int, int]:
    """From the size of the features that are made, else from that of the image that is taken.

    Some encoders want a smaller image than points are counted in (EfficientViT-SAM: 512 of 1,024 pixels), others pad
    by themselves what they are given.
    """
    known = [
        (rows, cols)
        for port in features
        if len(port.shape) == 4
        and (rows := port.shape[2]) is not None
        and (cols := port.shape[3]) is not None
    ]
    if known:
        rows, cols = min(known)
        return rows * _STRIDE, cols * _STRIDE
    fixed = [side for side in sides_of(image) if side is not None] or [DEFAULT_SIDE]
    if len(fixed) == 2 and not _is_channels_last(image):
        return fixed[0], fixed[1]
    return max(fixed), max(fixed)


def _family(coords: Port, features: Mapping[str, str]) -> Family:
    if coords.name.startswith("batched"):
        return Family.EFFICIENT_SAM
    has_fine = sum("high_res" in name or name.endswith(("_0", "_1", ".0", ".1")) for name in features) >= 2
    return Family.SAM2 if has_fine else Family.SAM


def _matched(rest: list[Port], encoder: Graph, decoder: Graph) -> dict[str, str]:
    """Which output of the encoder goes into which input of the decoder: by name, else the only one that fits."""
    found = {port.name: port.name for port in rest if port.name in encoder.outputs}
    for port in rest:
        if port.name in found:
            continue
        left = [each for each in encoder.outputs.values() if each.name not in found.values()]
        fitting = [each for each in left if _fits(each, port)]
        if len(fitting) != 1:
            why = f"it asks for {port}, and “{encoder.path.name}” gives {_listed(encoder.outputs)}"
            refuse(decoder.path, why, "Open an encoder and a decoder that were exported from the same model.")
        found[port.name] = fitting[0].name
    for name, source in found.items():
        if not _fits(encoder.outputs[source], decoder.inputs[name]):
            why = f"it asks for {decoder.inputs[name]}, and “{encoder.path.name}” gives {encoder.outputs[source]}"
            refuse(decoder.path, why, "Open an encoder and a decoder that were exported from the same model.")
    return found


def _fits(given: Port, asked: Port) -> bool:
    """Whether a tensor can be both; one of which nothing is known can be anything."""
    if not given.shape or not asked.shape:
        return True
    pairs = zip(given.shape, asked.shape, strict=False)
    return len(given.shape) == len(asked.shape) and all(a is None or b is None or a == b for a, b in pairs)
