"""Classes of every pixel of an image of any size, written piece by piece into what holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.errors import ModelError
from model.prediction.inputs import brightened
from model.prediction.object_size import at_learned_size
from model.prediction.outputs import ClassPrediction, EncodedImage
from model.prediction.resample import grow_in_bands
from model.prediction.runner import Runner
from model.prediction.shared_norms import SharedNorms, norms_of_whole
from model.prediction.testtime import PredictOptions, class_probabilities, resized_view
from model.prediction.tiles import Tile, blend, tile_side

CRF_PIXELS: Final = 1 << 20
"""The refinement of edges takes about 0.5 kB a pixel."""

Gains = NDArray[np.float32] | None


class Sink(Protocol):
    """Takes logits, or probabilities, of a part of the picture."""

    def take(self, rows: slice, cols: slice, logits: Tensor) -> None:
        """Keep the part that has these logits [R, rows, cols]: of classes, up to a constant, then perhaps of depth."""


class LabelSink:
    """The most likely class and its probability.

    Args:
        out: labels uint8 [H, W], confidence [H, W], float32 in 0..1 or uint8 in 0..255, perhaps depth.
        num_classes: C.
    """

    def __init__(self, out: ClassPrediction, num_classes: int) -> None:
        self._out, self._num_classes = out, num_classes

    def take(self, rows: slice, cols: slice, logits: Tensor) -> None:
        """Keep class and confidence of a part whose logits are [R, rows, cols] (of `Sink`)."""
        labels, confidence = _decide(logits[: self._num_classes] / self._out.temperature)
        self._out.labels[rows, cols] = labels
        self._out.confidence[rows, cols] = _as_stored(confidence, self._out.confidence.dtype)
        if self._out.depth is not None:
            self._out.depth[rows, cols] = as_depth(logits[self._num_classes])


class ProbabilitySink:
    """The probability of every class.

    Args:
        out: [C, H, W], of floats in 0..1, or uint8 or uint16 that use their whole range.
        temperature: see `Predictor`.
    """

    def __init__(self, out: NDArray[Any], temperature: float = 1.0) -> None:
        self._out, self._temperature = out, temperature

    def take(self, rows: slice, cols: slice, logits: Tensor) -> None:
        """Keep the probabilities of a part whose logits are [R, rows, cols] (of `Sink`)."""
        shares = (logits[: len(self._out)] / self._temperature).softmax(0)
        self._out[:, rows, cols] = _as_stored(shares.cpu().numpy(), self._out.dtype)


def predict_into(
    sink: Sink,
    image: EncodedImage,
    runner: Runner,
    max_pixels: int,
    gains: Gains,
    options: PredictOptions,
) -> None:
    """Predict a whole image; the parts that ``sink`` takes cover it, and where memory ran out, again.

    An image above ``max_pixels`` is done in tiles, which encodes; with experts changed and no other
    options, or by a network that has to see it whole, at its reduced size, which does not.

    Args:
        sink: takes the answers.
        image: as encoded.
        runner: of the same weights.
        max_pixels: that may be encoded at once.
        gains: of the experts, or None.
        options: views and refinement.
    """
    options = at_learned_size(options, image, runner)
    whole = slice(0, image.shape[0]), slice(0, image.shape[1])
    needs_whole = bool(getattr(runner.network, "needs_whole", False))
    if options.is_plain and (gains is not None or not image.is_reduced or needs_whole):
        logits = runner.class_maps(image.encoding, gains)
        if not image.is_reduced:
            sink.take(*whole, logits)
            return
        for rows, band in grow_in_bands(logits, image.shape):
            sink.take(rows, whole[1], band)
        return
    budget = int(max_pixels / options.growth)
    if options.crf is not None:
        budget = min(budget, CRF_PIXELS)
    if image.shape[0] * image.shape[1] <= budget:
        _whole(sink, image, runner, gains, options)
        return
    side = tile_side(budget, runner.num_maps)
    runner.within_memory(side, _in_tiles(sink, image, runner, gains, options))


def _whole(sink: Sink, image: EncodedImage, runner: Runner, gains: Gains, options: PredictOptions) -> None:
    encoding = None if image.is_reduced else image.encoding
    seen = class_probabilities(runner, image.pixels, options, gains=gains, encoding=encoding)
    sink.take(slice(0, image.shape[0]), slice(0, image.shape[1]), _logits(seen, runner))


def _in_tiles(
    sink: Sink, image: EncodedImage, runner: Runner, gains: Gains, options: PredictOptions
) -> Callable[[int], bool]:
    """What predicts in tiles of a given side."""

    def attempt(side: int) -> bool:
        norms = {scale: _norms(image, runner, side, scale) for scale in options.scales}

        def infer(tile: Tile) -> Tensor:
            part = image.pixels[slice(*tile.rows), slice(*tile.cols)]
            return class_probabilities(runner, part, options, gains=gains, norms=norms)

        size = int(runner.config.num_classes)
        for piece in blend(image.shape, size, side, infer, num_more=runner.num_maps - size):
            sink.take(piece.rows, piece.cols, _logits(piece.probabilities, runner))
        return True

    return attempt


def _norms(image: EncodedImage, runner: Runner, side: int, scale: float) -> SharedNorms:
    def show(part: NDArray[np.uint8]) -> None:
        runner.classify(runner.encode(resized_view(part, scale, False), for_clicks=False))

    return norms_of_whole(runner.network, show, image.pixels, side)


def empty_prediction(shape: tuple[int, int], *, has_depth: bool = False) -> ClassPrediction:
    """Zeros of the shape of an image."""
    depth = np.zeros(shape, np.uint8) if has_depth else None
    return ClassPrediction(np.zeros(shape, np.uint8), np.zeros(shape, np.float32), depth=depth)


def checked_out(
    out: ClassPrediction | None, shape: tuple[int, int], temperature: float, *, has_depth: bool
) -> ClassPrediction:
    """What takes the answer: ``out`` where it can, with a depth exactly where there is one to take.

    Raises:
        ModelError: its arrays do not fit.
    """
    answer = empty_prediction(shape, has_depth=has_depth) if out is None else out
    if answer.temperature != temperature:
        answer = replace(answer, temperature=temperature)
    if has_depth != (answer.depth is not None):
        answer = replace(answer, depth=np.zeros(shape, np.uint8) if has_depth else None)
    if answer.depth is not None:
        check_out(answer.depth, shape, (np.uint8,))
    check_out(answer.labels, shape, (np.uint8,))
    check_out(answer.confidence, shape, (np.float32, np.uint8))
    return answer


def seen_by(runner: Runner, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels [H, W, 3] as the network is shown them: dark ones brightened where it has learned from such."""
    return brightened(pixels) if runner.has_depth else pixels


