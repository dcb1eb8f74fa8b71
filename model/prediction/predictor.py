"""The numpy boundary: hand in an image once, then ask many times. Argument names are SAM's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, overload

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from model.analysis.gains import Gains, Head, check_gains
from model.errors import ModelError
from model.prediction.class_maps import (
    LabelSink,
    ProbabilitySink,
    check_out,
    checked_out,
    predict_into,
    seen_by,
)
from model.prediction.click_answers import Candidates, answer_stages, candidates, maps_of, question_of
from model.prediction.contrast import redraw
from model.prediction.device import DeviceChoice, choose_device
from model.prediction.inputs import check_image
from model.prediction.objects import with_instances
from model.prediction.outputs import Attention, ClassPrediction, EncodedImage
from model.prediction.region_attention import Region, as_attention, attention_of_part
from model.prediction.resample import resize_pixels, working_size
from model.prediction.runner import Runner
from model.prediction.testtime import PLAIN, PredictOptions
from model.prediction.zoom_in import Answer
from model.weights.checkpoint import default_weights_path, load
from model.zoo.tutorial import as_predictable

MAX_PIXELS: Final[Mapping[str, int]] = {"cuda": 4_200_000, "mps": 2_100_000, "cpu": 2_100_000}
"""Larger pictures are encoded at a reduced size, and in tiles for classes, per device type."""

CLICK_PIXELS: Final = 384 * 256
"""Clicks on larger pictures begin with an overview of this size: the scale that the network learned at."""


class Predictor:
    """Segments images with a network.

    All of it raises ModelError where a question makes no sense or comes before the first image, or memory ran out.

    Args:
        network: a copy of it is used; later changes to it have no effect.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        dtype: number format for classes; None lets the device decide. Clicks are answered in float32.
        max_pixels: pictures above this are encoded reduced; None lets the device decide.
        temperature: divides the logits of classes; from 1, more says less sure (`model.analysis.calibration`).
    """

    def __init__(
        self,
        network: nn.Module,
        device: str = "auto",
        *,
        dtype: torch.dtype | None = None,
        max_pixels: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        choice = choose_device(device)
        self.network = as_predictable(network)
        most = max_pixels or MAX_PIXELS[choice.device.type]
        self.max_pixels = min(most, getattr(self.network, "most_pixels", 0) or most)
        self.temperature = temperature
        self._runner = Runner(self.network, choice if dtype is None else replace(choice, dtype=dtype))
        self.click_runner = self._runner
        if self._runner.can_segment and self._runner.choice.dtype != torch.float32:
            self.click_runner = Runner(self.network, replace(choice, dtype=torch.float32))
        self._image: EncodedImage | None = None
        config = self._runner.config
        self.num_experts, self.num_classes = int(config.num_experts), int(config.num_classes)
        self.num_heads = int(getattr(config, "num_heads", 1))

    @classmethod
    def default(cls, device: str = "auto") -> Predictor:
        """With the weights that come with the program."""
        return cls(load(default_weights_path())[0], device)

    @property
    def device(self) -> DeviceChoice:
        """Where it runs, in what number format, and why."""
        return self._runner.choice

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what had to be done differently, such as retreating to the CPU."""
        return tuple(dict.fromkeys(self._runner.notes + self.click_runner.notes))

    @property
    def encoder_runs(self) -> int:
        """How often the encoder ran: for images, zooms of clicks, parts of maps, tiles and other views."""
        return sum(runner.encoder_runs for runner in {self._runner, self.click_runner})

    @property
    def encoding(self) -> EncodedImage:
        """The present image as encoded; can be kept and set again later, which costs nothing."""
        if self._image is None:
            raise ModelError("There is no image yet.", action="Call set_image first.")
        return self._image

    @encoding.setter
    def encoding(self, image: EncodedImage) -> None:
        if image.weights is not self._runner:
            raise ModelError("This image was encoded with other weights.", action="Encode it again.")
        self._image = image

    def take_over(self, image: EncodedImage) -> EncodedImage:
        """An image of another predictor for which `model.prediction.kinship.encode_alike` holds, now one of this."""
        overview = None if image.overview is None else replace(image.overview, weights=self.click_runner)
        return replace(image, weights=self._runner, overview=overview, object_scale=None)

    def set_image(self, image: NDArray[np.uint8], *, for_clicks: bool = True) -> EncodedImage:
        """Encode an image and return that; all questions are about it until the next.

        Args:
            image: RGB, uint8 [H, W, 3]; grey [H, W] is taken too.
            for_clicks: whether clicks are to be expected; if not, the first takes longer.
        """
        self._image = _encode(self._runner, seen_by(self._runner, check_image(image)), self.max_pixels)
        if for_clicks:
            _seen_by_clicks(self._image, self.click_runner, self.max_pixels)
        return self._image

    @overload
    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        multimask_output: Literal[False] = False,
    ) -> Answer: ...

    @overload
    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        *,
        multimask_output: Literal[True],
    ) -> Candidates: ...

    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        multimask_output: bool = False,
    ) -> Answer | Candidates:
        """The object that clicks or a box point at.

        Args:
            point_coords: (x, y) in pixels, float [P, 2]; the first pixel covers 0..1.
            point_labels: 1 for clicks on the object, 0 beside it, [P]; of several on one pixel the last counts.
            box: x0, y0, x1, y1 in pixels.
            mask_input: logits that an earlier call returned, or a bool mask to start from.
            multimask_output: also what else may be meant. All that is returned then has an axis in front, [N, ...]:
                the likeliest, the whole that it belongs to, a part of it, and of a single click what stands out
                there by its tone alone; N is 1 with weights that know no others.

        Returns:
            mask bool [H, W], which agrees with every click; the estimated IoU, 0..1; logits float32
            [h, w] for the next call, of the size of the image or, if that is large, of its overview.
        """
        image = _seen_by_clicks(self.encoding, self.click_runner, self.max_pixels)
        question = question_of(image, (point_coords, point_labels, box), mask_input)
        if multimask_output:
            return candidates(image, self.click_runner, question, self.max_pixels)
        *_, (_, answer) = answer_stages(image, self.click_runner, question, self.max_pixels)
        return answer

    def predict_stages(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        *,
        is_preview: bool = False,
    ) -> Iterator[tuple[bool, Answer]]:
        """As `predict`, for those who show it: a first answer where the final one takes longer, then that.

        As a preview, before anybody clicks, it leaves no trace but that the same click then takes less time.

        Yields:
            Perhaps (False, what is known at once); then (True, what `predict` gives).
        """
        image = _seen_by_clicks(self.encoding, self.click_runner, self.max_pixels)
        question = question_of(image, (point_coords, point_labels, box), mask_input)
        question = replace(question, is_preview=is_preview)
        yield from answer_stages(image, self.click_runner, question, self.max_pixels)

    def predict_classes(
        self,
        experts_off: Iterable[int] = (),
        expert_gains: Gains | None = None,
        heads_off: Iterable[Head] = (),
        *,
        options: PredictOptions = PLAIN,
        out: ClassPrediction | None = None,
    ) -> ClassPrediction:
        """The most likely class of every pixel; outlines of objects as the picture's own colours have them, too.

        An image above `max_pixels` is done in tiles at full resolution, which encodes, as other views do;
        with experts changed and plain options, at its reduced size, which does not.

        Args:
            experts_off: experts to knock out: nothing reads them any more.
            expert_gains: factor per expert, or per (head, expert), on how strongly it is read: 1 as
                trained, 0 knocked out.
            heads_off: attention heads to knock out, of all experts or as (head, expert); all heads: the expert.
            options: several scales, the mirror image, refinement of edges.
            out: takes the answer, depth as well where that is known; perhaps memory-mapped, confidence in 0..255.
        """
        image = self.encoding
        gains = check_gains((self.num_heads, self.num_experts), experts_off, heads_off, expert_gains)
        answer = checked_out(out, image.shape, self.temperature, has_depth=self._runner.has_depth)
        sink = LabelSink(answer, self.num_classes)
        predict_into(sink, image, self._runner, self.max_pixels, gains, options)
        redraw(answer, image.pixels, strength=self._runner.own_colours, side=self._runner.object_side)
        return with_instances(answer, image, self._runner, self.max_pixels)

    def predict_probabilities(
        self, *, options: PredictOptions = PLAIN, out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """The probability of every class at every pixel, [C, H, W].

        Args:
            options: as in `predict_classes`.
            out: takes the answer: float32 or float16 in 0..1, or uint8 or uint16 that use their whole
                range; may be memory-mapped. None: float16.
        """
        image = self.encoding
        shape = self.num_classes, *image.shape
        answer = np.zeros(shape, np.float16) if out is None else out
        check_out(answer, shape, (np.float16, np.float32, np.uint8, np.uint16))
        sink = ProbabilitySink(answer, self.temperature)
        predict_into(sink, image, self._runner, self.max_pixels, None, options)
        return answer

    def predict_overview(
        self,
        experts_off: Iterable[int] = (),
        expert_gains: Gains | None = None,
        heads_off: Iterable[Head] = (),
    ) -> NDArray[np.float32]:
        """Class probabilities float32 [C, h, w] at the working size; arguments as of `predict_classes`."""
        gains = check_gains((self.num_heads, self.num_experts), experts_off, heads_off, expert_gains)
        logits, _ = self._runner.classify(self.encoding.encoding, gains)
        return np.asarray((logits / self.temperature).softmax(0).cpu().numpy(), dtype=np.float32)

    def attention(self, region: Region | None = None, whole: Attention | None = None) -> Attention:
        """Where the learned experts look for classes and which pixels they explain.

        Args:
            region: (row0, col0, row1, col1) in pixels, half-open: the maps of this part, with more
                tokens than those of the whole have there, which encodes the part; None for the whole.
            whole: the maps of the whole image, where they are at hand.
        """
        image = self.encoding
        if region is None or whole is None:
            _, maps = self._runner.classify(image.encoding, need_attention=True)
            whole = as_attention(maps, image.size, self._runner.stride, image.shape)
        return whole if region is None else attention_of_part(image, self._runner, region, whole)

    def expert_vectors(self) -> NDArray[np.float32]:
        """What pixels read of the learned experts on this image, after they looked and exchanged, float32 [K, D]."""
        return self._runner.expert_vectors(self.encoding.encoding)

    def prompt_attention(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
    ) -> Attention:
        """As `attention`, for an object: the learned experts, then one per click, then two for the box.

        The maps are of the answer of `predict` to the same arguments, before it zooms in.
        """
        image = _seen_by_clicks(self.encoding, self.click_runner, self.max_pixels)
        question = question_of(image, (point_coords, point_labels, box), mask_input)
        maps = maps_of(image, self.click_runner, question)
        return as_attention(maps, image.size, self._runner.stride, image.shape)


def _encode(runner: Runner, pixels: NDArray[np.uint8], most: int) -> EncodedImage:
    """The image at its own size or that of ``most`` pixels; at less where memory does not allow that."""

    def attempt(max_pixels: int) -> EncodedImage:
        size = working_size((pixels.shape[0], pixels.shape[1]), max_pixels)
        return EncodedImage(pixels, runner.encode(resize_pixels(pixels, size)), size, runner)

    return runner.within_memory(most, attempt)


def as_clicked(predictor: Predictor) -> tuple[EncodedImage, Runner]:
    """The present image of a predictor as clicks are answered from, and what answers them."""
    runner = predictor.click_runner
    return _seen_by_clicks(predictor.encoding, runner, predictor.max_pixels), runner


def _seen_by_clicks(image: EncodedImage, runner: Runner, max_pixels: int) -> EncodedImage:
    """What clicks are answered from, encoded now where it was not yet."""
    is_one = image.size[0] * image.size[1] <= CLICK_PIXELS and image.weights is runner
    if image.overview is None and runner.can_segment and not is_one:
        image.overview = _encode(runner, image.pixels, min(CLICK_PIXELS, max_pixels))
    return image.for_clicks
