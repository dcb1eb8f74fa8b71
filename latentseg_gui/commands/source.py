"""What an edit reads: the document itself, or a view of one mask that another thread may work from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from numpy import uint8
from numpy.typing import NDArray

from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.masks.object_marks import NO_MARKS, ObjectMarks
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import Labels


class LayerSource(Protocol):
    """A mask to be read; see `MaskLayer`."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""

    @property
    def labels(self) -> Labels:
        """Class ids, uint8 [H, W]."""

    @property
    def provenance(self) -> NDArray[uint8]:
        """`Provenance` values, uint8 [H, W]."""

    @property
    def instances(self) -> Instances:
        """Object numbers, uint32 [H, W]."""

    @property
    def has_instances(self) -> bool:
        """Whether any object number may be set."""

    @property
    def marks(self) -> ObjectMarks:
        """Which objects are hidden or locked."""


class Masks(Protocol):
    """Masks to be read; see `MaskStore`."""

    def layer(self, image_id: str) -> LayerSource:
        """The mask of an image."""


class LabelledMasks(Masks, Protocol):
    """Masks of which it is known which are not empty."""

    def labelled_ids(self) -> Sequence[str]:
        """The images with at least one pixel that are labelled."""


class PredictionSource(Protocol):
    """Predictions to be read; see `Predictions`."""

    def of(self, image_id: str) -> Prediction | None:
        """What the model says of the image."""


class MaskSource(Protocol):
    """Masks with the classes they are made of; a `Document` is one."""

    @property
    def classes(self) -> ClassTable:
        """The classes, and their ids."""

    @property
    def masks(self) -> Masks:
        """The masks."""

    @property
    def predictions(self) -> PredictionSource:
        """What the model says of the images."""


class MasksSource(Protocol):
    """All masks with the classes they are made of; a `Document` is one."""

    @property
    def classes(self) -> ClassTable:
        """The classes, and their ids."""

    @property
    def masks(self) -> LabelledMasks:
        """The masks."""


@dataclass(frozen=True, slots=True)
class FrozenLayer:
    """What `LayerSource` asks for."""

    shape: tuple[int, int]
    labels: Labels
    provenance: NDArray[uint8]
    instances: Instances
    has_instances: bool
    marks: ObjectMarks = NO_MARKS


@dataclass(frozen=True, slots=True)
class FrozenMask:
    """The mask of one image for another thread: nothing is copied, so what is read may change meanwhile.

    What was made of it counts only while `is_current`.

    Attributes:
        version: of the mask.
    """

    image_id: str
    version: int
    classes: ClassTable
    _layer: FrozenLayer
    _prediction: Prediction | None

    @classmethod
    def frozen(cls, document: Document, image_id: str) -> Self:
        """What an image of a document is now."""
        layer = document.masks.layer(image_id)
        frozen = FrozenLayer(
            layer.shape, layer.labels, layer.provenance, layer.instances, layer.has_instances, layer.marks
        )
        return cls(image_id, layer.version, document.classes, frozen, document.predictions.of(image_id))

    @property
    def masks(self) -> Self:
        """The one mask; see `MaskSource`."""
        return self

    @property
    def predictions(self) -> Self:
        """The prediction of the one image; see `MaskSource`."""
        return self

    def layer(self, image_id: str) -> FrozenLayer:
        """The one mask, whichever image is asked for (of `Masks`)."""
        return self._layer

    def of(self, image_id: str) -> Prediction | None:
        """The one prediction, None without (of `PredictionSource`)."""
        return self._prediction

    def is_current(self, document: Document) -> bool:
        """Whether the mask, and which classes there are and may be changed, is still the same."""
        now, then = document.classes, self.classes
        if not document.images.has(self.image_id) or set(now.named_ids) != set(then.named_ids):
            return False
        layer = document.masks.layer(self.image_id)
        is_same_mask = layer.version == self.version and layer.marks == self._layer.marks
        return is_same_mask and now.locked_ids == then.locked_ids


def next_instance(source: MaskSource, image_id: str) -> int:
    """An object number that the image does not use yet."""
    layer = source.masks.layer(image_id)
    highest = int(layer.instances.max(initial=0)) if layer.has_instances else 0
    return max(highest, layer.marks.highest) + 1
