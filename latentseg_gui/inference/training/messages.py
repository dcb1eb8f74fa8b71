"""Requests about learning, and their answers. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.label_rows import LabelsByRow
from latentseg_gui.document.training.compared_networks import NetworksCompared
from latentseg_gui.document.training.learning import LearningSettings
from latentseg_gui.document.training.runs import FineTuneResult, TrainingSample
from latentseg_gui.document.training.uncertain_regions import UncertainRegions
from latentseg_gui.inference.request import Priority, Request


@dataclass(frozen=True, slots=True)
class TrainingPreview:
    """Augmented training crops: pixels uint8 [h, w, 3] and labels uint8 [h, w] each."""

    crops: tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], ...]


@dataclass(frozen=True, slots=True)
class FineTune(Request[FineTuneResult]):
    """Fine-tune a clone of the weights; reports `FineTuneProgress`.

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
        smallest: pixels of the smallest object by class number; -1 for classes without objects.
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
    smallest: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CompareNetworks(Request[NetworksCompared]):
    """Let networks learn one after the other, each from its own start; reports `NetworkProgress`.

    Attributes:
        networks: their names (`NetworkChoice.name`), in order.
        samples: what they learn from, and are measured with.
        class_names: names by class number.
        class_colours: "#rrggbb" by class number.
        folder: where the weights of each are written once all are done; it exists.
        prefix: of the names of those files.
        seconds: time for each network.
        settings: what most users leave alone.
        is_rest_background: whether what nobody labelled on the images is background.
        smallest: pixels of the smallest object by class number; -1 for classes without objects.
    """

    networks: tuple[str, ...]
    samples: tuple[TrainingSample, ...]
    class_names: tuple[str, ...]
    class_colours: tuple[str, ...]
    folder: Path
    prefix: str
    seconds: float = 60.0
    settings: LearningSettings = field(default_factory=LearningSettings)
    is_rest_background: bool = False
    smallest: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FindUncertainRegions(Request[UncertainRegions]):
    """Where in an image the live weights are uncertain.

    Attributes:
        pixels: the image, reduced, uint8 [h, w, 3].
        labelled: where somebody has said what is there, bool [h, w]; nothing is reported there.
        shape: (rows, columns) of the image itself.
    """

    priority = Priority.SPARE_TIME

    image_id: str
    pixels: NDArray[np.uint8]
    labelled: NDArray[np.bool_]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PreviewCrops(Request[TrainingPreview]):
    """Show what training would see.

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
