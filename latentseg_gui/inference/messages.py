"""Requests and answers between the window and its child processes: answers first, then who asks for them. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.experts import (
    AlteredPrediction,
    ExpertChange,
    ExpertShares,
    Gains,
    RegionAttention,
)
from latentseg_gui.document.experts.maps import ExpertMaps, PromptAttention
from latentseg_gui.document.experts.network_attention import NetworkMaps
from latentseg_gui.document.prediction.candidates import CandidatesFound, ObjectLooks
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import Mask, Rect
from latentseg_gui.inference.request import Priority, Request
from model.analysis.objects import ObjectOptions


@dataclass(frozen=True, slots=True)
class PredictionExtras:
    """What makes a class prediction better, and slower.

    Attributes:
        mirror: the mean over the image and its mirror image.
        sizes: the mean over three sizes of the image.
        edges: classes follow edges of colour (fully connected CRF).
        objects: how objects are made of it where it is written to files.
    """

    mirror: bool = False
    sizes: bool = False
    edges: bool = False
    objects: ObjectOptions = field(default_factory=ObjectOptions)


@dataclass(frozen=True, slots=True)
class ImageEncoded:
    """The image is ready for clicks."""

    image_id: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True)
class OtherPrediction:
    """What weights that are not live say, in their own classes."""

    prediction: Prediction
    class_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PredictedPixels:
    """The answer for an image of a batch.

    Attributes:
        prediction: the classes.
        probabilities: of every class of the weights, uint16 [C, H, W], 65535 for 1; None if not asked for.
    """

    prediction: Prediction
    probabilities: NDArray[np.uint16] | None = None


@dataclass(frozen=True, slots=True)
class ClickModelInfo:
    """Who answers clicks from now on.

    Attributes:
        path: file or folder of the click model; None where the model itself answers.
        title: name and kind of the click model; "" for none.
        device: where it runs.
        digest: of the contents of its files, to know them again; "" for none.
    """

    path: Path | None
    title: str
    device: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class UseClickModel(Request[ClickModelInfo]):
    """Let the click model of a file or folder (None: the model itself) answer clicks."""

    priority = Priority.WEIGHTS

    path: Path | None


@dataclass(frozen=True, slots=True)
class LoadWeights(Request[WeightsInfo]):
    """Make the weights of ``path`` (None: the shipped ones) the live ones."""

    priority = Priority.WEIGHTS

    path: Path | None
    version: str
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class EncodeImage(Request[ImageEncoded]):
    """Keep ``pixels`` (uint8 [H, W, 3]) under ``image_id`` and encode them."""

    priority = Priority.ENCODE

    image_id: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PredictClasses(Request[Prediction]):
    """Class prediction for an encoded image."""

    priority = Priority.PREDICT

    image_id: str
    extras: PredictionExtras = PredictionExtras()


@dataclass(frozen=True, slots=True)
class PredictWith(Request[OtherPrediction]):
    """Class prediction of an encoded image by other weights, which do not become live.

    Attributes:
        path: their file; None for the shipped ones.
        version: what they are called.
    """

    priority = Priority.ENCODE

    image_id: str
    path: Path | None
    version: str
    device: str = "auto"
    extras: PredictionExtras = PredictionExtras()


@dataclass(frozen=True, slots=True)
class AlterExperts(Request[AlteredPrediction]):
    """Class prediction with experts or heads knocked out or boosted."""

    priority = Priority.INTERVENTION

    image_id: str
    expert_gains: Gains


@dataclass(frozen=True, slots=True)
class PredictPixels(Request[PredictedPixels]):
    """Class prediction for an image that is not kept: ``pixels`` uint8 [H, W, 3]."""

    priority = Priority.SPARE_TIME

    image_id: str
    pixels: NDArray[np.uint8]
    needs_probabilities: bool = False
    extras: PredictionExtras = PredictionExtras()


@dataclass(frozen=True, slots=True)
class ComputeAttention(Request[ExpertMaps]):
    """Attention maps of the class prediction of an encoded image."""

    priority = Priority.ATTENTION

    image_id: str


@dataclass(frozen=True, slots=True)
class ComputeGates(Request[NetworkMaps]):
    """How much detail the gates of an Attention U-Net let through on an image that was shown."""

    priority = Priority.ATTENTION

    image_id: str


@dataclass(frozen=True, slots=True)
class ComputeRow(Request[NetworkMaps]):
    """What a pixel of an image that was shown attends to, in a network whose places attend to each other.

    Attributes:
        xy: the pixel.
        is_followed: whether the attention is followed through all layers, which takes longer.
    """

    priority = Priority.HOVER

    image_id: str
    xy: tuple[float, float]
    is_followed: bool = False


@dataclass(frozen=True, slots=True)
class ComputeRegionAttention(Request[RegionAttention]):
    """The maps of a part of an encoded image, with more tokens."""

    priority = Priority.FINER_MAPS

    image_id: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class MeasureChange(Request[ExpertChange]):
    """What is different on an encoded image with experts changed; no labels are sent."""

    priority = Priority.INFLUENCE

    image_id: str
    expert_gains: Gains


@dataclass(frozen=True, slots=True)
class MeasureShares(Request[ExpertShares]):
    """Experts against classes on an image, pixels uint8 [H, W, 3], that is not kept."""

    priority = Priority.ALL_EXPERTS

    image_id: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ComputePromptAttention(Request[PromptAttention]):
    """What clicks and box attend to on an encoded image."""

    priority = Priority.CLICK_MAPS

    image_id: str
    prompts: PromptSet


@dataclass(frozen=True, slots=True)
class SegmentObject(Request[MaskProposal]):
    """Object mask from prompts on an encoded image.

    Where a zoom has to be encoded first, what is known without it is reported as progress, as a
    `MaskProposal` that is refining.

    Attributes:
        is_preview: nobody has clicked yet; no click goes on from the answer. Only what is known at once is wanted:
            where a click would zoom in, the answer is refining.
        looks_closer: of a preview, that zoom is wanted, too; the same click then finds it done.
        with_candidates: what else may be meant is wanted, too; then nothing is reported before the answer.
        continues: which answer to all but the last click this one goes on from: 0 for the proposal itself, n for
            the nth of its `MaskProposal.candidates`.
    """

    priority = Priority.CLICK
    is_answered_early = True

    image_id: str
    prompts: PromptSet
    is_preview: bool = False
    looks_closer: bool = False
    with_candidates: bool = False
    continues: int = 0


@dataclass(frozen=True, slots=True)
class FindCandidates(Request[CandidatesFound]):
    """Objects that nobody clicked on: everything, or the like of ``examples`` and of ``looks`` of other images.

    Each answer is what a slice has found so far; the same ``search`` on the same image goes on from there.
    ``pixels``, uint8 [H, W, 3], are of an image that was not shown and of which nothing is kept.
    """

    priority = Priority.ATTENTION

    image_id: str
    search: str
    examples: tuple[tuple[Rect, Mask], ...] = ()
    looks: tuple[ObjectLooks, ...] = ()
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class ForgetImage(Request[None]):
    """Drop an image and everything cached for it."""

    image_id: str