def check_out(out: NDArray[Any], shape: tuple[int, ...], dtypes: tuple[type, ...]) -> None:
    """Raise ModelError unless an array can take the answer."""
    if out.shape != shape or out.dtype not in [np.dtype(each) for each in dtypes]:
        names = ", ".join(np.dtype(each).name for each in dtypes)
        raise ModelError(
            f"The array for the answer is {out.dtype} of shape {list(out.shape)}.",
            action=f"Give one of shape {list(shape)} that holds {names}.",
        )


def as_depth(logits: Tensor) -> NDArray[np.uint8]:
    """Logits of depth [H, W] as they are stored: 0 outside to 255 in the middle of an object."""
    depth: NDArray[np.uint8] = (logits.sigmoid() * 255).round().to(torch.uint8).cpu().numpy()
    return depth


def _logits(shares: Tensor, runner: Runner) -> Tensor:
    """Probabilities of classes, then depth where it is there, as logits."""
    size = int(runner.config.num_classes)
    return torch.cat((shares[:size].clamp(min=1e-12).log(), shares[size:].logit(1e-6)))


def _decide(logits: Tensor) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Logits [C, H, W] to labels and confidence."""
    if len(logits) == 2:  # the common case, several times faster
        margin = logits[1] - logits[0]
        labels, confidence = margin > 0, margin.abs().sigmoid()
    else:
        confidence, labels = logits.softmax(0).max(0)
    return labels.to(torch.uint8).cpu().numpy(), confidence.cpu().numpy()


def _as_stored(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values in 0..1 as floats, or spread over the range of unsigned integers."""
    if dtype.kind == "u":
        return np.rint(values * np.iinfo(dtype).max).astype(dtype)
    return values.astype(dtype, copy=False)
