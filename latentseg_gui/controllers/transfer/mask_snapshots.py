"""The mask of an image as it was at one moment, from which any thread makes what is exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable, numbered_labels
from latentseg_gui.document.masks.layers import Arrays, Instances
from latentseg_gui.document.prediction.predicted_objects import taken_over
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, ImageRecord, Labels, Provenance
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks import FORMATS, MaskItem, PairedImage
from latentseg_gui.io.masks.measuring import stored_values
from latentseg_gui.io.naming import picture_name
from latentseg_gui.io.transfer.batch import BatchFolder, BatchItem

_BAND_PIXELS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class MaskSnapshot:
    """What is known of one image.

    Attributes:
        stem: of the files that are written.
        name: of the image inside the files.
        path: its file; None for a pasted one.
        frame: which page of it.
        unpack: gives the labelled mask; None where there is none.
        prediction: what the model says of the rest; None where nobody asked it.
        record: the image, if it is in memory.
        classes: of mask and prediction; what is exported has their numbers instead of their ids.
        probabilities: by class number, uint16 [C, H, W]; None where they were not asked for.
        is_completed: whether the prediction is put where nothing is labelled; else nothing is there.
        makers: title of the click model by object number, of objects that one of others has made.
    """

    stem: str
    name: str
    path: Path | None
    frame: int
    unpack: Callable[[], Arrays] | None
    prediction: Prediction | None
    record: ImageRecord | None
    classes: ClassTable
    probabilities: NDArray[np.uint16] | None = None
    is_completed: bool = True
    makers: Mapping[int, str] = field(default_factory=dict)

    def item(self, formats: Sequence[str]) -> MaskItem:
        """What is exported: what is labelled, completed by the prediction, else background, or not completed.

        Slow: call it in a background thread. The image is read where a format needs it and it is not at hand.

        Raises:
            LatentsegError: if the image is needed and cannot be read, or there is neither mask nor prediction.
        """
        prediction, instances = self.prediction, None
        if self.unpack is not None:
            labels, provenance, instances = _owned(self.unpack())
            if self.is_completed:
                instances = _with_predicted(labels, instances, prediction)
                _complete(labels, provenance, prediction)
        elif not self.is_completed:
            raise LatentsegError(f"Nothing in “{self.name}” was labelled.", action="Label it first.")
        elif prediction is not None:
            labels, instances = prediction.labels, prediction.instances
            provenance = np.full(labels.shape, Provenance.PREDICTED, np.uint8)
        else:
            raise LatentsegError(
                f"“{self.name}” has neither a mask nor a prediction.", action="Predict it first."
            )
        record = self._record_for(formats)
        needs_values = any(FORMATS[name].needs_values for name in formats)
        return MaskItem(
            stem=self.stem,
            labels=numbered_labels(labels, self.classes),
            instances=instances,
            provenance=provenance,
            pixels=None if record is None else record.pixels,
            confidence=None if prediction is None else prediction.confidence,
            probabilities=self.probabilities,
            image_name=self.name,
            version="" if prediction is None or not self.is_completed else prediction.version,
            stored=stored_values(record) if record is not None and needs_values else None,
            is_completed=self.is_completed and prediction is not None,
            stuff=self.classes.stuff,
            makers=self.makers,
        )

    def _record_for(self, formats: Sequence[str]) -> ImageRecord | None:
        picture = PairedImage(self.path, self.frame)
        is_needed = any(FORMATS[name].needs_image(picture) for name in formats)
        if self.record is not None or self.path is None or not is_needed:
            return self.record
        return read_image(self.path, frame=self.frame)


def _owned(arrays: Arrays) -> Arrays:
    """The same, in arrays that may be changed."""
    labels, provenance, instances = arrays
    return np.require(labels, requirements="W"), np.require(provenance, requirements="W"), instances


def _complete(labels: Labels, provenance: NDArray[np.uint8], prediction: Prediction | None) -> None:
    """Puts the prediction, else background, where nothing is labelled; band by band, for that takes no memory."""
    rows = max(1, _BAND_PIXELS // max(1, labels.shape[1]))
    for top in range(0, labels.shape[0], rows):
        band = slice(top, top + rows)
        rest = np.uint8(BACKGROUND) if prediction is None else prediction.labels[band]
        np.copyto(labels[band], rest, where=labels[band] == UNLABELLED)
        if prediction is not None:
            is_nobodys = provenance[band] == Provenance.NONE
            np.copyto(provenance[band], np.uint8(Provenance.PREDICTED), where=is_nobodys)


def _with_predicted(
    labels: Labels, instances: Instances | None, prediction: Prediction | None
) -> Instances | None:
    """Object numbers of a mask and, where nobody has labelled, those of the prediction."""
    if prediction is None or prediction.instances is None:
        return instances
    free = (labels == UNLABELLED) & (prediction.labels != BACKGROUND)
    first = 1 if instances is None else int(instances.max(initial=0)) + 1
    numbers = taken_over(prediction.instances, free, first)
    return numbers if instances is None else np.where(free, numbers, instances)


def snapshot_of(
    document: Document, image_id: str, stem: str, name: str = "", *, is_completed: bool = True
) -> MaskSnapshot:
    """The mask of an image of the document now; cheap, whatever has to be unpacked for it later."""
    record, path, frame = (
        document.records.of(image_id),
        document.images.path(image_id),
        document.images.frame(image_id),
    )
    layer = document.masks.layer(image_id) if document.masks.shape(image_id) is not None else None
    is_labelled = layer is not None and layer.num_labelled > 0
    return MaskSnapshot(
        stem=stem,
        name=name or (image_id if path is None else picture_name(path, frame)),
        path=path,
        frame=frame,
        unpack=layer.snapshot() if layer is not None and is_labelled else None,
        prediction=document.predictions.of(image_id),
        record=record,
        classes=document.classes,
        is_completed=is_completed,
        makers=document.makers.of_image(image_id),
    )


def write_item(folder: BatchFolder, item: BatchItem, snapshot: MaskSnapshot) -> None:
    """Runs in a background thread: all files of an image."""
    folder.write(item, snapshot.item(folder.plan.formats))
