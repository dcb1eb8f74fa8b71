"""Requests and answers between the window and its child processes. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts import Gains
from latentseg_gui.document.label_rows import LabelsByRow
from latentseg_gui.document.learning import LearningSettings
from latentseg_gui.document.types import Prediction, PromptSet, Rect, TrainingSample


@dataclass(frozen=True, slots=True)
class LoadWeights:
    """Make the weights of ``path`` (None: the shipped ones) the live ones. Answer: `WeightsInfo`."""

    path: Path | None
    version: str
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class EncodeImage:
    """Keep ``pixels`` (uint8 [H, W, 3]) under ``image_id`` and encode them. Answer: `ImageEncoded`."""

    image_id: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ImageEncoded:
    """The image is ready for clicks."""

    image_id: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PredictionExtras:
    """What makes a class prediction better, and slower.

    Attributes:
        mirror: the mean over the image and its mirror image.
        sizes: the mean over three sizes of the image.
        edges: classes follow edges of colour (fully connected CRF).
    """

    mirror: bool = False
    sizes: bool = False
    edges: bool = False


@dataclass(frozen=True, slots=True)
class PredictClasses:
    """Class prediction for an encoded image. Answer: `Prediction`."""

    image_id: str
    extras: PredictionExtras = PredictionExtras()


@dataclass(frozen=True, slots=True)
class PredictWith:
    """Class prediction of an encoded image by other weights, which do not become live. Answer: `OtherPrediction`.

    Attributes:
        path: their file; None for the shipped ones.
        version: what they are called.
    """

    image_id: str
    path: Path | None
    version: str
    device: str = "auto"
    extras: PredictionExtras = PredictionExtras()


@dataclass(frozen=True, slots=True)
class OtherPrediction:
    """What weights that are not live say, in their own classes."""

    prediction: Prediction
    class_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlterExperts:
    """Class prediction with experts or heads knocked out or boosted. Answer: `AlteredPrediction`."""

    image_id: str
    expert_gains: Gains


@dataclass(frozen=True, slots=True)
class PredictPixels:
    """Class prediction for an image that is not kept: ``pixels`` uint8 [H, W, 3]. Answer: `PredictedPixels`."""

    image_id: str
    pixels: NDArray[np.uint8]
    needs_probabilities: bool = False
    extras: PredictionExtras = PredictionExtras()


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
class ComputeAttention:
    """Attention maps of the class prediction of an encoded image. Answer: `AttentionMaps`."""

    image_id: str


@dataclass(frozen=True, slots=True)
class RefineAttention:
    """The maps of a part of an encoded image, with more tokens. Answer: `AttentionPart`."""

    image_id: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """What is different on an encoded image with experts changed; no labels are sent. Answer: `ExpertChange`."""

    image_id: str
    expert_gains: Gains


@dataclass(frozen=True, slots=True)
class MeasureShares:
    """Experts against classes on an image, pixels uint8 [H, W, 3], that is not kept. Answer: `ExpertShares`."""

    image_id: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ComputePromptAttention:
    """What clicks and box attend to on an encoded image. Answer: `PromptAttention`."""

    image_id: str
    prompts: PromptSet


@dataclass(frozen=True, slots=True)
class SegmentObject:
    """Object mask from prompts on an encoded image. Answer: `MaskProposal`.

    Where a closer look has to be encoded first, what is known without it is reported as progress, as a
    `MaskProposal` that is refining.

    Attributes:
        is_preview: only what is known at once is wanted; nothing is encoded and nothing remembered.
    """

    image_id: str
    prompts: PromptSet
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class ForgetImage:
    """Drop an image and everything cached for it. No answer."""

    image_id: str


@dataclass(frozen=True, slots=True)
class FineTune:
    """Fine-tune a clone of the weights. Answers: `FineTuneProgress`..., then `FineTuneResult`.

    Attributes:
        weights: where to start from; None for the shipped ones.
        version: the name that the new version shall have.
        class_names: names by class id after the run.
        seconds: time budget.
        speed: "live", "quick" or "thorough".
        settings: what most users leave alone.
        shown: the image that is looked at: a live refit says at once what it now sees there, as a
            `Prediction` among the progress messages.
        is_rest_background: whether what nobody labelled on the images is background.
        network: that learns (`NetworkChoice.name`); "" for that of ``weights``. Without weights, another than the
            default one learns from nothing.
    """

    weights: Path | None
    version: str
    samples: tuple[TrainingSample, ...]
    class_names: tuple[str, ...]
    class_colours: tuple[str, ...]
    output: Path
    seconds: float = 30.0
    speed: str = "quick"
    settings: LearningSettings = field(default_factory=LearningSettings)
    shown: str = ""
    is_rest_background: bool = False
    network: str = ""


@dataclass(frozen=True, slots=True)
class FindDoubts:
    """Where in an image the live weights are in doubt. Answer: `Doubts`.

    Attributes:
        pixels: the image, reduced, uint8 [h, w, 3].
        labelled: where somebody has said what is there, bool [h, w]; no doubt is reported there.
        shape: (rows, columns) of the image itself.
    """

    image_id: str
    pixels: NDArray[np.uint8]
    labelled: NDArray[np.bool_]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PreviewCrops:
    """Show what training would see. Answer: `TrainingPreview`.

    Attributes:
        samples: a few images to draw from.
        num_classes: C.
        rows: of the labels of all images that would be trained on: they tell together whether they have an
            up, and are not turned then.
        settings: of the training.
        count: how many crops.
    """

    samples: tuple[TrainingSample, ...]
    num_classes: int
    rows: tuple[LabelsByRow, ...] = ()
    settings: LearningSettings = field(default_factory=LearningSettings)
    count: int = 6


@dataclass(frozen=True, slots=True)
class TrainingPreview:
    """Augmented training crops: pixels uint8 [h, w, 3] and labels uint8 [h, w] each."""

    crops: tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], ...]
