"""Questions about the attention of networks without experts: gates, and the row of one pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentseg_gui.document.experts.network_attention import Floats, MapGroup, NetworkMaps
from latentseg_gui.inference.experts.experts import Live
from latentseg_gui.inference.messages import ComputeGates, ComputeRow
from model.prediction.inputs import check_image
from model.prediction.predictor import Predictor
from model.prediction.resample import resize_pixels, working_size
from model.zoo.attention_maps import AttentionLayer, attention_layers, gate_maps, rollout


class NetworkAttention:
    """Answers for one image at a time; of that it keeps queries and keys, [N, D] each, and no [N, N].

    Args:
        live: the live weights.
        pixels_of: of an image that was shown, uint8 [H, W, 3].
    """

    def __init__(self, live: Callable[[], Live], pixels_of: Callable[[str], NDArray[np.uint8]]) -> None:
        self._live = live
        self._pixels_of = pixels_of
        self._kept: tuple[tuple[str, str], list[AttentionLayer]] | None = None
        self.handlers: dict[type, Callable[[Any], object]] = {
            ComputeGates: self.compute_gates,
            ComputeRow: self.compute_row,
        }

    def forget(self) -> None:
        """Drop what is kept: other weights, or another image under the same name."""
        self._kept = None

    def compute_gates(self, request: ComputeGates) -> NetworkMaps:
        """How much detail each gate lets through, 0..1.

        Raises:
            ModelError: the network has no gates.
        """
        live = self._live()
        image, _ = shown_image(live.predictor, self._pixels_of(request.image_id))
        network: Any = live.predictor.network
        gates = gate_maps(network, image)
        titles = tuple(f"stride {stride}" for stride in gates)
        maps = tuple(gate.cpu().numpy() for gate in gates.values())
        return NetworkMaps(request.image_id, live.info.version, (MapGroup("gates", titles, maps),))

    def compute_row(self, request: ComputeRow) -> NetworkMaps:
        """What a pixel attends to, per layer and head, and through all layers where that is asked for.

        Raises:
            ModelError: the network has no such attention, or the pixel is outside the image.
        """
        live = self._live()
        pixels = self._pixels_of(request.image_id)
        layers = self._layers(live, request.image_id, pixels)
        height, width = layers[0].size
        x, y = request.xy[0] * width / pixels.shape[1], request.xy[1] * height / pixels.shape[0]
        groups = [_heads_of(layer, x, y) for layer in layers]
        if request.is_followed:
            flow = over_image(rollout(layers, x, y)[None], layers[0])
            groups.append(MapGroup("through all layers", ("rollout",), (flow[0],)))
        return NetworkMaps(request.image_id, live.info.version, tuple(groups), request.xy)

    def _layers(self, live: Live, image_id: str, pixels: NDArray[np.uint8]) -> list[AttentionLayer]:
        key = image_id, live.info.version
        if self._kept is None or self._kept[0] != key:
            self._kept = None  # before the next is made: two at once may be too much
            network: Any = live.predictor.network
            image, _ = shown_image(live.predictor, pixels)
            self._kept = key, attention_layers(network, image)
        return self._kept[1]


def shown_image(predictor: Predictor, pixels: NDArray[np.uint8]) -> tuple[Tensor, tuple[float, float]]:
    """The image [1, 3, h, w] in 0..1 as the network is shown it whole, and its scale in x and y."""
    pixels = check_image(pixels)
    size = working_size((pixels.shape[0], pixels.shape[1]), predictor.max_pixels)
    shown = torch.from_numpy(np.array(resize_pixels(pixels, size)))
    scale = size[1] / pixels.shape[1], size[0] / pixels.shape[0]
    device = next(predictor.network.parameters()).device
    return shown.permute(2, 0, 1)[None].float().to(device) / 255, scale


def _heads_of(layer: AttentionLayer, x: float, y: float) -> MapGroup:
    heads = over_image(layer.row_at(x, y), layer)
    titles = tuple(f"head {number}" for number in range(1, len(heads) + 1))
    if len(heads) == 1:
        return MapGroup(layer.name, titles, (heads[0],))
    return MapGroup(layer.name, ("mean", *titles), (heads.mean(0), *heads))


def over_image(maps: Tensor, layer: AttentionLayer) -> Floats:
    """Maps of a grid that may cover padding too, over the image alone.

    Args:
        maps: [n, h, w].
        layer: that they are of.

    Returns:
        float32 [n, rows, cols], of more places where there was padding, so that their edges stay where they are.
    """
    grid = maps.cpu().numpy().astype(np.float32)
    if layer.size == layer.shown:
        return grid
    places = []
    for side, have, covered in zip(grid.shape[1:], layer.size, layer.shown, strict=True):
        count = 2 * math.ceil(side * have / covered)
        places.append(((np.arange(count) + 0.5) / count * have / covered * side).astype(np.intp))
    cut: Floats = grid[:, places[0]][:, :, places[1]]
    return cut
